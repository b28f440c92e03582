"""The scenarios: tasks on an event loop in virtual time, the next ready one drawn by seed."""

import asyncio

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
        bucket = make(2, 3)
        for n in (0, 4):
            try:
                await bucket.acquire(n)
            except ValueError:
                told.append(n)
        await bucket.acquire(3)
        told.append(now())

    return tasks(make, story, [0, 4, 0])


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


def queue_of_three(make, who):
    """Ann, Bob and Cyd wait for one token each; one of them is cancelled at 0.75. When do the others get theirs?"""

    async def story(told):
        bucket = make(1, 1)
        await bucket.acquire()

        async def take(name, moment):
            await at(moment, bucket.acquire)
            told.append((name, now()))

        waiting = {name: asyncio.create_task(take(name, at)) for name, at in (("Ann", 0.125), ("Bob", 0.25), ("Cyd", 0.5))}
        await asyncio.sleep(0.75)
        waiting[who].cancel()
        await asyncio.wait(waiting.values())

    names = [name for name in ("Ann", "Bob", "Cyd") if name != who]
    return tasks(make, story, [(names[0], 1), (names[1], 2)])


@scenario(level=2, kills=["w09"], orders=12, granularity="sync")
def who_leaves_the_middle_of_the_line_delays_nobody(make):
    """A user has closed his browser; whoever stood behind him waits for tokens that nobody takes."""
    return queue_of_three(make, "Bob")


@scenario(level=2, kills=["w02"], orders=12, granularity="sync")
def who_is_cancelled_delays_nobody(make):
    """The first in line was cancelled, and the line never moves again."""
    return queue_of_three(make, "Ann")


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

    return tasks(make, story, [2, 3])


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

    async def story(told):
        running = []

        def counted(number):
            async def work():
                running.append(number)
                told.append(len(running))
                await asyncio.sleep(1)
                running.remove(number)

            return work

        await make.also("fan_out", [counted(number) for number in range(5)], 2)
        told.append(now())
        try:
            await make.also("fan_out", [], 0)
        except ValueError:
            told.append("ValueError")

    return tasks(make, limited(story), [2, 3, "ValueError"])


def limited(story):
    """The story, telling the greatest number of all in place of each."""

    async def shorter(told):
        whole = []
        await story(whole)
        told.extend([max(whole[:5]), *whole[5:]])

    return shorter


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


@scenario(level=3, kills=["w04"], orders=12, granularity="sync")
def nobody_is_left_behind(make):
    """The request was answered with an error, and its other half goes on working, with a connection that was given back."""

    async def story(told):
        jobs = [job(told, "a", 1, fails=KeyError("a")), job(told, "b", 9, cleanup=2)]
        try:
            await make.also("fan_out", jobs, 2)
        except KeyError:
            told.append(("raised", now()))
        await asyncio.sleep(20)

    return tasks(make, story, [("b cancelled", 3), ("raised", 3)])


@scenario(level=3, orders=12, granularity="sync")
def a_cancellation_takes_the_jobs_along(make):
    """Whoever calls it off calls off what belongs to it."""

    async def story(told):
        jobs = [job(told, "a", 9, cleanup=1), job(told, "b", 9, cleanup=2)]
        task = asyncio.create_task(make.also("fan_out", jobs, 2))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        told.append((task.cancelled(), now()))

    return tasks(make, story, [("a cancelled", 2), ("b cancelled", 3), (True, 3)])
