"""The directed checks and the scenarios of the retry policy."""

import functools
import inspect

from interface import Busy, Failure, Half, Hands, Numbers, Refused, Reset, Script
from lldkit.dojo.author import Desk, check, scenario


class Fetch(Script):
    """A script that stories call `fetch`."""

    def __repr__(self):
        return "fetch"


def script(desk, *words):
    """A function that does what its words say, told as a line of the story."""
    fetch = Fetch(*words)
    tell(desk, f"fetch = {Script.__repr__(fetch)}")
    return fetch


def policy(desk, **changes):
    """A policy and the clock that it was given."""
    clock = desk.clock()
    return desk.make(**{"on": Reset, **changes, "rng": changes.get("rng", Half()), "clock": clock}), clock


def refused(desk, **nonsense):
    """Expect that there is no such policy."""
    desk.raises(ValueError, lambda: policy(desk, **nonsense)[0])


def tell(desk, line, value=None):
    """A line of the story, and what it yields."""
    return desk.quietly(line, lambda: value)


def awaited(desk, line, start):
    """What the coroutine that `start` makes returns, told in one line."""
    import asyncio  # it takes longer to import than all the rest

    return desk.quietly(line, lambda: asyncio.run(start()))


def error_of(run):
    """The error that comes out of `run`, or None."""
    try:
        run()
    except Exception as error:
        return error
    return None


# -- level 1: how often, and for which errors ------------------------------------------------------------------------


@check(level=1)
def nonsense_is_refused(desk: Desk) -> None:
    """A policy of 0 attempts never calls anything, and nobody finds out until the data is missing."""
    refused(desk, attempts=0)
    refused(desk, attempts=-1)
    retry, _ = policy(desk, attempts=1)
    desk.expect(retry.call(Script("found")), "found")


@check(level=1, kills=["w03"])
def the_last_error_comes_out(desk: Desk) -> None:
    """A call that returns None after its last failure is taken for a success with no data."""
    retry, _ = policy(desk, attempts=2)
    desk.raises(Reset, retry.call, Script(Reset))


@check(level=1, kills=["w02"], needs=["the_last_error_comes_out"])
def attempts_counts_the_first_call_too(desk: Desk) -> None:
    """Everybody plans the load by this number; one more in each of five layers doubles it."""
    for arguments, calls in (({"attempts": 2}, 2), ({"attempts": 1}, 1), ({}, 3)):
        desk.afresh()
        fetch = script(desk, Reset)
        retry, _ = policy(desk, **arguments)
        desk.raises(Reset, retry.call, fetch)
        desk.expect(tell(desk, "fetch.calls", fetch.calls), calls)


@check(level=1, kills=["w04"], needs=["the_last_error_comes_out"])
def it_is_the_error_itself(desk: Desk) -> None:
    """Callers look at the errors of the function, and debuggers at their traceback; a new error has neither."""
    last = Reset("the last one")
    retry, _ = policy(desk, attempts=2)
    error = error_of(lambda: retry.call(Script(Reset("the first one"), last)))
    desk.true(error is last, "the object that the last attempt raised", f"another {type(error).__name__}")
    desk.true("__call__" in functions_of(last), "its traceback reaches the function", "the traceback does not")


def functions_of(error):
    """The names of the functions in the traceback."""
    names, step = [], error.__traceback__
    while step is not None:
        names.append(step.tb_frame.f_code.co_name)
        step = step.tb_next
    return names


@check(level=1, kills=["w05"])
def other_errors_come_out_at_once(desk: Desk) -> None:
    """A request that is wrong stays wrong; three times a 400 is two too many."""
    fetch = script(desk, Refused)
    retry, _ = policy(desk)
    desk.raises(Refused, retry.call, fetch)
    desk.expect(tell(desk, "fetch.calls", fetch.calls), 1)


