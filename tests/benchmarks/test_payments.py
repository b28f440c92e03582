"""Payments beside their peers: the state machine, signatures, canonical JSON; and beside the same rows by hand."""

import json
import sqlite3
import tracemalloc
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from itertools import count, islice
from pathlib import Path
from typing import Any

import automat
import jcs
import pytest
import rfc8785
import standardwebhooks
import stripe
import transitions
from pytest_benchmark.fixture import BenchmarkFixture
from statemachine import State, StateMachine

from benchmarks.beside import beside, code, value_row
from lldkit.clock import SYSTEM, ManualClock
from lldkit.payments import (
    Account,
    Capture,
    Ledger,
    Machine,
    MemoryStore,
    Money,
    Payments,
    StandardWebhooks,
    Store,
    Transfer,
    Transition,
    canonical_json,
)
from lldkit.payments.creation import blank
from lldkit.payments.decide import Terms, answer, capture, confirm
from lldkit.payments.evolve import evolve
from lldkit.payments.interface import GatewayReply, GatewayRequest
from lldkit.payments.payment import Event, Payment
from lldkit.payments.rows import written
from lldkit.payments.sqlite import SQLiteStore
from lldkit.payments.store import Change, Key, Query, Row
from lldkit.payments.tables import IntentState
from lldkit.payments.two_phase import Row as SheetRow
from lldkit.payments.two_phase import Sheet, apply

CARD = "4242424242424242"

# --- the state machine ------------------------------------------------------------------------------------------------


class Stage(StrEnum):
    CREATED = "created"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"


class Move(StrEnum):
    CONFIRM = "confirm"
    HOLD = "hold"
    RELEASE = "release"


CYCLE = {
    (Stage.CREATED, Move.CONFIRM): Stage.PROCESSING,
    (Stage.PROCESSING, Move.HOLD): Stage.AUTHORIZED,
    (Stage.AUTHORIZED, Move.RELEASE): Stage.CREATED,
}


class Automaton:
    """The cycle in Automat."""

    machine = automat.MethodicalMachine()  # type: ignore[no-untyped-call]

    @machine.state(initial=True)  # type: ignore[untyped-decorator]
    def created(self) -> None: ...

    @machine.state()  # type: ignore[untyped-decorator]
    def processing(self) -> None: ...

    @machine.state()  # type: ignore[untyped-decorator]
    def authorized(self) -> None: ...

    @machine.input()  # type: ignore[untyped-decorator]
    def confirm(self) -> None: ...

    @machine.input()  # type: ignore[untyped-decorator]
    def hold(self) -> None: ...

    @machine.input()  # type: ignore[untyped-decorator]
    def release(self) -> None: ...

    created.upon(confirm, enter=processing, outputs=[])
    processing.upon(hold, enter=authorized, outputs=[])
    authorized.upon(release, enter=created, outputs=[])


class Declared(StateMachine):
    """The cycle in python-statemachine."""

    created = State(initial=True)
    processing = State()
    authorized = State()
    confirm = created.to(processing)
    hold = processing.to(authorized)
    release = authorized.to(created)


def peers() -> dict[str, Any]:
    """Each machine in its first state."""
    model = transitions.Machine(states=["created", "processing", "authorized"], initial="created")
    model.add_transition("confirm", "created", "processing")
    model.add_transition("hold", "processing", "authorized")
    model.add_transition("release", "authorized", "created")
    machines = {"transitions": model, "automat": Automaton(), "python-statemachine": Declared()}
    return {name: code("m.confirm(); m.hold(); m.release()", m=machine) for name, machine in machines.items()}


def test_a_cycle_of_three_events(benchmark: BenchmarkFixture) -> None:
    machine = Machine(name="cycle", initial=Stage.CREATED, final=(), table=CYCLE)
    beside(
        benchmark,
        {
            "lldkit": code(
                "s = next(s, confirm); s = next(s, hold); s = next(s, release)",
                next=machine.next,
                s=Stage.CREATED,
                confirm=Move.CONFIRM,
                hold=Move.HOLD,
                release=Move.RELEASE,
            ),
            **peers(),
        },
        row="a move of the table, cycle of three",
        target="35 x faster than transitions, 25 x than automat, 400 x than python-statemachine",
        per=3,
    )


