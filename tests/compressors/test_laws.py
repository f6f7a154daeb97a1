"""What holds for every compressor, whatever the text."""

import json
import operator
from collections.abc import Callable, Iterator

import blame_lines_decoder
import build_output_decoder
import diff_hunks_decoder
import file_tree_decoder
import html_dom_decoder
import json_records_decoder
import log_lines_decoder
import numbered_lines_decoder
import prose_decoder
import pytest
import report_decoder
import search_hits_decoder
import stack_traces_decoder
import table_rows_decoder
import yaml_records_decoder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_golden import GOLDEN, read

from headroom_mitm import tokens
from headroom_mitm.compressors import COMPRESSORS
from headroom_mitm.compressors.base import Compressed, Compressor, Content, Level

DECODERS: dict[str, tuple[Callable[[str], str], Callable[[str, str], bool]]] = {
    # How the text is turned back, and what "the original" means. JSON comes back as equal values: types, the spelling
    # of numbers and the order of keys count, white space between tokens does not. All else comes back to the byte.
    "blame_lines": (blame_lines_decoder.decode, operator.eq),
    "diff_hunks": (diff_hunks_decoder.decode, operator.eq),
    "file_tree": (file_tree_decoder.decode, operator.eq),
    "html_dom": (html_dom_decoder.decode, html_dom_decoder.same),
    "json_records": (json_records_decoder.decode, json_records_decoder.same),
    "log_lines": (log_lines_decoder.decode, operator.eq),
    "numbered_lines": (numbered_lines_decoder.decode, operator.eq),
    "build_output": (build_output_decoder.decode, operator.eq),
    "stack_traces": (stack_traces_decoder.decode, operator.eq),
    "test_report": (report_decoder.decode, operator.eq),
    "source_code": (str, operator.eq),  # has no lossless form
    "prose": (prose_decoder.decode, operator.eq),
    "search_hits": (search_hits_decoder.decode, operator.eq),
    "table_rows": (table_rows_decoder.decode, operator.eq),
    "yaml_records": (yaml_records_decoder.decode, operator.eq),
}
EXTREMES = {
    "empty": "",
    "blank": " \n\t\n",
    "nul bytes": "\x00" * 500 + "\n" + "line\x00 with NUL\n" * 50,
    "control characters": "\x01\x02\x1b[31mred\x1b[0m 12\x02\n" * 60,
    "lone surrogates": "\ud800 line 17 \udfff\n" * 60,
    "surrogates in JSON": json.dumps([{"id": number, "text": "\ud800", "name": "\udc00 x"} for number in range(40)]),
    "NULs in JSON": json.dumps([{"id": number, "a\x00": "\x00\x01", "b": "1\n\x01"} for number in range(40)]),
    "one line of 1 MB": "word 17 " * 125_000,
    "one JSON line of 1 MB": '{"id": 17, "names": [' + ", ".join(['"a word"'] * 100_000) + "]}",
    "open brackets": "[" * 50_000,
    "closed brackets": "[" * 30_000 + "]" * 30_000,
    "open objects": '{"a":\n' * 20_000,
    "deep records": '{"a":[' * 60 + '{"b": 1}, ' * 50 + '{"b": 2}' + "]}" * 60,
    "truncated JSON": json.dumps([{"id": number, "name": f"n{number}"} for number in range(200)])[:-40],
    "duplicate keys": '[{"id": 1, "id": 2, "name": "x"}, {"id": 1, "name": "y"}]' + " " * 400,
    "no numbers of JSON": "[" + "NaN, Infinity, -Infinity, 01, 1., .5, " * 40 + "1]",
    "carriage returns": "progress 1\rprogress 2\r\nprogress 3\r\n" * 60,
    "line separators": "a\u2028b 1\x85c 2\x0cd\n" * 60,
    "byte order mark": "\ufeff" + json.dumps([{"id": number} for number in range(100)]),
    "legends": "# JSON between ~~~ is shortened\n~~~json\n[1]\n~~~\n" + '{"a": 1, "b": [{"c": 1}, {"c": 2}]}\n' * 30,
    "names of aliases": json.dumps([{"a": f"${number}", "b": "$1/x", "c": "*"} for number in range(60)]),
}
GOLDEN_INPUTS = {f"{path.parent.name}/{path.stem}": read(path)[0].text for path in sorted(GOLDEN.glob("*/*"))}
EXAMPLES = {**EXTREMES, **GOLDEN_INPUTS}

