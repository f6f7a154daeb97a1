"""What is sealed opens only where it was kept, and says nothing to who has no key."""

import pytest

from headroom_mitm.errors import UnreadableRecord
from headroom_mitm.store.sealing import SEALED_ONLY, Keys, Sealer, new_key

FIRST, SECOND = Keys.parse(new_key()), Keys.parse(new_key())


def sealer(*keys: Keys, sealed_only: bool = False) -> Sealer:
    found = Keys(tuple(secret for one in keys for secret in one.secrets), sealed_only)
    return Sealer(lambda: found)


@pytest.mark.parametrize("raw", [b"", b"text", b"\0\xff" * 50_000], ids=["empty", "short", "long"])
def test_what_is_sealed_opens_again(raw: bytes) -> None:
    record = sealer(FIRST).seal(b"original", b"name", raw)
    assert sealer(FIRST).open(b"original", b"name", record) == raw
    assert not raw or raw not in record


def test_equal_texts_are_sealed_differently() -> None:
    """Who sees the records cannot tell which are equal."""
    one = sealer(FIRST)
    assert one.seal(b"original", b"name", b"text") != one.seal(b"original", b"name", b"text")


@pytest.mark.parametrize(("kind", "name"), [(b"rounds", b"name"), (b"original", b"other"), (b"originaln", b"ame")])
def test_a_record_opens_in_no_other_place(kind: bytes, name: bytes) -> None:
    record = sealer(FIRST).seal(b"original", b"name", b"text")
    with pytest.raises(UnreadableRecord, match="not where it was kept"):
        sealer(FIRST).open(kind, name, record)


@pytest.mark.parametrize("at", [0, 1, 3, 8, 20, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    record = bytearray(sealer(FIRST).seal(b"original", b"name", b"some text"))
    record[at] ^= 0x80
    if at == 0:  # without the mark it would be an open record
        with pytest.raises(UnreadableRecord):
            sealer(FIRST, sealed_only=True).open(b"original", b"name", bytes(record))
        return
    with pytest.raises(UnreadableRecord):
        sealer(FIRST).open(b"original", b"name", bytes(record))


@pytest.mark.parametrize(
    "record",
    [b"\xff", b"\xff\x01", b"\xff\x01abcd", b"\xff\x01" + FIRST.newest + b"short"],
    ids=["mark", "version", "id", "nonce"],
)
def test_a_cut_record_is_refused(record: bytes) -> None:
    with pytest.raises(UnreadableRecord):
        sealer(FIRST).open(b"original", b"name", record)


def test_the_newest_key_seals_and_all_open() -> None:
    old = sealer(FIRST).seal(b"original", b"name", b"text")
    both = sealer(SECOND, FIRST)
    new = both.seal(b"original", b"name", b"text")
    assert both.open(b"original", b"name", old) == b"text"
    assert (both.is_current(old), both.is_current(new)) == (False, True)
    with pytest.raises(UnreadableRecord, match="which is not here"):
        sealer(FIRST).open(b"original", b"name", new)


def test_an_open_record_is_read_until_all_are_sealed() -> None:
    assert sealer(FIRST).open(b"original", b"name", b"text from before") == b"text from before"
    assert not sealer(FIRST).is_current(b"text from before")
    with pytest.raises(UnreadableRecord, match="not sealed"):
        sealer(FIRST, sealed_only=True).open(b"original", b"name", b"text from before")


def test_without_keys_nothing_is_sealed() -> None:
    assert Sealer().seal(b"original", b"name", b"text") == b"text"
    assert Sealer().is_current(b"text")
    with pytest.raises(UnreadableRecord, match="which is not here"):
        Sealer().open(b"original", b"name", sealer(FIRST).seal(b"original", b"name", b"text"))


def test_keys_are_read_from_text() -> None:
    first, second = new_key(), new_key()
    keys = Keys.parse(f"# a comment\n{first} # newest\n\n{SEALED_ONLY}\n{second}\n")
    assert (keys.newest, len(keys.secrets), keys.sealed_only) == (Keys.parse(first).newest, 2, True)
    assert Keys.parse(f"{first},{second}").secrets == keys.secrets
    assert first not in repr(keys)


@pytest.mark.parametrize(
    "text",
    ["", "# only this", SEALED_ONLY, "secret", new_key()[:-4], new_key() + " x"],
    ids=["nothing", "a comment", "no key", "a word", "too short", "more"],
)
def test_anything_else_is_no_key_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="key") as refusal:
        Keys.parse(text)
    assert not text or text not in str(refusal.value)
