"""The scenarios: tasks on an event loop in virtual time, the next ready one drawn by seed."""

import asyncio
import contextlib

from lldkit.dojo.author import scenario
from lldkit.simulation import run_virtual


def tasks(make, story, expected):
    """One thread that plays `story(told)` on a loop for each seed; every time it must have told what is expected."""

    def play():
        for seed in make.orders:
            told = []
            ended = make.outcome(lambda: run_virtual(story(told), order="random", seed=seed, max_steps=2_000))
            make.expect(told if ended is None else [*told, ended], expected)

    return {"loop": play}, None


def now():
    return asyncio.get_running_loop().time()


async def at(moment, call):
    """What `call()` gives when the loop's clock reads `moment`."""
    await asyncio.sleep(moment - now())
    return await call()


async def all_of(*stories):
    async with asyncio.TaskGroup() as group:
        for story in stories:
            group.create_task(story)


@scenario(level=1, orders=12, granularity="sync")
def nonsense_is_refused(make):
    """A request for more than the bucket can ever hold waits for ever; it is to be told so."""

    async def story(told):
        for rate in (0, -1, float("nan")):
            told.append("refused" if make.outcome(make, rate, 1) == "ValueError" else f"a rate of {rate}")
        bucket = make(2, 3)
        await bucket.acquire(3)
        told.append(now())
        line = asyncio.create_task(bucket.acquire(3))
        await asyncio.sleep(0.5)
        for n in (0, 4):
            try:
                await bucket.acquire(n)
            except ValueError:
                told.append((n, now()))
        await line
        told.append(now())

    return tasks(make, story, ["refused"] * 3 + [0, (0, 0.5), (4, 0.5), 1.5])


@scenario(level=1, kills=["w01"], orders=12, granularity="sync")
def the_burst_and_then_the_rate(make):
    """The provider allows ten calls a second; with twenty tasks it were twenty, and then the key was blocked."""

    async def story(told):
        bucket = make(2, 4)

        async def one():
            await bucket.acquire()
            told.append(now())

        await all_of(*(one() for _ in range(7)))

    return tasks(make, story, [0, 0, 0, 0, 0.5, 1, 1.5])


@scenario(level=1, kills=["w06"], orders=12, granularity="sync")
def a_small_one_does_not_overtake_a_big_one(make):
    """The nightly export needs all tokens at once; as long as somebody clicks it never gets them."""

    async def story(told):
        bucket = make(1, 4)
        await bucket.acquire(4)

        async def take(name, moment, n):
            await at(moment, lambda: bucket.acquire(n))
            told.append((name, now()))

        await all_of(take("big", 1, 4), take("small", 2, 1), take("next", 3, 1))

    return tasks(make, story, [("big", 4), ("small", 5), ("next", 6)])


@scenario(level=1, kills=["w03"], orders=12, granularity="sync")
def others_go_on_while_one_waits(make):
    """One task waits for its tokens, and no health check is answered meanwhile."""

    async def story(told):
        bucket = make(0.25, 1)
        await bucket.acquire()

        async def tick():
            for _ in range(3):
                await asyncio.sleep(1)
                told.append(now())

        async def wait():
            await bucket.acquire()
            told.append(("acquired", now()))

        await all_of(wait(), tick())

    return tasks(make, story, [1, 2, 3, ("acquired", 4)])


@scenario(level=1, orders=12, granularity="sync")
def nobody_saves_up_more_than_the_burst(make):
    """After a quiet night the first second of the day must not see a thousand calls."""

    async def story(told):
        bucket = make(1, 2)
        await asyncio.sleep(100)
        for _ in range(4):
            await bucket.acquire()
            told.append(now())

    return tasks(make, story, [100, 100, 101, 102])


def line_for_one_token_each(make, names, leave):
    """They come one after the other, one token a second; some are cancelled. When do the others get theirs?"""

    async def story(told):
        bucket = make(1, 1)
        await bucket.acquire()

        async def take(name, moment):
            await at(moment, bucket.acquire)
            told.append((name, now()))

        waiting = {name: asyncio.create_task(take(name, (1 + place) / 8)) for place, name in enumerate(names)}
        for name, moment in leave.items():
            await asyncio.sleep(moment - now())
            waiting[name].cancel()
        await asyncio.wait(waiting.values())
        told.append([name for name in names if waiting[name].cancelled()])

    served = [name for name in names if name not in leave]
    return tasks(make, story, [*((name, 1 + place) for place, name in enumerate(served)), list(leave)])