@check(level=1)
def several_errors_can_be_named(desk: Desk) -> None:
    """A service fails in more than one way."""
    retry, _ = policy(desk, on=(Reset, Busy))
    desk.expect(retry.call(Script(Busy(0), Reset, "found")), "found")


@check(level=1)
def every_attempt_gets_the_same_arguments(desk: Desk) -> None:
    """A retry without its arguments is another request."""
    fetch = script(desk, Reset, "found")
    retry, _ = policy(desk)
    desk.expect(retry.call(fetch, "/a", function=None), "found")
    desk.expect(tell(desk, "fetch.given", fetch.given), [(("/a",), {"function": None})] * 2)


def all_named(desk, make, *args):
    """A policy that names every error there is."""
    return make(desk, *args, on=BaseException)[0]


@check(level=1)
def every_exception_can_be_named(desk: Desk) -> None:
    """Who names more than may be retried still wants what may be."""
    desk.expect(all_named(desk, policy).call(Script(Reset, ValueError, "found")), "found")


@check(level=1, kills=["w01"], needs=["every_exception_can_be_named"])
def an_interruption_passes(desk: Desk) -> None:
    """Who presses Ctrl-C means it; a policy that swallows it has to be killed."""
    for stop in (KeyboardInterrupt, SystemExit, GeneratorExit):
        desk.afresh()
        fetch, raised = script(desk, stop, "went on"), "nothing"
        retry = all_named(desk, policy)
        try:
            retry.call(fetch)
        except stop as error:
            raised = type(error).__name__
        desk.expect(tell(desk, "fetch.calls", fetch.calls), 1)
        desk.true(raised == stop.__name__, f"{stop.__name__} is raised", raised)


# -- level 2: not at once, and not together ----------------------------------------------------------------------------


def slept(desk, clock):
    """What the clock was asked to sleep."""
    return tell(desk, "clock.sleeps", clock.sleeps)


@check(level=2)
def nonsense_of_seconds_is_refused(desk: Desk) -> None:
    """A negative delay is a typing error; the clock would only say so in production."""
    refused(desk, base=-1)
    refused(desk, cap=-1)
    retry, _ = policy(desk, base=0, cap=0)
    desk.expect(retry.call(Script(Reset, "found")), "found")


@check(level=2, kills=["w09"])
def chance_is_the_one_that_was_given(desk: Desk) -> None:
    """Clients with one seed have one jitter, which is none."""
    retry, clock = policy(desk, base=8.0, rng=Numbers(0.25))
    desk.expect(retry.call(Script(Reset, "found")), "found")
    desk.expect(slept(desk, clock), [2.0])


@check(level=2, needs=["chance_is_the_one_that_was_given"])
def delays_double(desk: Desk) -> None:
    """A server that is not back after one second is not back after the next millisecond."""
    retry, clock = policy(desk, attempts=4, base=1.0)
    desk.expect(retry.call(Script(Reset, Reset, Reset, "found")), "found")
    desk.expect(slept(desk, clock), [0.5, 1.0, 2.0])


@check(level=2, kills=["w06"], needs=["chance_is_the_one_that_was_given"])
def nobody_sleeps_after_the_last_failure(desk: Desk) -> None:
    """The caller waits for an error that has been there all the time."""
    retry, clock = policy(desk, attempts=2, base=1.0)
    desk.raises(Reset, retry.call, Script(Reset))
    desk.expect(slept(desk, clock), [0.5])


@check(level=2, kills=["w07"], needs=["delays_double"])
def the_cap_bounds_the_delay_before_chance_does(desk: Desk) -> None:
    """Capped after the jitter, most of the late delays are the cap: the herd is together again."""
    retry, clock = policy(desk, attempts=4, base=4.0, cap=4.0)
    desk.expect(retry.call(Script(Reset, Reset, Reset, "found")), "found")
    desk.expect(slept(desk, clock), [2.0, 2.0, 2.0])


