"""The channels and their helpers on material that nobody here wrote."""

import base64
import hmac
from datetime import UTC, datetime

from conftest import Vectors
from lldkit.clock import ManualClock
from lldkit.notifications.addresses import parse_address
from lldkit.notifications.interface import Accepted, AddressError
from lldkit.notifications.sms import sms_segments
from lldkit.notifications.webhook import WebhookChannel
from lldkit.webhooks import StandardWebhooks
from notifications.channel_servers import WebServer, message


def accepted(text: str) -> bool:
    try:
        parse_address(text)
    except AddressError:
        return False
    return True


def test_addresses_are_judged_as_isemail_judges_them(vectors: Vectors) -> None:
    cases = vectors.json("email-addresses", "addresses.json")
    assert len(cases) == 147
    assert sum(case["accept"] for case in cases) == 21
    assert [case["address"] for case in cases if accepted(case["address"]) != case["accept"]] == []


def test_text_messages_have_the_encoding_and_the_segments_that_they_are_paid_as(vectors: Vectors) -> None:
    cases = vectors.json("sms-segments", "segments.json")
    assert len(cases) == 46
    found = {case["name"]: sms_segments(case["text"]) for case in cases}
    expected = {case["name"]: (case["encoding"], case["segments"]) for case in cases}
    assert {name: (length.encoding, length.segments) for name, length in found.items()} == expected


def test_what_the_channel_signs_verifies_where_the_published_signatures_do(
    vectors: Vectors, web_server: WebServer
) -> None:
    cases = vectors.json("webhook-signatures", "standard.json")
    assert len(cases) == 18
    believed = [case for case in cases if case["expect"] == "ok"]
    assert len(believed) == 8
    for case in believed:
        given = {name.lower(): value for name, value in case["headers"].items()}
        clock = ManualClock(start=datetime.fromtimestamp(case["now"], UTC))
        secrets = {"127.0.0.1": case["secrets"]}
        with WebhookChannel(secrets=secrets, allow_private=True, allow_http=True, clock=clock) as hook:
            sent = message(idempotency_key=given["webhook-id"], address=web_server.url())
            assert isinstance(hook.send(sent), Accepted)
        got = web_server.requests[-1]
        assert StandardWebhooks(secrets=case["secrets"]).verify(got.body, got.headers, now=case["now"])
        signed = f"{given['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        key = base64.b64decode(case["secrets"][0].removeprefix("whsec_"))
        right = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        assert f"v1,{right}" in got.headers["webhook-signature"].split()
