"""The directed checks and the scenarios of the metrics registry."""

import math

from interface import MAX_SCALE, Exponential, Histogram, Host, Odd, Process
from lldkit.dojo.author import Desk, check, scenario


NAN, INFINITY = Odd("nan"), Odd("inf")


def registry_of(desk, *, start=0.0, **arguments):
    """A registry with the metrics that most stories need, and its clock."""
    clock = desk.clock(start)
    return clock, desk.make(clock=clock, **arguments)


# -- level 1: counters and gauges --------------------------------------------------------------------------------------


@check(level=1)
def declared_once(desk: Desk) -> None:
    """Two modules that both think a name is theirs add up what has nothing to do with each other."""
    _, registry = registry_of(desk)
    registry.counter("requests")
    desk.raises(ValueError, registry.counter, "requests")
    desk.raises(ValueError, registry.gauge, "requests")


@check(level=1, kills=["w01"])
def label_values_do_not_run_together(desk: Desk) -> None:
    """One request with a comma in its path, and two series are one for ever."""
    _, registry = registry_of(desk)
    registry.counter("requests", ("path", "code"))
    registry.inc("requests", 1, {"path": "a,b", "code": "c"})
    desk.expect(registry.value("requests", {"path": "a", "code": "b,c"}), 0)
    desk.expect(registry.value("requests", {"code": "c", "path": "a,b"}), 1)


@check(level=1)
def labels_are_what_was_declared(desk: Desk) -> None:
    """A misspelt label that is taken quietly is a gap in a dashboard, found during an outage."""
    _, registry = registry_of(desk)
    registry.counter("requests", ("code",))
    desk.raises(ValueError, registry.inc, "requests")
    desk.raises(ValueError, registry.inc, "requests", 1, {"codes": "200"})
    desk.raises(ValueError, registry.inc, "requests", 1, {"code": "200", "path": "/"})
    desk.raises(ValueError, registry.inc, "request", 1, {"code": "200"})
    desk.raises(ValueError, registry.set, "requests", 1, {"code": "200"})
    desk.expect(registry.render().splitlines(), ["# TYPE requests counter"])


@check(level=1, kills=["w25"])
def asking_makes_no_series(desk: Desk) -> None:
    """A dashboard that asks for a thousand users must not make a thousand series."""
    _, registry = registry_of(desk)
    registry.counter("requests", ("user",))
    desk.expect(registry.value("requests", {"user": "a"}), 0)
    desk.expect(registry.render().splitlines(), ["# TYPE requests counter"])


@check(level=1, kills=["w03"])
def a_counter_never_falls(desk: Desk) -> None:
    """Whoever reads a counter takes a fall for a restart, and adds the whole value once more."""
    _, registry = registry_of(desk)
    registry.counter("requests")
    registry.gauge("in_flight")
    registry.inc("requests", 3)
    desk.raises(ValueError, registry.inc, "requests", -1)
    desk.expect(registry.value("requests"), 3)
    registry.inc("in_flight", -1)
    desk.expect(registry.value("in_flight"), -1)


@check(level=1, kills=["w04"])
def one_nan_spoils_nothing(desk: Desk) -> None:
    """NaN plus anything is NaN: one division 0/0 in a handler, and the counter is dead until the next deployment."""
    _, registry = registry_of(desk)
    registry.counter("bytes")
    registry.gauge("load")
    registry.inc("bytes", 3)
    for odd in (NAN, INFINITY):
        desk.raises(ValueError, registry.inc, "bytes", odd)
        desk.raises(ValueError, registry.inc, "load", odd)
        desk.raises(ValueError, registry.set, "load", odd)
    desk.expect(registry.value("bytes"), 3)
    desk.expect(registry.render().splitlines(), ["# TYPE bytes counter", "bytes 3.0", "# TYPE load gauge"])


@check(level=1, kills=["w02"])
def label_values_are_escaped(desk: Desk) -> None:
    """One quote in one user agent, and the scrape of the whole process is refused."""
    _, registry = registry_of(desk)
    registry.counter("hits", ("agent",))
    lines = ["# TYPE hits counter"]
    for agent, written in (('a"', r"a\""), ("c\nd", r"c\nd"), ("e\\n", r"e\\n")):
        registry.inc("hits", 1, {"agent": agent})
        lines.append(f'hits{{agent="{written}"}} 1.0')
        desk.expect(registry.render().splitlines(), lines)


@check(level=1)
def series_are_sorted_by_label_values(desk: Desk) -> None:
    """Who compares two scrapes line by line must not see series change places."""
    _, registry = registry_of(desk)
    registry.counter("hits", ("path",))
    registry.inc("hits", 1, {"path": "a!"})
    registry.inc("hits", 1, {"path": "a"})
    desk.expect(registry.render().splitlines()[1:], ['hits{path="a"} 1.0', 'hits{path="a!"} 1.0'])


@check(level=1, needs=["label_values_are_escaped"])
def the_text_ends_with_a_newline(desk: Desk) -> None:
    """Prometheus refuses a text whose last line is not ended, and all that is in it."""
    _, registry = registry_of(desk)
    desk.expect(registry.render(), "")
    registry.counter("hits")
    desk.expect(registry.render(), "# TYPE hits counter\n")


# -- level 2: the last five minutes ------------------------------------------------------------------------------------


