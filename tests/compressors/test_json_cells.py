"""How single values are written: what is told of many strings at once is what is told of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.compressors.json_cells import are_plain, is_bare, needs_type

STRINGS = st.one_of(
    st.text(max_size=12), st.text("aé_J0-9:/.+@ \n,$#{[", max_size=8), st.sampled_from(["true", "1e-5"])
)


@pytest.mark.parametrize(
    ("texts", "plain"),
    [
        (["Berlin", "Gdańsk", "a-1", "x"], True),
        (["2026-03-01T12:00:00Z", "2026-03-01"], True),
        (["trueish", "nullable", "true.1"], True),
        (["Berlin", "true"], False),
        (["null"], False),
        (["JSON(1)"], False),
        (["12"], False),
        (["1e-5"], False),
        (["a b"], False),
        (["a\nb"], False),
        (["a", ""], False),
        (["a,b"], False),
        (["-"], False),
    ],
    ids=repr,
)
def test_which_strings_are_plain(texts: list[str], plain: bool) -> None:
    assert are_plain(texts) is plain


@given(st.lists(STRINGS, max_size=4))
def test_plain_strings_need_no_quotes_wherever_they_stand(texts: list[str]) -> None:
    """Nor a mark that their column is one of strings."""
    ways = [(cell, typed) for cell in (False, True) for typed in (False, True)]
    bare = all(is_bare(text, cell=cell, typed=typed) for text in texts for cell, typed in ways)
    assert not are_plain(texts) or (bare and not any(map(needs_type, texts)))
