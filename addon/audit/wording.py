"""How figures are written for people."""


def count(number: float) -> str:
    """Return tokens: ``950``, ``41.2k``, ``3.4M``."""
    for limit, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if abs(number) >= limit:
            return f"{number / limit:.1f}{unit}"
    return f"{number:.0f}"


def money(dollars: float) -> str:
    """Return dollars, with as many digits as say something."""
    digits = 0 if abs(dollars) >= 1_000 else 2 if abs(dollars) >= 1 or not dollars else 4
    sign = "-" if dollars < 0 and round(dollars, digits) else ""
    return f"{sign}${abs(dollars):,.{digits}f}"


def share(part: float, whole: float) -> str:
    """Return a percentage; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "-"


def times(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
