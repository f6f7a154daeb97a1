"""Which formats' answers can be watched, and how."""

from collections.abc import Callable
from typing import NamedTuple

from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_whole import WholeReply
from headroom_mitm.wire.reply import Reply


class Replies(NamedTuple):
    """Makes what watches one answer, from the name of our tool."""

    streamed: Callable[[str], Reply]
    whole: Callable[[str], Reply]


REPLIES: dict[str, Replies] = {
    "anthropic_messages": Replies(StreamedReply, WholeReply),
}
