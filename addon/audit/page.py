"""Findings as one page that needs nothing else: light and dark, narrow and wide, by keyboard and by ear."""

from html import escape

from headroom_mitm import __version__
from headroom_mitm.audit.findings import Findings
from headroom_mitm.audit.telling import NOTES, Row, Table, summary, tables, warnings

_HOW = "how"
"""Heads a column of words, for which a narrow screen has no place."""
_WORDS = ' class="words"'
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --ground: #ffffff; --stay: #2f6fb3;
  --less: #8ccf9b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9aa5b1; --line: #30363d; --ground: #0d1117;
  --stay: #5b9bd9; --less: #2f7d43; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 0; }
p, caption { color: var(--soft); text-align: left; margin: 0.25rem 0 0.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0; }
dt { font-weight: 600; } dd { margin: 0; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--stay); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th:first-child, .words { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
th[scope=row] { font-weight: 400; }
.bar { display: flex; width: 10rem; height: 0.75rem; } .bar span { display: block; }
.stay { background: var(--stay); } .less { background: var(--less); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: 0.5rem; }
  th, td { padding-right: 0.4rem; font-size: 0.9rem; } th:first-child { min-width: 5rem; }
  .bars, .words { display: none; } }
"""


def page(found: Findings) -> str:
    """Return the page."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(said)}</dd>" for name, said in summary(found))
    said = "".join(f"<p>{escape(note)}</p>" for note in (*warnings(found), *NOTES))
    body = f"<dl>{rows}</dl>{_legend()}{''.join(map(_table, tables(found)))}" if found.requests else _nothing()
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Where the tokens go</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>Where the tokens go</h1>{body}<h2>Notes</h2>{said}"
        f"<p>headroom-mitm {escape(__version__)}, prices of {escape(found.prices)}</p></main></body></html>\n"
    )


def _nothing() -> str:
    return "<p>No requests to LLM hosts were found.</p>"


def _legend() -> str:
    return (
        '<p class="bars">Bars: <span class="stay">&emsp;</span> what would have stayed, '
        '<span class="less">&emsp;</span> what would have been saved.</p>'
    )


def _table(table: Table) -> str:
    heads = "".join(
        f'<th scope="col"{_WORDS if head == _HOW else ""}>{escape(head) or "name"}</th>' for head in table.heads
    )
    rows = "".join(_row(row, table) for row in table.rows)
    name = escape(table.title)
    return (
        f'<section><h2>{name}</h2><div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f"<table><caption>{escape(table.about)}</caption><thead><tr>{heads}"
        f'<td class="bars"></td></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _row(row: Row, table: Table) -> str:
    first, *rest = row.cells
    cells = "".join(
        f"<td{_WORDS if head == _HOW else ''}>{escape(cell)}</td>"
        for head, cell in zip(table.heads[1:], rest, strict=True)
    )
    return f'<tr><th scope="row">{escape(first)}</th>{cells}<td class="bars">{_bar(row, table.largest)}</td></tr>'


def _bar(row: Row, largest: float) -> str:
    """Return a bar; its figures stand beside it, so that nobody needs to see it."""
    whole = 100 * max(0.0, row.size) / largest if largest else 0.0
    less = min(whole, 100 * max(0.0, row.saved) / largest) if largest else 0.0
    return (
        f'<div class="bar" aria-hidden="true"><span class="stay" style="width:{whole - less:.1f}%"></span>'
        f'<span class="less" style="width:{less:.1f}%"></span></div>'
    )
