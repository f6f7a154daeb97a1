"""Whatever is checked, mitmproxy says the same of it; what fits costs no error."""

import gc
import typing
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.test import tutils
from mitmproxy.utils import typecheck

from headroom_mitm.checked_types import check, give_back, take_over

TYPES: tuple[Any, ...] = (
    int,
    float,
    bytes,
    http.Headers | None,
    bytes | None,
    float | None,
    typing.Optional[str],  # noqa: UP045  # as options are declared
    Sequence[str],
    tuple[int, str],
    Sequence[int] | None,
    typing.Any,
    typing.BinaryIO,
)
VALUES: tuple[Any, ...] = (None, 1, True, 1.5, b"x", "x", ["x"], (1, "x"), [1], http.Headers(), BytesIO())


@pytest.fixture
def _taken_over() -> Iterator[None]:
    take_over()
    yield
    give_back()


def fits(by: Any, value: Any, kind: Any) -> bool:
    try:
        by("name", value, kind)
    except TypeError:
        return False
    return True


def errors() -> int:
    return sum(isinstance(one, TypeError) for one in gc.get_objects())


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_it_says_what_mitmproxy_says(kind: Any) -> None:
    usual = typecheck.check_option_type
    assert [fits(check, value, kind) for value in VALUES] == [fits(usual, value, kind) for value in VALUES]


@pytest.mark.usefixtures("_taken_over")
def test_a_message_leaves_no_errors_behind() -> None:
    gc.collect()
    gc.disable()
    try:
        before = errors()
        tutils.treq()
        tutils.tresp()
        assert errors() == before
    finally:
        gc.enable()


@pytest.mark.usefixtures("_taken_over")
def test_a_wrong_part_is_refused() -> None:
    with pytest.raises(TypeError, match="Expected"):
        tutils.treq(timestamp_start="now")


def test_it_is_given_back() -> None:
    usual = typecheck.check_option_type
    take_over()
    take_over()
    assert typecheck.check_option_type is check
    give_back()
    assert typecheck.check_option_type is usual
