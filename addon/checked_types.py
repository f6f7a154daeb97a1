"""Has mitmproxy check the types of a message's parts without an error for each that may be missing.

mitmproxy tries one type after the other and has an error raised for each that does not fit: some 12 for a request and
its answer, which take 70 us. Each leads back to itself and to all that was being done, with the pieces of bodies that
had come, so that these stay until the cyclic collector has passed by. What fits is asked for at once here; of all else
mitmproxy judges itself.
"""

from typing import Any

from mitmproxy.utils import typecheck

_usual = typecheck.check_option_type


def check(name: str, value: Any, typeinfo: Any) -> None:
    """Raise ``TypeError`` if a value is not of a type, as mitmproxy does."""
    try:
        if isinstance(value, typeinfo):
            return
    except TypeError:  # a type with parameters
        pass
    _usual(name, value, typeinfo)


def take_over() -> None:
    """Have types checked so from now on."""
    if typecheck.check_option_type is _usual:
        typecheck.check_option_type = check


def give_back() -> None:
    """Have them checked by mitmproxy alone again."""
    if typecheck.check_option_type is check:
        typecheck.check_option_type = _usual
