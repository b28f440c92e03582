"""The kit's own component behind the interface of the kata: one contract for the learner and for us.

Where the two differ on purpose (see design.md) the adapter translates: a series of the component begins when its labels
are first named, its overflow has a label of its own, and what is not finite it drops and tells.
"""

from dataclasses import replace
from datetime import UTC, datetime

from lldkit import metrics
from lldkit.metrics import CounterValue, ExplicitValue, ExponentialValue, GaugeValue, ObservationRejected, Window
from lldkit.metrics.text import braces, number_text

from interface import MAX_SCALE, NONE, Exponential, Histogram

NOBODY = "unlabelled"  # the label of metrics without labels, whose only series also begins with its first use
REST = "rest:"  # before the name of an instrument that has what the program itself calls "other"


class Dated:
    """The component also wants the time of day, for its snapshots; the kata's clock has none. It can be held at `at`."""

    def __init__(self, clock):
        self._clock, self.at = clock, None

    def monotonic(self):
        return self._clock.monotonic() if self.at is None else self.at

    def now(self):
        return datetime(2000, 1, 1, tzinfo=UTC)


class Metric:
    """What was declared, the instrument of the component, and the one for the rest."""

    def __init__(self, kind, labels, instrument, rest):
        self.kind, self.labels, self.instrument, self.rest = kind, labels, instrument, rest
        self.other = ("other",) * len(labels)

    def key(self, labels):
        if set(labels) != set(self.labels):
            raise ValueError(f"the labels are {self.labels}")
        return tuple(str(labels[name]) for name in self.labels)

    def key_of(self, name, labels):
        """The kata's label values of a series of the component."""
        known = dict(labels)
        return self.other if name.startswith(REST) else tuple(known.get(label, "other") for label in self.labels)

    def child(self, key):
        """The component's series."""
        if key == self.other and key:
            return self.rest.labels("")
        return self.instrument.labels(*(key or ("",)))


