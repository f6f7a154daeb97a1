"""Outlines of source files: what stays is verbatim and in place, what goes is named by its lines."""

import re

import pytest
from test_golden import GOLDEN, read

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.source_code import SourceCode
from headroom_mitm.compressors.source_languages import GRAMMAR_OF_SUFFIX, parser

COMPRESSOR = SourceCode()
GAP = re.compile(r"\s*\[lines (\d+)-(\d+) left out(?:; (.+))?\]")
STEPS = "\n".join(f"    step_{number}(1);" for number in range(40))
BRACES = f"{{\n{STEPS}\n}}"

# A constant that stays, the line that opens a function that stays, and the rest of the function.
SOURCES = {
    "a.py": ("LIMIT = 7", "def run(first, second):", STEPS.replace(";", "")),
    "a.js": ("const LIMIT = 7;", "export function run(first, second) {", f"{STEPS}\n}}"),
    "a.ts": ("const LIMIT: number = 7;", "export const run = (first: number): void => {", f"{STEPS}\n}};"),
    "a.tsx": ("const LIMIT = 7;", "export function Run({ first }: Props) {", f"{STEPS}\n    return <b>x</b>;\n}}"),
    "a.go": ("const Limit = 7", "func Run(first int) error {", f"{STEPS}\n}}"),
    "a.rs": ("const LIMIT: u8 = 7;", "pub fn run(first: u8) {", f"{STEPS}\n}}"),
    "A.java": ("class A { static final int LIMIT = 7;", "  public void run(int first) {", f"{STEPS}\n}}\n}}"),
    "a.c": ("#define LIMIT 7", "static int run(int first) {", f"{STEPS}\n}}"),
    "a.cpp": ("constexpr int limit = 7;", "void A::run(int first) {", f"{STEPS}\n}}"),
    "A.cs": ("class A { const int Limit = 7;", "  public void Run(int first) {", f"{STEPS}\n}}\n}}"),
    "a.rb": ("LIMIT = 7", "def run(first)", f"{STEPS}\nend"),
    "a.php": ("<?php\nconst LIMIT = 7;", "function run(int $first): void {", f"{STEPS}\n}}"),
    "a.kt": ("const val LIMIT = 7", "fun run(first: Int) {", f"{STEPS}\n}}"),
    "a.swift": ("let limit = 7", "func run(first: Int) {", f"{STEPS}\n}}"),
    "a.scala": ("val limit = 7", "def run(first: Int): Unit = {", f"{STEPS}\n}}"),
    "a.sh": ("LIMIT=7", "run() {", STEPS.replace("(1);", " 1") + "\n}"),
}


def named(said: str) -> list[tuple[int, str]]:
    """Return the lines that a note names, with their numbers from 1."""
    parts = [part.split(" ", part.count(", ") + 1) for part in said.split(" | ") if said]
    return [(int(number.rstrip(",")), part[-1]) for part in parts for number in part[:-1]]


def outlined(text: str, subject: str, level: Level = Level.LIGHT, tool: str = "Read") -> str:
    """Return the outline of a text, after a check that it is the text but for the gaps it names."""
    found = COMPRESSOR.compress(Content(text, tool, subject), level)
    assert found is not None
    assert not found.lossless
    lines = text.split("\n")
    at = gone = 0
    for line in found.text.split("\n"):
        gap = GAP.fullmatch(line)
        if gap:
            assert int(gap[1]) == at + 1
            gone += int(gap[2]) - at
            for number, told in named(gap[3] or ""):
                assert at < number <= int(gap[2])
                assert lines[number - 1].strip() == told
            at = int(gap[2])
        else:
            assert line == lines[at]
            at += 1
    assert at == len(lines)
    assert found.left_out.startswith(f"{gone} of {len(lines)} lines: ")
    return found.text


@pytest.mark.parametrize("path", SOURCES)
def test_the_inside_of_functions_goes(path: str) -> None:
    """In every language: constants, signatures and how a body begins stay."""
    constant, signature, rest = SOURCES[path]
    text = outlined(f"{constant}\n\n{signature}\n{rest}\n\n{constant}\n" + "\n" * 30, path)
    assert f"{constant}\n\n{signature}\n    step_0" in text
    assert "step_1(" in text or "step_1 " in text
    assert "step_20" not in text
    assert text.count(constant) == 2


def test_every_suffix_has_its_grammar() -> None:
    assert all(parser(suffix) is not None for suffix in GRAMMAR_OF_SUFFIX)


def test_functions_inside_go_before_the_one_around_them() -> None:
    """A test suite is one function that holds all cases; which cases there are must stay to be seen."""
    cases = "\n".join(f"  it('does {n}', () => {{\n{STEPS}\n  }});" for n in range(3))
    text = f"describe('all', () => {{\n{cases}\n}});\n"
    assert all(f"it('does {n}'" in outlined(text, "a.test.js") for n in range(3))
    assert "it('does 1'" not in outlined(text, "a.test.js", Level.HARD)


def test_a_body_that_does_not_parse_stays() -> None:
    good = f"function good() {BRACES}"
    text = outlined(f"{good}\nfunction bad() {BRACES.replace('step_7(1);', 'step_7(1;;')}\n{good}\n", "a.js")
    assert text.count("step_20") == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (Content("x", "Read", "src/a.js", fresh_read=True), "an edit comes next"),
        (Content("x", "Bash", "sed -n 1,200p src/a.js"), "a range was asked for"),
        (Content("x", "Bash", "head -200 src/a.js"), "a range was asked for"),
        (Content("x", "Bash", "grep -n step src/a.js"), "these are hits"),
        (Content("x", "Read", "notes.txt"), "no source"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.subject,
)
def test_what_is_never_shortened(content: Content, why: str) -> None:
    text = "\n".join(f"function f{n}() {BRACES}" for n in range(5))
    source = Content(text, content.tool, content.subject, content.fresh_read)
    assert COMPRESSOR.score(source) == 0 or COMPRESSOR.compress(source, Level.HARD) is None, why


def test_a_read_of_a_part_keeps_all_its_lines() -> None:
    """Numbers that do not begin at 1 say that the client asked for a range."""
    lines = "\n".join(f"function f{n}() {BRACES}" for n in range(5)).split("\n")
    part = "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 40))
    assert COMPRESSOR.compress(Content(part, "Read", "src/a.js"), Level.HARD) is None


@pytest.mark.parametrize("subject", ["cat src/a.js", "cd /x && cat src/a.js", "git show HEAD:src/a.js", "src/a.js"])
def test_whole_files_come_from_several_commands(subject: str) -> None:
    text = outlined("\n".join(f"function f{n}() {BRACES}" for n in range(5)), subject, tool="Bash")
    assert text.count("function f") == 5
    assert "step_20" not in text


def test_harder_levels_show_less() -> None:
    for path in sorted((GOLDEN / "source_code").glob("*")):
        content, _, _ = read(path)
        found = [COMPRESSOR.compress(content, level) for level in (Level.LIGHT, Level.MEDIUM, Level.HARD)]
        sizes = [len(form.text) for form in found if form]
        assert len(sizes) == 3
        assert sizes == sorted(sizes, reverse=True)
