"""Signatures of webhooks: every given case, and everything that must not be believed."""

import base64
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Vectors
from lldkit.webhooks import SignatureInvalid, StandardWebhooks, Verified

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, for rotation").decode()
AT = 1_614_265_330
BODY = b'{"n": 1}'
HOOKS = StandardWebhooks(secrets=[SECRET])
HEADERS = HOOKS.sign("msg_1", AT, BODY)


def reason(body: bytes = BODY, headers: dict[str, str] = HEADERS, now: float = AT) -> str:
    """Why the delivery is not believed."""
    with pytest.raises(SignatureInvalid) as caught:
        HOOKS.verify(body, headers, now=now)
    return caught.value.reason


def test_given_cases(vectors: Vectors) -> None:
    cases = vectors.json("webhook-signatures", "standard.json")
    assert len(cases) == 18
    for case in cases:
        hooks = StandardWebhooks(secrets=case["secrets"])
        try:
            hooks.verify(base64.b64decode(case["body_b64"]), case["headers"], now=case["now"])
            found = "ok"
        except SignatureInvalid as invalid:
            found = invalid.reason
        assert found == case["expect"], case["name"]


def test_the_published_signature_is_made() -> None:
    hooks = StandardWebhooks(secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    headers = hooks.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", AT, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(max_size=200), st.integers(0, 10**12), st.data())
def test_one_changed_byte_is_found(body: bytes, at: int, data: st.DataObject) -> None:
    headers = HOOKS.sign("msg_1", at, body)
    assert HOOKS.verify(body, headers, now=at) == Verified("msg_1", at)
    index = data.draw(st.integers(0, len(body)))
    changed = body[:index] + b"?" + body[index + 1 :]
    if changed != body:
        assert reason(changed, headers, at) == "no_match"


def test_each_header_counts_in_any_case() -> None:
    for name in HEADERS:
        for shout in (str.upper, str.title):
            headers = {shout(each) if each == name else each: value for each, value in HEADERS.items()}
            assert HOOKS.verify(BODY, headers, now=AT).timestamp == AT
        assert reason(headers={each: value for each, value in HEADERS.items() if each != name}) == "header_missing"


def test_a_body_that_is_not_text_verifies() -> None:
    body = b"\xff\xfe\x00"
    assert HOOKS.verify(body, HOOKS.sign("m", AT, body), now=AT).id == "m"


@pytest.mark.parametrize(("now", "believed"), [(-300, True), (300, True), (-301, False), (301, False), (300.5, False)])
def test_the_tolerance_holds_both_ways(now: float, believed: bool) -> None:
    if believed:
        HOOKS.verify(BODY, HEADERS, now=AT + now)
    else:
        assert reason(now=AT + now) == ("timestamp_too_old" if now > 0 else "timestamp_too_new")


@pytest.mark.parametrize(
    "timestamp",
    ["+1614265330", "1_614_265_330", "\u0661\u0666\u0661\u0664", "1614265330.5", " 1614265330", "-1", "9" * 5_000],
)
def test_only_plain_digits_are_a_timestamp(timestamp: str) -> None:
    assert reason(headers={**HEADERS, "webhook-timestamp": timestamp}) == "header_malformed"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_an_empty_header_is_a_missing_one(name: str) -> None:
    assert reason(headers={**HEADERS, name: ""}) == "header_missing"


@pytest.mark.parametrize(
    "signature", ["garbage", "v1,", "v1", ",", "v1,é", "v1,\ud800", "v2" + HEADERS["webhook-signature"][2:]]
)
def test_garbage_for_a_signature_matches_nothing(signature: str) -> None:
    assert reason(headers={**HEADERS, "webhook-signature": signature}) == "no_match"


def test_the_end_of_the_id_cannot_be_moved() -> None:
    # Both sign the bytes "a.1.2.x": whoever holds one delivery must not be able to show it as the other.
    genuine = HOOKS.sign("a", 1, b"2.x")
    assert reason(b"x", {**genuine, "webhook-id": "a.1", "webhook-timestamp": "2"}, 2) == "header_malformed"
    with pytest.raises(ValueError, match=r"without full stops, got 'a\.1'"):
        HOOKS.sign("a.1", 2, b"x")
    with pytest.raises(ValueError, match="message_id"):
        HOOKS.sign("", 2, b"x")


def test_while_a_secret_is_replaced_both_are_believed() -> None:
    both = StandardWebhooks(secrets=[OTHER, SECRET])
    assert both.verify(BODY, HEADERS, now=AT).id == "msg_1"
    assert HOOKS.verify(BODY, both.sign("msg_2", AT, BODY), now=AT).id == "msg_2"


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], [SECRET, "whsec_"], ["no base64!"], ["whsec_é"]])
def test_secrets_that_are_none_are_refused_without_being_shown(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        StandardWebhooks(secrets=secrets)
    assert "base64!" not in str(caught.value)


def test_one_text_is_not_a_list_of_secrets() -> None:
    with pytest.raises(TypeError, match="list of secrets"):
        StandardWebhooks(secrets=SECRET)


@pytest.mark.parametrize("tolerance", [-1, 1.5, True])
def test_a_tolerance_is_a_whole_number_of_seconds(tolerance: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="tolerance_seconds"):
        StandardWebhooks(secrets=[SECRET], tolerance_seconds=tolerance)


def test_no_secret_shows() -> None:
    assert SECRET[6:] not in repr(HOOKS)
    assert repr(HOOKS) == "StandardWebhooks(1 secrets, tolerance_seconds=300)"


def test_a_refusal_travels_between_processes() -> None:
    assert pickle.loads(pickle.dumps(SignatureInvalid("no_match"))).reason == "no_match"
