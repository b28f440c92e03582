"""Buckets: two models written apart from the code, material of others, and the statistics that a hash must pass."""

import csv
import gzip
import hashlib
import math
import os
import subprocess
import sys
import uuid
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.feature_flags import bucketing
from lldkit.feature_flags.bucketing import HASHERS, choose, equal_weights, murmur3_32, ranges, seeded, shares

NAMES = ["blake2b/1", "growthbook/1", "growthbook/2", "flagd/2", "murmur3/100/0", "murmur3/1000/86028157"]
WORD = 2**64
SIGMA = [  # RFC 7693, section 2.7
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]
INITIAL = [math.isqrt(prime << 128) % WORD for prime in (2, 3, 5, 7, 11, 13, 17, 19)]


def blake2b_64(data: bytes) -> int:
    """RFC 7693 for one block: BLAKE2b of at most 128 bytes, 8 bytes of digest, as a big-endian number."""
    m = [int.from_bytes(data.ljust(128, b"\0")[at : at + 8], "little") for at in range(0, 128, 8)]
    h = [INITIAL[0] ^ 0x01010008, *INITIAL[1:]]
    v = [*h, *INITIAL]
    v[12] ^= len(data)
    v[14] ^= WORD - 1
    for row in [*SIGMA, *SIGMA[:2]]:
        for lane in range(8):
            a, b, c, d = (start + (lane + (lane > 3) * shift) % 4 for shift, start in enumerate((0, 4, 8, 12)))
            for word, first, second in ((m[row[2 * lane]], 32, 24), (m[row[2 * lane + 1]], 16, 63)):
                v[a] = (v[a] + v[b] + word) % WORD
                v[d] = turned(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) % WORD
                v[b] = turned(v[b] ^ v[c], second)
    return int.from_bytes((h[0] ^ v[0] ^ v[8]).to_bytes(8, "little"), "big")


def turned(word: int, bits: int) -> int:
    return (word >> bits | word << (64 - bits)) % WORD


def test_a_thousand_buckets_are_those_of_a_model_written_from_the_rfc() -> None:
    assert blake2b_64(b"abc") == int("d8bb14d833d59559", 16)  # what `b2sum -l 64` prints for abc
    for index in range(1000):
        seed, unit = f"flag-{index % 7}/rollout", f"Ünit-{index}"
        model = blake2b_64(len(seed).to_bytes(4, "big") + seed.encode() + unit.encode()) / WORD
        assert HASHERS["blake2b/1"](seed, unit) == seeded("blake2b/1", seed)(unit) == model


def test_buckets_do_not_depend_on_the_process() -> None:
    script = (
        "import hashlib; from lldkit.feature_flags.bucketing import HASHERS;"
        f"points = [HASHERS[name]('seed', f'unit-{{i}}') for name in {NAMES} for i in range(1000)];"
        "print(hashlib.sha256(repr(points).encode()).hexdigest())"
    )
    points = [HASHERS[name]("seed", f"unit-{i}") for name in NAMES for i in range(1000)]
    here = hashlib.sha256(repr(points).encode()).hexdigest()
    for hash_seed in ("0", "4711"):
        command = [sys.executable, "-c", script]
        run = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == here


def test_a_digest_at_the_very_top_stays_below_one() -> None:
    assert bucketing._fraction(b"\xff" * 8) == 1 - 2**-53
    assert bucketing._fraction(b"\x80" + b"\0" * 7) == 0.5


def murmur3_rows(vectors: Vectors) -> list[dict[str, str]]:
    with gzip.open(vectors.path("murmur3") / "sample.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("murmur3", [murmur3_32, bucketing._murmur3_32], ids=["as installed", "in Python"])
def test_murmur3_is_that_of_split(vectors: Vectors, murmur3: Callable[[bytes, int], int]) -> None:
    rows = murmur3_rows(vectors)
    assert len(rows) == 10_000
    for row in rows:
        answer = murmur3(row["key"].encode(), int(row["seed"]) % 2**32)
        assert (answer, answer % 100 + 1) == (int(row["hash"]), int(row["bucket"]))


@settings(deadline=None)
@given(st.binary(max_size=70), st.integers(0, 2**32 - 1))
def test_murmur3_in_python_is_the_native_one(data: bytes, seed: int) -> None:
    mmh3 = pytest.importorskip("mmh3")
    assert bucketing._murmur3_32(data, seed) == mmh3.hash(data, seed, signed=False)


def test_hashes_are_those_of_growthbook(vectors: Vectors) -> None:
    cases = vectors.json("growthbook", "cases.json")["hash"]
    assert len(cases) == 8
    for seed, value, version, expected in cases:
        if expected is None:
            with pytest.raises(KeyError, match=f"no hash is called 'growthbook/{version}'"):
                HASHERS[f"growthbook/{version}"]
        else:
            assert HASHERS[f"growthbook/{version}"](seed, value) == expected


def test_ranges_weights_and_choices_are_those_of_growthbook(vectors: Vectors) -> None:
    cases = vectors.json("growthbook", "cases.json")
    assert [len(cases[kind]) for kind in ("getBucketRange", "chooseVariation", "getEqualWeights")] == [7, 7, 3]
    for name, (count, coverage, weights), expected in cases["getBucketRange"]:
        for got, wanted in zip(ranges(count, coverage, weights), expected, strict=True):
            assert got == pytest.approx(tuple(wanted), abs=1e-6), name
    for name, point, among, expected in cases["chooseVariation"]:
        assert choose(point, among) == expected, name
    for count, expected in cases["getEqualWeights"]:
        assert equal_weights(count) == pytest.approx(expected, abs=1e-6)


def test_unleash_and_flagd_see_the_bits_of_murmur3() -> None:
    data = murmur3_32(b"group:user"), murmur3_32(b"group:user", 86028157), murmur3_32(b"flaguser")
    assert HASHERS["murmur3/100/0"]("group", "user") == data[0] % 100 / 100
    assert HASHERS["murmur3/7/86028157"]("group", "user") == data[1] % 7 / 7
    for total in (1, 3, 100, 2**20):
        assert int(HASHERS["flagd/2"]("flag", "user") * total) == data[2] * total >> 32


@pytest.mark.parametrize(
    "name",
    [
        "",
        "md5",
        "murmur3",
        "murmur3/0/0",
        "murmur3/-1/0",
        "murmur3/²/0",
        f"murmur3/1/{2**32}",
        "murmur3/9/" + "9" * 5000,
    ],
)
def test_a_name_that_is_no_hash_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(KeyError, match="there are blake2b/1"):
        HASHERS[name]


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.text(), st.text())
def test_every_hash_answers_below_one_for_any_text_and_seeding_changes_nothing(name: str, seed: str, unit: str) -> None:
    assert 0 <= HASHERS[name](seed, unit) < 1
    assert seeded(name, seed)(unit) == HASHERS[name](seed, unit)


