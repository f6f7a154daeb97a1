"""The provider's rules of markers, written anew for the tests: what a body marks, what it may, what a marker finds."""

from collections.abc import Iterator
from typing import Any

import orjson

Json = dict[str, Any]
LOOKBACK = 20
NEVER = ("thinking", "redacted_thinking")


def blocks(body: Json) -> Iterator[tuple[Json, str]]:
    """Yield all blocks of the prompt in the order in which they are rendered, and who speaks."""
    yield from ((tool, "tools") for tool in body.get("tools", []) if not tool.get("defer_loading"))
    yield from ((block, "system") for block in listed(body.get("system")))
    for message in body["messages"]:
        yield from ((block, message["role"]) for block in listed(message["content"]))


def listed(content: Any) -> list[Json]:
    """Return a content as blocks: a string is one text."""
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def lifetimes(body: Json) -> list[tuple[int, str]]:
    """Return position and lifetime of all markers, those on parts of results and for the whole request too."""
    found = []
    count = 0
    for number, (block, _) in enumerate(blocks(body)):
        count = number + 1
        inner = block.get("content") if block.get("type") == "tool_result" else None
        holders = [*(inner if isinstance(inner, list) else []), block]
        markers = [holder["cache_control"] for holder in holders if holder.get("cache_control")]
        found += [(number, marker.get("ttl", "5m")) for marker in markers]
    if marker := body.get("cache_control"):
        found.append((count - 1, marker.get("ttl", "5m")))
    return found


def bare(body: Json) -> Json:
    """Return the prompt as the provider hashes it: without markers, strings as lists."""
    plain = without_markers(body)
    for holder, key in [(plain, "system"), *((message, "content") for message in plain["messages"])]:
        if holder.get(key) is not None:
            holder[key] = listed(holder[key])
    return plain


def without_markers(value: Any) -> Any:
    """Return a copy."""
    if isinstance(value, dict):
        return {key: without_markers(member) for key, member in value.items() if key != "cache_control"}
    return [without_markers(item) for item in value] if isinstance(value, list) else value


def errors(body: Json) -> list[str]:
    """Return for what reasons the provider would refuse the markers of a body."""
    found = lifetimes(body)
    kinds = [lifetime for _, lifetime in found]
    wrong = ["more than four"] if len(found) > 4 else []
    wrong += ["1h behind 5m"] if "5m" in kinds and "1h" in kinds[kinds.index("5m") :] else []
    for tool in body.get("tools", []):
        wrong += ["on a deferred tool"] if tool.get("defer_loading") and "cache_control" in tool else []
    for block, _ in blocks(body):
        if "cache_control" in block:
            wrong += [f"on {block['type']}"] if block.get("type") in NEVER else []
            wrong += ["on an empty text"] if block.get("type") == "text" and not block["text"].strip() else []
    return wrong


def prefixes(body: Json) -> list[str]:
    """Return for each block what the provider's entry at it is keyed by."""
    keys, state = [], ""
    for block, speaker in blocks(bare(body)):
        state = str(hash((state, speaker, orjson.dumps(block, option=orjson.OPT_SORT_KEYS))))
        keys.append(state)
    return keys


def entries(body: Json) -> set[str]:
    """Return the entries that a request leaves behind."""
    keys = prefixes(body)
    return {keys[position] for position, _ in lifetimes(body)}


def found(body: Json, known: set[str]) -> int:
    """Return how many blocks a request reads from entries: each marker looks back, itself included."""
    keys = prefixes(body)
    seen = [
        at
        for position, _ in lifetimes(body)
        for at in range(max(0, position - LOOKBACK + 1), position + 1)
        if keys[at] in known
    ]
    return max(seen) + 1 if seen else 0
