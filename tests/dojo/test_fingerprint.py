"""T20: a bug is named when its failures are those of a planted one, and never otherwise."""

from collections.abc import Callable

import pytest

from lldkit.dojo import fingerprint
from lldkit.dojo.grader import Options
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


def test_who_fails_the_same_check_in_another_way_is_not_named(kata: Manifest) -> None:
    """A race that admits one too many is not a deadlock, though one scenario finds both."""
    (wrong,) = [wrong for wrong in kata.wrong if wrong.id == "w12"]
    known = fingerprint.load(kata)["w12"]
    assert f"{wrong.killed_by}~check" in known
    named = fingerprint.name(kata, wrong.dies_at, known)
    assert named is not None
    assert named.id == "w12"
    stuck = [entry.replace("~check", "~deadlock") for entry in known]
    assert fingerprint.name(kata, wrong.dies_at, stuck) is None


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


def test_a_bug_that_fails_at_the_same_steps_is_not_named_unless_its_own_check_fails(
    kata: Manifest, graded: Callable[..., Report], right: str
) -> None:
    """Wherever a call is refused both answer wrongly: one with the remainder (w05), this one with the wait."""
    wait = "(window + 1) * self._period - now if cost <= self._limit else math.inf"
    assert wait in right
    report = graded(kata, right.replace(wait, "self._period"), level=1)
    same_steps = fingerprint.best(report.signature, {"w05": fingerprint.load(kata)["w05"]})
    assert same_steps is not None
    assert report.looks_like is None


RETURN = "                return decision\n"
KEEP = "            self._keep(key, after(cost))\n"
IF_ALLOWED = f"            if decision.allowed:\n    {KEEP}"
TOO_LONG = f"            if decision.retry_after > timeout or decision.retry_after == math.inf:\n{RETURN}"
NEVER = f"            if decision.retry_after == math.inf:\n{RETURN}"
REFUSED = f"            if decision.retry_after > timeout:\n{RETURN}"
SEEDS = {
    "w01": ((IF_ALLOWED, KEEP),),
    "w03": (("self.clock.monotonic()", "__import__('time').time()"),),
    "w04": (("return self.period - now % self.period", "return self.period"),),
    "w05": (("max(0, parts // self.period), seconds)", "parts // self.period - cost, seconds)"),),
    "w07": (
        ("parts = min(full, parts + (now - since) * self.limit)", "new = (now - since) * self.limit // self.period"),
        ("    def after(cost):\n        return parts -", "{whole}    def after(cost):\n        return parts -"),
        ("* self.period, now\n", "* self.period, since\n"),
        ("(cost * self.period - parts) // self.limit)", "(cost * self.period - parts) // self.limit) - (now - since)"),
        ("{whole}", "    if new:\n        parts, since = min(full, parts + new * self.period), now\n\n"),
    ),
    "w09": (("min(full, parts + (now - since) * self.limit)", "parts + (now - since) * self.limit"),),
    "w11": (("if end > now)\n    free", "if end >= now)\n    free"),),
    "w12": (
        (IF_ALLOWED, IF_ALLOWED.replace("            if", "        if").replace("    self", "self")),
        (
            "after(cost))\n            return decision\n\n    def _peek",
            "after(cost))\n        return decision\n\n    def _peek",
        ),
    ),
    "w14": (("        self.clock.sleep(decision.retry_after)", "            self.clock.sleep(decision.retry_after)"),),
    "w17": ((TOO_LONG + KEEP, NEVER + KEEP + REFUSED),),
    "w20": (("redis.expire(key, rest / MICRO)", "redis.expire(key, self.period / MICRO)"),),
}


@pytest.mark.parametrize("name", SEEDS)
def test_a_planted_bug_is_known_again_in_a_solution_of_other_structure(
    kata: Manifest, graded: Callable[..., Report], name: str
) -> None:
    """The same mistakes, made in an alternative that shares no line with the reference."""
    source = (kata.folder / "alternatives" / "whole_microseconds.py").read_text()
    for old, new in SEEDS[name]:
        assert old in source, old
        source = source.replace(old, new)
    level = next(wrong.dies_at for wrong in kata.wrong if wrong.id == name)
    report = graded(kata, source, level=level, options=Options(first=level))
    assert report.looks_like is not None, report.failing
    assert report.looks_like.id == name


def test_a_right_solution_has_no_signature(kata: Manifest, graded: Callable[..., Report], right: str) -> None:
    assert graded(kata, right, level=1).signature == ()
