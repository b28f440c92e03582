"""The last error comes back as itself, with the reason, and leaves nothing behind."""

import gc
import pickle
import traceback
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lldkit.retry import AttemptTimeout, GiveUp, Reason, ResultRejected, Retry, constant, gave_up
from retry.helpers import Script, Sleepless


@pytest.fixture
def policy() -> Retry:
    return Retry(on=OSError, attempts=3, backoff=constant(1.0), clock=Sleepless())


def ended(policy: Retry, function: Any) -> BaseException:
    try:
        policy.call(function)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("the call succeeded")


def test_the_error_itself_comes_back_with_its_traceback(policy: Retry) -> None:
    errors = [OSError(str(number)) for number in range(3)]
    error = ended(policy, Script(*errors))
    assert error is errors[2]
    assert traceback.extract_tb(error.__traceback__)[-1].name == "__call__"  # of the script
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_thousand_attempts_do_not_hang_on_one_chain() -> None:
    errors = [OSError(number) for number in range(1_000)]
    error = ended(Retry(on=OSError, attempts=1_000, backoff=constant(0.0), timeout=None), Script(*errors))
    assert error is errors[-1]
    assert error.__context__ is None
    assert len(traceback.extract_tb(error.__traceback__)) < 10


def test_the_context_of_the_caller_stays(policy: Retry) -> None:
    outer = ValueError("outer")
    try:
        raise outer
    except ValueError:
        assert ended(policy, Script(OSError())).__context__ is outer


def test_the_reason_is_on_the_error_and_in_its_note(policy: Retry) -> None:
    error = ended(policy, Script(OSError("down")))
    assert gave_up(error) == GiveUp(Reason.ATTEMPTS, 3, 2.0, 2.0, "transient")
    assert error.__notes__ == ["gave up: all attempts were made; 3 attempts in 2.000 s, 2.000 s of it asleep"]


def test_an_error_that_is_not_retried_is_untouched(policy: Retry) -> None:
    error = ended(policy, Script(OSError(), KeyError()))
    assert gave_up(error) is None
    assert not hasattr(error, "__notes__")


def test_one_object_raised_often_keeps_its_own_notes_and_one_of_ours(policy: Retry) -> None:
    error = OSError()
    error.add_note("mine")
    for _ in range(10):
        ended(policy, Script(error))
    assert len(error.__notes__) == 2
    assert error.__notes__[0] == "mine"


class Slotted(OSError):
    __slots__ = ()


@dataclass(frozen=True)
class Frozen(OSError):
    code: int


class Stubborn(OSError):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


class Hidden(OSError):
    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise AttributeError("__dict__")


@pytest.mark.parametrize("error", [Slotted(), Frozen(3), Stubborn(), Hidden()], ids=lambda error: type(error).__name__)
def test_any_exception_can_carry_the_reason(policy: Retry, error: OSError) -> None:
    assert ended(policy, Script(error)) is error
    given_up = gave_up(error)
    assert given_up is not None
    assert given_up.reason is Reason.ATTEMPTS
    assert "gave up" in "".join(traceback.format_exception(error)) or isinstance(error, Hidden)


def test_the_outermost_policy_has_the_last_word(policy: Retry) -> None:
    inner, outer = policy.replace(attempts=2), policy.replace(attempts=2)
    error = ended(outer, lambda: inner.call(Script(OSError())))
    given_up = gave_up(error)
    assert given_up is not None
    assert (given_up.reason, given_up.attempts) == (Reason.ATTEMPTS, 2)
    assert len(error.__notes__) == 1


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


class Traced(OSError):
    """An error that can be watched."""


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("form", ["call", "decorator", "loop"])
def test_nothing_is_left_for_the_collector(policy: Retry, form: str) -> None:
    alive: list[weakref.ref[BaseException]] = []

    def fail() -> None:
        assert sum(ref() is not None for ref in alive) == 0, "the error before is still kept"
        error = Traced()
        alive.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    def once() -> None:
        try:
            if form == "call":
                policy.call(fail)
            elif form == "decorator":
                policy(fail)()
            else:
                for attempt in policy:
                    with attempt:
                        fail()
        except OSError:
            return

    gc.collect()
    once()
    assert len(alive) == 3
    assert [ref() for ref in alive] == [None] * 3
    assert gc.collect() == 0


@pytest.mark.parametrize(
    "error",
    [
        ResultRejected([1], GiveUp(Reason.BUDGET, 1, 0.5, 0.0, "transient")),
        AttemptTimeout(2, 0.5),
    ],
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_a_timeout_says_which_attempt_and_is_no_numbered_os_error() -> None:
    error = AttemptTimeout(2, 0.5)
    assert (str(error), error.errno) == ("attempt 2 took longer than 0.500 s", None)
    assert isinstance(error, TimeoutError)
