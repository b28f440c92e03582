"""T20: a bug is named when its failures are those of a planted one, and never otherwise."""

from collections.abc import Callable

import pytest

from lldkit.dojo import fingerprint
from lldkit.dojo.interface import Manifest, Report


def test_similarity_is_what_is_common_over_what_there_is() -> None:
    assert fingerprint.similarity(["a", "b"], ["b", "c"]) == 1 / 3
    assert fingerprint.similarity([], []) == 0.0


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"w1": "abcdefghij", "w2": "ab"}, ("w1", 1.0)),
        ({"w1": "abcdefgh", "w2": "z"}, ("w1", 0.8)),
        ({"w1": "abcdefg", "w2": "z"}, None),  # 0.7 is not sure
        ({"w1": "abcdefghij", "w2": "abcdefghi"}, None),  # the runner-up is too near
        ({"w1": "abcdefghij", "w2": "abcdefgh"}, ("w1", 1.0)),  # 0.2 ahead
        ({}, None),
    ],
)
def test_a_name_needs_to_be_sure_and_ahead(known: dict[str, str], expected: tuple[str, float] | None) -> None:
    assert fingerprint.best("abcdefghij", known) == expected


def test_a_signature_survives_packing() -> None:
    signature = ["first_check", "model-2:3.1", "model-2:17.4", "model-3:0.-1", "other_check"]
    packed = fingerprint.pack(signature)
    assert packed == "first_check model-2: 3.1 17.4 model-3: 0.-1 other_check"
    assert fingerprint._unpack(packed) == signature


def test_an_unknown_bug_is_never_named(kata: Manifest) -> None:
    """Leave one out: without its own signature no planted bug is taken for another."""
    signatures = fingerprint.load(kata)
    for wrong in kata.wrong:
        others = {
            other.id: signatures[other.id]
            for other in kata.wrong
            if other.dies_at == wrong.dies_at and other.id != wrong.id
        }
        assert fingerprint.best(signatures[wrong.id], others) is None, wrong.id


def test_with_two_bugs_at_once_the_name_is_one_of_the_two_or_none(
    kata: Manifest, graded: Callable[..., Report]
) -> None:
    counts_denied = (kata.folder / "wrong" / "w01_counts_denied.py").read_text()
    both = counts_denied.replace("self._period - now if", "self._period + 0 * now if").replace(
        "(window + 1) * self._period + 0 * now", "self._period"
    )
    assert both != counts_denied
    report = graded(kata, both, level=1)
    assert {check.id for check in report.checks if check.failed} >= {
        "a_refused_call_spends_nothing",
        "retry_after_is_exact",
    }
    assert report.looks_like is None or report.looks_like.id in {"w01", "w04"}


def test_a_planted_bug_is_known_again_in_a_solution_of_other_structure(
    kata: Manifest, graded: Callable[..., Report]
) -> None:
    """Bugs re-seeded into an alternative: named rightly or not at all."""
    source = (kata.folder / "alternatives" / "lists_of_spends.py").read_text()
    seeded = {
        "w05": source.replace("return Decision(False, free, wait)", "return Decision(False, free - cost, wait)"),
        "w04": source.replace("return begin + self.period - now", "return self.period"),
    }
    for name, text in seeded.items():
        assert text != source
        report = graded(kata, text, level=1)
        assert report.looks_like is not None, name
        assert report.looks_like.id == name


def test_a_right_solution_has_no_signature(kata: Manifest, graded: Callable[..., Report], right: str) -> None:
    assert graded(kata, right, level=1).signature == ()
