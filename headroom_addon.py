"""``mitmdump -s headroom_addon.py``, installed or not. There is nothing to see here: the addon is addon/plugin.py."""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("headroom_mitm") is None:
    here = Path(__file__).resolve().parent / "addon"
    spec = importlib.util.spec_from_file_location(
        "headroom_mitm", here / "__init__.py", submodule_search_locations=[str(here)]
    )
    sys.modules["headroom_mitm"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["headroom_mitm"])

from headroom_mitm.plugin import Headroom

addons = [Headroom()]
