"""Fuzzers begin with what other tests are made of."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("wire", "compressors", "store")]
