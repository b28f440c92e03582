"""What a type checker must make of every public name of lldkit.notifications; generated, checked, never run."""

from collections.abc import Collection, Mapping
from datetime import datetime
from lldkit.notifications import Accepted, AddressError, AnyTemplate, AsyncChannel, Bounced, Call, Channel, ConsoleChannel, DEFAULT_LANES, DELIVERY, Dead, Decided, Decision, Deferred, Delivered, Delivery, DeliveryEvent, Digest, Directory, Explanation, FakeChannel, FallbackStarted, Finding, HeaderInjection, HistoryEntry, JsonValue, Key, Later, Limit, Matcher, MatcherSyntaxError, MemoryDirectory, MemoryStore, Message, MissingVariable, Mode, NotificationError, NotificationEvent, Notifier, Outcome, Preferences, Priority, Query, QuietHours, Reason, Receipt, ReceiptEvent, Recipient, Recorded, Refused, Rendered, Retried, Route, Row, RunReport, SMTPChannel, Sent, SmsLength, StaleVersion, State, Step, Store, StoreUnavailable, Suppressed, Target, TargetRefused, Template, Templates, Unclear, UnknownDelivery, UnknownTemplate, Verdict, Wakeful, WebhookChannel, Window, Write, check_target, lint, parse_address, parse_matchers, resolve, sms_segments
from lldkit.notifications.gates import Per
from lldkit.notifications.matchers import Operator
from lldkit.notifications.windows import Ranges
from lldkit.rate_limiter.limiter import RateLimiter
from typing import Any, Literal, assert_type

