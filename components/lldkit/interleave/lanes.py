"""A history drawn as bars over time, one lane per process.

>>> calls = [Operation("a", "put", (1,), None, 0, 2), Operation("b", "get", (), 1, 1, 3)]
>>> print(draw(calls, order=calls[:1], culprit=calls[1], headline="an item is lost"))
an item is lost
a  ├ 1 put(1) ┤
b    ├ ✗ get() → 1 ┤
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lldkit.interleave.operation import Operation

__all__ = ["draw"]

MOST_BARS, FEWEST_BARS = 24, 4  # of a longer history only the neighbourhood of the culprit is drawn, or the beginning
LONGEST_TEXT = 40


@dataclass(slots=True)
class Bar:
    """One call on paper: `start` and `end` are columns; a call that never returned has no end."""

    call: Operation
    text: str
    start: int = 0
    end: int | None = None

    def __str__(self) -> str:
        if self.end is None:
            return f"{self.text}┄"
        return self.text.ljust(self.end - self.start, "─") + "┤"


def draw(
    operations: Sequence[Operation],
    *,
    order: Sequence[Operation],
    culprit: Operation | None,
    headline: str,
    width: int = 120,
) -> str:
    """Return `headline` and the lanes.

    A bar carries the call's place in `order`; `✗` marks the culprit and `·` a call without a place.
    Of a long history as much is drawn as `width` columns hold, but never fewer than a handful of calls.
    """
    for most in range(MOST_BARS, FEWEST_BARS - 1, -1):
        shown = _window(operations, order, culprit, most)
        bars = [Bar(call, f"├ {_mark(call, order, culprit)} {shortened(str(call), LONGEST_TEXT)} ") for call in shown]
        if _lay_out(bars) <= width:
            break
    lanes = _lanes(bars)
    margin = max((len(name) for name, _ in lanes), default=0)
    lines = [headline]
    if len(shown) < len(operations):
        lines.append(f"({len(operations) - len(shown)} of {len(operations)} calls are not drawn)")
    return "\n".join([*lines, *(f"{name:<{margin}}  {_line(lane)}" for name, lane in lanes)])


def shortened(text: str, most: int) -> str:
    """Return `text` in at most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _window(
    operations: Sequence[Operation], order: Sequence[Operation], culprit: Operation | None, most: int
) -> list[Operation]:
    """Return the calls worth drawing: without a culprit the first ones, else it and what was placed just before it."""
    if culprit is None or culprit.returned is None:
        return list(operations[:most])
    end = culprit.returned
    near = [call for call in reversed(order) if call is not culprit][: most * 2 // 3]
    past = [call for call in operations if call.called <= end and call is not culprit]
    past.sort(key=lambda call: end if call.returned is None else call.returned, reverse=True)
    near += [call for call in past if not any(call is each for each in near)][: most - 1 - len(near)]
    return sorted([*near, culprit], key=lambda call: call.called)


def _mark(call: Operation, order: Sequence[Operation], culprit: Operation | None) -> str:
    if call is culprit:
        return "✗"
    return next((str(place) for place, each in enumerate(order, start=1) if each is call), "·")


def _lay_out(bars: Sequence[Bar]) -> int:
    """Give each call and return a column, after all earlier events, no bar shorter than its text; return the width."""
    calls = [(bar.call.called, 0, number) for number, bar in enumerate(bars)]
    returns = [(bar.call.returned, 1, number) for number, bar in enumerate(bars) if bar.call.returned is not None]
    column = -2
    for _, is_return, number in sorted(calls + returns):
        bar = bars[number]
        column += 2
        if is_return:
            bar.end = column = max(column, bar.start + len(bar.text))
        else:
            bar.start = column
    return max((bar.end or bar.start + len(bar.text) for bar in bars), default=0)


def _lanes(bars: Sequence[Bar]) -> list[tuple[str, list[Bar]]]:
    """Sort bars into lanes by process, in order of appearance; a process with overlapping calls gets several lanes."""
    lanes: dict[str, list[list[Bar]]] = {}
    for bar in bars:
        of_process = lanes.setdefault(str(bar.call.process), [])
        free = (lane for lane in of_process if (end := lane[-1].end) is not None and end < bar.start)
        lane = next(free, None)
        if lane is None:
            of_process.append([bar])
        else:
            lane.append(bar)
    return [(name, lane) for name, of_process in lanes.items() for lane in of_process]


def _line(lane: Sequence[Bar]) -> str:
    line = ""
    for bar in lane:
        line = line.ljust(bar.start) + str(bar)
    return line
