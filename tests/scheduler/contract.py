"""What every store does, in virtual time: `StoreContract` is run by one subclass for each engine."""

from random import Random

import pytest

from lldkit.clock import MICRO, ManualClock
from lldkit.machine import InvalidTransition
from lldkit.scheduler import (
    WAITING,
    DeadReason,
    DuplicateJob,
    JobEvent,
    JobState,
    Keep,
    LeaseRef,
    Limit,
    QueueFull,
    Renewal,
    Store,
    UnknownJob,
)
from lldkit.scheduler.store import Conflict
from scheduler.helpers import a_job, end, ids, put, wish

MINUTE = 60 * MICRO


def conflict(**fields: object) -> Conflict:
    given = {"states": WAITING, "within": None, "debounce": None, "max_wait": None, "on_conflict": "return", **fields}
    return Conflict(**given)  # type: ignore[arg-type]


class StoreContract:
    """A subclass has the fixture `store`, a store on the fixture `clock`; three lines let a user's own store join."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    # Order

    def test_jobs_come_in_the_order_of_arrival(self, store: Store) -> None:
        arrived = put(store, *(a_job() for _ in range(7)))
        assert ids(store.claim(wish(3))) == arrived[:3]
        assert ids(store.claim(wish(50))) == arrived[3:]
        assert store.claim(wish()) == []

    def test_a_claim_sees_its_own_queue_only(self, store: Store) -> None:
        put(store, a_job("mine"), a_job("theirs", queue="other"))
        assert ids(store.claim(wish())) == ["mine"]

    def test_a_priority_is_worth_its_head_start_and_no_more(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("early"))
        clock.advance(59)
        put(store, a_job("urgent", head_start=MINUTE, priority=1))
        clock.advance(2)
        put(store, a_job("too late", head_start=MINUTE, priority=1))
        assert ids(store.claim(wish())) == ["urgent", "early", "too late"]

    def test_a_delayed_job_comes_when_it_is_due_and_not_before(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("later", delay=10 * MICRO))
        assert store.claim(wish()) == []
        assert store.next_due("q") == store.now() + 10 * MICRO
        clock.advance(9.999999)
        assert store.claim(wish()) == []
        clock.advance(0.000001)
        assert ids(store.claim(wish())) == ["later"]

    def test_a_delay_of_ten_leases_is_delivered_once(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("later", delay=300 * MICRO))
        claimed = []
        for second in range(310):
            for lease in store.claim(wish(worker="vw"[second % 2], seconds=30)):
                claimed.append((second, lease.fence))
                store.settle([end(lease)])
            clock.advance(1)
        assert claimed == [(300, 1)]

    def test_delayed_jobs_of_high_priority_do_not_hide_a_ready_one(self, store: Store) -> None:
        put(store, *(a_job(delay=60 * MINUTE, head_start=9 * MINUTE) for _ in range(200)), a_job("now"))
        assert ids(store.claim(wish(1))) == ["now"]

    def test_what_is_put_in_bulk_keeps_every_character_and_its_place(self, store: Store) -> None:
        payload = '[["tab\\t line\\n \\\\N \\\\. quote\\" \u00e9 \U0001f600"],{}]'
        jobs = [
            a_job(
                f"job {n}\t\\N",
                payload=payload,
                group="g",
                priority=3,
                head_start=3,
                expires=MINUTE,
                max_attempts=n + 1,
            )
            for n in range(50)
        ]
        put(store, *jobs)
        assert [lease.new for lease in store.claim(wish())] == jobs

    # Leases and fences

    def test_a_lease_that_nobody_renews_ends_and_the_job_runs_again_with_a_higher_fence(
        self, store: Store, clock: ManualClock
    ) -> None:
        put(store, a_job("x"))
        (first,) = store.claim(wish(seconds=30))
        clock.advance(29.9)
        assert store.claim(wish(worker="v")) == []
        clock.advance(0.1)
        (second,) = store.claim(wish(worker="v"))
        assert (first.fence, second.fence) == (1, 2)
        assert (second.crashes, second.attempts) == (1, 0)

    def test_a_renewed_lease_lasts(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish(seconds=30))
        for _ in range(5):
            clock.advance(20)
            assert store.renew([LeaseRef("x", lease.fence)], seconds=30) == [Renewal.KEPT]
            assert store.claim(wish(worker="v")) == []
        assert store.settle([end(lease)]) == [True]

    def test_only_the_newest_fence_settles_and_renews(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x"))
        (old,) = store.claim(wish())
        clock.advance(31)
        (new,) = store.claim(wish(worker="v"))
        assert store.renew([LeaseRef("x", old.fence), LeaseRef("x", new.fence)], seconds=30) == [
            Renewal.LOST,
            Renewal.KEPT,
        ]
        assert store.settle([end(old)]) == [False]
        assert store.get("x").state is JobState.RUNNING
        assert store.settle([end(new, result="7")]) == [True]
        assert store.settle([end(old, JobEvent.RETRY)]) == [False]
        assert store.get("x").state is JobState.SUCCEEDED
        assert store.get("x").result == "7"

    def test_an_outcome_that_is_told_again_changes_nothing_and_is_accepted_again(
        self, store: Store, clock: ManualClock
    ) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish())
        outcome = end(lease, JobEvent.RETRY, delay=5 * MICRO)
        assert store.settle([outcome]) == [True]
        before = store.get("x")
        clock.advance(1)
        assert store.settle([outcome]) == [True]
        assert store.get("x") == before
        clock.advance(5)
        (again,) = store.claim(wish())
        assert store.settle([outcome]) == [True]
        assert store.get("x") == again

    def test_jobs_that_are_put_again_are_there_once(self, store: Store) -> None:
        job = a_job("x")
        assert [answer.is_new for answer in store.put([job])] == [True]
        assert [answer.is_new for answer in store.put([job])] == [True]
        assert ids(store.claim(wish())) == ["x"]

    def test_what_is_said_twice_in_one_call_counts_once(self, store: Store) -> None:
        assert put(store, a_job("x"), a_job("x")) == ["x", "x"]
        (lease,) = store.claim(wish())
        assert store.settle([end(lease), end(lease, JobEvent.BURY)]) == [True, True]
        assert store.get("x").state is JobState.SUCCEEDED
        assert {state: count for state, count in store.stats("q").items() if count} == {JobState.SUCCEEDED: 1}

    def test_progress_travels_with_the_heartbeat(self, store: Store) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish())
        store.renew([LeaseRef("x", lease.fence, "0.5")], seconds=30)
        store.renew([LeaseRef("x", lease.fence)], seconds=30)
        assert store.get("x").progress == "0.5"

    def test_an_unknown_job_cannot_be_settled_renewed_seen_or_changed(self, store: Store) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish())
        ghost = lease._replace(new=lease.new._replace(id="ghost"))
        assert store.settle([end(ghost), end(lease)]) == [False, True]
        assert store.renew([LeaseRef("ghost", 1)], seconds=1) == [Renewal.LOST]
        for ask in (store.get, store.cancel, store.retry):
            with pytest.raises(UnknownJob, match="ghost"):
                ask("ghost")

    # Ends

    def test_a_failed_run_waits_for_its_retry(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.RETRY, delay=5 * MICRO, error='["E","no",""]')])
        waiting = store.get("x")
        assert (waiting.state, waiting.attempts, waiting.backoff) == (JobState.SCHEDULED, 1, 5 * MICRO)
        assert waiting.error == '["E","no",""]'
        clock.advance(5)
        assert ids(store.claim(wish())) == ["x"]

    def test_a_released_job_keeps_its_place_and_nothing_is_counted(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x"))
        clock.advance(1)
        put(store, a_job("y"))
        (lease,) = store.claim(wish(1))
        clock.advance(5)
        store.settle([end(lease, JobEvent.RELEASE)])
        assert ids(store.claim(wish())) == ["x", "y"]
        assert (store.get("x").attempts, store.get("x").crashes) == (0, 0)

    def test_a_run_whose_process_has_died_is_charged_with_a_crash_at_once(self, store: Store) -> None:
        put(store, a_job("x", max_crashes=2))
        (lease,) = store.claim(wish())
        assert store.settle([end(lease, JobEvent.LOSE)]) == [True]
        assert store.settle([end(lease, JobEvent.LOSE)]) == [True]  # the answer was lost
        lost = store.get("x")
        assert (lost.state, lost.crashes, lost.suspect) == (JobState.READY, 1, True)
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.LOSE)])
        assert (store.get("x").reason, store.get("x").crashes) == (DeadReason.CRASHED, 2)

    def test_what_said_when_a_job_is_due_is_not_kept(self, store: Store) -> None:
        job = a_job("x", delay=MINUTE, unique_key="u", conflict=conflict())
        put(store, job)
        assert store.get("x").new == job._replace(delay=0, conflict=None)

    def test_a_dead_job_says_why_and_can_be_replayed_with_all_its_attempts(self, store: Store) -> None:
        put(store, a_job("x"))
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.BURY, reason=DeadReason.EXHAUSTED, error='["E","no",""]')])
        dead = store.get("x")
        assert (dead.state, dead.reason, dead.attempts, dead.error) == (
            JobState.DEAD,
            DeadReason.EXHAUSTED,
            1,
            '["E","no",""]',
        )
        assert store.claim(wish()) == []
        again = store.retry("x")
        assert (again.state, again.attempts, again.reason) == (JobState.READY, 0, None)
        (lease,) = store.claim(wish())
        assert lease.fence == 2
        store.settle([end(lease)])
        with pytest.raises(InvalidTransition, match="SUCCEEDED allows nothing"):
            store.retry("x")

    def test_a_job_that_was_not_started_in_time_is_dead(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x", expires=10 * MICRO), a_job("y"))
        clock.advance(10)
        assert ids(store.claim(wish())) == ["y"]
        assert (store.get("x").state, store.get("x").reason) == (JobState.DEAD, DeadReason.EXPIRED)

    def test_who_waited_for_a_job_that_was_too_late_comes_at_once(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x", key="k", expires=10 * MICRO), a_job("y", key="k"))
        clock.advance(10)
        assert ids(store.claim(wish())) == ["y"]

    # Crashes

    def test_a_job_that_kills_its_worker_each_time_is_dead(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x", max_crashes=3))
        for crash in range(3):
            (lease,) = store.claim(wish(worker=f"w{crash}"))
            assert lease.crashes == crash
            clock.advance(31)
        assert store.claim(wish()) == []
        dead = store.get("x")
        assert (dead.state, dead.reason, dead.crashes) == (JobState.DEAD, DeadReason.CRASHED, 3)

    def test_who_was_lost_with_others_is_not_blamed_but_runs_alone(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("a"), a_job("b"))
        assert ids(store.claim(wish(worker="w1"))) == ["a", "b"]
        clock.advance(31)
        put(store, a_job("c"))
        assert store.claim(wish(worker="busy", idle=False)) == []
        (lease,) = store.claim(wish(worker="w2"))
        assert (lease.new.id, lease.crashes, lease.suspect) == ("a", 0, True)
        store.settle([end(lease)])
        (lease,) = store.claim(wish(worker="w2"))
        assert (lease.new.id, lease.crashes) == ("b", 0)
        clock.advance(31)
        assert store.claim(wish(worker="busy", idle=False)) == []
        assert store.get("b").crashes == 1
        assert ids(store.claim(wish(worker="w3"))) == ["b"]

    def test_the_last_lease_of_a_dead_worker_to_end_is_not_blamed_either(
        self, store: Store, clock: ManualClock
    ) -> None:
        put(store, a_job("a"))
        store.claim(wish(worker="w1", seconds=10))
        put(store, a_job("b"))
        store.claim(wish(worker="w1", seconds=20))
        clock.advance(10)
        store.claim(wish(worker="busy", idle=False))
        clock.advance(10)
        store.claim(wish(worker="busy", idle=False))
        assert [store.get(job).crashes for job in "ab"] == [0, 0]

    def test_a_suspect_that_ends_is_no_suspect_any_more(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("a"))
        store.claim(wish())
        clock.advance(31)
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.RETRY)])
        put(store, a_job("b"))
        assert sorted(ids(store.claim(wish()))) == ["a", "b"]

    # Keys

    def test_jobs_of_a_key_run_one_at_a_time_in_the_order_of_arrival(self, store: Store, clock: ManualClock) -> None:
        put(store, *(a_job(name, key="k") for name in "abc"), a_job("free"), a_job("other", key="l"))
        leases = store.claim(wish(seconds=300))
        assert ids(leases) == ["a", "free", "other"]
        store.settle([end(leases[0], JobEvent.RETRY, delay=60 * MICRO)])
        assert store.claim(wish()) == []
        clock.advance(60)
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.BURY, reason=DeadReason.EXHAUSTED)])
        (lease,) = store.claim(wish())
        assert lease.new.id == "b"
        assert store.cancel("c")
        store.settle([end(lease)])
        assert store.claim(wish()) == []
        assert store.stats("q")[JobState.BLOCKED] == 0

    def test_a_thousand_jobs_behind_a_key_hide_no_free_one(self, store: Store) -> None:
        put(store, *(a_job(key="k") for _ in range(1_000)), a_job("free"))
        assert ids(store.claim(wish(2)))[1] == "free"

    def test_a_replayed_job_goes_to_the_end_of_its_key(self, store: Store) -> None:
        put(store, *(a_job(name, key="k") for name in "abc"))
        (lease,) = store.claim(wish())
        store.settle([end(lease, JobEvent.BURY)])
        assert store.retry("a").state is JobState.BLOCKED
        order = []
        while leases := store.claim(wish()):
            order += ids(leases)
            store.settle(list(map(end, leases)))
        assert order == ["b", "c", "a"]

    # Groups

    def test_a_group_never_has_more_running_than_its_cap(self, store: Store, clock: ManualClock) -> None:
        put(store, *(a_job(f"g{n}", group="g") for n in range(5)), a_job("free"), a_job("h", group="h"))
        limits = {"g": Limit(running=2)}
        leases = store.claim(wish(limits=limits))
        assert ids(leases) == ["g0", "g1", "free", "h"]
        assert store.claim(wish(limits=limits, worker="v")) == []
        store.settle([end(leases[0])])
        assert ids(store.claim(wish(limits=limits, worker="v"))) == ["g2"]
        clock.advance(31)
        assert len(store.claim(wish(limits=limits, worker="u"))) == 1  # a suspect, alone
        assert sum(record.state is JobState.RUNNING for record in _all(store)) == 1

    def test_a_cap_for_every_group_counts_each_group_by_itself(self, store: Store) -> None:
        put(store, *(a_job(f"{group}{n}", group=group) for n in range(3) for group in "gh"))
        assert ids(store.claim(wish(group_limit=Limit(running=1)))) == ["g0", "h0"]

    def test_full_groups_hide_no_free_job(self, store: Store) -> None:
        put(store, *(a_job(group="g") for _ in range(300)), a_job("free"))
        assert len(store.claim(wish(limits={"g": Limit(running=1)}))) == 2

    def test_a_group_starts_no_faster_than_its_rate(self, store: Store, clock: ManualClock) -> None:
        put(store, *(a_job(group="g") for _ in range(100)))
        limits = {"g": Limit(per_second=10, burst=10)}
        starts = []
        for _ in range(40):
            starts += [clock.monotonic() for _ in store.claim(wish(limits=limits))]
            clock.advance(0.05)
        for first, start in enumerate(starts):
            for last in range(first, len(starts)):
                assert last - first + 1 <= 10 * (starts[last] - start) + 10 + 1e-9
        assert len(starts) == 29  # the burst, and one each tenth of 1.95 seconds

    def test_a_crash_refunds_no_start(self, store: Store, clock: ManualClock) -> None:
        put(store, *(a_job(group="g", max_crashes=9) for _ in range(5)))
        limits = {"g": Limit(per_second=0.01, burst=2)}
        assert len(store.claim(wish(limits=limits))) == 2
        clock.advance(31)
        assert store.claim(wish(limits=limits)) == []
        assert store.stats("q")[JobState.READY] == 5
        clock.advance(69)
        assert len(store.claim(wish(limits=limits))) == 1

    # Unique keys

    def test_a_second_job_with_the_unique_key_of_a_waiting_one_is_that_one(self, store: Store) -> None:
        job = a_job("x", unique_key="u", conflict=conflict())
        assert put(store, job, job._replace(id="y"), job._replace(id="z", queue="other")) == ["x", "x", "z"]
        (lease,) = store.claim(wish())
        assert put(store, job._replace(id="y")) == ["y"]  # a running job may enqueue itself
        assert lease.new.id == "x"

    def test_a_conflict_may_be_an_error_and_then_nothing_was_put(self, store: Store) -> None:
        job = a_job("x", unique_key="u", conflict=conflict(on_conflict="raise"))
        put(store, job)
        with pytest.raises(DuplicateJob) as caught:
            store.put([a_job("before"), job._replace(id="y")])
        assert caught.value.existing == "x"
        with pytest.raises(UnknownJob):
            store.get("before")
        assert ids(store.claim(wish())) == ["x"]

    def test_a_conflict_may_replace_the_arguments_of_a_waiting_job(self, store: Store) -> None:
        job = a_job("x", unique_key="u", conflict=conflict(on_conflict="replace"))
        put(store, job)
        assert put(store, job._replace(id="y", payload="[[2],{}]")) == ["x"]
        (lease,) = store.claim(wish())
        assert lease.new.payload == "[[2],{}]"

    def test_within_seconds_throttles_whatever_became_of_the_first(self, store: Store, clock: ManualClock) -> None:
        job = a_job("x", unique_key="u", conflict=conflict(within=60 * MICRO))
        put(store, job)
        store.settle([end(store.claim(wish())[0])])
        clock.advance(59)
        assert put(store, job._replace(id="y")) == ["x"]
        clock.advance(1)
        assert put(store, job._replace(id="y")) == ["y"]

    def test_an_endless_debounce_runs_by_its_longest_wait_with_the_last_arguments(
        self, store: Store, clock: ManualClock
    ) -> None:
        rule = conflict(debounce=10 * MICRO, max_wait=25 * MICRO)
        for second in range(25):
            job = a_job(f"x{second}", unique_key="u", conflict=rule)
            assert put(store, job._replace(payload=f"[[{second}],{{}}]")) == ["x0"]
            assert store.claim(wish()) == []
            clock.advance(1)
        (lease,) = store.claim(wish())
        assert (lease.new.id, lease.new.payload) == ("x0", "[[24],{}]")

    # Dependencies

    def test_the_end_of_a_diamond_runs_once_after_both_sides(self, store: Store) -> None:
        put(store, a_job("a"), a_job("b", parents=("a",)), a_job("c", parents=("a",)), a_job("d", parents=("b", "c")))
        (a,) = store.claim(wish())
        store.settle([end(a)])
        b, c = store.claim(wish(1)), store.claim(wish(1, worker="v"))
        assert store.claim(wish()) == []
        store.settle([end(b[0])])
        assert store.claim(wish()) == []
        store.settle([end(c[0])])
        assert ids(store.claim(wish())) == ["d"]
        assert store.claim(wish()) == []

    def test_a_child_of_a_parent_that_has_ended_is_not_stranded(self, store: Store) -> None:
        put(store, a_job("a"))
        store.settle([end(store.claim(wish())[0])])
        put(store, a_job("b", parents=("a",)))
        assert ids(store.claim(wish())) == ["b"]

    def test_a_parent_that_does_not_exist_is_refused_and_nothing_was_put(self, store: Store) -> None:
        with pytest.raises(UnknownJob, match="nobody"):
            store.put([a_job("a"), a_job("b", parents=("a", "nobody"))])
        with pytest.raises(UnknownJob):
            store.get("a")
        assert store.claim(wish()) == []
        assert put(store, a_job("a")) == ["a"]

    def test_children_of_a_dead_parent_do_what_their_policy_says(self, store: Store) -> None:
        put(store, a_job("a", max_attempts=1))
        put(store, *(a_job(p, parents=("a",), on_parent_failure=p) for p in ("cancel", "hold", "run")))
        put(store, a_job("grandchild", parents=("cancel",)))
        store.settle([end(store.claim(wish())[0], JobEvent.BURY, reason=DeadReason.EXHAUSTED)])
        assert ids(store.claim(wish())) == ["run"]
        assert store.get("hold").state is JobState.BLOCKED
        for name in ("cancel", "grandchild"):
            assert (store.get(name).state, store.get(name).reason) == (JobState.CANCELLED, DeadReason.PARENT_FAILED)
        late = a_job("late", parents=("a",))
        assert store.put([late])[0].record.state is JobState.CANCELLED

    def test_replaying_a_parent_revives_what_was_cancelled_because_of_it_and_nothing_else(self, store: Store) -> None:
        put(store, a_job("a"), a_job("b", parents=("a",)), a_job("c", parents=("b",)), a_job("x", parents=("a",)))
        store.cancel("x")
        store.settle([end(store.claim(wish())[0], JobEvent.BURY)])
        store.retry("a")
        assert [store.get(job).state.value for job in "abcx"] == ["ready", "blocked", "blocked", "cancelled"]
        for name in "abc":
            (lease,) = store.claim(wish())
            assert lease.new.id == name
            store.settle([end(lease)])

    def test_a_long_chain_is_cancelled_and_revived_as_a_whole(self, store: Store) -> None:
        chain = [a_job(f"c{n}", parents=(f"c{n - 1}",) if n else ()) for n in range(400)]
        put(store, *chain)
        store.cancel("c0")
        assert store.stats("q")[JobState.CANCELLED] == 400
        store.retry("c0")
        assert store.stats("q")[JobState.BLOCKED] == 399

    def test_a_child_that_was_cancelled_twice_over_is_revived_once(self, store: Store) -> None:
        put(store, a_job("a"), a_job("b", parents=("a",)), a_job("c", parents=("a",)), a_job("d", parents=("b", "c")))
        store.cancel("a")
        store.retry("a")
        assert [store.get(job).state.value for job in "abcd"] == ["ready", "blocked", "blocked", "blocked"]
        assert store.stats("q")[JobState.CANCELLED] == 0
        for name in "abcd":
            (lease,) = store.claim(wish(1))
            assert lease.new.id == name
            store.settle([end(lease)])

    # Capacity

    def test_capacity_bounds_what_waits_and_refuses_no_retry(self, store: Store) -> None:
        put(store, *(a_job() for _ in range(10)), capacity=10)
        with pytest.raises(QueueFull, match="10 of 10"):
            put(store, a_job("eleventh"), capacity=10)
        (lease,) = store.claim(wish(1))
        put(store, a_job("in its place"), capacity=10)
        assert store.settle([end(lease, JobEvent.RETRY)]) == [True]
        with pytest.raises(UnknownJob):
            store.get("eleventh")
        with pytest.raises(QueueFull) as caught:
            put(store, a_job(), a_job(), capacity=10)
        assert (caught.value.size, caught.value.capacity) == (11, 10)

    def test_a_conflict_takes_no_place(self, store: Store) -> None:
        job = a_job("x", unique_key="u", conflict=conflict())
        put(store, job, capacity=1)
        assert put(store, job._replace(id="y"), capacity=1) == ["x"]

    # Control

    def test_a_waiting_job_is_cancelled_at_once_and_for_good(self, store: Store) -> None:
        put(store, a_job("ready"), a_job("later", delay=MINUTE), a_job("child", parents=("ready",)))
        assert [store.cancel(job) for job in ("later", "ready")] == [True, True]
        assert [store.get(job).state for job in ("ready", "later", "child")] == [JobState.CANCELLED] * 3
        assert store.claim(wish()) == []
        assert store.cancel("ready") is False

    def test_a_running_job_is_asked_to_stop_and_a_late_success_does_not_undo_it(self, store: Store) -> None:
        put(store, a_job("x"), a_job("child", parents=("x",)))
        (lease,) = store.claim(wish())
        assert store.cancel("x")
        assert store.renew([LeaseRef("x", lease.fence)], seconds=30) == [Renewal.CANCEL]
        assert store.settle([end(lease, result="1")]) == [True]
        record = store.get("x")
        assert (record.state, record.result) == (JobState.CANCELLED, None)
        assert store.get("child").state is JobState.CANCELLED

    def test_a_cancelled_job_whose_worker_dies_is_cancelled(self, store: Store, clock: ManualClock) -> None:
        put(store, a_job("x"))
        store.claim(wish())
        store.cancel("x")
        clock.advance(31)
        assert store.claim(wish()) == []
        assert store.get("x").state is JobState.CANCELLED

    def test_pruning_keeps_the_newest_of_each_kind(self, store: Store, clock: ManualClock) -> None:
        put(store, *(a_job(f"s{n}") for n in range(5)), *(a_job(f"d{n}") for n in range(5)))
        for lease in store.claim(wish()):
            event = JobEvent.SUCCEED if lease.new.id.startswith("s") else JobEvent.BURY
            store.settle([end(lease, event)])
            clock.advance(1)
        assert store.prune("q", Keep(succeeded_rows=2, dead_rows=3, seconds=None)) == 5
        assert sorted(record.new.id for record in _all(store)) == ["d2", "d3", "d4", "s3", "s4"]
        assert store.prune("q", Keep(succeeded_rows=None, dead_rows=None, seconds=4.0)) == 2
        assert sorted(record.new.id for record in _all(store)) == ["d2", "d3", "d4"]
        assert store.stats("q")[JobState.SUCCEEDED] == 0

    def test_a_parent_is_kept_while_a_child_waits(self, store: Store) -> None:
        put(store, a_job("a"), a_job("b"), a_job("c", parents=("a", "b")))
        leases = store.claim(wish())
        store.settle([end(leases[0], result="1")])
        nothing = Keep(succeeded_rows=0, dead_rows=0)
        assert store.prune("q", nothing) == 0
        store.settle([end(leases[1])])
        (lease,) = store.claim(wish())
        assert lease.new.id == "c"
        store.settle([end(lease)])
        assert store.prune("q", nothing) == 3

    def test_what_must_be_kept_takes_nobodys_place(self, store: Store) -> None:
        put(store, a_job("parent"), a_job("open"), a_job("child", parents=("parent", "open")))
        for _ in range(2):
            store.settle([end(lease) for lease in store.claim(wish(1)) if lease.new.id == "parent"])
        put(store, a_job("newer"))
        store.settle([end(lease) for lease in store.claim(wish()) if lease.new.id == "newer"])
        assert store.prune("q", Keep(succeeded_rows=1)) == 0
        assert store.prune("q", Keep(succeeded_rows=0)) == 1
        assert store.get("parent").state is JobState.SUCCEEDED

    # Views

    def test_jobs_are_listed_from_the_newest_by_state_and_task(self, store: Store) -> None:
        put(store, a_job("a"), a_job("b")._replace(task="u"), a_job("c"), a_job("elsewhere", queue="other"))
        store.claim(wish(1))

        def listed(
            state: JobState | None = None, task: str | None = None, limit: int = 9, before: int | None = None
        ) -> list[str]:
            return [record.new.id for record in store.jobs("q", state=state, task=task, limit=limit, before=before)]

        assert listed() == ["c", "b", "a"]
        assert listed(limit=2) == ["c", "b"]
        assert listed(before=store.get("b").seq) == ["a"]
        assert listed(state=JobState.READY) == ["c", "b"]
        assert listed(task="u") == ["b"]

    def test_counts_and_claims_are_those_of_the_jobs(self, store: Store) -> None:
        put(store, a_job(), a_job(delay=MINUTE), a_job("p"), a_job(parents=("p",)))
        assert {state: n for state, n in store.stats("q").items() if n} == {
            JobState.READY: 2,
            JobState.SCHEDULED: 1,
            JobState.BLOCKED: 1,
        }
        store.claim(wish(1))
        assert (store.claims("q"), store.stats("q")[JobState.RUNNING]) == (1, 1)
        assert store.stats("nobody's").get(JobState.READY, 0) == 0

    def test_a_change_is_told_to_who_has_subscribed(self, store: Store) -> None:
        heard: list[int] = []
        unsubscribe = store.subscribe(lambda: heard.append(1))
        put(store, a_job("x"))
        assert heard
        unsubscribe()
        count = len(heard)
        put(store, a_job("y"))
        assert len(heard) == count

    def test_a_random_life_leaves_nothing_behind(self, store: Store, clock: ManualClock) -> None:
        """Whatever happens, all jobs end in the end, and the counts are those of the jobs."""
        rng = Random(7)
        names = [f"j{n}" for n in range(60)]
        for n, name in enumerate(names):
            job = a_job(
                name,
                parents=tuple(rng.sample(names[:n], k=min(n, n % 3))),
                on_parent_failure=rng.choice(["cancel", "run"]),
                key=rng.choice([None, "k", "l"]),
                group=rng.choice([None, "g"]),
                delay=rng.randrange(3) * MICRO,
            )
            put(store, job)
        for _ in range(2_000):
            leases = store.claim(wish(rng.randint(1, 5), worker=f"w{rng.randrange(3)}", limits={"g": Limit(running=2)}))
            events = [rng.choice([JobEvent.SUCCEED, JobEvent.RETRY, JobEvent.RELEASE, JobEvent.BURY]) for _ in leases]
            store.settle([end(lease, event) for lease, event in zip(leases, events, strict=True) if rng.random() < 0.8])
            clock.advance(rng.choice([0.1, 1.0, 40.0]))
            if not any(record.state in {*WAITING, JobState.RUNNING} for record in _all(store)):
                break
        records = _all(store)
        assert len(records) == 60
        assert {record.state for record in records} <= {JobState.SUCCEEDED, JobState.DEAD, JobState.CANCELLED}
        for state, count in store.stats("q").items():
            assert count == sum(record.state is state for record in records)


def _all(store: Store) -> list:  # type: ignore[type-arg]
    return list(store.jobs("q", state=None, task=None, limit=1_000, before=None))
