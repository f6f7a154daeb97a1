"""An output of several commands is taken apart where the text or the command says so, and nowhere else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.parts import Part, split

SPLIT: dict[str, tuple[str, list[tuple[str, str | None]]]] = {
    "head of two files": (
        "head -n 2 a.py b.py",
        [("==> a.py <==\n", None), ("import a\n", "cat a.py"), ("\n==> b.py <==\n", None), ("import b\n", "cat b.py")],
    ),
    "a line that the command prints": (
        'git diff --stat && echo "---" && git diff',
        [("a.py | 2 +-", "git diff --stat"), ("\n---\n", None), ("-old\n---x\n+new", "git diff")],
    ),
    "two lines that it prints": (
        "ls; echo '=== log ==='; tail log; echo '=== end ==='; wc log",
        [("log", "ls"), ("\n=== log ===\n", None), ("started", "tail log"), ("\n=== end ===\n", None), ("1", "wc log")],
    ),
    "a loop over files": (
        'for f in *.py; do echo "=== $f ==="; cat $f; done',
        [("=== a.py ===\n", None), ("import a", "cat a.py"), ("\n=== b.py ===\n", None), ("import b", "cat b.py")],
    ),
    "a loop over commands": (
        'for p in a b; do echo "## ${p} ##"; git log $p; done',
        [("## a ##\n", None), ("first", 'for p in a b; do echo "## ${p} ##"; git log $p; done')],
    ),
    "files in tags": (
        "",
        [
            ('<file path="a.py">\n', None),
            ("import a", "cat a.py"),
            ("\n</file>", None),
            ('\n<file path="b.py">\n', None),
            ("import b", "cat b.py"),
            ("\n</file>", None),
        ],
    ),
    "documents": (
        "search ships",
        [
            ("<documents>", "search ships"),
            ('\n<document index="1">\n<source>a.md</source>\n<document_content>\n', None),
            ("# Ships", "cat a.md"),
            ("\n</document_content>\n</document>\n</documents>", None),
        ],
    ),
    "put together by the client": (
        "ls /w",
        [("a.py", "ls /w"), ("\n</tool_response>\n<tool_response>\n", None), ("b.py", "ls /w")],
    ),
    "cut by the client": (
        "pytest",
        [
            ("collected", "pytest"),
            ("\n</output_head>\n<elided_chars>\n42 characters elided\n</elided_chars>\n<output_tail>\n", None),
            ("passed", "pytest"),
        ],
    ),
}


@pytest.mark.parametrize(("subject", "parts"), SPLIT.values(), ids=SPLIT.keys())
def test_parts_are_found(subject: str, parts: list[tuple[str, str | None]]) -> None:
    assert split("".join(text for text, _ in parts), subject) == [Part(*part) for part in parts]


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("=== FAILURES ===\na\n=== 1 failed ===\n", "pytest"),
        ("first\n---\nlast", "cat a.md"),
        ("one\ndone\ntwo", 'make; echo "done"; ls'),
        ("one\n== 3\ntwo", 'make; echo "== $(wc -l < a)"; ls'),
        ("text\n<file path='a'>\nx\n</file>", "cat page.xml"),
        ("a ==> b <==\n", "head a b"),
        ("==> a <==\nx\n" * 300, "head *"),
        ("", ""),
    ],
    ids=["a report", "a ruler", "a word", "a command inside", "a tag inside", "inside a line", "many", "nothing"],
)
def test_content_alone_proves_nothing(text: str, subject: str) -> None:
    assert split(text, subject) == [Part(text, subject)]


PIECES = sorted({piece for _, parts in SPLIT.values() for piece, _ in parts} | {"\n", "---", "\0", "\ud800"})
SUBJECTS = sorted(
    {subject for subject, _ in SPLIT.values()} | {'echo "', "echo '\\'; echo \"(?P<p0>\"", 'echo "$a$b--"'}
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join), st.sampled_from(SUBJECTS))
def test_the_parts_are_the_text(text: str, subject: str) -> None:
    """However separators are stacked or broken, nothing is lost and nothing twice."""
    assert "".join(part.text for part in split(text, subject)) == text


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    "unit", ["==> ", "\n==> a", "<file ", "\n</file>", "=== ", "\n---", "\n</output_head>\n<elided_chars>"]
)
def test_the_cost_grows_with_the_text_at_most(unit: str, subject: str) -> None:
    def seconds(count: int) -> float:
        runs = []
        for _ in range(3):
            begun = time.thread_time()
            split("<file>\n" + unit * count, subject)
            runs.append(time.thread_time() - begun)
        return min(runs)

    assert seconds(40_000) < 60 * seconds(4_000) + 0.05
