"""The ledger as a component of its own: accounts, and batches of transfers that `two_phase` decides."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from lldkit.clock import MICRO, SYSTEM, Clock
from lldkit.payments.errors import AccountConflict, LedgerRefused, StaleVersion, UnknownAccount
from lldkit.payments.store import CLOCK, Change, Key, Query, Store, Write
from lldkit.payments.store import Row as Stored
from lldkit.payments.transfers import Account, Balance, PendingState, StoredTransfer, Transfer, TransferStatus
from lldkit.payments.two_phase import Row, Sheet, apply, expire

__all__ = ["Ledger", "Plan", "micros", "moment", "plan", "repeated"]

R = TypeVar("R")
ATTEMPTS = 1_000  # somebody succeeds in each round, so nobody needs nearly so many
GOOD = (TransferStatus.CREATED, TransferStatus.EXISTS)


class Ledger:
    """Accounts and transfers in a store. Safe for threads, tasks and processes that share the store.

    A batch is one transaction. Those that meet on an account are decided one after the other: whoever comes second
    reads again. Pending transfers whose time is over are let go before anything is decided or shown.
    """

    def __init__(self, *, store: Store, clock: Clock = SYSTEM) -> None:
        self._store = store
        self._clock = clock

    def open(self, *accounts: Account) -> None:
        """Open accounts; an account that is open already with the same fields stays as it is. AccountConflict."""
        repeated(lambda: self._commit(plan(self._store, (), micros(self._store, self._clock), accounts)))

    def apply(self, transfers: Sequence[Transfer]) -> list[TransferStatus]:
        """Make a batch of transfers in order, in one transaction, and say of each what became of it."""
        return repeated(lambda: self._commit(plan(self._store, transfers, micros(self._store, self._clock)))).statuses

    def post(self, *transfers: Transfer) -> None:
        """Make all of the transfers or none: LedgerRefused names the first that is refused. Again changes nothing."""

        def attempt() -> None:
            planned = plan(self._store, transfers, micros(self._store, self._clock))
            for transfer, status in zip(transfers, planned.statuses, strict=True):
                if status not in GOOD:
                    raise LedgerRefused(status, transfer)
            self._commit(planned)

        repeated(attempt)

    def balance(self, account_id: str) -> Balance:
        """The counters of an account as they are now. UnknownAccount."""
        sheet, _ = _load(self._store, [account_id], (), micros(self._store, self._clock))
        try:
            return sheet.rows[account_id].balance
        except KeyError:
            raise UnknownAccount(account_id) from None

    def transfer(self, transfer_id: str) -> StoredTransfer | None:
        """A transfer that was made; None if there is none of this id."""
        key = ("transfers", transfer_id)
        row = self._store.read([key]).get(key)
        return None if row is None else row.value

    def statement(self, account_id: str, *, after: str | None = None, limit: int = 100) -> list[StoredTransfer]:
        """The transfers of an account by time, then by id; `after` is the id of the last one that is known."""
        known = None if after is None else self.transfer(after)
        start = "" if known is None else _entry(known, account_id)
        entries = self._store.scan(Query("entries", group=account_id, after=start, limit=limit))
        keys = [("transfers", row.value) for _, row in entries]
        found = self._store.read(keys)
        return [found[key].value for key in keys]

    def _commit(self, planned: "Plan") -> "Plan":
        if planned.writes:
            self._store.commit(Change(planned.writes))
        return planned


def repeated(attempt: Callable[[], R]) -> R:
    """Do it again whenever another writer was faster."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except StaleVersion:
            continue
    return attempt()


def micros(store: Store, clock: Clock) -> int:
    """Now, in whole microseconds since 1970: by the store's own clock, where it has one."""
    return moment(store.read([CLOCK]), clock)


def moment(found: Mapping[Key, Stored], clock: Clock) -> int:
    """The time that was read as `CLOCK` with other rows; by the caller's clock where the store has none."""
    row = found.get(CLOCK)
    return round(clock.now().timestamp() * MICRO) if row is None else row.value


# --- what a batch reads and writes ------------------------------------------------------------------------------------


class Plan(NamedTuple):
    """What became of each transfer, and what to write so that it is so."""

    statuses: list[TransferStatus]
    writes: tuple[Write, ...]