def test_a_decided_step_with_its_history_and_a_listener(benchmark: BenchmarkFixture) -> None:
    now, terms = SYSTEM.now(), Terms(timedelta(days=7), timedelta(hours=1), timedelta(minutes=1))
    price = Money(100, "USD")
    first = Payment(blank("pi_1", "acme", price, tenant="", capture=Capture.MANUAL, now=now))
    told: deque[Transition] = deque(maxlen=3)

    def step(payment: Payment, event: Event) -> Payment:
        after = evolve(payment, event)
        name = type(event).__name__
        line = Transition(after.seq, payment.intent.state, name, after.intent.state, now, "merchant", "")
        told.append(line)
        return after

    def three_steps() -> Payment:
        asked = step(first, confirm(first, now, terms, ""))
        question = asked.questions[-1]
        held = step(asked, answer(question, GatewayReply("approved"), now, terms))
        return step(held, capture(held, None, now, terms, "", final=True))

    assert three_steps().intent.state is IntentState.CAPTURING
    beside(
        benchmark,
        {"lldkit": code("run()", run=three_steps), **peers()},
        row="decide and evolve, with history and listener; peers: the bare move",
        target="5 x faster than transitions, 4 x than automat, 50 x than python-statemachine",
        per=3,
    )


# --- signatures and canonical JSON ------------------------------------------------------------------------------------


def test_a_signature(benchmark: BenchmarkFixture) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = json.dumps(
        {"type": "payment.captured", "data": {"id": "pi_1", "amount": 10_000, "note": "x" * 200}}
    ).encode()
    sent = int(SYSTEM.now().timestamp())
    ours = StandardWebhooks(secrets=[secret], tolerance_seconds=10**6)
    headers = ours.sign("msg_1", sent, body)
    peer = standardwebhooks.Webhook(secret)
    peer.verify(body, headers, json_parse=False)
    text = body.decode()
    signature = stripe.WebhookSignature._compute_signature(f"{sent}.{text}", secret)
    header = f"t={sent},v1={signature}"
    beside(
        benchmark,
        {
            "lldkit": code("verify(body, headers, now=now)", verify=ours.verify, body=body, headers=headers, now=sent),
            "standardwebhooks": code(
                "verify(body, headers, json_parse=False)", verify=peer.verify, body=body, headers=headers
            ),
            "stripe": code(
                "verify(text, header, secret)",
                verify=stripe.WebhookSignature.verify_header,
                text=text,
                header=header,
                secret=secret,
            ),
        },
        row="verify the signature of a webhook",
        target="2 x faster than standardwebhooks, 1.4 x than stripe",
    )


def test_canonical_json(benchmark: BenchmarkFixture) -> None:
    request: Any = {"merchant": "acme", "amount": 10_000, "currency": "USD", "items": [{"sku": "A-1", "count": 2}] * 3}
    assert canonical_json(request) == rfc8785.dumps(request) == jcs.canonicalize(request)
    beside(
        benchmark,
        {
            "lldkit": code("f(request)", f=canonical_json, request=request),
            "rfc8785": code("f(request)", f=rfc8785.dumps, request=request),
            "jcs": code("f(request)", f=jcs.canonicalize, request=request),
            "floor, json.dumps, sorted, which is wrong": code(
                "f(request, sort_keys=True, separators=(',', ':')).encode()", f=json.dumps, request=request
            ),
        },
        row="canonical JSON of a request",
        floor="floor, json.dumps, sorted, which is wrong",
        target="2.5 x faster than rfc8785 and jcs",
    )


# --- the ledger -------------------------------------------------------------------------------------------------------


def batches() -> Iterator[list[Transfer]]:
    """Batches of 100 transfers that nobody has made."""
    numbers = count()
    while True:
        yield [
            Transfer(f"t{next(numbers):08d}", debit="a", credit="b", amount=5, currency="USD", reference="order")
            for _ in range(100)
        ]


def batches_in(number: int) -> Iterator[list[Transfer]]:
    """So many of them, made before the clock runs."""
    return iter(list(islice(batches(), number)))


def opened(store: Store) -> Ledger:
    ledger = Ledger(store=store, clock=ManualClock())
    ledger.open(Account("a", "USD"), Account("b", "USD"))
    return ledger


ROUNDS = 20


def test_a_batch_in_memory(benchmark: BenchmarkFixture) -> None:
    ledger, prepared = opened(MemoryStore()), batches_in(ROUNDS + 2)
    balances: defaultdict[str, int] = defaultdict(int)
    same = next(batches())

    def unchecked() -> None:
        for transfer in same:
            balances[transfer.debit or ""] -= transfer.amount or 0
            balances[transfer.credit or ""] += transfer.amount or 0

    sheet = Sheet({name: SheetRow(Account(name, "USD")) for name in "ab"})
    beside(
        benchmark,
        {
            "lldkit": code("apply(next(batches))", apply=ledger.apply, batches=prepared),
            "lldkit, the pure core": code(
                "apply(sheet, next(batches), 0)", apply=apply, sheet=sheet, batches=batches_in(ROUNDS + 2)
            ),
            "floor, two dict additions": unchecked,
        },
        row="Ledger.apply of 100, in memory",
        floor="floor, two dict additions",
        target="at least 0.12 of the floor",
        number=1,
        rounds=ROUNDS,
        per=100,
    )


# --- whole rows -------------------------------------------------------------------------------------------------------