@scenario(level=2, kills=["w09"], orders=12, granularity="sync")
def who_leaves_the_middle_of_the_line_delays_nobody(make):
    """A user has closed his browser; whoever stood behind him waits for tokens that nobody takes."""
    names = ("Ann", "Bob", "Cyd", "Dan", "Eve", "Fay")
    return line_for_one_token_each(make, names, {"Cyd": 0.8125, "Dan": 0.875, "Fay": 1.25})


@scenario(level=2, kills=["w02"], orders=12, granularity="sync")
def who_is_cancelled_delays_nobody(make):
    """The first in line was cancelled, and the line never moves again."""
    return line_for_one_token_each(make, ("Ann", "Bob", "Cyd"), {"Ann": 0.75})


@scenario(level=2, kills=["w05"], orders=12, granularity="sync")
def who_is_cancelled_does_not_go_on(make):
    """The request was called off, and went out all the same, without a token."""

    async def story(told):
        bucket = make(1, 1)
        await bucket.acquire()

        async def take():
            await bucket.acquire()
            told.append("went on")

        task = asyncio.create_task(take())
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
        told.append(task.cancelled())

    return tasks(make, story, [True])


@scenario(level=2, orders=12, granularity="sync")
def what_was_not_taken_is_there(make):
    """A big request gave up half way; the tokens that were meant for it are there for the next."""

    async def story(told):
        bucket = make(1, 4)
        await bucket.acquire(4)
        task = asyncio.create_task(bucket.acquire(4))
        await asyncio.sleep(2)
        task.cancel()
        await asyncio.wait([task])
        await bucket.acquire(2)
        told.append(now())
        await bucket.acquire(1)
        told.append(now())
        full = make(1, 4)
        task = asyncio.create_task(full.acquire(4))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await full.acquire(4)
        told.append(now() - (0 if task.cancelled() else 4))

    return tasks(make, story, [2, 3, 3])


def job(told, name, seconds, *, fails=None, cleanup=0):
    """A job that takes so long, may fail, and needs a while to clean up when it is cancelled."""

    async def work():
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(cleanup)
            told.append((f"{name} cancelled", now()))
            raise
        if fails is not None:
            raise fails
        return name

    return work


async def cleans_up_badly():
    """A job that fails when it is cancelled."""
    try:
        await asyncio.sleep(9)
    finally:
        raise OSError


@scenario(level=3, kills=["w07"], orders=12, granularity="sync")
def results_stand_in_the_order_of_the_jobs(make):
    """The prices are right, each for another article."""

    async def story(told):
        jobs = [job(told, name, seconds) for name, seconds in (("a", 3), ("b", 1), ("c", 2), ("d", 1))]
        told.extend(await make.also("fan_out", jobs, 4))
        told.extend(await make.also("fan_out", [], 2))

    return tasks(make, story, ["a", "b", "c", "d"])


@scenario(level=3, kills=["w10"], orders=12, granularity="sync")
def there_are_never_more_than_the_limit(make):
    """A thousand addresses are a thousand sockets, and the process has a few hundred."""

    def no_coroutine():
        future = asyncio.get_running_loop().create_future()
        future.set_result(5)
        return future

    async def story(told):
        running = []

        def counted(number):
            async def work():
                running.append(number)
                told.append(len(running))
                await asyncio.sleep(1)
                running.remove(number)

            return work

        told.append(await make.also("fan_out", [*(counted(number) for number in range(5)), no_coroutine], 2))
        told.append(now())
        try:
            await make.also("fan_out", [], 0)
        except ValueError:
            told.append("ValueError")

    return tasks(make, limited(story), [2, [None, None, None, None, None, 5], 3, "ValueError"])


def limited(story):
    """The story, telling the greatest number of all in place of each."""

    async def shorter(told):
        whole = []
        await story(whole)
        told.extend([max(whole[:5]), *whole[5:]])

    return shorter


@scenario(level=3, kills=["w13"], orders=12, granularity="sync")
def a_free_place_is_taken_at_once(make):
    """One address is slow, and nineteen of twenty connections wait for it with their hands in their lap."""

    async def story(told):
        seconds = iter((4, 1, 1, 2))  # the first to begin is the slow one

        async def work():
            begins = now()
            await asyncio.sleep(next(seconds))
            told.append(("from", begins, "to", now()))

        await make.also("fan_out", [work] * 4, 2)
        told.sort()

    return tasks(make, story, [("from", 0, "to", 1), ("from", 0, "to", 4), ("from", 1, "to", 2), ("from", 2, "to", 4)])


