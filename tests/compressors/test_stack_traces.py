"""Frames and directories are shown once; what is the program's own stays, whatever is left out."""

import pytest
import stack_traces_decoder
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.stack_traces import StackTraces

COMPRESSOR = StackTraces()
PACKAGES = "/srv/shop/.venv/lib/python3.12/site-packages"


def shortened(text: str) -> str:
    """Compress without loss and hold the result to its word."""
    found = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert found is not None
    assert found.lossless
    assert stack_traces_decoder.decode(found.text) == text
    return found.text


def python(places: list[tuple[str, int]], message: str) -> str:
    frames = [f'  File "{path}", line {line}, in run\n    step_{line}()\n    ~~~~~~^^' for path, line in places]
    return "\n".join(["Traceback (most recent call last):", *frames, message])


def java(frames: list[str], message: str) -> str:
    return "\n".join([f"java.lang.IllegalStateException: {message}", *(f"\tat {frame}" for frame in frames)])


LIBRARY = [(f"{PACKAGES}/http_client/part_{n}.py", n) for n in range(10, 22)]
OWN = [("/srv/shop/orders.py", 12), ("/srv/shop/billing.py", 40)]
TRACE = python([*OWN, *LIBRARY, ("/srv/shop/hooks.py", 7), *LIBRARY[:6]], "TimeoutError: no answer from 10.0.0.7")
CALLS = [f"java.base/java.util.stream.Pipeline.step{n}(Pipeline.java:{n})" for n in range(20, 30)]


def test_a_directory_of_many_frames_has_a_name() -> None:
    shown = shortened(TRACE)
    assert f"\n$1 = {PACKAGES}/http_client\n" in shown
    assert '  File "$1/part_10.py", line 10, in run\n' in shown


def test_a_trace_that_comes_again_is_shown_once() -> None:
    traces = [java([*CALLS, "shop.Billing.run(Billing.java:12)"], f"order {n} has no customer") for n in range(8)]
    shown = shortened("\n".join(traces))
    assert shown.count("Pipeline.step20") == 1
    assert "order 7 has no customer\n#1" in shown


def test_recursion_is_a_count() -> None:
    frames = [("/srv/shop/tree.py", 5), ("/srv/shop/node.py", 9)] * 90
    assert "#1 x89" in shortened(python(frames, "RecursionError: maximum recursion depth exceeded"))


def test_frames_that_take_turns_are_a_count() -> None:
    frames = ["shop.Tree.walk(Tree.java:12)", "shop.Node.visit(Node.java:40)"]
    odd = ["shop.Tree.walk(Tree.java:12)", "shop.Tree.start(Tree.java:3)", "shop.Node.visit(Node.java:40)"]
    assert "(#1 #2) x" in shortened(java([*odd, *frames * 60], "stack overflow in walk"))


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD])
def test_own_frames_and_messages_stay_and_foreign_ones_are_counted_in_place(level: Level) -> None:
    found = COMPRESSOR.compress(
        Content(f"{TRACE}\n\nDuring handling of it, another exception occurred:\n\n{TRACE}!"), level
    )
    assert found is not None
    for said in ('File "/srv/shop/orders.py", line 12', "step_40()", "hooks.py", "TimeoutError: no answer", "7!"):
        assert said in found.text
    assert "  [lines 11-40 left out: 10 frames of libraries]" in found.text
    assert not found.lossless
    assert found.left_out == "28 frames of libraries, where notes name their lines, of 133 lines"


def test_the_frame_that_raised_stays_though_it_is_foreign() -> None:
    found = COMPRESSOR.compress(Content(TRACE), Level.HARD)
    assert found is not None
    assert 'part_15.py", line 15, in run\n    step_15()\n    ~~~~~~^^\nTimeoutError: no answer' in found.text


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"    at call{n} (/srv/web/node_modules/express/lib/router/{n}.js:{n}:13)" for n in range(30)),
        "goroutine 1 [running]:\n"
        + "\n".join(f"main.f{n}(0x1)\n\t/srv/go/src/app/f{n}.go:{n} +0x1d" for n in range(30)),
        "\n".join(f"\tfrom /usr/lib/ruby/gems/3.0/gems/rack/call_{n}.rb:{n}:in `call'" for n in range(30)),
        "\n".join(
            f"   at Shop.Orders.Run{n}(String id) in C:\\build\\shop\\orders\\Run{n}.cs:line {n}" for n in range(30)
        ),
        "\n".join(f"  {n}: shop::run::{n}\n             at ./src/orders/of/many/run_{n}.rs:{n}:5" for n in range(30)),
    ],
    ids=["node", "go", "ruby", "c#", "rust"],
)
def test_frames_of_many_languages_are_known(text: str) -> None:
    assert COMPRESSOR.score(Content(text)) > 0.8
    form = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert form is None or stack_traces_decoder.decode(form.text) == text


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"2025-01-01 12:00:{n} ERROR lost\n{java(CALLS[:1], 'x')}" for n in range(10, 50)),
        "def run():\n    return 1\n\n\n" * 30,
        "at the end of the day\nall is well at last (1)\n" * 3 + "words\n" * 60,
    ],
    ids=["log", "code", "prose"],
)
def test_other_texts_are_not_claimed(text: str) -> None:
    assert COMPRESSOR.score(Content(text)) == 0


@pytest.mark.parametrize("odd", ["x3 a", "#1", "#2| b", "(#1 #2) x3", "$1/a", "$1 = /srv/x", "C:\\a\\b\\$2\\c", ""])
def test_what_looks_like_notation_comes_back(odd: str) -> None:
    text = "\n".join([odd, TRACE, odd, TRACE, odd])
    assert stack_traces_decoder.decode(shortened(text)) == text


_words = st.text("a/$1\\#x (|)", max_size=6)
_forms = st.sampled_from(
    [
        '  File "/srv/shop/.venv/lib/{}.py", line 5, in run',
        "    at {} (/srv/web/node_modules/express/{}.js:5:7)",
        "\tat java.util.stream.Pipeline.{}(Pipeline.java:30)",
        "C:\\build\\shop\\orders\\{}",
        "{}",
    ]
)


@given(rows=st.lists(st.tuples(_forms, st.lists(_words, min_size=1, max_size=3)), min_size=4, max_size=30))
def test_it_is_exact(rows: list[tuple[str, list[str]]]) -> None:
    """Whatever stands between frames, and whatever they are called."""
    text = "\n".join(form.replace("{}", word) for form, words in rows for word in words)
    form = COMPRESSOR.compress(Content(text, count=lambda text: 1 if text.startswith("[No") else 9), Level.LOSSLESS)
    assert form is None or stack_traces_decoder.decode(form.text) == text


@pytest.mark.parametrize(
    "frame",
    [
        "#{}  0x00007ffff7a42 in raise () from /lib/libc.so.6",
        "#{} main (argc=1) at src/main.c:12",
        "#{} /srv/shop/Order.php(41): Shop\\Order->total()",
        "#{}      main.<anonymous closure> (file:///srv/test/a_test.dart:12:5)",
    ],
)
def test_numbered_frames_are_known(frame: str) -> None:
    assert COMPRESSOR.score(Content("\n".join(map(frame.format, range(20))))) > 0


@pytest.mark.parametrize(
    "step", ["#8 {}.7 Get:1 http://deb.example.org/debian libc6", "#{} DONE 0.1s", "#{} [2/7] RUN make"]
)
def test_steps_of_docker_are_no_frames(step: str) -> None:
    assert COMPRESSOR.score(Content("\n".join(map(step.format, range(60))))) == 0
