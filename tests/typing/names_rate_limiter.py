"""What a type checker must make of every public name of lldkit.rate_limiter; generated, checked, never run."""

from datetime import datetime
from lldkit.clock import Clock
from lldkit.errors import LldkitError
from lldkit.rate_limiter import Algorithm, Ask, BucketVerdict, ConcurrencyLimiter, CountedVerdict, Decision, Denials, Denied, Evicted, Fallback, FallbackEntered, FallbackLeft, ImpossibleCost, Key, Lease, LeaseAnswer, LeaseDecision, LeaseLost, LeaseStore, Leased, LimiterStats, MemoryLeases, MemoryStore, Promised, QueueFull, Quota, RateLimited, RateLimiter, RateLimiterError, RateLimiterEvent, Reservation, Store, StoreFailed, StoreFull, StoreUnavailable, Verdict, Waited, fixed_window, gcra, per, per_day, per_hour, per_minute, per_second, ratelimit_fields, sliding_counter, sliding_log, token_bucket
from lldkit.rate_limiter.interface import Mode, PlainKey, Promise
from typing import Any, assert_type

def n0() -> object: return Algorithm
def n1(x: Ask) -> None: assert_type(x.mode, Mode); assert_type(x.name, str); assert_type(x.algorithm, Algorithm[Any]); assert_type(x.keys, tuple[PlainKey, ...]); assert_type(x.quotas, tuple[Quota, ...]); assert_type(x.now, int); assert_type(x.cost, int); assert_type(x.max_delay, int); assert_type(x.promises, tuple[Promise, ...])
def n2(x: BucketVerdict) -> None: assert_type(x.limit, int); assert_type(x.retry_after, float); assert_type(x.reset_after, float); assert_type(x.refill_after, float); assert_type(x.by_quota, tuple[Decision, ...]); assert_type(x.allowed, bool); assert_type(x.quota, Quota); assert_type(x.remaining, int); assert_type(x.retry_after_us, int | None); assert_type(x.reset_after_us, int); assert_type(x.refill_after_us, int); assert_type(x.delay_us, int)
def n3(x: ConcurrencyLimiter) -> None: assert_type(x.limit, int); assert_type(x.lease_seconds, float); assert_type(x.clock, Clock); assert_type(x.waiters, int)
def n4(x: CountedVerdict) -> None: assert_type(x.limit, int); assert_type(x.retry_after, float); assert_type(x.reset_after, float); assert_type(x.refill_after, float); assert_type(x.by_quota, tuple[Decision, ...]); assert_type(x.allowed, bool); assert_type(x.quota, Quota); assert_type(x.remaining, int); assert_type(x.retry_after_us, int | None); assert_type(x.reset_after_us, int); assert_type(x.refill_after_us, int); assert_type(x.delay_us, int)
def n5(x: Decision) -> None: assert_type(x.allowed, bool); assert_type(x.quota, Quota); assert_type(x.remaining, int); assert_type(x.retry_after_us, int | None); assert_type(x.reset_after_us, int); assert_type(x.refill_after_us, int); assert_type(x.delay_us, int); assert_type(x.limit, int); assert_type(x.retry_after, float); assert_type(x.reset_after, float); assert_type(x.refill_after, float); assert_type(x.by_quota, tuple[Decision, ...])
def n6(x: Denials) -> None: del x
def n7(x: Denied) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.key, Key); assert_type(x.decision, Decision | LeaseDecision)
def n8(x: Evicted) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.keys, int)
def n9(x: Fallback) -> None: del x
def n10(x: FallbackEntered) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.error, LldkitError)
def n11(x: FallbackLeft) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n12(x: ImpossibleCost) -> None: assert_type(x.key, Key); assert_type(x.decision, Decision | LeaseDecision); assert_type(x.cost, int)
def n13() -> object: return Key
def n14(x: Lease) -> None: assert_type(x.key, PlainKey); assert_type(x.token, str); assert_type(x.expires_in, float)
def n15(x: LeaseAnswer) -> None: assert_type(x.granted, bool); assert_type(x.in_flight, int); assert_type(x.retry_after_us, int)
def n16(x: LeaseDecision) -> None: assert_type(x.allowed, bool); assert_type(x.limit, int); assert_type(x.in_flight, int); assert_type(x.retry_after, float); assert_type(x.lease, Lease | None)
def n17(x: LeaseLost) -> None: assert_type(x.key, PlainKey); assert_type(x.token, str)
def n18(x: LeaseStore) -> None: assert_type(x.poll_seconds, float | None)
def n19(x: Leased) -> None: del x
def n20(x: LimiterStats) -> None: assert_type(x.denials, int); assert_type(x.waiters, int); assert_type(x.store_faults, int); assert_type(x.listener_failures, int); assert_type(x.keys, int | None); assert_type(x.evictions, int | None)
def n21(x: MemoryLeases) -> None: del x
def n22(x: MemoryStore) -> None: del x
def n23(x: Promised) -> None: assert_type(x.limit, int); assert_type(x.retry_after, float); assert_type(x.reset_after, float); assert_type(x.refill_after, float); assert_type(x.by_quota, tuple[Decision, ...]); assert_type(x.allowed, bool); assert_type(x.quota, Quota); assert_type(x.remaining, int); assert_type(x.retry_after_us, int | None); assert_type(x.reset_after_us, int); assert_type(x.refill_after_us, int); assert_type(x.delay_us, int); assert_type(x.promise, Promise); assert_type(x.verdict, Decision)
def n24(x: QueueFull) -> None: assert_type(x.key, Key); assert_type(x.decision, Decision | LeaseDecision); assert_type(x.waiters, int)
def n25(x: Quota) -> None: assert_type(x.limit, int); assert_type(x.period, float); assert_type(x.burst, int); assert_type(x.name, str); assert_type(x.period_us, int); assert_type(x.rate, tuple[int, int]); assert_type(x.capacity, int)
def n26(x: RateLimited) -> None: assert_type(x.key, Key); assert_type(x.decision, Decision | LeaseDecision)
def n27(x: RateLimiter) -> None: assert_type(x.stats, LimiterStats)
def n28(x: RateLimiterError) -> None: del x
def n29(x: RateLimiterEvent) -> None: assert_type(x.at, datetime); assert_type(x.name, str)
def n30(x: Reservation) -> None: assert_type(x.decision, Decision); assert_type(x.delay, float); assert_type(x.allowed, bool)
def n31(x: Store) -> None: del x
def n32(x: StoreFailed) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.error, LldkitError)
def n33(x: StoreFull) -> None: assert_type(x.max_keys, int); assert_type(x.retry_after, float)
def n34(x: StoreUnavailable) -> None: assert_type(x.store, str); assert_type(x.retry_after, float)
def n35(x: Verdict) -> None: assert_type(x.allowed, bool); assert_type(x.quota, Quota); assert_type(x.remaining, int); assert_type(x.retry_after_us, int | None); assert_type(x.reset_after_us, int); assert_type(x.refill_after_us, int); assert_type(x.delay_us, int); assert_type(x.limit, int); assert_type(x.retry_after, float); assert_type(x.reset_after, float); assert_type(x.refill_after, float); assert_type(x.by_quota, tuple[Decision, ...])
def n36(x: Waited) -> None: assert_type(x.at, datetime); assert_type(x.name, str); assert_type(x.key, Key); assert_type(x.seconds, float)
def n37() -> object: return fixed_window
def n38() -> object: return gcra
def n39(limit: int, seconds: float) -> None: assert_type(per(limit, seconds), Quota)
def n40(limit: int) -> None: assert_type(per_day(limit), Quota)
def n41(limit: int) -> None: assert_type(per_hour(limit), Quota)
def n42(limit: int) -> None: assert_type(per_minute(limit), Quota)
def n43(limit: int) -> None: assert_type(per_second(limit), Quota)
def n44(decision: Decision) -> None: assert_type(ratelimit_fields(decision), dict[str, str])
def n45() -> object: return sliding_counter
def n46() -> object: return sliding_log
def n47() -> object: return token_bucket
