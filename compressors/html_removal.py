"""Parts of a page that no reader sees: scripts, styles, comments."""

from typing import NamedTuple

from lxml import etree

from headroom_mitm.compressors.html_tables import Element


class Removed(NamedTuple):
    """How many of each there were, and their characters."""

    scripts: tuple[int, int]
    styles: tuple[int, int]
    comments: tuple[int, int]

    def in_words(self) -> list[str]:
        """Return what was removed, such as ``14 scripts (81,204 characters)``."""
        return [
            f"{count} {name if count > 1 else name[:-1]} ({size:,} characters)"
            for name, (count, size) in zip(self._fields, self, strict=True)
            if count
        ]


def remove(root: Element) -> Removed:
    """Take scripts, styles and comments out of a tree, and count them."""
    removed = Removed(_size(root, "script"), _size(root, "style"), _size(root, etree.Comment))
    etree.strip_elements(root, "script", "style", etree.Comment, etree.PI, with_tail=False)
    return removed


def _size(root: Element, tag: object) -> tuple[int, int]:
    texts = [element.text or "" for element in root.iter(tag)]
    return len(texts), sum(map(len, texts))
