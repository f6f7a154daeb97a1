"""headroom-mitm: a mitmproxy addon that makes LLM traffic cheaper without the client knowing."""

from pathlib import Path

__version__ = "0.1.0"

# In a checkout the compressors stand beside this folder, not in it; installed, they are an ordinary subpackage.
_HERE = Path(__file__).resolve().parent
if not (_HERE / "compressors").is_dir():
    __path__ = [*__path__, str(_HERE.parent)]
