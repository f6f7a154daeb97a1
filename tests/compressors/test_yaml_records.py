"""YAML that a program wrote comes back to the character; what a person wrote, or is about to edit, stays as it is."""

import pytest
import yaml_records_decoder

from headroom_mitm.compressors import Content, Level
from headroom_mitm.compressors.yaml_document import NotPlain, read
from headroom_mitm.compressors.yaml_records import YamlRecords

COMPRESSOR = YamlRecords()
POD = """- apiVersion: v1
  kind: Pod
  metadata:
    labels:
      app: web
      tier: "1"
    managedFields:
    - apiVersion: v1
      fieldsV1:
        f:metadata:
          .: {{}}
          f:labels: {{}}
      manager: kubectl
    name: web-{0}
    namespace: shop
  spec:
    containers:
    - args: []
      env:
      - name: NOTES
        value: |-
          first {0}

            second
      image: web:{0}
      ports:
      - containerPort: 8080
    share: 0.5
  status:
    ready: {1}
    since: "2026-03-0{0}T00:00:00Z"
    reason:
"""


def listing(count: int = 9) -> str:
    """Write a list of pods, of which the fourth is not ready."""
    pods = "".join(POD.format(number, "false" if number == 4 else "true") for number in range(count))
    return f"apiVersion: v1\nitems:\n{pods}kind: List\n"


@pytest.mark.parametrize(
    "text",
    [
        listing(),
        listing().rstrip("\n"),
        f"---\n{listing(3)}---\n{listing(3)}",
        listing()
        .replace("\n- ", "\n  - ")
        .replace("\n  ", "\n    ")
        .replace("\n      - apiVersion", "\n  - apiVersion"),
    ],
    ids=["list", "no end", "documents", "other indentation"],
)
def test_what_is_shortened_comes_back(text: str) -> None:
    form = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert form is None or yaml_records_decoder.decode(form.text) == text


def test_records_become_rows() -> None:
    form = COMPRESSOR.compress(Content(listing()), Level.LOSSLESS)
    assert form is not None
    assert form.lossless
    assert form.text.count("namespace") == 1
    assert form.text.count("web:") == 9


@pytest.mark.parametrize("level", [Level.LIGHT, Level.MEDIUM, Level.HARD], ids=lambda level: level.name)
def test_only_who_set_a_field_and_copies_are_left_out(level: Level) -> None:
    form = COMPRESSOR.compress(Content(listing()), level)
    assert form is not None
    assert form.left_out.startswith("63 of 291 lines")
    assert "[left out: lines 9-15]" in form.text
    assert "manager" not in form.text
    assert form.text.count("web:") == 9
    assert "false" in form.text


@pytest.mark.parametrize(
    "change",
    [
        ("kind: List", "kind: List # of pods"),
        ("kind: List", "\nkind: List"),
        ("kind: List", "kind: &a List"),
        ("  kind: Pod\n", "  kind: Pod\n  kind: Pod\n"),
        ("name: web-3", "name: 'it''s"),
        ("name: web-3", "name: web-3\n      more"),
        ("share: 0.5", "share: 0.50"),
        ("share: 0.5", "share: yes"),
    ],
    ids=["comment", "empty line", "anchor", "key twice", "open quote", "folded", "spelling of a number", "old boolean"],
)
def test_other_styles_come_back_or_stay(change: tuple[str, str]) -> None:
    text = listing().replace(*change)
    form = COMPRESSOR.compress(Content(text), Level.LOSSLESS)
    assert form is None or yaml_records_decoder.decode(form.text) == text


def test_a_file_that_was_read_stays() -> None:
    assert COMPRESSOR.compress(Content(listing(), fresh_read=True), Level.LOSSLESS) is None


def test_what_is_no_yaml_says_so() -> None:
    with pytest.raises(NotPlain):
        read(["a: 1", "this is prose"])