@check(level=2, kills=["w08"], needs=["delays_double"])
def no_attempt_is_too_late_for_the_arithmetic(desk: Desk) -> None:
    """The worker that reconnects all night dies of an OverflowError after its 1025th failure."""
    retry, clock = policy(desk, attempts=1100, cap=1.0)
    failures = [Reset] * 1099
    desk.expect(retry.call(Script(*failures, "found")), "found")
    desk.expect(tell(desk, "clock.sleeps[-1:]", clock.sleeps[-1:]), [0.5])


@check(level=2, kills=["w10"], needs=["chance_is_the_one_that_was_given"])
def what_is_not_slept_is_not_drawn(desk: Desk) -> None:
    """A number drawn for nothing shifts all that come after it, and with them every seeded test."""
    for word in (Reset, Refused, "found"):
        desk.afresh()
        tell(desk, "dice = Numbers(0.5)")
        dice = Dice(0.5)
        retry, _ = policy(desk, attempts=1, rng=dice)
        error_of(lambda: retry.call(Script(word)))
        desk.expect(tell(desk, "dice.drawn", dice.drawn), 0)


class Dice(Numbers):
    """Numbers that stories call `dice`."""

    def __repr__(self):
        return "dice"


# -- level 3: a deadline, and what the server said ---------------------------------------------------------------------


@check(level=3)
def nonsense_of_limits_is_refused(desk: Desk) -> None:
    """A negative timeout is somebody's deadline computed wrongly."""
    refused(desk, timeout=-1)
    refused(desk, hint_cap=-1)
    retry, _ = policy(desk, timeout=0, hint_cap=0)
    desk.expect(retry.call(Script("found")), "found")


@check(level=3, kills=["w12"])
def the_clock_that_was_given_has_the_deadline(desk: Desk) -> None:
    """A deadline by the machine's clock moves when somebody sets it, and stands still in every test."""
    tell(desk, "fetch = Script(Slow(2))")
    retry, clock = policy(desk, attempts=9, timeout=3.0)
    fetch = SlowFetch(clock)
    desk.raises(Reset, retry.call, fetch)
    desk.expect(tell(desk, "fetch.calls", fetch.calls), 2)


class SlowFetch(Fetch):
    """A call that takes two seconds, and fails."""

    def __init__(self, clock):
        super().__init__(Reset)
        self._clock = clock

    def __call__(self, *args, **kwargs):
        self._clock.sleep(2)
        return super().__call__(*args, **kwargs)


@check(level=3, kills=["w11"], needs=["the_clock_that_was_given_has_the_deadline"])
def no_sleep_ends_after_the_deadline(desk: Desk) -> None:
    """The caller has a second and a half, waits for two, and gets the same error."""
    retry, clock = policy(desk, attempts=9, base=2.0, cap=2.0, timeout=1.5)
    desk.raises(Reset, retry.call, Script(Reset))
    desk.expect(slept(desk, clock), [1.0])


@check(level=3, needs=["no_sleep_ends_after_the_deadline"])
def a_sleep_may_end_at_the_deadline(desk: Desk) -> None:
    """An attempt at the deadline itself is the last chance that the caller has paid for."""
    retry, clock = policy(desk, attempts=9, base=2.0, cap=2.0, timeout=2.0)
    desk.raises(Reset, retry.call, Script(Reset))
    desk.expect(slept(desk, clock), [1.0, 1.0])


@check(level=3, kills=["w13"])
def a_hint_never_shortens_the_sleep(desk: Desk) -> None:
    """A server under load that answers `retry-after: 0` would be hammered without any backoff."""
    retry, clock = policy(desk, on=Busy, base=4.0)
    desk.expect(retry.call(Script(Busy(0), Busy(5), "found")), "found")
    desk.expect(slept(desk, clock), [2.0, 5.0])


