"""The scenarios: threads under the scheduler."""

import threading

from lldkit.dojo.author import scenario


@scenario(level=1, kills=["w01"], proof="sync", smoke=True)
def opposite_transfers_both_end(make):
    """On the first Friday on which two people pay each other the bank stands still."""
    bank = make({"ann": 10, "bob": 10})
    bodies = {"there": lambda: bank.transfer("ann", "bob", 1), "back": lambda: bank.transfer("bob", "ann", 2)}
    return bodies, lambda: make.expect([bank.balance("ann"), bank.balance("bob"), bank.total()], [11, 9, 20])


@scenario(level=1, schedules=60)
def a_ring_comes_to_an_end(make):
    """Three that pay round the table: no two of them are in each other's way, and all three are."""
    bank = make({"ann": 10, "bob": 10, "cyd": 10})
    ring = (("ann", "bob", 1), ("bob", "cyd", 2), ("cyd", "ann", 3))
    bodies = {source: lambda what=(source, target, amount): bank.transfer(*what) for source, target, amount in ring}
    return bodies, lambda: make.expect([bank.balance(name) for name in ("ann", "bob", "cyd")], [12, 9, 9])


@scenario(level=1, kills=["w02"], proof="sync")
def an_order_that_changes_is_none(make):
    """It went well in all tests, in which nobody became richer than his neighbour."""
    bank = make({"ann": 10, "bob": 5})

    def ann():
        bank.transfer("ann", "bob", 8)
        bank.transfer("ann", "bob", 1)

    return {"Ann": ann, "Bob": lambda: bank.transfer("bob", "ann", 1)}, lambda: make.expect(bank.total(), 15)


@scenario(level=1, kills=["w03"], schedules=1)
def a_transfer_to_oneself_comes_to_an_end(make):
    """One customer mistypes a number, and his account is blocked for good."""
    bank = make({"ann": 10})

    def alone():
        bank.transfer("ann", "ann", 3)

    return {"alone": alone}, lambda: make.expect([bank.balance("ann"), bank.total()], [10, 10])


@scenario(level=1, kills=["w04"], schedules=100)
def the_sum_never_changes(make):
    """The auditor comes in the middle of a transfer, and finds a hole or a miracle."""
    bank, sums = make({"ann": 30, "bob": 10, "cyd": 10}), []

    def pay():
        for _ in range(3):
            bank.transfer("ann", "cyd", 10)

    def audit():
        for _ in range(3):
            sums.append(bank.total())

    return {"clerk": pay, "auditor": audit}, lambda: make.expect(sums, [50, 50, 50])


@scenario(level=1, proof="sync")
def no_money_is_spent_twice(make):
    """Two threads see the same 10 and both spend it."""
    bank, told = make({"ann": 10, "bob": 0, "cyd": 0}), []

    def pay(target):
        told.append(make.outcome(bank.transfer, "ann", target, 10))

    def invariant():
        found = [sorted(map(str, told)), bank.balance("ann"), bank.total()]
        return make.expect(found, [["InsufficientFunds", "None"], 0, 10])

    return {"one": lambda: pay("bob"), "two": lambda: pay("cyd")}, invariant


@scenario(level=1, schedules=1)
def a_refusal_changes_nothing(make):
    """Money that has left one account and arrived at none; and locks that nobody gives back."""
    bank, told = make({"ann": 10, "bob": 0}), []

    def alone():
        for what in (("ann", "zoe", 1), ("zoe", "ann", 1), ("ann", "bob", -1), ("ann", "bob", 11)):
            told.append(make.outcome(bank.transfer, *what))
        told.append(make.outcome(bank.balance, "zoe"))
        bank.transfer("ann", "bob", 0)
        bank.transfer("ann", "bob", 10)

    def invariant():
        errors = ["KeyError", "KeyError", "ValueError", "InsufficientFunds", "KeyError"]
        return make.expect([*told, bank.balance("ann"), bank.balance("bob")], [*errors, 0, 10])

    return {"alone": alone}, invariant


class Meeting(int):
    """An amount that, where it is first added or subtracted, waits until the other one is, too."""

    def __new__(cls, value, barrier):
        self = super().__new__(cls, value)
        self.barrier, self.met = barrier, False
        return self

    def meet(self):
        if not self.met:
            self.met = True
            self.barrier.wait()
        return int(self)

    def __radd__(self, other):
        return other + self.meet()

    def __rsub__(self, other):
        return other - self.meet()

    def __neg__(self):
        return -self.meet()


@scenario(level=2, kills=["w06"], schedules=40)
def strangers_do_not_wait_for_each_other(make):
    """A bank in which one transfer is made at a time, whoever pays whom."""
    bank, barrier = make({"ann": 10, "bob": 0, "cyd": 10, "dan": 0}), threading.Barrier(2)

    def pay(source, target):
        bank.transfer(source, target, Meeting(4, barrier))

    bodies = {"one": lambda: pay("ann", "bob"), "two": lambda: pay("cyd", "dan")}
    return bodies, lambda: make.expect([bank.balance(name) for name in ("ann", "bob", "cyd", "dan")], [6, 4, 6, 4])


@scenario(level=2, kills=["w05"], schedules=20)
def the_callback_may_ask_the_bank(make):
    """The thread that writes to the customer asks what he has now; who waits for it blocks his account for good."""
    told = []

    def ask(*transfer):
        def look():
            told.append([*transfer, bank.balance("ann"), bank.total()])

        writer = threading.Thread(target=look, name="writer")
        writer.start()
        writer.join()

    bank = make({"ann": 10, "bob": 0}, on_transfer=ask)
    return {"Ann": lambda: bank.transfer("ann", "bob", 4)}, lambda: make.expect(told, [["ann", "bob", 4, 6, 10]])


@scenario(level=2, schedules=1)
def who_is_called_back_may_fail(make):
    """The mail server is down; the money has moved, and the account must be free."""
    told, calls = [], []

    def fail(source, target, amount):
        calls.append(amount)
        raise LookupError

    bank = make({"ann": 10, "bob": 0}, on_transfer=fail)

    def alone():
        told.extend(make.outcome(bank.transfer, "ann", "bob", amount) for amount in (4, 99, 1))

    def invariant():
        found = [told, calls, bank.balance("bob")]
        return make.expect(found, [["LookupError", "InsufficientFunds", "LookupError"], [4, 1], 5])

    return {"alone": alone}, invariant
