"""The directed checks and the scenarios of the cache."""

import gc
import threading
import weakref

from interface import Bus, Down, EntryTooLarge, LoadRecursionError, Node
from lldkit.dojo.author import Desk, check, scenario


class Loader:
    """A loader with a name for the story; it counts its calls."""

    def __init__(self, name, run):
        self.name, self.run, self.calls = name, run, 0

    def __call__(self, key):
        self.calls += 1
        return self.run(key)

    def __repr__(self):
        return self.name


def throw(error):
    raise error


def fails():
    return Loader("fail", lambda key: throw(Down()))


def gives(value):
    return Loader(f"lambda key: {value!r}", lambda key: value)


# -- level 1: the least recently used leaves -----------------------------------------------------------------------


@check(level=1, kills=["w03"])
def it_never_holds_more_than_maxsize(desk: Desk) -> None:
    """One entry too many is one customer's report of 2 GB too many."""
    cache = desk.make(maxsize=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("c", 3)
    desk.expect(len(cache), 2)
    desk.expect(cache.get("a", "gone"), "gone")


@check(level=1, kills=["w01"], needs=["it_never_holds_more_than_maxsize"])
def a_replacement_evicts_nobody(desk: Desk) -> None:
    """A counter that is written again and again would empty the whole cache."""
    cache = desk.make(maxsize=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("b", 3)
    desk.expect(cache.get("a"), 1)
    desk.expect(cache.get("b"), 3)


@check(level=1, needs=["it_never_holds_more_than_maxsize"])
def a_use_saves_an_entry(desk: Desk) -> None:
    """What is read or written all the time must be the last to leave."""
    cache = desk.make(maxsize=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    desk.expect(cache.get("b", "gone"), "gone")
    cache.put("a", 4)
    cache.put("d", 5)
    desk.expect(cache.get("c", "gone"), "gone")
    desk.expect(cache.get("a"), 4)


@check(level=1, kills=["w02"], needs=["a_use_saves_an_entry"])
def looking_is_no_use(desk: Desk) -> None:
    """A monitor that asks whether a key is there must not keep it there."""
    cache = desk.make(maxsize=2)
    cache.put("a", 1)
    cache.put("b", 2)
    desk.expect("a" in cache, True)
    cache.put("c", 3)
    desk.expect(cache.get("a", "gone"), "gone")


@check(level=1, kills=["w05"])
def none_is_a_value(desk: Desk) -> None:
    """ "There is no such user" is an answer; if it is a miss, it is asked for again and again."""
    cache = desk.make(maxsize=2)
    cache.put("a", None)
    desk.expect(cache.get("a", "missing"), None)
    desk.expect(cache.invalidate("a"), True)
    desk.expect(cache.invalidate("a"), False)


@check(level=1, kills=["w04"], needs=["a_use_saves_an_entry", "none_is_a_value"])
def the_order_survives_an_invalidation(desk: Desk) -> None:
    """After a key was taken out of the middle, its neighbours must still find each other."""
    cache = desk.make(maxsize=3)
    for key in ("a", "b", "c"):
        cache.put(key, 1)
    cache.invalidate("b")
    cache.put("d", 1)
    cache.get("c")
    cache.put("e", 1)
    cache.put("f", 1)
    desk.expect(cache.get("d", "gone"), "gone")
    desk.expect(cache.get("c"), 1)


@check(level=1)
def caches_share_nothing(desk: Desk) -> None:
    """Users and prices both have a number 7."""
    one, two = desk.make(maxsize=2), desk.make(maxsize=2)
    one.put(7, "a user")
    desk.expect(two.get(7, "missing"), "missing")


class Key:
    """A key that counts how often somebody looks at it."""

    looks = 0

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        Key.looks += 1
        return hash(self.number)

    def __eq__(self, other):
        Key.looks += 1
        return self.number == other.number

    def __repr__(self):
        return f"Key({self.number})"


@check(level=1, kills=["w21"])
def a_call_looks_at_few_keys(desk: Desk) -> None:
    """A cache that looks through a million keys at every call is slower than what it saves."""
    cache, keys = desk.make(maxsize=64), [Key(number) for number in range(64)]
    desk.quietly("for key in keys: cache.put(key, 1)  # 64 keys", lambda: [cache.put(key, 1) for key in keys])
    Key.looks = 0
    desk.quietly("for key in reversed(keys): cache.get(key)", lambda: [cache.get(key) for key in reversed(keys)])
    looks = Key.looks
    desk.true(looks <= 8 * 64, "64 hits look at a key 8 times each at most", f"{looks} looks")


@check(level=1)
def bad_arguments_are_refused(desk: Desk) -> None:
    """A cache of size 0 that is taken quietly hits nothing, and nobody knows why the database is slow."""
    desk.raises(ValueError, desk.make, maxsize=0)
    desk.raises(ValueError, desk.make, maxsize=-1)


# -- level 2: entries expire ---------------------------------------------------------------------------------------


@check(level=2, kills=["w08"])
def the_clock_that_was_given_is_the_time(desk: Desk) -> None:
    """A cache that reads the machine's clock cannot be tested, and a correction of that clock empties it."""
    clock = desk.clock(20)
    cache = desk.make(maxsize=2, ttl=10, clock=clock)
    cache.put("a", 1)
    clock.advance(5)
    desk.expect(cache.get("a"), 1)
    clock.advance(10)
    desk.expect(cache.get("a", "dead"), "dead")


@check(level=2, kills=["w06"], needs=["the_clock_that_was_given_is_the_time"])
def an_entry_is_dead_at_its_deadline(desk: Desk) -> None:
    """A ttl of 10 s means dead *at* 10 s; off by one keeps a stale login alive as long as nobody looks closely."""
    clock = desk.clock()
    cache = desk.make(maxsize=3, ttl=10, clock=clock)
    cache.put("a", 1)
    clock.advance(9.875)
    desk.expect("a" in cache, True)
    clock.advance(0.125)
    desk.expect(cache.get("a", "dead"), "dead")
    desk.expect("a" in cache, False)
    desk.expect(len(cache), 0)
    desk.expect(cache.invalidate("a"), False)


@check(level=2, kills=["w22"], needs=["the_clock_that_was_given_is_the_time"])
def reading_keeps_nothing_alive(desk: Desk) -> None:
    """A price that is read every second would never be read anew."""
    clock = desk.clock()
    cache = desk.make(maxsize=3, ttl=10, clock=clock)
    cache.put("a", 1)
    clock.advance(6)
    desk.expect(cache.get("a"), 1)
    clock.advance(6)
    desk.expect(cache.get("a", "dead"), "dead")


@check(level=2, needs=["an_entry_is_dead_at_its_deadline"])
def each_put_starts_a_new_lifetime(desk: Desk) -> None:
    """Who writes a new value wants it to be there for a whole lifetime, the one that he named."""
    clock = desk.clock()
    cache = desk.make(maxsize=3, ttl=10, clock=clock)
    cache.put("a", 1)
    cache.put("b", 1, ttl=2)
    clock.advance(1)
    cache.put("a", 2)
    cache.put("b", 2)
    clock.advance(9.5)
    desk.expect(cache.get("a"), 2)
    desk.expect(cache.get("b"), 2)


@check(level=2, kills=["w07"], needs=["an_entry_is_dead_at_its_deadline"])
def the_dead_leave_before_the_living(desk: Desk) -> None:
    """A session that was read a moment ago is dropped, and one that ended yesterday is kept in its place."""
    clock = desk.clock()
    cache = desk.make(maxsize=2, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2, ttl=10)
    clock.advance(10)
    cache.put("c", 3)
    desk.expect(cache.get("a"), 1)
    desk.expect(cache.get("c"), 3)


@check(level=2)
def bad_lifetimes_are_refused(desk: Desk) -> None:
    """A lifetime of 0 is a division by a constant that somebody forgot to set; an endless entry is not the answer."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, maxsize=1, ttl=0, clock=clock)
    desk.raises(ValueError, desk.make, maxsize=1, ttl=-1, clock=clock)
    cache = desk.make(maxsize=1, clock=clock)
    cache.put("a", 1)
    desk.raises(ValueError, cache.put, "b", 2, ttl=0)
    desk.expect(cache.get("a"), 1)


# -- level 3: the least frequently used leaves ---------------------------------------------------------------------


@check(level=3)
def unknown_policies_are_refused(desk: Desk) -> None:
    """A misspelt policy that falls back to another one is found out by the bill of the database."""
    desk.raises(ValueError, desk.make, maxsize=2, policy="lifo", clock=desk.clock())


@check(level=3)
def the_fewest_uses_leave(desk: Desk) -> None:
    """The front page survives a crawler that asks for a million others once."""
    cache = desk.make(maxsize=2, policy="lfu", clock=desk.clock())
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    cache.put("d", 4)
    desk.expect(cache.get("a"), 1)
    desk.expect(cache.get("b", "gone"), "gone")
    desk.expect(cache.get("d"), 4)


@check(level=3, needs=["the_fewest_uses_leave"])
def a_put_over_an_entry_is_a_use(desk: Desk) -> None:
    """What is written all the time is wanted, too."""
    cache = desk.make(maxsize=2, policy="lfu", clock=desk.clock())
    cache.put("a", 1)
    cache.put("b", 3)
    cache.put("a", 2)
    cache.put("c", 4)
    desk.expect(cache.get("a"), 2)
    desk.expect(cache.get("b", "gone"), "gone")


@check(level=3, kills=["w09"], needs=["the_fewest_uses_leave"])
def a_newcomer_is_the_next_to_leave(desk: Desk) -> None:
    """A minimum that is not set back drives out what is used, or finds nobody and crashes."""
    cache = desk.make(maxsize=2, policy="lfu", clock=desk.clock())
    cache.put("a", 1)
    cache.get("a")
    cache.put("b", 2)
    cache.get("b")
    cache.put("c", 3)
    cache.put("d", 4)
    desk.expect(cache.get("c", "gone"), "gone")
    desk.expect(cache.get("b"), 2)


@check(level=3, kills=["w11"], needs=["the_fewest_uses_leave"])
def who_comes_back_begins_anew(desk: Desk) -> None:
    """Counts that survive keep the hits of last year in the cache for ever."""
    cache = desk.make(maxsize=2, policy="lfu", clock=desk.clock())
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.get("a")
    cache.invalidate("a")
    cache.get("b")
    cache.put("a", 3)
    cache.put("c", 4)
    desk.expect(cache.get("a", "gone"), "gone")
    desk.expect(cache.get("b"), 2)


@check(level=3, needs=["a_newcomer_is_the_next_to_leave"])
def calls_leave_no_trace(desk: Desk) -> None:
    """A queue of all uses is right, short, and full after a week."""
    cache = desk.make(maxsize=2, policy="lfu", clock=desk.clock())

    def hits(times):
        for number in range(times):
            cache.put("a", 1)
            cache.get("a")
            cache.put(("key", number % 3), 1)
            cache.invalidate(("key", number % 3))

    desk.quietly("for number in range(50): ...  # put, get, put, invalidate", lambda: hits(50))
    before = desk.size(cache)
    desk.quietly("for number in range(500): ...  # the same", lambda: hits(500))
    desk.true(desk.size(cache) <= before + 1000, "2000 calls leave no trace", "the memory grows with every call")


@check(level=3, kills=["w10"])
def a_newcomer_looks_at_few_keys(desk: Desk) -> None:
    """The cache is full all day; a victim that is looked for among a million keys costs more than the miss."""
    cache, keys = desk.make(maxsize=64, policy="lfu", clock=desk.clock()), [Key(number) for number in range(128)]
    desk.quietly("for key in keys[:64]: cache.put(key, 1)  # 64 keys", lambda: [cache.put(key, 1) for key in keys[:64]])
    Key.looks = 0
    desk.quietly("for key in keys[64:]: cache.put(key, 1)", lambda: [cache.put(key, 1) for key in keys[64:]])
    looks = Key.looks
    desk.true(looks <= 16 * 64, "64 newcomers look at a key 16 times each at most", f"{looks} looks")


# -- level 4: one load per key -------------------------------------------------------------------------------------


def loading(desk, cache, name, run, key="a"):
    """Call `get_or_load` with a loader that does what `run` says, named `name` in the story."""
    return cache.get_or_load(key, Loader(name, run))


@check(level=4)
def what_was_loaded_is_kept(desk: Desk) -> None:
    """The second caller should not notice that there is a database."""
    clock = desk.clock()
    cache = desk.make(maxsize=2, ttl=10, clock=clock)
    slow = Loader("load_for_4_seconds", lambda key: clock.advance(4))
    desk.expect(cache.get_or_load("a", slow), None)
    desk.expect(cache.get_or_load("a", slow), None)
    desk.expect(slow.calls, 1)
    clock.advance(9)
    desk.expect("a" in cache, True)
    clock.advance(1)
    desk.expect("a" in cache, False)


@check(level=4, kills=["w14"])
def an_error_is_not_kept(desk: Desk) -> None:
    """One lost packet must not make a customer unreachable until the next deployment."""
    cache = desk.make(maxsize=2, clock=desk.clock())
    desk.raises(Down, cache.get_or_load, "a", fails())
    desk.expect("a" in cache, False)
    desk.expect(cache.get_or_load("a", gives(1)), 1)
    desk.raises(KeyboardInterrupt, cache.get_or_load, "b", Loader("stop", lambda key: throw(KeyboardInterrupt())))
    desk.expect(cache.get_or_load("b", gives(2)), 2)


@check(level=4, kills=["w16"])
def a_change_wins_over_a_load(desk: Desk) -> None:
    """A price that was read before the change and stored after it is wrong until it expires."""
    cache = desk.make(maxsize=3, clock=desk.clock())

    def drop(key):
        desk.expect(cache.invalidate("a"), False)
        return "old"

    desk.expect(loading(desk, cache, "invalidate_and_return_old", drop), "old")
    desk.expect("a" in cache, False)

    def change(key):
        cache.put("a", "new")
        return "old"

    desk.expect(loading(desk, cache, "put_new_and_return_old", change), "old")
    desk.expect(cache.get("a"), "new")


@check(level=4, needs=["what_was_loaded_is_kept"])
def a_loader_that_needs_itself_is_told(desk: Desk) -> None:
    """A thread that waits for itself waits for ever, and so do all who come after it."""
    cache = desk.make(maxsize=3, clock=desk.clock())

    def again(key):
        return cache.get_or_load("a", gives(1))

    desk.raises(LoadRecursionError, loading, desk, cache, "load_a_again", again)
    desk.expect(cache.get_or_load("a", gives(1)), 1)

    def detour(key):
        return loading(desk, cache, "load_b", lambda key: cache.get_or_load("b", gives(2)), "c")

    desk.raises(LoadRecursionError, loading, desk, cache, "load_c_which_loads_b", detour, "b")
    desk.expect(loading(desk, cache, "load_d", lambda key: cache.get_or_load("d", gives(4)), "b"), 4)


class Thing:
    """Something large that somebody may still hold."""


@check(level=4, needs=["what_was_loaded_is_kept"])
def what_has_left_is_let_go(desk: Desk) -> None:
    """Values that nobody can get any more, and that something still holds, fill the memory all the same."""
    cache, held = desk.make(maxsize=2, clock=desk.clock()), []

    def load(key):
        thing = Thing()
        held.append(weakref.ref(thing))
        return thing

    def loads():
        for number in range(100):
            cache.get_or_load(number, load)
            cache.invalidate(number)

    desk.quietly("for number in range(100): cache.get_or_load(number, load); cache.invalidate(number)", loads)
    gc.collect()
    left = sum(1 for ref in held if ref() is not None)
    desk.true(left < 50, "values that were loaded and invalidated are let go", f"{left} of 100 are still held")


@scenario(level=4, kills=["w12"], schedules=10)
def nobody_waits_for_another_key(make):
    """One slow supplier must not stop the answers of all the others."""
    cache, meeting = make(maxsize=4, clock=make.clock()), threading.Barrier(2)

    def load(key):
        meeting.wait()
        return key

    def body(key):
        return lambda: cache.get_or_load(key, load)

    return {"one": body("a"), "two": body("b")}, lambda: make.expect((cache.get("a"), cache.get("b")), ("a", "b"))


@scenario(level=4, kills=["w13"], needs=["nobody_waits_for_another_key"], schedules=40)
def one_load_per_key(make):
    """The front page expires, and 200 threads ask the database for it in the same millisecond."""
    cache, load, seen = make(maxsize=4, clock=make.clock()), gives(7), []

    def body():
        seen.append(cache.get_or_load("a", load))

    return {"one": body, "two": body}, lambda: make.expect(
        {"loads": load.calls, "got": seen}, {"loads": 1, "got": [7, 7]}
    )


@scenario(level=4, kills=["w15"], needs=["nobody_waits_for_another_key"], schedules=10, race_timeouts=False)
def an_error_is_for_all_who_wait(make):
    """An origin that is down for a minute is asked by each waiter in turn: the last one waits for all of them."""
    clock, seen = make.clock(), []
    cache = make(maxsize=4, clock=clock)
    load = Loader("load", lambda key: (clock.sleep(2), throw(Down())))

    def body(delay):
        def run():
            clock.sleep(delay)
            try:
                cache.get_or_load("a", load)
            except Down:
                seen.append(clock.monotonic())

        return run

    return {"leads": body(0), "waits": body(1)}, lambda: make.expect(
        {"loads": load.calls, "errors at": seen}, {"loads": 1, "errors at": [2.0, 2.0]}
    )


@scenario(level=4, needs=["nobody_waits_for_another_key"], schedules=10, race_timeouts=False)
def who_asks_after_a_change_loads_anew(make):
    """Who has changed his name and reads the old one thinks that the change was lost."""
    clock, seen = make.clock(), {}
    cache = make(maxsize=4, clock=clock)
    load = Loader("load", lambda key: (clock.sleep(4), "old")[1])

    def leads():
        seen["leads"] = cache.get_or_load("a", load)

    def waits():
        clock.sleep(1)
        seen["waits"] = cache.get_or_load("a", load)

    def changes():
        clock.sleep(2)
        cache.invalidate("a")
        seen["asks anew"] = cache.get_or_load("a", gives("new"))

    def holds():
        return make.expect([*sorted(seen.items()), cache.get("a")], [*sorted(wanted.items()), "new"])

    wanted = {"leads": "old", "waits": "old", "asks anew": "new"}
    return {"leads": leads, "waits": waits, "changes": changes}, holds


@scenario(level=4, needs=["nobody_waits_for_another_key"], schedules=40)
def a_hit_may_be_evicted_meanwhile(make):
    """An entry that is found by one thread and evicted by another is a KeyError at three in the morning."""
    cache, seen = make(maxsize=1, clock=make.clock()), []
    cache.put("a", 1)

    def reads():
        seen.append(cache.get("a", "gone"))
        seen.append(len(cache))

    return {"reads": reads, "writes": lambda: cache.put("b", 2)}, lambda: make.expect(
        seen in ([1, 1], ["gone", 1]), True
    )


@scenario(level=4, needs=["nobody_waits_for_another_key"], schedules=40)
def one_of_two_invalidates(make):
    """Who is told that he removed the lock file thinks that it was his."""
    cache, seen = make(maxsize=2, clock=make.clock()), []
    cache.put("a", 1)

    def body():
        seen.append(cache.invalidate("a"))

    return {"one": body, "two": body}, lambda: make.expect(sorted(seen), [False, True])


@scenario(level=4, needs=["nobody_waits_for_another_key"], schedules=40)
def the_dead_are_buried_once(make):
    """At the full hour a thousand entries die, and two threads find them at once."""
    clock, seen = make.clock(), {}
    cache = make(maxsize=3, ttl=1, clock=clock, policy="lfu")
    cache.put("a", 1)
    cache.put("b", 2)

    def counts():
        clock.sleep(1)
        seen["len"] = len(cache)

    def asks():
        clock.sleep(1)
        seen["in"] = "a" in cache

    return {"counts": counts, "asks": asks}, lambda: make.expect((seen["len"], seen["in"]), (0, False))


# -- level 5: tasks, weights, and a listener -----------------------------------------------------------------------


class Slow:
    """An asynchronous loader that waits until it is let go; it writes down how it went."""

    def __init__(self, value):
        import asyncio

        self.value, self.log, self.gate = value, [], asyncio.Event()

    async def __call__(self, key):
        self.log.append("begins")
        try:
            await self.gate.wait()
        except BaseException:
            self.log.append("is cancelled")
            raise
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def __repr__(self):
        return "load"


class Tasks:
    """Tasks that are told in the story; nobody waits for one that does not end."""

    def __init__(self, desk, cache):
        self.desk, self.cache = desk, cache

    def run(self, main):
        """Run the coroutine function of a check on a loop of its own."""
        import asyncio  # it takes longer to import than all the rest

        return asyncio.run(main())

    async def start(self, name, key, load):
        """A task that asks for `key`."""
        import asyncio

        line = f"{name} = asyncio.create_task(cache.aget_or_load({key!r}, load))"
        task = self.desk.quietly(line, lambda: asyncio.ensure_future(self.cache.aget_or_load(key, load)))
        task.set_name(name)
        await self.turns()
        return task

    async def cancel(self, task):
        """Cancel a task while it waits, and let it end."""
        self.desk.quietly(f"{task.get_name()}.cancel()  # it waits", task.cancel)
        await self.turns()

    async def let_go(self, load):
        """Let the loader end, and all who wait for it."""
        self.desk.quietly("...  # load ends", load.gate.set)
        await self.turns()

    async def turns(self):
        """As many turns of the loop as anybody could need."""
        import asyncio

        for _ in range(20):
            await asyncio.sleep(0)

    def expect(self, task, expected):
        """The task has returned `expected`, or ended as it says."""
        self.desk.quietly(f"await {task.get_name()}", lambda: None)
        if not task.done():
            actual = "still waits"
        elif task.cancelled():
            actual = "is cancelled"
        else:
            actual = task.result() if task.exception() is None else f"raises {type(task.exception()).__name__}"
        self.desk.expect(actual, expected)

    def expect_log(self, load, *expected):
        """What has become of the loader."""
        self.desk.quietly("load.log", lambda: None)
        self.desk.expect(load.log, list(expected))


@check(level=5)
def tasks_share_a_load(desk: Desk) -> None:
    """Async services have the same stampede, only with more callers."""
    cache = desk.make(maxsize=4, clock=desk.clock())
    tasks = Tasks(desk, cache)

    async def main():
        for key, load, expected in (("a", Slow(7), 7), ("b", Slow(Down()), "raises Down")):
            both = [await tasks.start("one", key, load), await tasks.start("two", key, load)]
            await tasks.let_go(load)
            for task in both:
                tasks.expect(task, expected)
            tasks.expect_log(load, "begins")
        desk.expect(cache.get("a"), 7)
        desk.expect("b" in cache, False)

    tasks.run(main)


@check(level=5, kills=["w17"], needs=["tasks_share_a_load"])
def cancelling_one_ends_that_call_only(desk: Desk) -> None:
    """One customer closes the page, and all who wait for the same product get an error."""
    cache = desk.make(maxsize=4, clock=desk.clock())
    tasks = Tasks(desk, cache)

    async def main():
        load = Slow(7)
        one, two = await tasks.start("one", "a", load), await tasks.start("two", "a", load)
        await tasks.cancel(one)
        tasks.expect(one, "is cancelled")
        await tasks.let_go(load)
        tasks.expect(two, 7)
        tasks.expect_log(load, "begins")
        desk.expect(cache.get("a"), 7)

    tasks.run(main)


@check(level=5, kills=["w24"], needs=["tasks_share_a_load"])
def a_load_that_nobody_waits_for_ends(desk: Desk) -> None:
    """The query that nobody wants any more holds the connection that somebody else waits for."""
    cache = desk.make(maxsize=4, clock=desk.clock())
    tasks = Tasks(desk, cache)

    async def main():
        load = Slow(7)
        one, two = await tasks.start("one", "a", load), await tasks.start("two", "a", load)
        await tasks.cancel(one)
        await tasks.cancel(two)
        tasks.expect_log(load, "begins", "is cancelled")
        tasks.expect(one, "is cancelled")
        tasks.expect(two, "is cancelled")
        again = Slow(8)
        three = await tasks.start("three", "a", again)
        await tasks.let_go(again)
        tasks.expect(three, 8)
        # Whoever asks before the loop has turned must not be given the load that is being cancelled.
        load, again = Slow(1), Slow(2)
        four = await tasks.start("four", "b", load)
        desk.quietly("four.cancel()  # and at the same moment", four.cancel)
        five = await tasks.start("five", "b", again)
        await tasks.let_go(again)
        tasks.expect(five, 2)

    tasks.run(main)


@check(level=5, needs=["tasks_share_a_load"])
def a_change_wins_over_a_task_too(desk: Desk) -> None:
    """The window between read and store is longest where nobody blocks."""
    cache = desk.make(maxsize=4, clock=desk.clock())
    tasks = Tasks(desk, cache)

    async def main():
        load, again = Slow("old"), Slow("new")
        one = await tasks.start("one", "a", load)
        desk.expect(cache.invalidate("a"), False)
        two = await tasks.start("two", "a", again)
        await tasks.let_go(again)
        await tasks.let_go(load)
        tasks.expect(one, "old")
        tasks.expect(two, "new")
        desk.expect(cache.get("a"), "new")

    tasks.run(main)


class Weigher:
    """What an entry weighs."""

    def __init__(self, name, run):
        self.name, self.run = name, run

    def __call__(self, key, value):
        return self.run(value)

    def __repr__(self):
        return self.name


WEIGH = Weigher("lambda key, value: len(value)", len)


@check(level=5)
def a_weigher_goes_with_lru(desk: Desk) -> None:
    """What is fewest uses per byte is another policy, and nobody has promised it."""
    desk.raises(ValueError, desk.make, maxsize=4, policy="lfu", weigher=WEIGH, clock=desk.clock())
    negative = desk.make(maxsize=4, weigher=Weigher("lambda key, value: -1", lambda value: -1), clock=desk.clock())
    desk.raises(ValueError, negative.put, "a", 1)
    desk.expect(len(negative), 0)


@check(level=5, needs=["a_weigher_goes_with_lru"])
def weights_are_what_is_bounded(desk: Desk) -> None:
    """A thousand entries are 1 MB or 1 GB; the memory of the machine is counted in bytes."""
    cache = desk.make(maxsize=4, weigher=WEIGH, clock=desk.clock())
    for key in ("a", "b", "c", "d"):
        cache.put(key, "1")
    cache.get("a")
    cache.put("e", "333")
    desk.expect(len(cache), 2)
    desk.expect("a" in cache, True)
    cache.put("f", "")
    desk.expect(len(cache), 3)


@check(level=5, kills=["w23"], needs=["weights_are_what_is_bounded"])
def a_replacement_is_weighed_anew(desk: Desk) -> None:
    """A list that grows by one item a second is put over itself, and is 5 GB a year later."""
    cache = desk.make(maxsize=4, weigher=WEIGH, clock=desk.clock())
    cache.put("a", "1")
    cache.put("b", "22")
    cache.put("b", "333")
    desk.expect(cache.get("a"), "1")
    cache.put("a", "22")
    desk.expect("b" in cache, False)
    desk.expect(cache.get("a"), "22")


@check(level=5, needs=["weights_are_what_is_bounded"])
def what_is_too_heavy_drives_nobody_out(desk: Desk) -> None:
    """One export of 5 GB must not empty the cache before it is found that it does not fit."""
    cache = desk.make(maxsize=4, weigher=WEIGH, clock=desk.clock())
    cache.put("a", "1")
    cache.put("b", "22")
    desk.raises(EntryTooLarge, cache.put, "b", "55555")
    desk.expect("b" in cache, False)
    desk.expect(cache.get("a"), "1")
    desk.expect(cache.get_or_load("c", gives("55555")), "55555")
    desk.expect(len(cache), 1)


class Listener:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.heard = []

    def __call__(self, key, value, cause):
        self.heard.append((key, value, cause))

    def __repr__(self):
        return "heard.append"


@check(level=5)
def each_removal_is_told_once(desk: Desk) -> None:
    """Entries are connections, too, and somebody must close them, once."""
    clock, listener = desk.clock(), Listener()
    cache = desk.make(maxsize=2, clock=clock, on_removal=listener)
    cache.put("a", 1)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("c", 3, ttl=5)
    cache.invalidate("b")
    cache.invalidate("b")
    desk.expect(listener.heard, [("a", 1, "replaced"), ("a", 1, "size"), ("b", 2, "explicit")])
    clock.advance(5)
    cache.put("c", 4)
    cache.get_or_load("d", gives(5))
    cache.get_or_load("e", gives(6))
    desk.expect(listener.heard[3:], [("c", 4, "size")])


def elsewhere(call):
    """What `call` returns in another thread, which the caller waits for."""
    got = []
    other = threading.Thread(target=lambda: got.append(call()), name="other")
    other.start()
    other.join()
    return got[0]


@scenario(level=5, kills=["w18"], schedules=10)
def a_listener_may_use_the_cache(make):
    """A listener that lets another thread look how much room there is, and waits for it, stops the service."""
    seen = []

    def listener(key, value, cause):
        seen.append((cause, elsewhere(lambda: len(cache))))

    cache = make(maxsize=1, clock=make.clock(), on_removal=listener)

    def body():
        cache.put("a", 1)
        cache.put("a", 2)
        cache.get_or_load("b", gives(3))
        cache.invalidate("b")

    return {"one": body}, lambda: make.expect(seen, [("replaced", 1), ("size", 1), ("explicit", 0)])


@scenario(level=5, schedules=10)
def a_weigher_may_use_the_cache(make):
    """A weigher asks a thread of its own how large a value is, and that thread looks into the same cache."""
    cache = make(maxsize=9, clock=make.clock(), weigher=lambda key, value: 1 + elsewhere(lambda: len(cache)))

    def body():
        cache.put("a", 1)
        cache.get_or_load("b", gives(3))

    return {"one": body}, lambda: make.expect(len(cache), 2)


# -- level 6: many processes ---------------------------------------------------------------------------------------


def fleet(desk, names=("n1", "n2"), processes=2):
    """The nodes, the bus, and a cache per process."""
    nodes, bus = {name: Node(name) for name in names}, Bus()
    return nodes, bus, [desk.make(maxsize=9, clock=desk.clock(), nodes=nodes, bus=bus) for _ in range(processes)]


def every(nodes, **hooks):
    """Set the hooks of all nodes."""
    for node in nodes.values():
        for name, hook in hooks.items():
            setattr(node, name, hook)


def once(nodes, name, action):
    """Let `action` happen at the next trip to any node."""

    def hook():
        every(nodes, **{name: lambda: None})
        action()

    every(nodes, **{name: hook})


def delivered(desk, bus):
    desk.quietly("bus.deliver()", bus.deliver)


@check(level=6)
def what_one_has_loaded_all_have(desk: Desk) -> None:
    """Twenty processes that start at nine would ask the database twenty times for everything."""
    nodes, _, (one, two) = fleet(desk)
    load = gives(None)
    desk.expect(one.get_or_load("a", load), None)
    desk.expect(two.get_or_load("a", load), None)
    desk.expect(load.calls, 1)
    trips = sum(node.trips for node in nodes.values())
    desk.expect(one.get_or_load("a", load), None)
    desk.expect(two.get_or_load("a", load), None)
    desk.true(sum(node.trips for node in nodes.values()) == trips, "a hit in memory makes no trip", "it makes one")


@check(level=6, needs=["what_one_has_loaded_all_have"])
def who_changes_a_key_sees_it_at_once(desk: Desk) -> None:
    """Who saves his address and sees the old one saves it again."""
    nodes, _, (one, _) = fleet(desk)
    desk.expect(one.get_or_load("a", gives("old")), "old")
    once(nodes, "on_trip", lambda: one.get_or_load("a", gives("old")))
    one.put("a", "new")
    desk.expect(one.get_or_load("a", gives("old")), "new")
    once(nodes, "on_trip", lambda: one.get_or_load("a", gives("old")))
    desk.expect(one.invalidate("a"), True)
    desk.expect(one.get_or_load("a", gives("newer")), "newer")
    desk.expect(one.invalidate("b"), False)


@check(level=6, needs=["who_changes_a_key_sees_it_at_once"])
def the_others_see_it_when_the_message_is_there(desk: Desk) -> None:
    """Twenty processes with twenty answers to one question are twenty support tickets."""
    nodes, bus, (one, two) = fleet(desk)
    two.get_or_load("a", gives("old"))
    # Who reads before the change must be told after it, or he keeps what he has read.
    once(nodes, "on_trip", lambda: (bus.deliver(), two.get_or_load("a", gives("old"))))
    one.put("a", "new")
    delivered(desk, bus)
    desk.expect(two.get_or_load("a", gives("old")), "new")
    one.invalidate("a")
    delivered(desk, bus)
    desk.expect(two.get_or_load("a", gives("newer")), "newer")


@check(level=6, kills=["w19"], needs=["the_others_see_it_when_the_message_is_there"])
def a_message_overtakes_an_answer(desk: Desk) -> None:
    """The answer of the node and the message about its change take different ways; the message is often faster."""
    nodes, bus, (one, two) = fleet(desk)
    one.put("a", "old")
    delivered(desk, bus)

    def meanwhile():
        one.put("a", "new")
        delivered(desk, bus)

    once(nodes, "on_answer", meanwhile)
    desk.true(two.get_or_load("a", gives("old")) in ("old", "new"), "what the node had, or has")
    desk.expect(two.get_or_load("a", gives("old")), "new")


@check(level=6, kills=["w26"], needs=["the_others_see_it_when_the_message_is_there"])
def a_change_wins_over_a_fill(desk: Desk) -> None:
    """A process that pauses between its query and its write brings yesterday's value back for all of them."""
    nodes, bus, (one, two) = fleet(desk)

    def load(key):
        one.put("a", "new")
        delivered(desk, bus)
        return "old"

    found = loading(desk, two, "load_while_another_puts_new", load)
    desk.true(found in ("old", "new"), "what was loaded, or what the node has")
    desk.expect(one.get_or_load("a", gives("old")), "new")
    desk.expect(two.get_or_load("a", gives("old")), "new")


class Text(str):
    """A string whose hash is that of another process."""

    __slots__ = ()
    processes = 0

    def __hash__(self):
        Text.processes += 1
        return Text.processes * 7919

    def __eq__(self, other):
        return str.__eq__(self, other)


KEYS = [f"user:{number}" for number in range(600)]


def placed(desk, cache, keys=KEYS):
    return desk.quietly(
        f"[{cache}.node_for(key) for key in keys]  # 600 keys", lambda: [cache.node_for(key) for key in keys]
    )


@check(level=6, kills=["w25"])
def all_processes_find_the_same_node(desk: Desk) -> None:
    """Two processes that look on two nodes for one key never see each other's changes."""
    _, _, (one,) = fleet(desk, ("n1", "n2", "n3"), 1)
    _, _, (two,) = fleet(desk, ("n3", "n1", "n2"), 1)
    desk.true(placed(desk, one) == placed(desk, two), "the same nodes, whatever their order", "others")
    other = [Text(key) for key in KEYS]
    desk.quietly("# the same in another process, where hash() of a string is another", lambda: None)
    desk.true(placed(desk, one) == placed(desk, one, other), "the same nodes in every process", "others")


@check(level=6, kills=["w20"], needs=["all_processes_find_the_same_node"])
def a_new_node_takes_only_its_own(desk: Desk) -> None:
    """A fourth node is added because three are busy; if all keys move, every cache is empty at the worst moment."""
    _, _, (one,) = fleet(desk, ("n1", "n2", "n3"), 1)
    _, _, (two,) = fleet(desk, ("n1", "n2", "n3", "n4"), 1)
    moved = [after for before, after in zip(placed(desk, one), placed(desk, two), strict=True) if before != after]
    astray = sum(1 for name in moved if name != "n4")
    desk.true(astray == 0, "only keys that go to n4 move", f"{astray} keys move between n1, n2 and n3")


@check(level=6, needs=["all_processes_find_the_same_node"])
def the_nodes_share_the_keys(desk: Desk) -> None:
    """The fullest node decides when the next one must be bought."""
    _, _, (one,) = fleet(desk, ("n1", "n2", "n3", "n4"), 1)
    names = placed(desk, one)
    most = max(names.count(name) for name in ("n1", "n2", "n3", "n4"))
    desk.true(most < 225, "no node gets 225 of 600 keys", f"one gets {most}")