@check(level=3, kills=["w14"])
def a_hint_is_believed_up_to_its_cap(desk: Desk) -> None:
    """One wrong header puts a worker to sleep until next year."""
    retry, clock = policy(desk, on=Busy, hint_cap=8.0)
    desk.expect(retry.call(Script(Busy(10**9), "found")), "found")
    desk.expect(slept(desk, clock), [8.0])


@check(level=3)
def a_number_is_drawn_before_the_deadline_is_looked_at(desk: Desk) -> None:
    """Who draws only sometimes has another sequence with every change of a timeout."""
    tell(desk, "dice = Numbers(0.5)")
    dice = Dice(0.5)
    retry, _ = policy(desk, base=4.0, timeout=1.0, rng=dice)
    desk.raises(Reset, retry.call, Script(Reset))
    desk.expect(tell(desk, "dice.drawn", dice.drawn), 1)


# -- level 4: tasks, and a decorator -----------------------------------------------------------------------------------


class Watched(Hands):
    """A clock that knows who sleeps how; the blocking sleep of a task would stop the loop."""

    def __init__(self, clock):
        super().__init__(clock)
        self.blocked, self.sleeps = [], []
        self.sleep = self.blocked.append

    async def asleep(self, seconds):
        self.sleeps.append(seconds)
        await super().asleep(seconds)


def task_policy(desk, hands, **changes):
    """A policy for tasks; `hands` makes its clock."""
    clock = hands(desk.clock())
    return desk.make(**{"on": Reset, **changes, "rng": Half(), "clock": clock}), clock


@check(level=4)
def a_coroutine_function_is_retried(desk: Desk) -> None:
    """An awaitable that is made inside the `try` and awaited outside of it fails outside of it."""
    fetch = script(desk, Reset, "found")
    retry, _ = task_policy(desk, Hands)
    found = awaited(desk, "asyncio.run(retry.acall(fetch.later, '/a'))", lambda: retry.acall(fetch.later, "/a"))
    desk.expect(found, "found")
    desk.expect(tell(desk, "fetch.given", fetch.given), [(("/a",), {})] * 2)


@check(level=4, kills=["w15"], needs=["a_coroutine_function_is_retried"])
def a_task_sleeps_without_blocking(desk: Desk) -> None:
    """One blocking sleep stops every other request of the process."""
    fetch = script(desk, Reset, "found")
    retry, clock = task_policy(desk, Watched, base=2.0)
    desk.expect(awaited(desk, "asyncio.run(retry.acall(fetch.later))", lambda: retry.acall(fetch.later)), "found")
    desk.true(clock.blocked == [], "await clock.asleep(...)", f"clock.sleep({', '.join(map(repr, clock.blocked))})")
    desk.expect(slept(desk, clock), [1.0])


async def cancelled(task):
    """Cancel `task` once it waits, and say how it ended."""
    import asyncio

    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return "it is cancelled"
    return "it goes on"


class Endless(Hands):
    """A clock whose sleeps of tasks do not end by themselves."""

    async def asleep(self, seconds):
        import asyncio

        await asyncio.Event().wait()


@check(level=4, kills=["w16"], needs=["a_task_sleeps_without_blocking"])
def a_cancelled_task_ends(desk: Desk) -> None:
    """A service that cannot cancel its calls cannot shut down, nor keep any timeout of its own."""
    import asyncio

    async def hang():
        calls.append("hang")
        if len(calls) == 1:
            await asyncio.Event().wait()
        return "it goes on"

    calls = []
    fails = Script(Reset, "it goes on").later
    for function, what, hands in ((hang, "waits for an answer", Hands), (fails, "raises Reset", Endless)):
        desk.afresh()
        tell(desk, f"async def fetch(): ...  # {what}")
        retry = all_named(desk, task_policy, hands)
        tell(desk, "task = asyncio.create_task(retry.acall(fetch))")

        async def main(retry=retry, function=function):
            return await cancelled(asyncio.ensure_future(retry.acall(function)))

        where = "attempt" if function is hang else "sleep"
        ended = awaited(desk, f"task.cancel()  # in its first {where}", main)
        desk.true(ended == "it is cancelled", "the task is cancelled", ended)


