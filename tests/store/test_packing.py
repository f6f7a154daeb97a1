import pytest
from decision_samples import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import packing


@given(st.text(st.characters(exclude_categories=())))
def test_a_packed_text_comes_back(text: str) -> None:
    """Lone surrogates included."""
    assert packing.unpack(packing.pack(text), digest_of_text(text)) == text
    assert packing.to_text(packing.to_bytes(text)) == text


def test_repetition_costs_little() -> None:
    assert len(packing.pack(TEXTS["one megabyte"])) < len(TEXTS["one megabyte"]) / 3


@pytest.mark.parametrize("position", [0, 20, -1])
def test_a_damaged_text_is_missing_rather_than_wrong(position: int) -> None:
    """One flipped bit anywhere: the checksum sees it."""
    packed = bytearray(packing.pack("an original that a disk has changed"))
    packed[position] ^= 1
    with pytest.raises(MissingOriginal, match="damaged"):
        packing.unpack(bytes(packed), digest_of_text("x"))
