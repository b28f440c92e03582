"""Threads over one store, under the deterministic scheduler."""

from collections.abc import Callable
from typing import Any

from lldkit import interleave
from lldkit.notifications import Digest, Mode, ReceiptEvent, Route
from notifications.helpers import World

INCLUDE = ["lldkit.notifications"]
Program = tuple[dict[str, Callable[[], object]], Callable[[], object]]
PLAIN = Route(to=("email",))
DIGEST = Route(to=("email",), digest=Digest(window_seconds=60))


def prove(program: Callable[[], Program], *, schedules: int = 40) -> None:
    interleave.explore(program, schedules=schedules, include=INCLUDE).assert_ok()


def test_one_dedupe_key_is_taken_once() -> None:
    def program() -> Program:
        world, receipts = World(PLAIN), list[Any]()

        def notify() -> None:
            receipts.append(world.router.notify("u1", "news", {"name": "x"}, dedupe_key="k"))

        def invariant() -> bool:
            world.run()
            firsts = [each.id for each in receipts if each.duplicate_of is None]
            others = [each.duplicate_of for each in receipts if each.duplicate_of is not None]
            return len(firsts) == 1 and others == firsts * 2 and len(world.sent()) == 1

        return {"a": notify, "b": notify, "c": notify}, invariant

    prove(program)


def test_two_workers_send_each_message_once() -> None:
    def program() -> Program:
        world = World(PLAIN)
        for number in range(3):
            world.notify(data={"name": str(number)})

        def invariant() -> bool:
            return sorted(map(str, world.sent())) == [f"it is {number}" for number in range(3)] and not (
                world.router.next_due()
            )

        return {"a": world.router.run_due, "b": world.router.run_due}, invariant

    prove(program)


def test_an_event_during_the_flush_is_in_this_digest_or_in_the_next() -> None:
    def program() -> Program:
        world = World(DIGEST)
        world.notify("comment", data={"name": "a"})
        world.clock.advance(60)

        def arrive() -> None:
            world.notify("comment", data={"name": "b"})

        def invariant() -> bool:
            for _ in range(3):
                world.run(61)
            return sorted("\n".join(map(str, world.sent())).splitlines()) == ["it is a", "it is b"]

        return {"flush": world.router.run_due, "arrive": arrive}, invariant

    prove(program, schedules=100)


def test_in_all_orders_of_the_stores_calls_an_event_is_in_one_digest() -> None:
    """All interleavings of the locked sections, of which each call of the store is one."""

    def program() -> Program:
        world = World(DIGEST)
        world.notify("comment", data={"name": "a"})
        world.clock.advance(60)

        def flush() -> None:
            world.router._sender.flush(10)

        def arrive() -> None:
            world.notify("comment", data={"name": "b"})

        def invariant() -> bool:
            for _ in range(3):
                world.run(61)
            return sorted("\n".join(map(str, world.sent())).splitlines()) == ["it is a", "it is b"]

        return {"flush": flush, "arrive": arrive}, invariant

    report = interleave.explore(program, strategy=interleave.Dpor(), granularity="sync", include=INCLUDE)
    assert report.verdict is interleave.Verdict.PROVED


def test_two_events_at_once_are_in_one_digest() -> None:
    def program() -> Program:
        world = World(DIGEST)

        def arrive(name: str) -> Callable[[], object]:
            return lambda: world.notify("comment", data={"name": name})

        def invariant() -> bool:
            world.run(60)
            (message,) = world.channels["email"].sent
            return message.data["count"] == 2

        return {"a": arrive("a"), "b": arrive("b")}, invariant

    prove(program)


def test_a_cancellation_beside_a_worker_is_in_time_or_not() -> None:
    def program() -> Program:
        world, taken = World(PLAIN), list[int]()
        receipt = world.notify()

        def invariant() -> bool:
            world.run(61)
            return (taken[0], world.states(receipt), len(world.sent())) in [
                (1, ["email cancelled"], 0),
                (0, ["email sent"], 1),
            ]

        return {"cancel": lambda: taken.append(world.router.cancel(receipt)), "send": world.router.run_due}, invariant

    prove(program)


def test_a_receipt_beside_the_worker_that_it_is_about() -> None:
    def program() -> Program:
        world = World(PLAIN)
        receipt = world.notify()

        def invariant() -> bool:
            return world.states(receipt) == ["email delivered"]

        def deliver() -> None:
            world.router.record(ReceiptEvent.DELIVERED, provider_id="email-1")

        return {"send": world.router.run_due, "receipt": deliver}, invariant

    prove(program)


def test_an_acknowledgement_beside_the_next_channels_turn() -> None:
    def program() -> Program:
        world = World(Route(to=("push", "sms"), mode=Mode.FALLBACK, ack_timeout_seconds=300))
        receipt = world.notify()
        world.run()
        world.clock.advance(300)

        def acknowledge() -> None:
            world.router.record(ReceiptEvent.ACKNOWLEDGED, message_id=f"{receipt}-1")

        def invariant() -> bool:
            world.run(61)
            push, sms = world.states(receipt)
            return push == "push acknowledged" and (sms, len(world.sent("sms"))) in [
                ("sms superseded", 0),
                ("sms sent", 1),
            ]

        return {"acknowledge": acknowledge, "send": world.router.run_due}, invariant

    prove(program)