@check(level=4)
def a_decorated_function_looks_like_itself(desk: Desk) -> None:
    """Logs, tracers and web frameworks find functions by their names."""
    retry, _ = policy(desk)

    def fetch(page):
        """Fetch a page."""
        return page

    async def afetch(page):
        """Fetch it later."""
        return page

    for function in (fetch, afetch):
        desk.afresh()
        decorated = desk.quietly(f"{function.__name__} = retry({function.__name__})", lambda f=function: retry.__call__(f))
        found = [getattr(decorated, "__name__", None), getattr(decorated, "__doc__", None)]
        tell(desk, f"[{function.__name__}.__name__, {function.__name__}.__doc__]")
        desk.expect(found, [function.__name__, function.__doc__])


@check(level=4, kills=["w17"], needs=["a_decorated_function_looks_like_itself"])
def each_call_of_a_decorated_function_begins_anew(desk: Desk) -> None:
    """State on the decorator is shared by all calls, and by all threads."""
    fetch = script(desk, Reset, "found", Reset, "found")
    retry, _ = task_policy(desk, Hands, attempts=2)
    get = desk.quietly("get = retry(fetch.__call__)", lambda: retry.__call__(fetch.__call__))
    for _ in range(2):
        desk.expect(desk.quietly("get('/a')", lambda: get("/a")), "found")
    desk.afresh()
    fetch = script(desk, Reset, "found", Reset, "found")
    retry, _ = task_policy(desk, Hands, attempts=2)
    later = desk.quietly("get = retry(fetch.later)", lambda: retry.__call__(fetch.later))
    for _ in range(2):
        desk.expect(awaited(desk, "asyncio.run(get('/a'))", lambda: later("/a")), "found")


@check(level=4, kills=["w18"], needs=["a_coroutine_function_is_retried"])
def coroutine_functions_are_known_behind_partial(desk: Desk) -> None:
    """A coroutine that nobody awaits inside the `try` fails outside of it, and is never retried."""
    words = script(desk, Reset, "found")
    retry, _ = task_policy(desk, Hands)
    line = "get = retry(functools.partial(fetch.later, '/a'))"
    get = desk.quietly(line, lambda: retry.__call__(functools.partial(words.later, "/a")))
    tell(desk, "inspect.iscoroutinefunction(get)")
    desk.expect(inspect.iscoroutinefunction(get), True)
    desk.expect(awaited(desk, "asyncio.run(get())", get), "found")


# -- level 5: a budget -------------------------------------------------------------------------------------------------


@check(level=5)
def nonsense_of_tokens_is_refused(desk: Desk) -> None:
    """A budget below 0 would stop all retries, and look like a bug somewhere else."""
    refused(desk, budget=-1)
    refused(desk, cost=-1)
    retry, _ = policy(desk, budget=0, cost=0)
    desk.expect(retry.call(Script(Reset, "found")), "found")


@check(level=5, kills=["w21"])
def tokens_are_taken_before_the_sleep(desk: Desk) -> None:
    """A thousand calls that sleep have all been promised the same five tokens."""
    seen = []

    class Looking(Hands):
        def __init__(self, clock):
            super().__init__(clock)
            self.sleep = lambda seconds: seen.append(retry.balance())

    retry, _ = task_policy(desk, Looking, budget=10)
    desk.expect(retry.call(Script(Reset, "found")), "found")
    desk.true(seen == [5], "5 tokens are left during the sleep", f"{', '.join(map(str, seen))} tokens")


@check(level=5, kills=["w19"])
def a_call_that_fails_gets_nothing_back(desk: Desk) -> None:
    """A budget that failures refill is never empty in the outage that it was made for."""
    retry, _ = policy(desk, attempts=2, budget=10)
    desk.raises(Reset, retry.call, Script(Reset))
    desk.expect(retry.balance(), 5)


