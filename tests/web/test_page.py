"""The page's JSON, without a browser: what is asked for is checked, and nobody sees another user's texts."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sample_sources import LOG, sources

from headroom_mitm.web.page import make_app


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    with make_app(sources()).test_client() as client:
        yield client


def test_texts_of_the_proxys_users_are_not_on_the_page(client: FlaskClient) -> None:
    """Whoever opens it may be another of them."""
    assert [one["id"] for one in client.get("/api/requests").json["requests"]] == ["flow-1"]
    assert client.get("/api/requests/flow-2").status_code == 404
    assert client.get("/api/requests/flow-2/texts/1").status_code == 404
    assert client.get("/api/requests/flow-1/texts/1").json["before"] == LOG


@pytest.mark.parametrize("days", ["0", "401", "-1", "x", "1" * 5_000, "\u0661", ""])
def test_a_period_that_is_none_is_refused(client: FlaskClient, days: str) -> None:
    answer = client.get("/api/report", query_string={"days": days})
    assert (answer.status_code, answer.json) == (400, {"error": "days is a number from 1 to 400"})


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/static/page.js", "/api/report", "/nowhere"])
def test_no_other_page_may_use_it(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_a_text_that_is_not_there_is_said(client: FlaskClient) -> None:
    assert client.get("/api/requests/flow-1/texts/9").status_code == 404
