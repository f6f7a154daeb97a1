import pytest

from headroom_mitm.wire.usage import Json, Names, Usage

NAMES = Names("prompt", "total", ("prompt", "cached"), ("out",))


def shown(*legs: Json) -> Json:
    usage = Usage(NAMES)
    for leg in legs[:-1]:
        usage.note(leg)
        usage.next_leg()
    usage.note(legs[-1])
    return usage.shown(legs[-1])


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ([{"prompt": 5, "x": 1}], {"prompt": 5, "x": 1}),
        (
            [{"prompt": 5, "out": 1, "total": 6}, {"prompt": 9, "cached": 5, "out": 2, "total": 11, "x": "last"}],
            {"prompt": 5, "out": 3, "total": 8, "x": "last"},
        ),
        ([{"prompt": 5, "cached": 3}, {"prompt": 9}], {"prompt": 5, "cached": 3}),
        ([{"prompt": 5, "out": {"a": 1}}, {"out": {"a": 2, "b": 0.5}}], {"prompt": 5, "out": {"a": 3, "b": 0.5}}),
        ([{"prompt": 5, "out": None}, {"prompt": 9, "out": 2}], {"prompt": 5, "out": 2}),
        ([{}, {"prompt": 9, "out": 2}], {"prompt": 9, "out": 2}),
        (
            [
                {"prompt": 1, "outs": [{"modality": "TEXT", "n": 1}]},
                {"outs": [{"modality": "AUDIO", "n": 4}, {"modality": "TEXT", "n": 2}]},
            ],
            {"prompt": 1, "outs": [{"modality": "TEXT", "n": 3}, {"modality": "AUDIO", "n": 4}]},
        ),
        (
            [{"prompt": 5, "out": 1, "more": 2, "total": 8}, {"prompt": 9, "out": 2, "more": 3, "total": 14}],
            {"prompt": 5, "out": 3, "more": 3, "total": 13},
        ),
    ],
    ids=["one leg", "two legs", "cached", "details", "nothing", "unknown input", "modalities", "a total of more"],
)
def test_input_is_the_first_legs_and_output_is_that_of_all(legs: list[Json], expected: Json) -> None:
    assert shown(*legs) == expected
