"""Which formats' answers can be watched, and how."""

from collections.abc import Callable
from typing import NamedTuple

from headroom_mitm.wire import (
    anthropic_reply,
    anthropic_whole,
    gemini_reply,
    openai_chat_reply,
    openai_chat_whole,
    openai_responses_frames,
    openai_responses_reply,
)
from headroom_mitm.wire.reply import FramedReply, Reply


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


class Frames(NamedTuple):
    """How a format is written in the frames of a WebSocket. All but the last raise ``UnreadableBody``."""

    asks: Callable[[bytes], bool]
    """Says whether a client's frame is a request."""
    is_warm_up: Callable[[bytes], bool]
    """Says whether such a frame wants nothing but a beginning to go on from."""
    stream_of: Callable[[bytes], str]
    """Returns which of the conversations on a socket a frame belongs to; empty where it is the only one."""
    reply: Callable[[str], FramedReply]


FRAMES: dict[str, Frames] = {
    "openai_responses": Frames(
        openai_responses_frames.asks,
        openai_responses_frames.is_warm_up,
        openai_responses_frames.stream_of,
        openai_responses_frames.FramesReply,
    ),
}