@check(level=2, kills=["w05"])
def what_is_as_old_as_the_window_is_out(desk: Desk) -> None:
    """A window that is one slice too long reports a rate that is some percent too high, always."""
    clock, registry = registry_of(desk, start=16, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits")
    clock.advance(7.875)
    desk.expect(registry.recent("hits"), 1)
    clock.advance(0.125)
    desk.expect(registry.recent("hits"), 0)


@check(level=2, kills=["w06"])
def idle_time_empties_the_window(desk: Desk) -> None:
    """A service that was quiet over night must not report the rate of the evening at eight."""
    clock, registry = registry_of(desk, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits", 5)
    clock.advance(2)
    registry.inc("hits", 5)
    clock.advance(24)
    desk.expect(registry.recent("hits"), 0)
    registry.inc("hits")
    desk.expect(registry.recent("hits"), 1)


@check(level=2, kills=["w07"])
def the_memory_of_a_series_is_bounded(desk: Desk) -> None:
    """At ten thousand hits a second a time for each of them is three million times for five minutes."""
    _, registry = registry_of(desk, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits")
    before = desk.size(registry)
    desk.quietly("for _ in range(1000): registry.inc('hits')", lambda: [registry.inc("hits") for _ in range(1000)])
    desk.true(desk.size(registry) <= before + 1000, "1000 increments leave the memory as it was", "it grows")


@check(level=2, needs=["the_memory_of_a_series_is_bounded"])
def slices_that_are_over_are_forgotten(desk: Desk) -> None:
    """A slice every five seconds, none of them ever dropped: the process is killed after some weeks."""
    clock, registry = registry_of(desk, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits")
    before = desk.size(registry)
    line = "for _ in range(1000): registry.inc('hits'); clock.advance(2)"
    desk.quietly(line, lambda: [(registry.inc("hits"), clock.advance(2)) for _ in range(1000)])
    desk.true(desk.size(registry) <= before + 2000, "1000 slices leave the memory as it was, but for 4", "it grows")


@check(level=2, kills=["w08"])
def no_time_has_no_rate(desk: Desk) -> None:
    """The first scrape comes when the process has just begun; it must not be answered by an error."""
    _, registry = registry_of(desk, start=4, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits", 2)
    desk.expect(registry.rate("hits"), 0.0)


@check(level=2, kills=["w24"], needs=["no_time_has_no_rate"])
def a_young_registry_divides_by_its_age(desk: Desk) -> None:
    """An autoscaler that reads a fifth of the load in the first minute takes away the servers that have just begun."""
    clock, registry = registry_of(desk, start=4, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits", 6)
    clock.advance(3)
    desk.expect(registry.rate("hits"), 2.0)
    clock.advance(64)
    registry.inc("hits", 16)
    desk.expect(registry.rate("hits"), 2.0)


@check(level=2)
def windows_make_sense(desk: Desk) -> None:
    """A window of 0 seconds divides by zero, but only when the first request comes."""
    clock = desk.clock()
    desk.raises(ValueError, desk.make, clock=clock, window=0)
    desk.raises(ValueError, desk.make, clock=clock, window=-1)
    desk.raises(ValueError, desk.make, clock=clock, slots=0)
    registry = desk.make(clock=clock, window=0.5, slots=1)
    registry.counter("hits")
    desk.expect(registry.recent("hits"), 0)


@check(level=2)
def the_window_is_five_minutes_unless_it_is_given(desk: Desk) -> None:
    """Whoever leaves it out has read "300.0" and "60" in the interface, and alerts on it."""
    clock, registry = registry_of(desk)
    registry.counter("hits")
    clock.advance(4.9375)
    registry.inc("hits")
    clock.advance(0.0625)
    registry.inc("hits", 2)
    clock.advance(295)
    desk.expect(registry.recent("hits"), 2)
    clock.advance(4.875)
    desk.expect(registry.recent("hits"), 2)


# -- level 3: histograms -----------------------------------------------------------------------------------------------


@check(level=3, kills=["w09"])
def bounds_are_inclusive(desk: Desk) -> None:
    """Who asks for the share of answers within 0.5 s means 0.5, too."""
    _, registry = registry_of(desk)
    registry.histogram("latency", bounds=(0.5, 1.0))
    registry.observe("latency", 0.5)
    desk.expect(registry.render().splitlines()[1:3], ['latency_bucket{le="0.5"} 1.0', 'latency_bucket{le="1.0"} 1.0'])


@check(level=3, kills=["w10"])
def buckets_are_cumulative(desk: Desk) -> None:
    """`le` means "less or equal": whoever reads the text subtracts neighbours, and gets negative numbers."""
    _, registry = registry_of(desk)
    registry.histogram("latency", bounds=(1.0, 2.0))
    for seconds in (0.5, 1.5, 9):
        registry.observe("latency", seconds)
    lines = [f'latency_bucket{{le="{le}"}} {count}' for le, count in (("1.0", 1.0), ("2.0", 2.0), ("+Inf", 3.0))]
    desk.expect(registry.render().splitlines(), ["# TYPE latency histogram", *lines, "latency_sum 11.0", "latency_count 3.0"])


@check(level=3, kills=["w33"], needs=["buckets_are_cumulative"])
def le_is_the_last_label(desk: Desk) -> None:
    """Whoever cuts the text up by hand looks for the bound at the end of the braces."""
    _, registry = registry_of(desk)
    registry.histogram("latency", ("route",), bounds=(1.0,))
    registry.observe("latency", 1.5, {"route": "/"})
    buckets = ['latency_bucket{route="/",le="1.0"} 0.0', 'latency_bucket{route="/",le="+Inf"} 1.0']
    lines = [*buckets, 'latency_sum{route="/"} 1.5', 'latency_count{route="/"} 1.0']
    desk.expect(registry.render().splitlines(), ["# TYPE latency histogram", *lines])


@check(level=3)
def bounds_make_sense(desk: Desk) -> None:
    """Bounds that are out of order put values into buckets at random, and nobody sees it."""
    _, registry = registry_of(desk)
    for bounds in ((), (0, 1), (2, 1), (1, 1), (1, INFINITY)):
        desk.raises(ValueError, registry.histogram, "latency", bounds=bounds)
    registry.histogram("latency", bounds=(1,))
    for odd in (NAN, INFINITY):
        desk.raises(ValueError, registry.observe, "latency", odd)
    desk.raises(ValueError, registry.inc, "latency")
    desk.raises(ValueError, registry.value, "latency")
    desk.expect(registry.render().splitlines(), ["# TYPE latency histogram"])


@check(level=3)
def no_values_have_no_quantile(desk: Desk) -> None:
    """A p99 of 0 for a route that nobody called looks like a very fast one."""
    _, registry = registry_of(desk)
    registry.histogram("latency", ("route",), bounds=(1, 2))
    desk.expect(registry.quantile("latency", 0.5), None)
    registry.observe("latency", 2, {"route": "/"})
    desk.expect(registry.quantile("latency", 0.5, {"route": "/pay"}), None)
    for q in (-0.125, 1.125, NAN):
        desk.raises(ValueError, registry.quantile, "latency", q)
    desk.raises(ValueError, registry.quantile, "latency", 0.5, {"routes": "/"})


@check(level=3, kills=["w11"])
def the_greatest_value_has_a_quantile(desk: Desk) -> None:
    """The slowest request of the day is what the alert is about."""
    _, registry = registry_of(desk)
    registry.histogram("latency", bounds=(1, 2, 4, 8))
    for seconds in (0.5, 1.5, 3):
        registry.observe("latency", seconds)
    desk.expect(registry.quantile("latency", 1), 4)
    desk.expect(registry.quantile("latency", 0.5), 1.5)
    desk.expect(registry.quantile("latency", 0), 0.0)


@check(level=3, kills=["w12"])
def quantiles_are_not_averaged(desk: Desk) -> None:
    """Nine quick answers here and one slow one there: the mean of two medians is the time of nobody."""
    _, registry = registry_of(desk)
    registry.histogram("latency", ("host",), bounds=(1, 2, 4, 8))
    desk.quietly(
        "for _ in range(9): registry.observe('latency', 1, {'host': 'a'})",
        lambda: [registry.observe("latency", 1, {"host": "a"}) for _ in range(9)],
    )
    registry.observe("latency", 8, {"host": "b"})
    desk.expect(registry.quantile("latency", 0.5, {"host": "b"}), 6.0)
    desk.expect(registry.quantile("latency", 0.9), 1.0)


@check(level=3, needs=["no_values_have_no_quantile"])
def a_quantile_is_of_the_series_that_are_meant(desk: Desk) -> None:
    """A p99 of another route, or of none because of a misspelt label, sends people to the wrong place."""
    _, registry = registry_of(desk)
    registry.histogram("latency", ("code", "route"), bounds=(1, 2, 4))
    registry.observe("latency", 2, {"code": 200, "route": "/"})
    registry.observe("latency", 4, {"code": 404, "route": "/pay"})
    desk.expect(registry.quantile("latency", 1, {"code": 200}), 2.0)
    desk.expect(registry.quantile("latency", 1, {"route": "/"}), 2.0)
    desk.expect(registry.quantile("latency", 1, {"code": "20"}), None)
    desk.raises(ValueError, registry.quantile, "latency", 1, {"code": 200, "routes": "/"})


# -- level 4: threads, and too many series -----------------------------------------------------------------------------


@scenario(level=4, kills=["w21"], schedules=60)
def no_increment_is_lost(make):
    """Adding to a value in a dictionary is a read and a write; what another thread did between them is gone."""
    registry = make(clock=make.clock())
    registry.counter("hits")

    def body():
        registry.inc("hits")

    return {"one": body, "two": body}, lambda: make.expect((registry.value("hits"), registry.recent("hits")), (2, 2))


class Slow(float):
    """A number that takes its time to be added: what a step of a thread does not hold together falls apart."""

    def __new__(cls, value, clock):
        made = super().__new__(cls, value)
        made.clock = clock
        return made

    def __radd__(self, other):
        self.clock.sleep(1)
        return other + float(self)


@scenario(level=4, kills=["w26"], schedules=30)
def no_observation_is_lost(make):
    """Under load, when the latencies matter, some of them are counted nowhere."""
    clock = make.clock()
    registry, slow = make(clock=clock), Slow(1.0, clock)
    registry.histogram("latency", bounds=(1.0,))

    def body():
        registry.observe("latency", slow)

    def holds():
        found = registry.snapshot()["latency", ()]
        return make.expect((sum(found.counts), float(found.sum)), (2, 2.0))

    return {"one": body, "two": body}, holds


@scenario(level=4, kills=["w13"], schedules=60)
def sum_and_counts_belong_together(make):
    """A mean of a sum and a count of two moments: the error budget is eaten by a value that nobody measured."""
    registry, seen = make(clock=make.clock()), []
    registry.histogram("latency", bounds=(1.0,))
    registry.observe("latency", 1.0)

    def reads():
        found = registry.snapshot()["latency", ()]
        seen.append((sum(found.counts), found.sum))

    def holds():
        count = seen[0][0]
        return make.expect(seen[0], (count, float(count)))

    return {"observes": lambda: registry.observe("latency", 1.0), "reads": reads}, holds


@scenario(level=4, needs=["no_increment_is_lost"], schedules=30)
def a_set_is_not_lost(make):
    """A gauge that is set while another thread adds to it must not have its old value, plus one."""
    clock = make.clock()
    registry = make(clock=clock)
    registry.gauge("in_flight")

    def sets():
        clock.sleep(0.5)
        registry.set("in_flight", 8)

    bodies = {"adds": lambda: registry.inc("in_flight", Slow(1, clock)), "sets": sets}
    return bodies, lambda: make.expect(registry.value("in_flight") in {8, 9}, True)


@scenario(level=4, schedules=60)
def a_name_is_declared_once_by_threads(make):
    """Two handlers that declare on first use: the second one must hear of the first, not replace what it has counted."""
    registry, refused = make(clock=make.clock()), []

    def body():
        try:
            registry.counter("hits")
        except ValueError:
            refused.append("hits")
        registry.inc("hits")

    return {"one": body, "two": body}, lambda: make.expect((refused, registry.value("hits")), (["hits"], 2))


@scenario(level=4, needs=["sum_and_counts_belong_together"], schedules=30)
def the_text_is_of_one_moment(make):
    """A scrape with a count that is not the last bucket makes every quantile of that minute wrong."""
    clock, seen = make.clock(), []
    registry = make(clock=clock)
    registry.histogram("latency", bounds=(1.0,))
    registry.observe("latency", 1.0)

    def scrapes():
        clock.sleep(0.5)
        seen.append([float(line.split()[-1]) for line in registry.render().splitlines()[1:]])

    def reads():
        clock.sleep(0.5)
        found = registry.snapshot()["latency", ()]
        seen.append([*found.counts[:1], sum(found.counts), found.sum, sum(found.counts)])

    def holds():
        return make.expect(seen, [numbers[:1] * 4 for numbers in seen])

    return {"observes": lambda: registry.observe("latency", Slow(1.0, clock)), "scrapes": scrapes, "reads": reads}, holds


@scenario(level=4, needs=["sum_and_counts_belong_together"], schedules=60)
def series_come_while_somebody_reads(make):
    """A dictionary that changes while somebody walks it raises RuntimeError, once a week."""
    registry = make(clock=make.clock())
    registry.counter("hits", ("user",))
    registry.histogram("latency", ("user",), bounds=(1.0,))
    for user in "ab":
        registry.observe("latency", 1.0, {"user": user})

    def comes():
        registry.inc("hits", 1, {"user": "c"})
        registry.observe("latency", 1.0, {"user": "c"})

    def reads():
        registry.render()
        registry.snapshot()
        registry.quantile("latency", 0.5)

    return {"comes": comes, "reads": reads}, lambda: make.expect(registry.value("hits", {"user": "c"}), 1)


@scenario(level=4, needs=["no_increment_is_lost"], schedules=30)
def slices_begin_while_somebody_reads(make):
    """What was right under steady traffic fails once in five seconds, when a slice begins during a look."""
    clock = make.clock()
    registry = make(clock=clock, window=8, slots=4)
    registry.counter("hits")
    registry.inc("hits")

    def counts():
        clock.sleep(2)
        registry.inc("hits")

    def reads():
        clock.sleep(2)
        registry.recent("hits")
        registry.rate("hits")

    return {"counts": counts, "reads": reads}, lambda: make.expect(registry.recent("hits"), 2)


@scenario(level=4, needs=["no_increment_is_lost"], schedules=60)
def a_snapshot_is_of_one_moment(make):
    """More answers than requests: an error rate below zero, and nobody finds out where it comes from."""
    registry, seen = make(clock=make.clock()), []
    registry.counter("requests")
    registry.counter("answers")

    def serves():
        registry.inc("requests")
        registry.inc("answers")

    def holds():
        numbers = [seen[0].get((name, ()), 0) for name in ("requests", "answers")]
        return make.expect(numbers, [max(numbers), numbers[1]])

    return {"serves": serves, "reads": lambda: seen.append(registry.snapshot())}, holds


class Late:
    """A clock whose readings take `late` seconds to arrive; then they are old."""

    def __init__(self, clock):
        self.clock, self.late = clock, 0

    def monotonic(self):
        now, late, self.late = self.clock.monotonic(), self.late, 0
        if late:
            self.clock.sleep(late)
        return now


@scenario(level=4, kills=["w34"], needs=["no_increment_is_lost"], schedules=30, race_timeouts=False)
def an_increment_is_of_the_slice_in_which_it_is_counted(make):
    """A thread that was held up writes into a slice that is over, and wipes out the one that has taken its place."""
    clock = make.clock()
    late = Late(clock)
    registry = make(clock=late, window=1, slots=1)
    registry.counter("hits")

    def held_up():
        late.late = 1.5
        registry.inc("hits")

    def quick():
        clock.sleep(1)
        registry.inc("hits")

    return {"held_up": held_up, "quick": quick}, lambda: make.expect(min(registry.recent("hits"), 1), 1)


@scenario(level=4, kills=["w30"], needs=["no_increment_is_lost"], schedules=30, race_timeouts=False)
def a_rate_is_of_one_moment(make):
    """The growth of now by the age of later: under load the rate is too small, and the autoscaler waits."""
    clock, seen = make.clock(), []
    late = Late(clock)
    registry = make(clock=late, window=8, slots=1)
    registry.counter("hits")
    registry.inc("hits", 8)

    def reads():
        clock.sleep(4)
        late.late = 2
        seen.append(registry.rate("hits"))

    return {"reads": reads}, lambda: make.expect(seen, [2.0])


@scenario(level=4, kills=["w32"], needs=["no_increment_is_lost"], schedules=30, race_timeouts=False)
def others_go_on_while_a_block_is_timed(make):
    """A lock that is held for a whole request makes one thread of the pool."""
    clock, seen = make.clock(), []
    registry = make(clock=clock)
    registry.counter("hits")
    registry.histogram("latency", bounds=(1.0,))

    def times():
        with registry.timer("latency"):
            clock.sleep(1)
            with registry.timer("latency"):
                clock.sleep(1)
            seen.append(registry.value("hits"))

    def counts():
        clock.sleep(0.5)
        registry.inc("hits")

    def holds():
        return make.expect((seen, registry.snapshot()["latency", ()]), ([1], Histogram((1.0,), (1, 1), 3.0)))

    return {"times": times, "counts": counts}, holds


@scenario(level=4, needs=["no_increment_is_lost"], schedules=60)
def the_limit_holds_for_threads(make):
    """Two threads that both see one free place make two series of it."""
    registry = make(clock=make.clock(), max_series=1)
    registry.counter("hits", ("user",))

    def comes(user):
        return lambda: registry.inc("hits", 1, {"user": user})

    def holds():
        found = registry.snapshot()
        make.expect(sum(found.values()), 2)
        return make.expect((len(found), found.get(("hits", ("other",)))), (2, 1))

    return {"ann": comes("ann"), "bob": comes("bob")}, holds


@check(level=4, kills=["w14"])
def what_is_too_much_is_counted_elsewhere(desk: Desk) -> None:
    """Totals that are too small by what was dropped look like a quiet day."""
    _, registry = registry_of(desk, max_series=2)
    registry.counter("logins", ("user",))
    for user in ("ann", "bob", "eve", "joe", "ann"):
        registry.inc("logins", 1, {"user": user})
    found = {("logins", ("ann",)): 2, ("logins", ("bob",)): 1, ("logins", ("other",)): 2}
    desk.expect(registry.snapshot(), found)
    registry.inc("logins", 1, {"user": "bob"})
    desk.expect(registry.value("logins", {"user": "bob"}), 2)
    desk.expect(registry.value("logins", {"user": "eve"}), 0)


@check(level=4, needs=["what_is_too_much_is_counted_elsewhere"])
def the_limit_is_for_every_kind(desk: Desk) -> None:
    """A gauge per connection fills the memory just as a counter per user does."""
    _, registry = registry_of(desk, max_series=1)
    registry.gauge("open", ("host",))
    registry.gauge("load", ("host",))
    for host in ("a", "b"):
        registry.inc("open", 1, {"host": host})
        registry.set("load", 2, {"host": host})
    found = {(name, (host,)): number for host in ("a", "other") for name, number in (("open", 1), ("load", 2))}
    desk.expect(registry.snapshot(), found)


@check(level=4)
def who_is_called_other_takes_no_place(desk: Desk) -> None:
    """The series for the rest is there in any case; it must not cost a customer his own."""
    _, registry = registry_of(desk, max_series=1)
    registry.counter("logins", ("user",))
    registry.histogram("latency", ("user",), bounds=(1, 2))
    for user in ("other", "ann", "bob"):
        registry.inc("logins", 1, {"user": user})
    desk.expect(registry.snapshot(), {("logins", ("other",)): 2, ("logins", ("ann",)): 1})
    for user in ("ann", "bob"):
        registry.observe("latency", 2, {"user": user})
    desk.expect(registry.snapshot()["latency", ("other",)], Histogram((1, 2), (0, 1, 0), 2))
    desk.raises(ValueError, desk.make, clock=desk.clock(), max_series=0)


@check(level=4)
def two_thousand_series_unless_it_is_said(desk: Desk) -> None:
    """A limit that nobody has set must still be there when somebody makes a label of what users type."""
    _, registry = registry_of(desk)
    registry.counter("logins", ("user",))
    line = "for user in range(2001): registry.inc('logins', 1, {'user': user})"
    desk.quietly(line, lambda: [registry.inc("logins", 1, {"user": user}) for user in range(2001)])
    desk.expect([registry.value("logins", {"user": user}) for user in (1999, 2000, "other")], [1, 0, 1])


@check(level=4)
def a_snapshot_stays_as_it_was(desk: Desk) -> None:
    """A test compares before and after; a snapshot that lives on says that nothing has happened."""
    _, registry = registry_of(desk)
    registry.counter("hits")
    registry.histogram("latency", bounds=(1, 2))
    registry.inc("hits")
    registry.observe("latency", 1)
    before = registry.snapshot()
    registry.inc("hits")
    registry.observe("latency", 3)
    desk.expect(before, {("hits", ()): 1, ("latency", ()): Histogram((1, 2), (1, 0, 0), 1)})


@check(level=4, kills=["w20"])
def a_failing_block_is_timed_too(desk: Desk) -> None:
    """The slowest requests are those that end in a timeout; without them the p99 is fine during an outage."""
    timed(desk, TimeoutError)


@check(level=4, needs=["a_failing_block_is_timed_too"])
def a_block_that_is_broken_off_is_timed_too(desk: Desk) -> None:
    """A task that is cancelled raises what is no Exception, and it is cancelled because it took too long."""
    timed(desk, KeyboardInterrupt)


def timed(desk, error):
    """A timer sees 2 s of a block that `error` ends, and lets it through."""
    clock, registry = registry_of(desk, start=16)
    registry.histogram("latency", ("route",), bounds=(1, 2))

    def pay():
        with registry.timer("latency", {"route": "/pay"}):
            clock.sleep(2)
            raise error

    line = f"with registry.timer('latency', {{'route': '/pay'}}): clock.advance(2); raise {error.__name__}"
    try:
        desk.quietly(line, pay)
    except error:
        ended = f"{error.__name__} is raised"
    else:
        ended = "no error"
    desk.true(ended == f"{error.__name__} is raised", "the error of the block comes through", ended)
    desk.expect(registry.snapshot(), {("latency", ("/pay",)): Histogram((1, 2), (0, 1, 0), 2)})


@check(level=4, needs=["a_failing_block_is_timed_too"])
def a_timer_begins_with_its_block(desk: Desk) -> None:
    """A timer that is made with the request and entered after the queue must not count the queue."""
    clock, registry = registry_of(desk)
    registry.histogram("latency", bounds=(1, 2))
    timer = registry.timer("latency")
    clock.advance(8)

    def block():
        with timer:
            clock.sleep(1)

    desk.story[-2] = "timer = registry.timer('latency')"
    desk.quietly("with timer: clock.advance(1)", block)
    desk.expect(registry.snapshot(), {("latency", ()): Histogram((1, 2), (1, 0, 0), 1)})


@check(level=4)
def a_timer_refuses_before_its_block(desk: Desk) -> None:
    """A misspelt name that shows after the block hides the error that the block itself has raised."""
    _, registry = registry_of(desk)
    registry.counter("hits")
    registry.histogram("latency", ("route",), bounds=(1,))
    desk.raises(ValueError, registry.timer, "latencies")
    desk.raises(ValueError, registry.timer, "hits")
    desk.raises(ValueError, registry.timer, "latency")
    desk.raises(ValueError, registry.timer, "latency", {"routes": "/"})


# -- level 5: exponential histograms -----------------------------------------------------------------------------------


def sketch(desk, *values, most=4):
    _, registry = registry_of(desk)
    registry.histogram("bytes", max_buckets=most)
    for value in values:
        registry.observe("bytes", value)
    return registry


@check(level=5)
def one_of_two_layouts(desk: Desk) -> None:
    """A histogram that was given both would follow one and seem to follow the other."""
    _, registry = registry_of(desk)
    desk.raises(ValueError, registry.histogram, "bytes")
    desk.raises(ValueError, registry.histogram, "bytes", bounds=(1,), max_buckets=4)
    desk.raises(ValueError, registry.histogram, "bytes", max_buckets=1)
    registry.histogram("bytes", max_buckets=2)
    desk.raises(ValueError, registry.observe, "bytes", -1)
    desk.raises(ValueError, registry.observe, "bytes", NAN)
    desk.expect(registry.snapshot(), {})


@check(level=5)
def there_are_no_more_buckets_than_allowed(desk: Desk) -> None:
    """One bucket too many in each of ten thousand series is a limit of memory that nobody has set."""
    registry = sketch(desk, 1.5, 3, 6, 12)
    desk.expect(registry.snapshot()["bytes", ()], Exponential(0, 0, ((0, 1), (1, 1), (2, 1), (3, 1)), 22.5))
    registry.observe("bytes", 24)
    desk.expect(registry.snapshot()["bytes", ()], Exponential(-1, 0, ((0, 2), (1, 2), (2, 1)), 46.5))


@check(level=5, kills=["w15"], needs=["there_are_no_more_buckets_than_allowed"])
def a_power_of_the_base_ends_its_bucket(desk: Desk) -> None:
    """Two processes that differ at the edges cannot be merged without an error."""
    registry = sketch(desk, 2, 4, 8)
    desk.expect(registry.snapshot()["bytes", ()], Exponential(0, 0, ((0, 1), (1, 1), (2, 1)), 14))


@check(level=5, kills=["w22"], needs=["a_power_of_the_base_ends_its_bucket"])
def powers_of_two_are_exact(desk: Desk) -> None:
    """log(v) / log(base) is a little above the whole number now and then; the value is then in the next bucket."""
    for power in (-3, -1, 0, 3, 6, 7, 12, 13, 29):
        desk.afresh()
        registry = sketch(desk, 2.0**power)
        found = Exponential(MAX_SCALE, 0, ((power * 2**MAX_SCALE - 1, 1),), 2.0**power)
        desk.expect(registry.snapshot()["bytes", ()], found)


@check(level=5, kills=["w29"], needs=["powers_of_two_are_exact"])
def what_is_next_to_a_power_of_two_is_exact(desk: Desk) -> None:
    """The logarithm of the next float after 1024 is 10.0: the value is counted below the edge that it is above of."""
    for power in (-12, -1, 0, 3, 10, 29):
        for target, index in ((math.inf, power * 2**MAX_SCALE), (0.0, power * 2**MAX_SCALE - 1)):
            desk.afresh()
            registry = sketch(desk)
            value, towards = math.nextafter(2.0**power, target), "0.0" if target == 0 else "math.inf"
            exactly(desk, registry, f"math.nextafter(2.0**{power}, {towards})", value)
            desk.expect(registry.snapshot()["bytes", ()], Exponential(MAX_SCALE, 0, ((index, 1),), value))


def exactly(desk, registry, written, value):
    """Observe a number that would be told rounded."""
    desk.quietly(f"registry.observe('bytes', {written})", lambda: registry.observe("bytes", value))


@check(level=5, kills=["w16"], needs=["a_power_of_the_base_ends_its_bucket"])
def downscaling_rounds_down(desk: Desk) -> None:
    """Half of -1 is -1: rounded towards zero it is 0, and all fast answers move into slower buckets."""
    registry = sketch(desk, 0.75, 0.125, 1.5, most=2)
    desk.expect(registry.snapshot()["bytes", ()], Exponential(-2, 0, ((-1, 2), (0, 1)), 2.375))


@check(level=5, needs=["downscaling_rounds_down"])
def a_scale_goes_as_low_as_it_must(desk: Desk) -> None:
    """Nanoseconds and days in one histogram: the buckets get wide, never many."""
    registry = sketch(desk)
    for value in (1e-30, 1e30):
        exactly(desk, registry, repr(value), value)
    desk.expect(registry.snapshot()["bytes", ()], Exponential(-6, 0, ((-2, 1), (1, 1)), 1e30))


@check(level=5, kills=["w23"])
def the_error_is_bounded(desk: Desk) -> None:
    """The promise is what distinguishes an estimate from a guess."""
    values = [1.125, 2.125, 4.125, 8.125, 15.5]
    registry = sketch(desk, *values)
    worst = (2 - 1) / (2 + 1)
    for number, value in enumerate(values, 1):
        found = registry.quantile("bytes", number / 5)
        desk.true(abs(found - value) <= worst * value, f"within a third of {value:g}", f"{found:g}")


@check(level=5, kills=["w28"], needs=["the_error_is_bounded"])
def the_error_is_bounded_for_every_value(desk: Desk) -> None:
    """Two ends of a bucket are floats where their product is none: an infinite p99 of bytes, or of grams none at all."""
    for value in (1e-200, 1e200, 1.7e308):
        desk.afresh()
        registry = sketch(desk)
        exactly(desk, registry, repr(value), value)
        found = registry.quantile("bytes", 1)
        desk.true(abs(found - value) <= value / 512, f"{value:g}, within 0.2 %", f"{found:g}")


@check(level=5, needs=["the_error_is_bounded"])
def sketches_add_up(desk: Desk) -> None:
    """Two hosts that measured the same have measured it twice."""
    _, registry = registry_of(desk)
    registry.histogram("bytes", ("host",), max_buckets=4)
    for host in ("a", "b"):
        registry.observe("bytes", 1, {"host": host})
    registry.observe("bytes", 8, {"host": "b"})
    desk.true(registry.quantile("bytes", 0.625) < 1.5, "about 1, as 2 of 3 values are", "more")


@check(level=5)
def zeros_are_values(desk: Desk) -> None:
    """A cache that answers in no time at all answers all the same."""
    registry = sketch(desk, 0, 0, 4)
    desk.expect(registry.quantile("bytes", 0), 0.0)
    desk.expect(registry.quantile("bytes", 0.5), 0.0)
    desk.true(registry.quantile("bytes", 1) > 3.9, "above 3.9", "less")
    desk.expect(registry.render().splitlines(), ["# TYPE bytes summary", "bytes_sum 4.0", "bytes_count 3.0"])


@check(level=5)
def the_memory_of_a_sketch_is_bounded(desk: Desk) -> None:
    """From nanoseconds to days in one histogram, and never more buckets than were allowed."""
    registry = sketch(desk, most=4)

    def observe(count):
        line = f"for n in range(1, {count + 1}): registry.observe('bytes', n * n / 8)"
        desk.quietly(line, lambda: [registry.observe("bytes", n * n / 8) for n in range(1, count + 1)])
        return desk.size(registry)

    before = observe(1000)
    desk.true(observe(3000) <= before + 20_000, "3000 more values leave the memory as it was", "it grows")


# -- level 6: many processes, and several readers ----------------------------------------------------------------------


def workers(desk, host, *pids):
    """A registry in each of some processes, at one clock."""
    clock = desk.clock()
    registries = [desk.make(clock=clock, process=host.start(pid)) for pid in pids]
    for registry in registries:
        registry.counter("hits")
    return registries


@check(level=6)
def all_processes_are_answered_for(desk: Desk) -> None:
    """The load balancer sends the scrape to any of them; it must not matter to which."""
    one, two = workers(desk, Host(), 1, 2)
    one.inc("hits", 3)
    two.inc("hits", 4)
    for _ in range(2):
        one.flush()
        two.flush()
    desk.expect(one.total(), {("hits", ()): 7})
    desk.expect(two.total(), {("hits", ()): 7})


@check(level=6, needs=["all_processes_are_answered_for"])
def histograms_add_up(desk: Desk) -> None:
    """The p99 of all workers is that of all their values, none of them lost and none of them counted elsewhere."""
    host, clock = Host(), desk.clock()
    for pid in (1, 2):
        registry = desk.make(clock=clock, process=host.start(pid))
        registry.histogram("latency", ("route",), bounds=(1,))
        registry.histogram("bytes", max_buckets=4)
        registry.observe("latency", 1, {"route": "/"})
        registry.observe("bytes", 1)
        if pid == 1:
            registry.observe("latency", 2, {"route": "/pay"})
        registry.flush()
    found = {
        ("latency", ("/",)): Histogram((1,), (2, 0), 2),
        ("latency", ("/pay",)): Histogram((1,), (0, 1), 2),
        ("bytes", ()): Exponential(MAX_SCALE, 0, ((-1, 2),), 2),
    }
    desk.expect(registry.total(), found)


class Disk(Process):
    """A process whose writes take `busy` seconds, the first one first."""

    def __init__(self, host, pid, clock, *busy):
        super().__init__(host, pid)
        self.clock, self.busy = clock, list(busy)

    def write(self, name, data):
        self.clock.sleep(self.busy.pop(0))
        super().write(name, data)


@scenario(level=6, kills=["w27"], needs=["one_reader_in_two_threads"], schedules=30, race_timeouts=False)
def what_was_counted_later_is_written_later(make):
    """Two threads that flush, and the older state is written last: a counter falls, and a restart is seen."""
    clock = make.clock()
    registry = make(clock=clock, process=Disk(Host(), 1, clock, 2, 0))
    registry.counter("hits")
    registry.inc("hits")

    def counts():
        clock.sleep(1)
        registry.inc("hits")
        registry.flush()

    return {"flushes": registry.flush, "counts": counts}, lambda: make.expect(registry.total(), {("hits", ()): 2})


@check(level=6, kills=["w18"], needs=["all_processes_are_answered_for"])
def a_total_never_falls(desk: Desk) -> None:
    """A worker that starts anew under an old pid must not take away what the last one has served."""
    host = Host()
    clock, first = desk.clock(), host.start(1)
    one = desk.make(clock=clock, process=first)
    one.counter("hits")
    one.inc("hits", 3)
    one.flush()
    first.kill()
    desk.story.append("# process 1 is killed, and a new one gets its pid")
    again = desk.make(clock=clock, process=host.start(1))
    again.counter("hits")
    desk.expect(again.total(), {("hits", ()): 3})
    again.inc("hits")
    again.flush()
    desk.expect(again.total(), {("hits", ()): 4})


@check(level=6, needs=["all_processes_are_answered_for"])
def gauges_of_the_dead_are_left_out(desk: Desk) -> None:
    """Requests that were under way in a process that is gone are under way for ever in its file."""
    host, clock = Host(), desk.clock()
    processes = [host.start(1), host.start(2)]
    one, two = (desk.make(clock=clock, process=process) for process in processes)
    for number, registry in enumerate((one, two), 1):
        registry.gauge("in_flight")
        registry.set("in_flight", number)
        registry.flush()
    desk.expect(two.total(), {("in_flight", ()): 3})
    processes[0].kill()
    desk.story.append("# process 1 is killed")
    desk.expect(two.total(), {("in_flight", ()): 2})
    host.start(1)
    desk.story.append("# a new process gets its pid")
    desk.expect(two.total(), {("in_flight", ()): 2})


@check(level=6, needs=["gauges_of_the_dead_are_left_out"])
def a_gauge_that_only_the_dead_had_is_gone(desk: Desk) -> None:
    """A queue that is empty and a queue that nobody has any more are two things."""
    host, clock = Host(), desk.clock()
    first = host.start(1)
    one, two = (desk.make(clock=clock, process=process) for process in (first, host.start(2)))
    for registry in (one, two):
        registry.gauge("in_flight")
    one.set("in_flight", 3)
    one.flush()
    first.kill()
    desk.story.append("# process 1 is killed")
    desk.expect(two.total(), {})


@check(level=6, kills=["w19"], needs=["all_processes_are_answered_for"])
def a_child_counts_its_own(desk: Desk) -> None:
    """A pre-forking server with eight workers reports what it did before the fork eight times."""
    process = Host().start(1)
    registry = desk.make(clock=desk.clock(), process=process)
    registry.counter("hits")
    registry.inc("hits", 5)
    desk.expect(registry.delta("statsd"), {("hits", ()): 5})
    registry.flush()
    process.fork(2)
    desk.story.append("# process 1 forks; from here on we are in its child, process 2")
    desk.expect(registry.value("hits"), 0)
    registry.inc("hits", 2)
    desk.expect(registry.value("hits"), 2)
    desk.expect(registry.recent("hits"), 2)
    desk.expect(registry.delta("statsd"), {("hits", ()): 2})
    registry.flush()
    desk.expect(registry.total(), {("hits", ()): 7})


@check(level=6, kills=["w31"], needs=["a_child_counts_its_own"])
def a_child_has_nothing_whatever_it_is_asked_first(desk: Desk) -> None:
    """A worker that is scraped before it has served anything shows what its parent has served."""
    cases = (
        ("counter", {}, "inc", 1, (("value", 0), ("recent", 0), ("snapshot", {}), ("render", "# TYPE m counter\n"))),
        ("gauge", {}, "set", 4, (("value", 0), ("snapshot", {}), ("render", "# TYPE m gauge\n"))),
        ("histogram", {"bounds": (1,)}, "observe", 1, (("snapshot", {}), ("render", "# TYPE m histogram\n"))),
        ("histogram", {"max_buckets": 4}, "observe", 1, (("snapshot", {}), ("render", "# TYPE m summary\n"))),
    )
    for kind, shape, change, number, answers in cases:
        for method, answer in answers:
            registry = child(desk, kind, shape, change, number)
            arguments = () if method in {"snapshot", "render"} else ("m",)
            desk.expect(getattr(registry, method)(*arguments), answer)
        if kind == "counter":
            desk.expect(child(desk, kind, shape, change, number).delta("statsd"), {})
        if kind == "histogram":
            desk.expect(child(desk, kind, shape, change, number).quantile("m", 1), None)
        registry = child(desk, kind, shape, change, number)
        before = registry.total()
        registry.flush()
        desk.expect(registry.total(), before)


def child(desk, kind, shape, change, number):
    """A registry with one metric that has a series, in the child of the process that made it."""
    desk.afresh()
    process = Host().start(1)
    registry = desk.make(clock=desk.clock(), process=process)
    getattr(registry, kind)("m", **shape)
    getattr(registry, change)("m", number)
    registry.flush()
    process.fork(2)
    desk.story.append("# process 1 forks; from here on we are in its child, process 2")
    return registry


@check(level=6, needs=["a_child_counts_its_own"])
def a_grandchild_may_have_the_first_pid(desk: Desk) -> None:
    """A daemon forks twice, and in a container pids are few."""
    process = Host().start(1)
    registry = desk.make(clock=desk.clock(), process=process)
    registry.counter("hits")
    registry.inc("hits")
    process.kill()
    process.fork(2)
    process.fork(1)
    desk.story.append("# process 1 forks and ends; its child forks, too: we are in the grandchild, which gets the pid 1")
    desk.expect(registry.value("hits"), 0)


@check(level=6, needs=["a_child_counts_its_own"])
def a_child_begins_now(desk: Desk) -> None:
    """A rate since the parent began is far too small in every new worker."""
    host = Host()
    process, clock = host.start(1), desk.clock()
    registry = desk.make(clock=clock, window=8, slots=4, process=process)
    registry.counter("hits")
    clock.advance(6)
    process.fork(2)
    desk.story.append("# process 1 forks; from here on we are in its child, process 2")
    desk.expect(registry.rate("hits"), 0.0)
    clock.advance(1)
    registry.inc("hits", 3)
    desk.expect(registry.rate("hits"), 3.0)


@check(level=6, kills=["w17"])
def readers_do_not_disturb_each_other(desk: Desk) -> None:
    """Two exporters, and each sees half of the requests: the one that reads sets back the other one's counter."""
    (registry,) = workers(desk, Host(), 1)
    registry.inc("hits", 3)
    desk.expect(registry.delta("statsd"), {("hits", ()): 3})
    registry.inc("hits", 2)
    desk.expect(registry.delta("otlp"), {("hits", ()): 5})
    desk.expect(registry.delta("statsd"), {("hits", ()): 2})
    desk.expect(registry.delta("statsd"), {})
    desk.expect(registry.delta(1), {("hits", ()): 5})
    desk.expect(registry.delta("1"), {("hits", ()): 5})
    desk.expect(registry.value("hits"), 5)


@scenario(level=6, needs=["readers_do_not_disturb_each_other"], schedules=60)
def one_reader_in_two_threads(make):
    """What two threads of one exporter send must be each increment once."""
    registry, seen = make(clock=make.clock(), process=Host().start(1)), []
    registry.counter("hits")
    registry.inc("hits")
    body = lambda: seen.append(registry.delta("statsd").get(("hits", ()), 0))
    return {"one": body, "two": body}, lambda: make.expect(sum(seen), 1)
