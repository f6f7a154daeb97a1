"""Which formats' answers can be watched, and how."""

from collections.abc import Callable
from typing import NamedTuple

from headroom_mitm.wire import (
    anthropic_reply,
    anthropic_whole,
    gemini_reply,
    openai_chat_reply,
    openai_chat_whole,
    openai_responses_reply,
)
from headroom_mitm.wire.reply import Reply


class Replies(NamedTuple):
    """Makes what watches one answer, from the name of our tool."""

    streamed: Callable[[str], Reply]
    whole: Callable[[str], Reply]


REPLIES: dict[str, Replies] = {
    "anthropic_messages": Replies(anthropic_reply.StreamedReply, anthropic_whole.WholeReply),
    "gemini_generate": Replies(gemini_reply.StreamedReply, gemini_reply.WholeReply),
    "openai_chat": Replies(openai_chat_reply.StreamedReply, openai_chat_whole.WholeReply),
    "openai_responses": Replies(openai_responses_reply.StreamedReply, openai_responses_reply.WholeReply),
}
