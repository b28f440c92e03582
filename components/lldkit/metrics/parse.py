"""A strict parser of OpenMetrics 1.0 text: what is not said by the specification is refused with its place."""

import re
from math import inf, isnan, nan

from lldkit.metrics.interface import Exemplar, ExpositionError, Labels, MetricType
from lldkit.metrics.names import METRIC_NAME, SUFFIXES, sample_names
from lldkit.metrics.points import Point
from lldkit.metrics.snapshots import Family, Snapshot

__all__ = ["parse_openmetrics"]

METADATA = re.compile(rf"# (TYPE|HELP|UNIT) ({METRIC_NAME.pattern}) (.*)", re.DOTALL)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', re.DOTALL)
REAL = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
NUMBER = re.compile(rf"{REAL}|[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN]")
TIME = re.compile(REAL)
UNESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
LONGEST_EXEMPLAR = 128


def parse_openmetrics(text: str) -> Snapshot:
    """The snapshot that `text` says; ExpositionError (line, column, reason) unless it is OpenMetrics 1.0.

    Its time is 0, as text does not say it. One point per series is understood. O(characters).
    """
    return _Parser().parse(text)


class _Parser:
    """Goes through the text once. A family is open until the first line of another one."""

    def __init__(self) -> None:
        self.families: list[Family] = []
        self.taken: dict[str, str] = {}
        self.name = ""
        self.metadata: dict[str, str] = {}
        self.points: dict[Labels, Point] = {}
        self.number, self.line, self.at = 0, "", 0

    def parse(self, text: str) -> Snapshot:
        lines = text.split("\n")  # and at nothing else: labels may hold other line ends
        if lines[-1] == "":
            lines.pop()
        ended = False
        for number, line in enumerate([*lines, ""], 1):
            self.number, self.line, self.at = number, line, 0
            if ended and number > len(lines):
                return Snapshot(0.0, tuple(self.families))
            if ended or number > len(lines):
                raise self.error("text after # EOF" if ended else "the text does not end with # EOF")
            if line == "# EOF":
                self.close()
                ended = True
            elif line.startswith("#"):
                self.read_metadata()
            else:
                self.read_sample()
        raise AssertionError("the last round returns or raises")

    def error(self, reason: str) -> ExpositionError:
        return ExpositionError(self.number, self.at + 1, reason, self.line)

    def read_metadata(self) -> None:
        found = METADATA.fullmatch(self.line)
        if found is None:
            raise self.error("a comment is '# TYPE name type', '# UNIT name unit', '# HELP name text' or '# EOF'")
        what, name, said = found.groups()
        if name != self.name:
            self.open(name)
        elif self.points:
            raise self.error(f"{what} of {name} stands after its samples")
        if what in self.metadata:
            raise self.error(f"{what} of {name} is there twice")
        if what == "TYPE" and said not in SUFFIXES:
            raise self.error(f"the type is one of {', '.join(SUFFIXES)}")
        self.metadata[what] = said

    def open(self, name: str) -> None:
        self.close()
        self.name, self.metadata, self.points = name, {}, {}

    def close(self) -> None:
        """Check the open family as a whole, and keep it."""
        if not self.name:
            return
        kind, unit = self.kind, self.metadata.get("UNIT", "")
        if unit and (not self.name.endswith(f"_{unit}") or kind in {"info", "stateset"}):
            raise self.error(f"{self.name} cannot have the unit {unit!r}: it is the end of the name, and info has none")
        for sample in sample_names(self.name, kind):
            if self.taken.setdefault(sample, self.name) != self.name or (sample == self.name and self.is_known(sample)):
                raise self.error(f"{sample} belongs to {self.taken[sample]} already")
        try:
            series = tuple(point.series(labels) for labels, point in self.points.items())
        except ValueError as error:
            raise self.error(f"{self.name}: {error}") from None
        self.families.append(Family(self.name, kind, unit, _unescaped(self.metadata.get("HELP", "")), series))

    @property
    def kind(self) -> MetricType:
        found: MetricType = self.metadata.get("TYPE", "unknown")  # type: ignore[assignment]  # checked when it was read
        return found

    def is_known(self, name: str) -> bool:
        return any(family.name == name for family in self.families)

    def read_sample(self) -> None:
        name = self.take(METRIC_NAME, "a name")
        labels = self.take_labels() if self.line.startswith("{", self.at) else ()
        self.expect(" ")
        value = _number(self.take(NUMBER, "a number"))
        timestamp = None
        if self.line.startswith(" ", self.at) and not self.line.startswith(" # ", self.at):
            self.expect(" ")
            timestamp = _number(self.take(TIME, "a time in seconds"))
        exemplar = self.take_exemplar() if self.line.startswith(" # {", self.at) else None
        if self.at != len(self.line):
            raise self.error("the line should end here")
        self.add(name, labels, value, timestamp, exemplar)

    def add(self, name: str, labels: Labels, value: float, timestamp: float | None, exemplar: Exemplar | None) -> None:
        suffix = name.removeprefix(self.name)
        if not (self.name and name.startswith(self.name) and suffix in Point.suffixes(self.kind)):
            self.open(name)
            suffix = ""
        special = {"_bucket": "le"}.get(suffix) or {"summary": "quantile", "stateset": ""}.get(self.kind)
        own = special if suffix in {"_bucket", ""} and special else None
        rest = tuple(pair for pair in labels if pair[0] != own)
        point = self.points.setdefault(rest, Point(self.name, self.kind))
        try:
            point.add(suffix, dict(labels), value, timestamp, exemplar)
        except ValueError as error:
            raise self.error(str(error)) from None

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.line, self.at)
        if found is None or found.end() == self.at:
            raise self.error(f"{what} should stand here")
        self.at = found.end()
        return found[0]

    def expect(self, text: str) -> None:
        if not self.line.startswith(text, self.at):
            raise self.error(f"{text!r} should stand here")
        self.at += len(text)

    def take_labels(self) -> Labels:
        self.expect("{")
        labels: dict[str, str] = {}
        while not self.line.startswith("}", self.at):
            if labels:
                self.expect(",")
            found = LABEL.match(self.line, self.at)
            if found is None:
                raise self.error('name="value" should stand here')
            if found[1] in labels:
                raise self.error(f"the label {found[1]} is there twice")
            labels[found[1]] = _unescaped(found[2])
            self.at = found.end()
        self.expect("}")
        return tuple(sorted(labels.items()))

    def take_exemplar(self) -> Exemplar:
        self.expect(" # ")
        labels = self.take_labels()
        if sum(len(name) + len(value) for name, value in labels) > LONGEST_EXEMPLAR:
            raise self.error(f"an exemplar's labels have at most {LONGEST_EXEMPLAR} characters")
        self.expect(" ")
        value = _number(self.take(NUMBER, "a number"))
        if not self.line.startswith(" ", self.at):
            return Exemplar(labels, value)
        self.expect(" ")
        return Exemplar(labels, value, _number(self.take(TIME, "a time in seconds")))


def _unescaped(text: str) -> str:
    return re.sub(r'\\[\\"n]', lambda found: UNESCAPES[found[0]], text)


def _number(text: str) -> float:
    """An int where the text is one, so that it stays exact; always the same NaN, so that equal texts parse equal."""
    if re.fullmatch(r"[+-]?\d+", text):
        return int(text) if len(text) < 400 else float(text)
    value = float(text)
    return nan if isnan(value) else inf if value == inf else value
