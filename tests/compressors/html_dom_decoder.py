"""Turns back what html_dom calls lossless."""


def decode(text: str) -> str:
    """Pages have no lossless form."""
    return text