@scenario(level=3, kills=["w08"], orders=12, granularity="sync")
def the_first_failure_comes_alone(make):
    """The caller catches KeyError, as he always did; today it comes wrapped, and the page is down."""

    async def story(told):
        jobs = [job(told, "a", 5), job(told, "b", 1, fails=KeyError("b")), job(told, "c", 2, fails=OSError("c"))]
        try:
            await make.also("fan_out", jobs, 3)
        except Exception as error:
            told.append((type(error).__name__, now()))

    expected = [("KeyError", 1)]
    return tasks(make, sorted_but_last(story), expected)


def sorted_but_last(story):
    """Only what was told last: who is cancelled first is nobody's business."""

    async def shorter(told):
        whole = []
        await story(whole)
        told.append(whole[-1])

    return shorter


@scenario(level=3, kills=["w11"], orders=12, granularity="sync")
def what_failed_first_is_raised(make):
    """The log says that a connection was closed; that it was closed because a key was missing nobody finds out."""

    async def story(told):
        failed = []

        async def fails(name):
            await asyncio.sleep(1)
            failed.append(name)
            raise KeyError(name)

        jobs = [cleans_up_badly, *(lambda name=name: fails(name) for name in range(4))]
        try:
            await make.also("fan_out", jobs, 5)
        except Exception as error:
            told.append((type(error).__name__, "the first" if error.args == (failed[0],) else "a later one", now()))

    return tasks(make, story, [("KeyError", "the first", 1)])


@scenario(level=3, kills=["w12"], orders=12, granularity="sync")
def after_the_end_nothing_begins(make):
    """The batch was called off, and one of its jobs, which does not care, makes room for the next one."""

    async def story(told):
        def played_by(*parts):
            """As many jobs: who begins first has the first part."""
            left = iter(parts)

            async def work():
                match next(left):
                    case "fails":
                        await asyncio.sleep(1)
                        raise KeyError
                    case "does not care":
                        with contextlib.suppress(asyncio.CancelledError):
                            await asyncio.sleep(9)
                    case "next":
                        await asyncio.sleep(1)
                        told.append(("the next one ends", now()))

            return [work] * len(parts)

        try:
            await make.also("fan_out", played_by("fails", "does not care", "next"), 2)
        except Exception:
            told.append(("failed", now()))
        task = asyncio.create_task(make.also("fan_out", played_by("does not care", "next"), 1))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        told.append((task.cancelled(), now()))

    return tasks(make, story, [("failed", 1), (True, 2)])


@scenario(level=3, kills=["w04"], orders=12, granularity="sync")
def nobody_is_left_behind(make):
    """The request was answered with an error, and its other half goes on working, with a connection that was given back."""

    def fails_when_called():
        raise KeyError

    async def raised_by(result):
        try:
            await result
        except Exception as error:
            return type(error).__name__, now()

    async def story(told):
        jobs = [job(told, "a", 1, fails=KeyError("a")), job(told, "b", 9, cleanup=2)]
        try:
            await make.also("fan_out", jobs, 2)
        except KeyError:
            told.append(("raised", now()))
        told.append(await raised_by(make.also("fan_out", [lambda: asyncio.sleep(9), fails_when_called], 2)))
        await asyncio.sleep(20)

    return tasks(make, story, [("b cancelled", 3), ("raised", 3), ("KeyError", 3)])


@scenario(level=3, orders=12, granularity="sync")
def a_cancellation_takes_the_jobs_along(make):
    """Whoever calls it off calls off what belongs to it."""

    async def story(told):
        jobs = [job(told, "a", 9, cleanup=1), job(told, "b", 9, cleanup=2), stubborn(told, "c", until=5)]
        task = asyncio.create_task(make.also("fan_out", jobs, 3))
        for moment in (1, 4):
            await asyncio.sleep(moment - now())
            task.cancel()
        await asyncio.wait([task])
        told.append((task.cancelled(), now()))

    return tasks(make, story, [("a cancelled", 2), ("b cancelled", 3), ("c cancelled", 5), (True, 5)])


@scenario(level=3, orders=12, granularity="sync")
def what_is_called_off_is_cancelled(make):
    """The server is to stop; a connection that broke while it was closed makes an error of it, and the server goes on."""

    async def story(told):
        task = asyncio.create_task(make.also("fan_out", [cleans_up_badly], 1))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        told.append("CancelledError" if task.cancelled() else type(task.exception()).__name__)

    return tasks(make, story, ["CancelledError"])


def stubborn(told, name, *, until):
    """A job that cleans up until then, however often it is cancelled."""

    async def work():
        while now() < until:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(until - now())
        told.append((f"{name} cancelled", now()))

    return work