every_compressor = pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda compressor: compressor.name)
every_example = pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES.keys())
generously = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tool_outputs(draw: st.DrawFn) -> str:
    """Texts as tools give them: lines of a few patterns in which something varies, JSON records, oddities."""
    words = st.one_of(
        st.text(max_size=12), st.sampled_from(("ok", "error", "10.0.0.7", "17", "-", "$1", "a,b", "", "~~~"))
    )
    patterns = draw(st.lists(st.lists(words, min_size=1, max_size=5), min_size=1, max_size=3))
    rows = [[*draw(st.sampled_from(patterns)), str(number), draw(words)] for number in range(draw(st.integers(0, 40)))]
    lines = [" ".join(row) for row in rows]
    values = [{f"k{place}": cell for place, cell in enumerate(row)} for row in rows]
    shape = draw(st.sampled_from(("lines", "numbered", "array", "indented", "json lines", "all")))
    made = {
        "lines": "\n".join(lines),
        "numbered": "\n".join(f"{number:>4}\t{line}" for number, line in enumerate(lines, 97)),
        "array": json.dumps(values, ensure_ascii=False),
        "indented": json.dumps({"items": values, "count": len(values)}, indent=2),
        "json lines": "\n".join(map(json.dumps, values)),
    }
    return "\n".join(made.values()) if shape == "all" else made[shape]


def breaches(compressor: Compressor, text: str) -> list[str]:
    """Hold a compressor to its word on one text, at every level; return what it does not keep."""
    content = Content(text)
    found = [] if 0 <= compressor.score(content) <= 1 else ["the score is no share"]
    for level in Level:
        form = compressor.compress(content, level)
        again = compressor.compress(Content(text), level)
        found += [f"{level.name}: {breach}" for breach in _breaches_of(compressor, text, level, form, again)]
    return found


def _breaches_of(
    compressor: Compressor, text: str, level: Level, form: Compressed | None, again: Compressed | None
) -> Iterator[str]:
    if again != form:
        yield "not deterministic"
    if form is None:
        return
    if tokens.count(form.text) >= tokens.count(text):
        yield "not worth its tokens"
    if not form.lossless and level is Level.LOSSLESS:
        yield "left something out unasked"
    if form.lossless == bool(form.left_out):
        yield "what is left out must be said"
    if form.lossless:
        decode, same = DECODERS[compressor.name]
        if not same(text, decode(form.text)):
            yield "the text alone does not give the original back"


@every_compressor
@every_example
def test_known_texts_keep_the_laws(compressor: Compressor, text: str) -> None:
    """Fewer tokens, the same each time, nothing lost where nothing may be lost, and no exception."""
    assert not breaches(compressor, text)


@every_compressor
@generously
@given(text=tool_outputs())
def test_any_text_keeps_the_laws(compressor: Compressor, text: str) -> None:
    assert not breaches(compressor, text)


@every_compressor
@generously
@given(text=st.text(max_size=400))
def test_noise_keeps_the_laws(compressor: Compressor, text: str) -> None:
    assert not breaches(compressor, text)


def test_every_compressor_has_a_decoder() -> None:
    assert set(DECODERS) == {compressor.name for compressor in COMPRESSORS}


@every_compressor
def test_golden_inputs_are_recognised(compressor: Compressor) -> None:
    """A compressor claims the kind of text it is shown with."""
    own = [read(path)[0] for path in sorted(GOLDEN.glob(f"{compressor.name}/*"))]
    assert all(compressor.score(content) > 0 for content in own)