class Recording:
    """A store that keeps what is committed through it, as rows of text."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.commits: list[list[tuple[Any, ...]]] = []

    def read(self, keys: Collection[Key], /) -> Mapping[Key, Row]:
        return self.store.read(keys)

    def commit(self, change: Change, /) -> None:
        writes = [write for write in change.writes if write.value is not None]
        self.commits.append([(*w.key, w.expected + 1, w.group, w.due, written(w.value)) for w in writes])
        self.store.commit(change)

    def scan(self, query: Query, /) -> Sequence[tuple[Key, Row]]:
        return self.store.scan(query)

    def close(self) -> None:
        self.store.close()


def by_hand(path: Path, commits: list[list[tuple[Any, ...]]]) -> Callable[[], None]:
    """The same rows under new ids, in as many transactions, by the plain driver."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(
        "CREATE TABLE rows (kind TEXT, id TEXT, version INTEGER, grp TEXT, due INTEGER, value TEXT,"
        " PRIMARY KEY (kind, id)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX groups ON rows (kind, grp, id)")
    connection.execute("CREATE INDEX dues ON rows (kind, due, id) WHERE due IS NOT NULL")
    numbers = count()

    def write() -> None:
        number = next(numbers)
        for rows in commits:
            fresh = [(kind, f"{name}-{number}", *rest) for kind, name, *rest in rows]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)", fresh)
            connection.execute("COMMIT")

    return write


def test_a_batch_in_sqlite(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    recording = Recording(MemoryStore())
    opened(recording).apply(next(batches()))
    with closing(SQLiteStore(tmp_path / "ours.db", synchronous="NORMAL")) as store:
        ledger, prepared = opened(store), batches_in(ROUNDS + 2)
        beside(
            benchmark,
            {
                "lldkit": code("apply(next(batches))", apply=ledger.apply, batches=prepared),
                "floor, the same rows by sqlite3": by_hand(tmp_path / "hand.db", recording.commits[-1:]),
            },
            row="Ledger.apply of 100, SQLite, without waiting for the disk",
            floor="floor, the same rows by sqlite3",
            target="at least 0.6 of the floor",
            number=1,
            rounds=ROUNDS,
            per=100,
        )


class Willing:
    """A gateway that takes no time, which the rows by hand do not ask."""

    def send(self, _: GatewayRequest, /) -> GatewayReply:
        return APPROVED

    def query(self, _: str, /) -> GatewayReply | None:
        return APPROVED


APPROVED = GatewayReply("approved", reference="gw_1")


def shop(store: Store) -> Payments:
    ids = count(1)
    return Payments(store=store, gateway=Willing(), clock=ManualClock(), new_id=lambda: f"pi_{next(ids):06d}")


def held(payments: Payments) -> str:
    """A payment that waits for its capture."""
    order = payments.create(Money(100_00, "USD"), merchant="acme", capture=Capture.MANUAL)
    return payments.confirm(order.id, method=CARD).id


def test_a_full_capture_in_sqlite(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    recording = Recording(MemoryStore())
    example = shop(recording)
    waiting = held(example)
    before = len(recording.commits)
    example.capture(waiting)
    commits = recording.commits[before:]
    assert len(commits) == 2
    with closing(SQLiteStore(tmp_path / "ours.db", synchronous="NORMAL")) as store:
        payments = shop(store)
        ids = iter([held(payments) for _ in range(ROUNDS + 2)])
        beside(
            benchmark,
            {
                "lldkit": code("capture(next(ids))", capture=payments.capture, ids=ids),
                "floor, the same rows by sqlite3": by_hand(tmp_path / "hand.db", commits),
            },
            row="a full capture, SQLite, without waiting for the disk",
            floor="floor, the same rows by sqlite3",
            target="at least 0.5 of the floor",
            number=1,
            rounds=ROUNDS,
        )


@pytest.mark.parametrize("what", ["intent", "transfer"])
def test_memory(benchmark: BenchmarkFixture, what: str) -> None:
    def kept(make: Callable[[MemoryStore], int]) -> float:
        store = MemoryStore()
        tracemalloc.start()
        number = make(store)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return size / number

    def intents(store: MemoryStore) -> int:
        payments = shop(store)
        for _ in range(500):
            payments.create(Money(100_00, "USD"), merchant="acme")
        return 500

    def transfers(store: MemoryStore) -> int:
        ledger, fresh = opened(store), batches()
        for _ in range(5):
            ledger.apply(next(fresh))
        return 500

    rows: dict[str, tuple[Callable[[MemoryStore], int], str]] = {
        "intent": (intents, "at most 2,048 B"),
        "transfer": (transfers, "at most 500 B"),
    }
    make, target = rows[what]
    value_row(benchmark, {"lldkit": lambda: kept(make)}, row=f"memory per {what}, in memory", target=target)