class Registry:
    """`lldkit.metrics.Registry`, asked by name instead of through the instruments that it hands out."""

    def __init__(self, *, clock, window=300.0, slots=60, max_series=2000):
        self._window, self._clock, self._most = Window(window, slots), Dated(clock), max_series
        self._born = self._clock.monotonic()
        self._registry = metrics.Registry(clock=self._clock, max_series=max_series, on_event=self._hear)
        self._metrics = {}
        self._rejected = []
        self._used = set()  # (name, label values) of series that were changed

    def _hear(self, event):
        if isinstance(event, ObservationRejected):
            self._rejected.append(event)

    # -- declarations

    def counter(self, name, labels=()):
        self._declare(name, "counter", labels, self._registry.counter, window=self._window)

    def gauge(self, name, labels=()):
        self._declare(name, "gauge", labels, self._registry.gauge)

    def histogram(self, name, labels=(), *, bounds=None, max_buckets=None):
        if (bounds is None) == (max_buckets is None):
            raise ValueError("bounds or max_buckets")
        if bounds is None:
            buckets = metrics.Exponential(max_buckets=max_buckets, max_scale=MAX_SCALE)
            self._declare(name, "summary", labels, self._registry.histogram, buckets=buckets)
        elif not bounds or bounds[0] <= 0:
            raise ValueError("the kata has bounds above 0 only")
        else:
            self._declare(name, "histogram", labels, self._registry.histogram, buckets=metrics.Explicit(bounds))

    def _declare(self, name, kind, labels, make, **settings):
        if name in self._metrics:
            raise ValueError(f"{name} is declared already")
        instrument = make(name, labels=labels or (NOBODY,), **settings)
        metric = Metric(kind, labels, instrument, make(REST + name, labels=(NOBODY,), **settings))
        if self._metrics.setdefault(name, metric) is not metric:
            raise ValueError(f"{name} is declared already")

    # -- changes

    def inc(self, name, amount=1, labels=NONE):
        self._change(name, labels, ("counter", "gauge"), lambda child: child.inc(amount))

    def set(self, name, value, labels=NONE):
        self._change(name, labels, ("gauge",), lambda child: child.set(value))

    def observe(self, name, value, labels=NONE):
        if value < 0 and self._metric(name, ("histogram", "summary")).kind == "summary":
            raise ValueError("the kata has no negative values in exponential histograms")
        self._change(name, labels, ("histogram", "summary"), lambda child: child.observe(value))

    def _change(self, name, labels, kinds, change):
        metric = self._metric(name, kinds)
        key = metric.key(labels)
        if metric.kind == "gauge":  # the overflow and the rest are one: two counters add up, of two gauges one is set
            used = {of for which, of in self._used if which == name} - {metric.other}
            key = key if key in used or len(used) < self._most else metric.other
        try:
            change(metric.child(key))
            if self._rejected:
                self._rejected.clear()
                raise ValueError("not a finite number")
        except ValueError:
            if (name, key) not in self._used:  # naming its labels has begun a series; the kata wants none
                self._registry.remove(name, *(key or ("",)))
            raise
        self._used.add((name, key))

    def timer(self, name, labels=NONE):
        metric = self._metric(name, ("histogram", "summary"))
        return metric.child(metric.key(labels)).time()

    # -- readings

    def value(self, name, labels=NONE):
        key = self._metric(name, ("counter", "gauge")).key(labels)
        return plain(self._found().get((name, key)))

    def recent(self, name, labels=NONE):
        metric = self._metric(name, ("counter",))
        key = metric.key(labels)
        if (name, key) not in self._found():
            return 0
        grown = metric.child(key).window.count()
        beyond = [of for which, of in self._used if which == name and (name, of) not in self._found()]
        if key == metric.other and beyond:
            grown += metric.child(beyond[0]).window.count()
        return grown

    def rate(self, name, labels=NONE):
        self._clock.at = now = self._clock.monotonic()
        try:
            grown, age = self.recent(name, labels), now - self._born
        finally:
            self._clock.at = None
        return grown / min(age, self._window.seconds) if age else 0.0

    def quantile(self, name, q, labels=NONE):
        metric = self._metric(name, ("histogram", "summary"))
        if any(label not in metric.labels for label in labels):
            raise ValueError(f"the labels are {metric.labels}")
        whole = None
        for (of, key), value in self._found().items():
            have = dict(zip(metric.labels, key))
            if of == name and all(have[label] == str(text) for label, text in labels.items()):
                whole = value if whole is None else whole.merge(value)
        whole = ExplicitValue((), (0,), 0, 0) if whole is None else whole
        return replace(whole, min=None, max=None).quantile(q)  # the component knows the extremes, the kata does not

    def snapshot(self):
        return {where: plain(value) for where, value in self._found().items()}

    def render(self):
        found, lines = self._found(), []
        for name, metric in list(self._metrics.items()):
            lines.append(f"# TYPE {name} {metric.kind}")
            for key in sorted(key for of, key in found if of == name):
                labels = tuple(zip(metric.labels, key))
                for suffix, extra, number in rows(found[name, key]):
                    lines.append(f"{name}{suffix}{braces((*labels, *extra))} {float(number)!r}")
        return "".join(f"{line}\n" for line in lines)

    def _metric(self, name, kinds):
        if name not in self._metrics or self._metrics[name].kind not in kinds:
            raise ValueError(f"{name} is none of {kinds}")
        return self._metrics[name]

    def _found(self):
        """(name, label values) -> the component's value; the overflow and the rest are one."""
        found = {}
        for family in self._registry.snapshot().families:
            name = family.name.removeprefix(REST)
            if name in self._metrics:
                for series in family.series:
                    where = name, self._metrics[name].key_of(family.name, series.labels)
                    found[where] = together(found[where], series.value) if where in found else series.value
        return found


def together(one, other):
    """Two values of one metric as one."""
    if isinstance(one, CounterValue | GaugeValue):
        return replace(one, value=one.value + other.value)
    return one.merge(other)


def plain(value):
    """A value of the component as the kata shows it."""
    if isinstance(value, ExplicitValue):
        return Histogram(value.bounds, value.counts, value.sum)
    if isinstance(value, ExponentialValue):
        return Exponential(value.scale, value.zero_count, value.positive, value.sum)
    return 0 if value is None else value.value


def rows(value):
    """The suffix, the labels beside its own, and the number of each line of a series."""
    if isinstance(value, CounterValue | GaugeValue):
        yield "", (), value.value
        return
    if isinstance(value, ExplicitValue):
        for bound, count in value.cumulative():
            yield "_bucket", (("le", number_text(float(bound))),), count
    yield "_sum", (), value.sum
    yield "_count", (), value.count