def plan(store: Store, transfers: Sequence[Transfer], now: int, accounts: Iterable[Account] = ()) -> Plan:
    """Decide a batch over what the store holds; `accounts` are opened where they are not."""
    named = {name for each in transfers for name in (each.debit, each.credit) if name is not None}
    opened = {account.id: account for account in accounts}
    sheet, stored = _load(store, named | set(opened), transfers, now)
    for account in opened.values():
        _open(sheet, account)
    statuses = apply(sheet, transfers, now)
    return Plan(statuses, tuple(_writes(sheet, stored)))


def _open(sheet: Sheet, account: Account) -> None:
    known = sheet.rows.get(account.id)
    if known is None:
        sheet.rows[account.id] = Row(account)
        return
    for name in ("currency", "code", "limit"):
        if getattr(known.account, name) != getattr(account, name):
            raise AccountConflict(account.id, name)


def _load(
    store: Store, names: Iterable[str], transfers: Iterable[Transfer], now: int
) -> tuple[Sheet, dict[Key, Stored]]:
    """The sheet for a batch, without what has expired, and the rows that it was made of."""
    keys: set[Key] = {("accounts", name) for name in names}
    for transfer in transfers:
        keys |= {("transfers", transfer.id), ("failed", transfer.id)}
        if transfer.pending_id is not None:
            keys.add(("transfers", transfer.pending_id))
    stored = dict(store.read(keys))
    _complete(stored, store)
    due = _due(store, stored, now)
    if missing := [key for key in due if key not in stored]:
        stored |= store.read(missing)
        _complete(stored, store)
    sheet = Sheet()
    for (table, name), row in stored.items():
        if table == "accounts":
            sheet.rows[name] = Row(*row.value)
        elif table == "transfers":
            sheet.transfers[name] = row.value
        else:
            sheet.failed.add(name)
    expire(sheet, [name for _, name in due])
    return sheet, stored


def _complete(stored: dict[Key, Stored], store: Store) -> None:
    """Read the accounts between which the transfers move, where they are lacking."""
    found = [row.value.transfer for (table, _), row in stored.items() if table == "transfers"]
    accounts = {("accounts", name) for transfer in found for name in (transfer.debit, transfer.credit)}
    if missing := accounts - set(stored):
        stored |= store.read(missing)


def _due(store: Store, stored: dict[Key, Stored], now: int) -> list[Key]:
    """The pending transfers whose time is over, each once: of these accounts, and those that hold nothing."""
    found: dict[Key, None] = {}
    for (table, name), row in stored.items():
        if table == "transfers" and _is_over(row.value, now):
            found["transfers", name] = None
        elif table == "accounts" and (row.value[1].debits_pending or row.value[1].credits_pending):
            for _, pending in store.scan(Query("entries", group=name, due=now, limit=1_000)):
                found["transfers", pending.value] = None
    return list(found)


def _is_over(transfer: StoredTransfer, now: int) -> bool:
    expires = transfer.expires_at
    return transfer.pending is PendingState.PENDING and expires is not None and expires <= now


def _writes(sheet: Sheet, stored: dict[Key, Stored]) -> Iterable[Write]:
    """What differs from what was read, in one order for all, so that no two writers wait for each other."""

    def version(key: Key) -> int:
        return stored[key].version if key in stored else 0

    for name in sorted(sheet.rows):
        row, key = sheet.rows[name], ("accounts", name)
        value = (row.account, row.balance)
        if key not in stored or stored[key].value != value:
            yield Write(key, value, version(key))
    for name, transfer in sheet.transfers.items():
        key = ("transfers", name)
        before = stored[key].value if key in stored else None
        if before != transfer:
            yield Write(key, transfer, version(key))
            yield from _indexed(before, transfer)
    for name in sheet.failed:
        if ("failed", name) not in stored:
            yield Write(("failed", name), True, 0)


def _indexed(before: StoredTransfer | None, transfer: StoredTransfer) -> Iterable[Write]:
    """Rows by which a transfer is found from its accounts, and by the end of its time while it is pending."""
    asked = transfer.transfer
    if before is not None and transfer.expires_at is None:
        return
    due = transfer.expires_at if transfer.pending is PendingState.PENDING else None
    for account in (asked.debit or "", asked.credit or ""):
        yield Write(("entries", _entry(transfer, account)), asked.id, 0 if before is None else 1, account, due)


def _entry(transfer: StoredTransfer, account: str) -> str:
    """Sorts by the time at which transfers were made, then by their ids."""
    return f"{transfer.at:020d}:{transfer.transfer.id}:{account}"
