"""What the store knows as well is forgotten by and by; what only this process knows is not."""

import pytest

from headroom_mitm.offered import Offered
from headroom_mitm.recent import AGES, fade
from headroom_mitm.segments import digest

HEAD = digest(b"a beginning")


def forget() -> None:
    for _ in range(AGES + 1):
        fade()


@pytest.mark.parametrize("first", [True, False])
def test_the_first_decision_holds(first: bool) -> None:
    offered = Offered(10)
    assert offered.put_first(HEAD, first) is first
    assert offered.put_first(HEAD, not first) is first
    offered.leave_out(HEAD)
    assert offered.get(HEAD) is first


def test_what_the_store_knows_fades() -> None:
    offered = Offered(10)
    offered.put_first(HEAD, True)
    forget()
    assert offered.get(HEAD) is None


def test_what_only_this_process_knows_stays() -> None:
    """The conversation has begun without the tool, whatever the store says later."""
    offered = Offered(10)
    offered.leave_out(HEAD)
    forget()
    assert offered.get(HEAD) is False
    assert offered.put_first(HEAD, True) is False
