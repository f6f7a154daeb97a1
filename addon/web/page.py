"""Our page: one HTML file that asks for JSON below ``/api/``. It shows and changes nothing.

Figures come from the ledger; texts are those of the newest requests, held in memory, as long as the proxy runs.
"""

import importlib.resources
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import Report, Session, told
from headroom_mitm.web import inspection, metrics
from headroom_mitm.web.inspection import Inspected, Inspections

FILES = {"page.css": "text/css", "page.js": "text/javascript"}
LONGEST_PERIOD, MOST_CONVERSATIONS = 400, 200
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere is loaded, and no other page may show this one."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom the page asks. Each may raise ``StoreUnavailable``, and may take a second."""

    state: Callable[[], Mapping[str, Any]]
    """Version, mode and the like."""
    report: Callable[[str, str], Report]
    conversations: Callable[[int], Sequence[Session]]
    levels: Callable[[], Iterator[tuple[str, ...]]]
    inspections: Inspections


def make_app(sources: Sources) -> flask.Flask:
    """Return the page as a WSGI application."""
    app = flask.Flask("headroom", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the provider that is used has it

    app.add_url_rule("/", "index", lambda: _file("index.html", "text/html"))
    app.add_url_rule("/static/<name>", "static", _static)
    app.add_url_rule("/metrics", "metrics", lambda: _metrics(sources))
    app.add_url_rule("/api/state", "state", lambda: dict(sources.state()))
    app.add_url_rule("/api/report", "report", lambda: _report(sources))
    app.add_url_rule("/api/conversations", "conversations", lambda: _conversations(sources))
    app.add_url_rule("/api/levels", "levels", lambda: {"rows": [list(row) for row in sources.levels()]})
    app.add_url_rule("/api/requests", "requests", lambda: _requests(sources.inspections))
    app.add_url_rule("/api/requests/<name>", "request", lambda name: _request(sources.inspections, name))
    app.add_url_rule(
        "/api/requests/<name>/texts/<number>",
        "text",
        lambda name, number: _text(sources.inspections, name, number),
    )
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(StoreUnavailable, _unavailable)
    app.after_request(_guarded)
    return app


def _file(name: str, kind: str) -> flask.Response:
    found = importlib.resources.files("headroom_mitm.web").joinpath("static", name).read_bytes()
    return flask.Response(found, content_type=f"{kind}; charset=utf-8")


def _static(name: str) -> flask.Response:
    kind = FILES.get(name)
    return _file(name, kind) if kind else flask.abort(404)


def _report(sources: Sources) -> Any:
    days = _number("days", 30, LONGEST_PERIOD)
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    return told(sources.report(str(since), ""))


def _metrics(sources: Sources) -> flask.Response:
    if not sources.state().get("metrics"):
        flask.abort(404, "headroom_metrics is off")
    since = datetime.now(UTC).date() - timedelta(days=LONGEST_PERIOD - 1)
    text = metrics.exposition(sources.report(str(since), ""), str(sources.state()["version"]))
    return flask.Response(text, content_type=metrics.CONTENT_TYPE)


def _conversations(sources: Sources) -> dict[str, Any]:
    found = sources.conversations(_number("limit", 50, MOST_CONVERSATIONS))
    return {"conversations": [told(one) for one in found]}


def _requests(inspections: Inspections) -> dict[str, Any]:
    return {"requests": [_overview(one) for one in inspections.newest() if not one.user]}


def _request(inspections: Inspections, name: str) -> dict[str, Any]:
    one = _inspected(inspections, name)
    return _overview(one) | {"texts": [_described(text) for text in inspection.texts(one.outcome)]}


def _text(inspections: Inspections, name: str, number: str) -> dict[str, Any]:
    one = _inspected(inspections, name)
    text = inspection.by_id(one.outcome, number)
    if text is None:
        flask.abort(404)
    before = inspection.original(one.outcome, text)
    form = text.rendering.text if text.rendering is not None else None
    lines = list(inspection.difference(before, form)) if form is not None else []
    return _described(text) | {"before": before, "after": before if form is None else form, "difference": lines}


def _inspected(inspections: Inspections, name: str) -> Inspected:
    found = inspections.of(name)
    # Who looks at the page is not known: texts of the proxy's users are for themselves, and for mitmweb's owner.
    return found if found is not None and not found.user else flask.abort(404)


def _overview(one: Inspected) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "id": one.name,
        "at": one.at,
        "model": outcome.prompt.model,
        "conversation": one.conversation,
        "before": outcome.tokens_before,
        "after": outcome.tokens_after,
        "offered": outcome.offered,
    }


def _described(text: inspection.Text) -> dict[str, Any]:
    rendering = text.rendering
    return {
        "number": text.number,
        "title": text.title,
        "decision": inspection.decision(text),
        "changed": rendering is not None and not rendering.is_raw,
        "before_tokens": rendering.tokens_before if rendering else None,
        "after_tokens": rendering.tokens_after if rendering else None,
    }


def _number(name: str, default: int, most: int) -> int:
    """Return a number of the query, between 1 and ``most``; 400 for what is none."""
    given = flask.request.args.get(name, str(default))
    if not (given.isascii() and given.isdigit() and 1 <= int(given[:9]) <= most):
        flask.abort(400, f"{name} is a number from 1 to {most}")
    return int(given)


def _refused(error: HTTPException) -> tuple[dict[str, Any], int]:
    return {"error": error.description or error.name}, error.code or 500


def _unavailable(error: StoreUnavailable) -> tuple[dict[str, Any], int]:
    return {"error": f"The store does not answer: {error}"}, 503


def _guarded(response: flask.Response) -> flask.Response:
    response.headers["content-security-policy"] = POLICY
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cross-origin-resource-policy"] = "same-origin"
    response.headers["cache-control"] = "no-store"
    return response
