"""The README is true: its table of options is the code's, and what it points to is there."""

import re
from pathlib import Path

from headroom_mitm.settings import OPTIONS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_options_table_is_the_code_s() -> None:
    """Every option stands in the table with its default and its help, in the code's order, and no other."""
    rows = re.findall(r"^\| `(headroom_\w+)` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)
    assert rows == [(option.name, _written(option.default), option.help.replace("|", "\\|")) for option in OPTIONS]


def test_links_point_to_files() -> None:
    """A relative link leads somewhere."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_figures_name_the_command_that_makes_them() -> None:
    """Each block of figures comes with a command."""
    figures = README.split("## Figures")[1].split("\n## ")[0]
    blocks = re.split(r"^### ", figures, flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.splitlines()[0] for block in blocks if "scripts/" not in block] == []


def _written(default: object) -> str:
    return f"`{default}`" if default else "none" if default == [] else "empty"