def test_a_lone_surrogate_is_a_unit_as_any_other() -> None:
    assert all(0 <= HASHERS[name]("\ud800", "\udfff") < 1 for name in NAMES)


def test_the_border_between_seed_and_unit_counts() -> None:
    assert HASHERS["blake2b/1"]("ab", "c") != HASHERS["blake2b/1"]("a", "bc")


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**31), min_size=1).filter(any), st.integers(1, 100))
def test_shares_are_the_exact_proportions_and_know_no_scale(weights: list[int], factor: int) -> None:
    total = sum(weights)
    exact = [(sum(weights[:i]) / total, sum(weights[: i + 1]) / total) for i in range(len(weights))]
    assert shares(weights) == shares([weight * factor for weight in weights]) == exact


def test_moving_one_boundary_moves_no_other() -> None:
    before, after = shares([10, 20, 30, 40]), shares([10, 25, 25, 40])
    assert (before[0], before[3]) == (after[0], after[3]) == ((0.0, 0.1), (0.6, 1.0))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1).filter(any), st.floats(0, 1, exclude_max=True))
def test_every_point_belongs_to_one_share_and_never_to_a_weight_of_zero(weights: list[float], point: float) -> None:
    divided = shares(weights)
    assert all(before[1] == after[0] for before, after in pairwise(divided))
    assert weights[choose(point, divided)] > 0
    assert choose(point, divided) >= 0


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [math.nan], [1, math.inf]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights are finite"):
        shares(weights)


POPULATIONS: dict[str, list[str]] = {
    "sequence": [f"user-{i}" for i in range(10_000)],
    "hex": [f"{i:08x}" for i in range(10_000)],
    "uuid": [str(uuid.UUID(int=i * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)) for i in range(10_000)],
    "email": [f"user{i}@example.com" for i in range(10_000)],
}


def within_four_sigma(outcomes: Iterable[bool], share: float) -> bool:
    """Whether the successes of independent trials are as many as `share` makes likely."""
    drawn = list(outcomes)
    return abs(sum(drawn) - len(drawn) * share) <= 4 * math.sqrt(len(drawn) * share * (1 - share))


@pytest.mark.parametrize("ids", POPULATIONS)
def test_two_flags_at_half_are_independent(ids: str) -> None:
    first, second = seeded("blake2b/1", "flag-a/rollout"), seeded("blake2b/1", "flag-b/rollout")
    chosen = [unit for unit in POPULATIONS[ids] if first(unit) < 0.5]
    assert within_four_sigma((first(unit) < 0.5 for unit in POPULATIONS[ids]), 0.5)
    assert within_four_sigma((second(unit) < 0.5 for unit in chosen), 0.5)


@pytest.mark.parametrize("ids", POPULATIONS)
def test_a_split_inside_a_small_gate_stays_even(ids: str) -> None:
    gate, split = seeded("blake2b/1", "flag/rollout"), seeded("blake2b/1", "flag/split")
    inside = [unit for unit in POPULATIONS[ids] if gate(unit) < 0.1]
    assert within_four_sigma((split(unit) < 0.5 for unit in inside), 0.5)
    assert not within_four_sigma((gate(unit) < 0.5 for unit in inside), 0.5)  # one seed for both puts all on one side


@pytest.mark.parametrize("ids", ["hex", "uuid"])
def test_the_statistics_would_notice_a_checksum(ids: str) -> None:
    """CRC is linear: over ids of one length two salts differ by a constant, so both flags choose alike, or opposite."""

    def first_bit(seed: str, unit: str) -> int:
        return zlib.crc32((seed + unit).encode()) >> 31

    chosen = [unit for unit in POPULATIONS[ids] if first_bit("flag-a", unit)]
    assert {first_bit("flag-b", unit) for unit in chosen} in ({0}, {1})


def test_a_third_of_a_crowd_is_a_third() -> None:
    point = seeded("blake2b/1", "ramp/rollout")
    crowd = [f"user-{i}" for i in range(100_000)]
    assert within_four_sigma((point(unit) < 0.33333 for unit in crowd), 0.33333)
    assert 0 < sum(point(unit) < 0.001 for unit in crowd) < 200
