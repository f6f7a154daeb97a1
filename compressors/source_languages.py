"""Which grammar reads a file, by its suffix, and what a function is called in that grammar.

Grammars are the official wheels of tree-sitter; each is loaded when the first file of its language passes.
"""

import functools
import importlib
from typing import NamedTuple

from tree_sitter import Language, Parser


class Grammar(NamedTuple):
    """How a language is parsed."""

    module: str
    """Python package of the grammar."""
    function: str = "language"
    """Function of the package that gives the grammar."""


_PYTHON = Grammar("tree_sitter_python")
_JAVASCRIPT = Grammar("tree_sitter_javascript")
_TYPESCRIPT = Grammar("tree_sitter_typescript", "language_typescript")
_C = Grammar("tree_sitter_c")
_CPP = Grammar("tree_sitter_cpp")
_RUBY = Grammar("tree_sitter_ruby")
_BASH = Grammar("tree_sitter_bash")
_SCALA = Grammar("tree_sitter_scala")
_KOTLIN = Grammar("tree_sitter_kotlin")

GRAMMAR_OF_SUFFIX: dict[str, Grammar] = {
    ".py": _PYTHON,
    ".pyi": _PYTHON,
    ".js": _JAVASCRIPT,
    ".jsx": _JAVASCRIPT,
    ".mjs": _JAVASCRIPT,
    ".cjs": _JAVASCRIPT,
    ".ts": _TYPESCRIPT,
    ".mts": _TYPESCRIPT,
    ".cts": _TYPESCRIPT,
    ".tsx": Grammar("tree_sitter_typescript", "language_tsx"),
    ".go": Grammar("tree_sitter_go"),
    ".rs": Grammar("tree_sitter_rust"),
    ".java": Grammar("tree_sitter_java"),
    ".c": _C,
    ".h": _CPP,
    ".cc": _CPP,
    ".cpp": _CPP,
    ".cxx": _CPP,
    ".hh": _CPP,
    ".hpp": _CPP,
    ".cs": Grammar("tree_sitter_c_sharp"),
    ".rb": _RUBY,
    ".rake": _RUBY,
    ".php": Grammar("tree_sitter_php", "language_php"),
    ".kt": _KOTLIN,
    ".kts": _KOTLIN,
    ".swift": Grammar("tree_sitter_swift"),
    ".scala": _SCALA,
    ".sc": _SCALA,
    ".sh": _BASH,
    ".bash": _BASH,
    ".css": Grammar("tree_sitter_css"),
}

FUNCTIONS = frozenset(
    [
        "function_definition",  # Python, C, C++, PHP, Scala, Bash
        "function_declaration",  # JavaScript, TypeScript, Go, Kotlin, Swift
        "generator_function_declaration",
        "function_expression",
        "arrow_function",
        "method_definition",  # JavaScript, TypeScript
        "method_declaration",  # Go, Java, C#, PHP
        "constructor_declaration",  # Java, C#
        "compact_constructor_declaration",
        "destructor_declaration",
        "operator_declaration",
        "local_function_statement",
        "func_literal",
        "function_item",  # Rust
        "method",  # Ruby
        "singleton_method",
        "secondary_constructor",  # Kotlin
        "anonymous_initializer",
        "init_declaration",  # Swift
        "deinit_declaration",
    ]
)
BODIES = frozenset(["function_body", "block", "statement_block", "compound_statement", "body_statement"])
"""What a function's body is called where it is no field of its own."""
LITERALS = frozenset(
    ["array", "object", "list", "dictionary", "set", "hash", "array_creation_expression", "initializer_list"]
)
COMMENTS = frozenset(["comment", "line_comment", "block_comment", "multiline_comment"])


@functools.cache
def language(grammar: Grammar) -> Language | None:
    """Return a grammar; None where its package is not installed or too old for this tree-sitter."""
    try:
        return Language(getattr(importlib.import_module(grammar.module), grammar.function)())
    except (ImportError, AttributeError, ValueError):
        return None


def parser(suffix: str) -> Parser | None:
    """Return a parser for a file with this suffix; None for other files."""
    grammar = GRAMMAR_OF_SUFFIX.get(suffix)
    found = language(grammar) if grammar else None
    return Parser(found) if found else None