def n0() -> object: return DEFAULT_LANES
def n1() -> object: return DELIVERY
def n2(x: Accepted) -> None: assert_type(x.provider_id, str)
def n3(x: AddressError) -> None: assert_type(x.text, str); assert_type(x.position, int)
def n4(x: AnyTemplate) -> None: assert_type(x.digest, AnyTemplate | None)
def n5(x: AsyncChannel) -> None: assert_type(x.name, str)
def n6(x: Bounced) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str)
def n7(x: Call) -> None: assert_type(x.recipient_id, str); assert_type(x.category, str); assert_type(x.data, Mapping[str, JsonValue]); assert_type(x.priority, Priority); assert_type(x.labels, Mapping[str, str]); assert_type(x.dedupe_key, str | None); assert_type(x.expires_seconds, float | None)
def n8(x: Channel) -> None: assert_type(x.name, str)
def n9(x: ConsoleChannel) -> None: assert_type(x.name, str)
def n10(x: Dead) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.attempts, int); assert_type(x.reason, str)
def n11(x: Decided) -> None: assert_type(x.at, datetime); assert_type(x.receipt_id, str); assert_type(x.recipient_id, str); assert_type(x.category, str); assert_type(x.decisions, tuple[Decision, ...]); assert_type(x.duplicate_of, str | None)
def n12(x: Decision) -> None: assert_type(x.channel, str); assert_type(x.verdict, Verdict); assert_type(x.reason, Reason); assert_type(x.until, datetime | None); assert_type(x.rule, str)
def n13(x: Deferred) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.reason, str); assert_type(x.until, datetime)
def n14(x: Delivered) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.state, str)
def n15(x: Delivery) -> None: assert_type(x.id, str); assert_type(x.receipt_id, str); assert_type(x.channel, str); assert_type(x.state, State); assert_type(x.attempts, int); assert_type(x.due_at, datetime | None); assert_type(x.provider_id, str | None); assert_type(x.reason, str); assert_type(x.history, tuple[HistoryEntry, ...])
def n16() -> DeliveryEvent: return DeliveryEvent.WAIT
def n17(x: Digest) -> None: assert_type(x.window_seconds, float); assert_type(x.key, str | None); assert_type(x.sliding, bool); assert_type(x.max_age_seconds, float | None); assert_type(x.max_items, int)
def n18(x: Directory) -> None: del x
def n19(x: Explanation) -> None: assert_type(x.steps, tuple[Step, ...]); assert_type(x.decisions, tuple[Decision, ...])
def n20(x: FakeChannel) -> None: assert_type(x.name, str)
def n21(x: FallbackStarted) -> None: assert_type(x.at, datetime); assert_type(x.receipt_id, str); assert_type(x.failed, str); assert_type(x.channel, str)
def n22(x: Finding) -> None: assert_type(x.code, str); assert_type(x.path, str); assert_type(x.message, str); assert_type(x.is_error, bool)
def n23(x: HeaderInjection) -> None: assert_type(x.field, str)
def n24(x: HistoryEntry) -> None: assert_type(x.at, datetime); assert_type(x.state, State); assert_type(x.reason, str)
def n25() -> object: return JsonValue
def n26() -> object: return Key
def n27(x: Later) -> None: assert_type(x.reason, str); assert_type(x.retry_after, float | None)
def n28(x: Limit) -> None: assert_type(x.limiter, RateLimiter); assert_type(x.per, Per); assert_type(x.channel, str | None); assert_type(x.priorities, Collection[Priority])
def n29(x: Matcher) -> None: assert_type(x.name, str); assert_type(x.operator, Operator); assert_type(x.value, str)
def n30(x: MatcherSyntaxError) -> None: assert_type(x.text, str); assert_type(x.position, int)
def n31(x: MemoryDirectory) -> None: del x
def n32(x: MemoryStore) -> None: del x
def n33(x: Message) -> None: assert_type(x.id, str); assert_type(x.idempotency_key, str); assert_type(x.channel, str); assert_type(x.category, str); assert_type(x.priority, Priority); assert_type(x.recipient_id, str); assert_type(x.address, str); assert_type(x.locale, str); assert_type(x.subject, str | None); assert_type(x.text, str | None); assert_type(x.html, str | None); assert_type(x.headers, Mapping[str, str]); assert_type(x.data, Mapping[str, JsonValue]); assert_type(x.attempt, int)
def n34(x: MissingVariable) -> None: assert_type(x.name, str); assert_type(x.template, str)
def n35() -> Mode: return Mode.ALL
def n36(x: NotificationError) -> None: del x
def n37() -> object: return NotificationEvent
def n38(x: Notifier) -> None: del x
def n39() -> object: return Outcome
def n40(x: Preferences) -> None: assert_type(x.channels, Mapping[str, bool]); assert_type(x.categories, Mapping[str, bool]); assert_type(x.pairs, Mapping[tuple[str, str], bool]); assert_type(x.quiet, QuietHours | None)
def n41() -> Priority: return Priority.CRITICAL
def n42(x: Query) -> None: assert_type(x.kind, str); assert_type(x.group, str | None); assert_type(x.after, str); assert_type(x.lane, str); assert_type(x.due, int | None); assert_type(x.limit, int)
def n43(x: QuietHours) -> None: assert_type(x.start, str); assert_type(x.end, str); assert_type(x.weekdays, tuple[int, ...] | None)
def n44() -> Reason: return Reason.ROUTED
def n45(x: Receipt) -> None: assert_type(x.id, str); assert_type(x.decisions, tuple[Decision, ...]); assert_type(x.duplicate_of, str | None)
def n46() -> ReceiptEvent: return ReceiptEvent.DELIVERED
def n47(x: Recipient) -> None: assert_type(x.id, str); assert_type(x.addresses, Mapping[str, str]); assert_type(x.zone, str); assert_type(x.locale, str); assert_type(x.preferences, Preferences)
def n48() -> Recorded: return Recorded.APPLIED
def n49(x: Refused) -> None: assert_type(x.reason, str); assert_type(x.bad_address, bool)
def n50(x: Rendered) -> None: assert_type(x.locale, str); assert_type(x.subject, str | None); assert_type(x.text, str | None); assert_type(x.html, str | None)
def n51(x: Retried) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.attempt, int); assert_type(x.reason, str); assert_type(x.due, datetime)
def n52(x: Route) -> None: assert_type(x.to, tuple[str, ...] | None); assert_type(x.matchers, tuple[str, ...]); assert_type(x.routes, tuple['Route', ...]); assert_type(x.continues, bool); assert_type(x.name, str); assert_type(x.mode, Mode | None); assert_type(x.ack_timeout_seconds, float | None); assert_type(x.digest, Digest | None); assert_type(x.mandatory, bool | None); assert_type(x.ignore_quiet_hours, bool | None); assert_type(x.active, tuple[Window, ...]); assert_type(x.mute, tuple[Window, ...])
def n53(x: Row) -> None: assert_type(x.value, Any); assert_type(x.version, int); assert_type(x.due, int | None)
def n54(x: RunReport) -> None: assert_type(x.sent, int); assert_type(x.retried, int); assert_type(x.deferred, int); assert_type(x.suppressed, int); assert_type(x.dead, int)
def n55(x: SMTPChannel) -> None: assert_type(x.name, str)
def n56(x: Sent) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.attempt, int)
def n57(x: SmsLength) -> None: assert_type(x.encoding, Literal['GSM-7', 'UCS-2']); assert_type(x.units, int); assert_type(x.segments, int)
def n58(x: StaleVersion) -> None: assert_type(x.key, Key); assert_type(x.expected, int); assert_type(x.found, int)
def n59() -> State: return State.QUEUED
def n60(x: Step) -> None: assert_type(x.rule, str); assert_type(x.channel, str); assert_type(x.saw, str); assert_type(x.decided, str)
def n61(x: Store) -> None: del x
def n62(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n63(x: Suppressed) -> None: assert_type(x.at, datetime); assert_type(x.delivery_id, str); assert_type(x.channel, str); assert_type(x.reason, str)
def n64(x: Target) -> None: assert_type(x.scheme, Literal['http', 'https']); assert_type(x.host, str); assert_type(x.port, int); assert_type(x.ip, str); assert_type(x.path, str)
def n65(x: TargetRefused) -> None: assert_type(x.url, str); assert_type(x.reason, str)
def n66(x: Template) -> None: assert_type(x.subject, str | None); assert_type(x.text, str | None); assert_type(x.html, str | None); assert_type(x.digest, Template | None)
def n67(x: Templates) -> None: assert_type(x.default_locale, str)
def n68(x: Unclear) -> None: assert_type(x.reason, str)
def n69(x: UnknownDelivery) -> None: assert_type(x.id, str)
def n70(x: UnknownTemplate) -> None: assert_type(x.category, str); assert_type(x.channel, str)
def n71() -> Verdict: return Verdict.SEND
def n72(x: Wakeful) -> None: del x
def n73(x: WebhookChannel) -> None: assert_type(x.name, str)
def n74(x: Window) -> None: assert_type(x.times, Ranges); assert_type(x.weekdays, Ranges); assert_type(x.days_of_month, Ranges); assert_type(x.months, Ranges); assert_type(x.years, Ranges); assert_type(x.zone, str)
def n75(x: Write) -> None: assert_type(x.key, Key); assert_type(x.value, Any); assert_type(x.expected, int); assert_type(x.group, str); assert_type(x.lane, str); assert_type(x.due, int | None); assert_type(x.lease, int | None)
def n76(url: str) -> None: assert_type(check_target(url), Target)
def n77(routes: Route, channels: Collection[str], templates: Templates) -> None: assert_type(lint(routes, channels=channels, templates=templates), list[Finding])
def n78(text: str) -> None: assert_type(parse_address(text), str)
def n79(text: str) -> None: assert_type(parse_matchers(text), tuple[Matcher, ...])
def n80(tree: Route, labels: Mapping[str, str]) -> None: assert_type(resolve(tree, labels), tuple[Route, ...])
def n81(text: str) -> None: assert_type(sms_segments(text), SmsLength)
