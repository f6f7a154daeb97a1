"""Forms: fields in the words of their markup, with what is needed to fill them in."""

from collections.abc import Iterator

from headroom_mitm.compressors.html_tables import Element, text_of

_SHOWN = (
    *("action", "method", "type", "name", "value", "placeholder", "min", "max", "pattern", "accept", "list"),
    *("aria-label", "required", "checked", "multiple", "disabled", "readonly"),
)
_SWITCHES = frozenset(_SHOWN[-5:])
_DEFAULTS = {"type": "text", "method": "get"}
_IDLE = frozenset(
    ("<input>", "<input type=checkbox>", "<input type=hidden>", "<input type=image>", "<button>", "<form>")
)
"""Tags that say nothing to who fills in a form."""
_LONGEST_VALUE = 120  # characters


def field_tag(element: Element) -> str:
    """Return a tag with the attributes that concern who fills in a form; long values are cut with a note."""
    if element.get("type") == "hidden" and not element.get("name"):
        return ""
    tag = f"<{' '.join([element.tag, *_attributes(element)])}>"
    return "" if tag in _IDLE else tag


def _attributes(element: Element) -> Iterator[str]:
    for name in _SHOWN:
        value = element.get(name)
        if value is None or _DEFAULTS.get(name) == value.lower():
            continue
        if name in _SWITCHES:
            yield name
        elif value.strip() and not (name == "aria-label" and value == element.get("placeholder")):
            yield f"{name}={_value(value)}"


def _value(value: str) -> str:
    text = " ".join(value.split())
    if len(text) > _LONGEST_VALUE:
        half = _LONGEST_VALUE // 2
        text = f"{text[:half]}…({len(text) - half:,} more characters)"
    return text if text.isalnum() or not set(text) & set(" \"'<>=") else f'"{text}"'


def choices(element: Element) -> str:
    """Return the options of a list, with what is sent for them where that is not their text."""
    return ", ".join(_choice(option) for option in element.iter("option"))


def _choice(option: Element) -> str:
    text = text_of(option) or option.get("label") or ""
    value = option.get("value")
    sent = "" if value is None or value == text else f"={_value(value)}"
    return f"{text}{sent}{' (selected)' if option.get('selected') is not None else ''}"
