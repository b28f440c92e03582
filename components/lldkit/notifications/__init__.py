"""Tell people and machines things: route, prefer, defer, digest, deliver, and account for it.

    routes = Route(to=("email",), routes=(Route(matchers=('priority="critical"',), to=("push", "sms")),))
    router = Notifier(routes=routes, channels={"email": mail, "push": push, "sms": sms}, templates=templates,
                      directory=directory, store=SQLiteStore("outbox.db"))     # from lldkit.notifications.sqlite
    receipt = router.notify("u1", "comment", {"author": "Eve"}, dedupe_key="c-9")   # stored, not yet sent
    router.run_due()                                           # or run(stop): sends, retries, releases, digests
    router.record(ReceiptEvent.BOUNCED, provider_id="<1@mx>")  # what providers tell
    print(router.explain("u1", "comment", {"author": "Eve"}))  # which rule saw what, and what it decided

Rules decide, as pure functions; a delivery is sent at least once under one id. Each verb has a twin for tasks.
"""

from lldkit.notifications.addresses import parse_address
from lldkit.notifications.calls import Call
from lldkit.notifications.console import ConsoleChannel
from lldkit.notifications.decide import Step
from lldkit.notifications.digest import Digest
from lldkit.notifications.events import (
    Bounced,
    Dead,
    Decided,
    Deferred,
    Delivered,
    FallbackStarted,
    NotificationEvent,
    Retried,
    Sent,
    Suppressed,
)
from lldkit.notifications.explain import Explanation
from lldkit.notifications.fake import FakeChannel
from lldkit.notifications.gates import Limit
from lldkit.notifications.interface import (
    Accepted,
    AddressError,
    AsyncChannel,
    Channel,
    Decision,
    Delivery,
    HeaderInjection,
    HistoryEntry,
    JsonValue,
    Later,
    MatcherSyntaxError,
    Message,
    MissingVariable,
    Mode,
    NotificationError,
    Outcome,
    Priority,
    Reason,
    Receipt,
    ReceiptEvent,
    Recorded,
    Refused,
    RunReport,
    State,
    StoreUnavailable,
    TargetRefused,
    Unclear,
    UnknownDelivery,
    UnknownTemplate,
    Verdict,
)
from lldkit.notifications.lanes import DEFAULT_LANES
from lldkit.notifications.lint import Finding, lint
from lldkit.notifications.machine import DELIVERY, DeliveryEvent
from lldkit.notifications.matchers import Matcher, parse_matchers
from lldkit.notifications.memory import MemoryStore
from lldkit.notifications.notifier import Notifier
from lldkit.notifications.preferences import Directory, MemoryDirectory, Preferences, Recipient
from lldkit.notifications.quiet import QuietHours
from lldkit.notifications.routing import Route, resolve
from lldkit.notifications.sms import SmsLength, sms_segments
from lldkit.notifications.smtp import SMTPChannel
from lldkit.notifications.store import Key, Query, Row, StaleVersion, Store, Wakeful, Write
from lldkit.notifications.targets import Target, check_target
from lldkit.notifications.templates import AnyTemplate, Rendered, Template, Templates
from lldkit.notifications.webhook import WebhookChannel
from lldkit.notifications.windows import Window

__all__ = [
    "DEFAULT_LANES",
    "DELIVERY",
    "Accepted",
    "AddressError",
    "AnyTemplate",
    "AsyncChannel",
    "Bounced",
    "Call",
    "Channel",
    "ConsoleChannel",
    "Dead",
    "Decided",
    "Decision",
    "Deferred",
    "Delivered",
    "Delivery",
    "DeliveryEvent",
    "Digest",
    "Directory",
    "Explanation",
    "FakeChannel",
    "FallbackStarted",
    "Finding",
    "HeaderInjection",
    "HistoryEntry",
    "JsonValue",
    "Key",
    "Later",
    "Limit",
    "Matcher",
    "MatcherSyntaxError",
    "MemoryDirectory",
    "MemoryStore",
    "Message",
    "MissingVariable",
    "Mode",
    "NotificationError",
    "NotificationEvent",
    "Notifier",
    "Outcome",
    "Preferences",
    "Priority",
    "Query",
    "QuietHours",
    "Reason",
    "Receipt",
    "ReceiptEvent",
    "Recipient",
    "Recorded",
    "Refused",
    "Rendered",
    "Retried",
    "Route",
    "Row",
    "RunReport",
    "SMTPChannel",
    "Sent",
    "SmsLength",
    "StaleVersion",
    "State",
    "Step",
    "Store",
    "StoreUnavailable",
    "Suppressed",
    "Target",
    "TargetRefused",
    "Template",
    "Templates",
    "Unclear",
    "UnknownDelivery",
    "UnknownTemplate",
    "Verdict",
    "Wakeful",
    "WebhookChannel",
    "Window",
    "Write",
    "check_target",
    "lint",
    "parse_address",
    "parse_matchers",
    "resolve",
    "sms_segments",
]
