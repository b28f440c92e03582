"""The scenarios: threads under the scheduler."""

from interface import InsufficientFunds

from lldkit.dojo.author import scenario


class Down(Exception):
    """What the code of the caller raises."""


@scenario(level=1, kills=["w01"], proof="free", smoke=True)
def no_money_is_spent_twice(make):
    """Two threads see the same 10 and both spend it."""
    account, told = make(10), []

    def spend():
        told.append(make.outcome(account.withdraw, 10))

    def invariant():
        found = {"told": sorted(map(str, told)), "balance": account.balance()}
        return make.expect(found, {"told": ["InsufficientFunds", "None"], "balance": 0})

    return {"Ann": spend, "Bob": spend}, invariant


@scenario(level=1, proof="free")
def no_deposit_is_lost(make):
    """The textbook race, with money."""
    account = make()
    bodies = {"Ann": lambda: account.deposit(1), "Bob": lambda: account.deposit(2)}
    return bodies, lambda: make.expect(account.balance(), 3)


@scenario(level=1, kills=["w02"], schedules=1)
def a_refusal_gives_the_lock_back(make):
    """One customer asks for too much, and the account is blocked for good."""
    account, told = make(5), []

    def alone():
        told.append(make.outcome(account.withdraw, 9))
        account.deposit(1)
        told.append(account.balance())

    return {"alone": alone}, lambda: make.expect(told, ["InsufficientFunds", 6])


@scenario(level=1, schedules=1)
def wrong_amounts_are_refused_and_change_nothing(make):
    """A deposit of -100 is a theft of 100, and a refusal that changes something is worse."""
    account, told = make(5), []

    def alone():
        told.extend(make.outcome(call, -1) for call in (make, account.deposit, account.withdraw))
        account.withdraw(0)
        account.deposit(0)
        account.withdraw(5)
        try:
            account.withdraw(1)
        except InsufficientFunds as error:
            told.extend([error.balance, error.amount])

    return {"alone": alone}, lambda: make.expect([*told, account.balance()], ["ValueError"] * 3 + [0, 1, 0])


@scenario(level=1, schedules=100)
def all_answers_fit_one_order(make):
    """Linearizable: there is one order of the calls in which every answer is right."""
    account, history = make.recorded(3)

    def ann():
        make.outcome(account.withdraw, 3)
        account.balance()

    def bob():
        account.deposit(2)
        make.outcome(account.withdraw, 4)

    return {"Ann": ann, "Bob": bob}, lambda: make.linearizable(history, 3)


@scenario(level=2, kills=["w03"], schedules=1)
def inside_every_method_may_be_called(make):
    """A method that calls another one stands still, at its first call."""
    account, told = make(5), []

    def inner(same):
        same.withdraw(1)
        return same.balance()

    def fn(same):
        same.deposit(3)
        return [same.atomically(inner), same is account]

    def alone():
        told.append(account.atomically(fn))

    return {"alone": alone}, lambda: make.expect([*told, account.balance()], [[7, True], 7])


@scenario(level=2, kills=["w05"], schedules=100)
def nobody_sees_what_is_in_between(make):
    """The auditor comes in the middle of a transfer, and writes a hole into the books."""
    account, seen = make(10), []

    def fn(same):
        same.withdraw(10)
        same.deposit(10)

    def audit():
        seen.append(account.balance())

    return {"clerk": lambda: account.atomically(fn), "auditor": audit}, lambda: make.expect(seen, [10])


@scenario(level=2, kills=["w06"], schedules=100)
def two_sequences_come_one_after_the_other(make):
    """Interest is paid twice on the same balance, and one of the payments is lost."""
    account = make(1)

    def double(same):
        before = same.balance()
        same.withdraw(before)
        same.deposit(2 * before)

    def body():
        make.outcome(account.atomically, double)

    return {"Ann": body, "Bob": body}, lambda: make.expect(account.balance(), 4)


@scenario(level=2, kills=["w04"], schedules=20)
def an_exception_passes_on(make):
    """The real error is hidden by one about a lock, or the account is blocked for good."""
    account, told = make(1), []

    def fail(same):
        same.deposit(1)
        raise Down

    def ann():
        told.append(make.outcome(account.atomically, fail))

    return {"Ann": ann, "Bob": lambda: account.deposit(5)}, lambda: make.expect([*told, account.balance()], ["Down", 7])
