"""Which results are files: the model may edit what it has read, and an edit must name its text exactly."""

import time

import pytest

from headroom_mitm.file_reads import is_worked_on, path_of
from headroom_mitm.segments import Call

READS = {
    ("Read", "/w/a.py"): "/w/a.py",
    ("mcp__fs__read_text_file", "a.py"): "a.py",
    ("get_file_contents", "a.py"): "a.py",
    ("Bash", "cat /w/a.py"): "/w/a.py",
    ("Bash", "cd /w && cat 'a.py'"): "a.py",
    ("bash", "sed -n '10,20p' a.py"): "a.py",
    ("bash", "cat -n a.py | sed -n '10,20p'"): "a.py",
    ("bash", "cat a.py | head -n 50"): "a.py",
    ("bash", "open src/A.java 93"): "src/A.java",
    ("str_replace_editor", "view /w/a.py [1, 9]"): "/w/a.py",
    ("str_replace_based_edit_tool", "str_replace /w/a.py"): "/w/a.py",
}
OTHERS = [
    ("Bash", "make"),
    ("Bash", "cat a.py | grep def"),
    ("Bash", "cat a.json | jq .name"),
    ("Bash", "cat a.py; make"),
    ("Bash", "cat a.py > b.py"),
    ("Bash", "open the door and see"),
    ("Bash", "view /w/a.py"),
    ("WebFetch", "https://example.org/a.py"),
    ("read", "https://example.org/a.py"),
    ("Grep", "def main"),
    ("Bash", ""),
]


@pytest.mark.parametrize(("name", "subject"), READS)
def test_a_call_that_reads_a_file_names_it(name: str, subject: str) -> None:
    assert path_of(Call("c1", name, subject)) == READS[name, subject]


@pytest.mark.parametrize(("name", "subject"), OTHERS)
def test_other_calls_read_no_file(name: str, subject: str) -> None:
    assert path_of(Call("c1", name, subject)) == ""


def test_a_file_is_worked_on_where_another_call_names_it() -> None:
    read = Call("c1", "Read", "/w/a.py")
    assert is_worked_on("/w/a.py", read, [read, Call("c2", "Bash", "python a.py")])
    assert not is_worked_on("/w/a.py", read, [read, Call("c2", "Bash", "python b.py")])


@pytest.mark.parametrize("unit", ["cat ", "cat a ", "| head ", "' ", "cd a && ", "open "])
def test_the_cost_stays_small(unit: str) -> None:
    """A subject has 400 characters at most."""

    def seconds(size: int) -> float:
        call = Call("c1", "Bash", "cat " + (unit * size)[:size])
        runs = []
        for _ in range(5):
            begun = time.thread_time()
            path_of(call)
            runs.append(time.thread_time() - begun)
        return min(runs)

    assert seconds(400) < 100 * seconds(40) + 0.01
