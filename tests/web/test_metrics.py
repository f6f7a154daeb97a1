"""Figures in Prometheus's text format: one sample a line, labels escaped, unknown money left out."""

import re

import pytest
from sample_sources import NOT_HTML, report, sources

from headroom_mitm.ledger import Report, Sums
from headroom_mitm.web.metrics import exposition
from headroom_mitm.web.page import make_app

SAMPLE = re.compile(r'([a-z_0-9]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (-?[0-9.e+-]+)')


def samples(text: str) -> dict[tuple[str, str], float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = [SAMPLE.fullmatch(line) for line in lines]
    assert all(found), lines
    return {(match[1], match[2]): float(match[3]) for match in found if match}


def test_every_line_is_a_sample_or_says_what_it_is() -> None:
    found = samples(exposition(report("", ""), "1.0"))
    assert found["headroom_requests_total", 'model="gpt-5"'] == 13
    assert found["headroom_tokens_total", 'model="gpt-5",kind="output"'] == 9_000
    assert found["headroom_result_tokens_total", 'tool="Bash:pytest",side="after"'] == 50_000
    assert found["headroom_paid_dollars_total", 'model="gpt-5"'] == pytest.approx(1.25)


def test_unknown_money_is_left_out() -> None:
    found = samples(exposition(report("", ""), "1.0"))
    assert ("headroom_requests_total", f'model="{NOT_HTML}"') in found
    assert ("headroom_paid_dollars_total", f'model="{NOT_HTML}"') not in found


def test_names_cannot_break_a_line() -> None:
    odd = 'a"} 1\nheadroom_fake{x="\\'
    given = Report("", "", "", by_model={odd: Sums(requests=1)})
    assert not any(name == "headroom_fake" for name, _ in samples(exposition(given, "1.0")))


@pytest.mark.parametrize(("on", "status"), [(True, 200), (False, 404)])
def test_they_are_there_where_they_are_wanted(on: bool, status: int) -> None:
    given = sources()
    state = {**given.state(), "metrics": on}
    object.__setattr__(given, "state", lambda: state)
    with make_app(given).test_client() as client:
        answer = client.get("/metrics")
    assert answer.status_code == status
    if on:
        assert answer.content_type.startswith("text/plain; version=0.0.4")
        assert samples(answer.text)