@check(level=5, needs=["a_call_that_fails_gets_nothing_back"])
def an_empty_budget_stops_retries_and_first_attempts_are_free(desk: Desk) -> None:
    """A dependency that is down must not get three times its load; it must still get its load."""
    fetch = script(desk, Reset)
    retry, _ = policy(desk, attempts=9, budget=12)
    desk.raises(Reset, retry.call, fetch)
    desk.expect(tell(desk, "fetch.calls", fetch.calls), 3)
    desk.raises(Reset, retry.call, fetch)
    desk.expect(tell(desk, "fetch.calls", fetch.calls), 4)
    desk.expect(retry.balance(), 2)


@check(level=5, needs=["tokens_are_taken_before_the_sleep"])
def a_success_earns(desk: Desk) -> None:
    """So that a budget that was spent in an outage is there again for the next one."""
    retry, _ = policy(desk, budget=11)
    desk.expect(retry.call(Script(Reset, Reset, "found")), "found")
    desk.expect(retry.balance(), 6)
    desk.expect(retry.call(Script("found")), "found")
    desk.expect(retry.balance(), 7)
    desk.quietly("for _ in range(9): retry.call(Script('found'))", lambda: [retry.call(Script("found")) for _ in range(9)])
    desk.expect(retry.balance(), 11)


@check(level=5, needs=["tokens_are_taken_before_the_sleep"])
def a_retry_that_the_deadline_forbids_costs_nothing(desk: Desk) -> None:
    """What is not done is not paid for."""
    retry, _ = policy(desk, on=Failure, budget=10, timeout=1.0)
    desk.raises(Busy, retry.call, Script(Busy(9)))
    desk.expect(retry.balance(), 10)


@scenario(level=5, kills=["w20"], needs=["a_call_that_fails_gets_nothing_back"], race_timeouts=False)
def threads_share_the_last_tokens(make):
    """Two threads that both see five tokens make two retries of one; under load that is every budget twice."""
    retry = make(on=Reset, attempts=2, clock=make.clock(), rng=Half(), budget=5)
    fetch = Script(Reset)

    def body():
        try:
            retry.call(fetch)
        except Reset:
            return

    def hold():
        return make.expect({"calls": fetch.calls, "balance": retry.balance()}, {"calls": 3, "balance": 0})

    return {"one": body, "two": body}, hold


@scenario(level=5, needs=["threads_share_the_last_tokens"], race_timeouts=False)
def no_token_is_lost_between_threads(make):
    """A refund that another one overwrites is a budget that dries up in a month."""
    retry = make(on=Reset, attempts=2, clock=make.clock(), rng=Half(), budget=20)

    def body():
        retry.call(Script(Reset, "found"))

    return {"one": body, "two": body}, lambda: make.expect(retry.balance(), 20)


# -- level 6: the outage that outlives its cause -----------------------------------------------------------------------


@check(level=6)
def without_a_budget_the_storm_stays(desk: Desk) -> None:
    """The cause is gone after three ticks; the load that the retries make keeps the service down."""
    retry, _ = policy(desk, attempts=3)
    desk.expect(retry.storm(calls=4, capacity=10, outage=(1, 4), ticks=8), [4, 4, 8, 12, 12, 12, 12, 12])


@check(level=6, kills=["w22"], needs=["without_a_budget_the_storm_stays"])
def with_a_budget_the_storm_ends(desk: Desk) -> None:
    """What retries may add is bounded, so that the load is below the capacity as soon as the cause is gone."""
    retry, _ = policy(desk, attempts=3, budget=20)
    desk.expect(retry.storm(calls=4, capacity=10, outage=(1, 4), ticks=8), [4, 4, 8, 4, 4, 4, 4, 4])
    desk.expect(retry.balance(), 16)
