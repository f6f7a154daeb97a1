"""Answers that a provider keeps, read again by their ids: calls of our tool are no more seen than when they were made.

What a client reads is the leg whose id it knows: the provider keeps no merged answer.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus

from mitmproxy import http

from headroom_mitm import hosts
from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.roundtrip.decoding import readable
from headroom_mitm.service import Service
from headroom_mitm.settings import Settings
from headroom_mitm.wire import openai_responses_stored
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

_NAMED = "headroom_answer"
"""In the metadata of a flow that reads a kept answer: the id of that."""


class KeptAnswers:
    """Changes only answers to prompts in which we have declared our tool: a client may have one of the same name."""

    def __init__(
        self, service: Callable[[http.HTTPFlow], Service | None], settings: Callable[[], Settings | None]
    ) -> None:
        self._service = service
        self._settings = settings

    def request(self, flow: http.HTTPFlow) -> None:
        """Note which answer is asked for: where the request leads may be changed later."""
        chosen, request = self._settings(), flow.request
        if chosen is not None and request.method == "GET":
            flow.metadata[_NAMED] = hosts.answer_named(request.pretty_host, request.port, request.path, chosen.hosts)

    async def response(self, flow: http.HTTPFlow) -> None:
        """Take out what is ours. What cannot be read, or is not known to be ours, goes as it came."""
        response, service, answer_id = flow.response, self._service(flow), flow.metadata.get(_NAMED)
        if response is None or service is None or not answer_id or response.status_code != HTTPStatus.OK:
            return
        body = readable(response.headers.get("content-encoding", ""), response.raw_content or b"")
        if not body or TOOL_NAME.encode() not in body:
            return
        try:
            is_ours = await service.advance(lambda: service.links.knows(answer_id))
            shown = openai_responses_stored.without_calls(body, TOOL_NAME) if is_ours else body
        except (UnreadableBody, StoreUnavailable) as error:
            logger.warning("headroom: a kept answer is shown as it is: %s", error)
            return
        if shown is not body:
            response.headers.pop("content-encoding", None)
            response.content = shown
