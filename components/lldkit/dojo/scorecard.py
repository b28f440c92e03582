"""The scorecard of an interview: every number is computed from the events of its log, which it names.

Thresholds (docs/katas.md explains them): an axis is 0 to 100, or nothing where nothing was measured.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from lldkit.dojo import catalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lldkit.dojo.interface import Manifest
    from lldkit.dojo.interview import Interview

__all__ = ["AXES", "markdown", "scorecard", "verdict"]

AXES = ("requirements", "correctness", "design", "concurrency", "testing", "pace")
HINT = 5  # points of correctness that a hint costs
NOTE = {"essential": 20, "actionable": 10}  # points of design that a note costs, and the most that churn costs
CHURN = 30
STRONG, HIRE, LEAN = 80, 65, 45  # the mean of the axes from which on the verdict is that
WORKS = 50  # points of correctness below which nobody is hired

Event = dict[str, Any]


def scorecard(talk: Interview) -> dict[str, Any]:
    """The document that `--json` prints; two interviews with the same actions have identical ones."""
    events, kata = talk.events, talk.kata
    levels = [_level(n, events) for n in range(1, talk.last + 1)]
    churn = _churn(talk)
    measured = {
        "requirements": _requirements(kata, events),
        "correctness": _correctness(levels, events),
        "design": _design(events, churn),
        "concurrency": _concurrency(events),
        "testing": _testing(events),
        "pace": _pace(kata, levels, events),
    }
    axes = {name: found[0] for name, found in measured.items()}
    return {
        "format": 1,
        "kata": kata.name,
        "interview": talk.name,
        "seed": talk.seed,
        "minutes_used": events[-1]["minute"],
        "levels": levels,
        "axes": axes,
        "verdict": verdict(axes),
        "practise_next": _practise_next(kata, levels, axes),
        "churn": churn,
        "evidence": {name: sorted(found[1]) for name, found in measured.items()},
        "events": [{key: event[key] for key in event if key != "source"} for event in events],
    }


def verdict(axes: dict[str, int | None]) -> str:
    """`strong hire`, `hire`, `lean no` or `no` by the mean of the axes; never a hire for what does not work."""
    measured = [value for value in axes.values() if value is not None]
    mean = sum(measured) / len(measured) if measured else 0
    works = (axes.get("correctness") or 0) >= WORKS
    if works and mean >= HIRE:
        return "strong hire" if mean >= STRONG else "hire"
    return "lean no" if mean >= LEAN else "no"


def _of(events: Sequence[Event], *kinds: str) -> list[Any]:
    return [event for event in events if event["event"] in kinds]


def _level(n: int, events: Sequence[Event]) -> dict[str, Any]:
    saves = _of(events, "save")
    return {
        "n": n,
        "green_at": next((save["minute"] for save in saves if n in save["opened"]), None),
        "regressions": sum(save["regressed"] == n for save in saves),
        "hints": sum(hint["level"] == n for hint in _of(events, "hint")),
    }


Measured = tuple[int | None, list[int]]  # points, and the numbers of the events that they come from


def _share(part: float, whole: float) -> int:
    return round(100 * max(0.0, min(1.0, part / whole)))


def _requirements(kata: Manifest, events: Sequence[Event]) -> Measured:
    """The share of the `must` questions that were asked before the first save."""
    must = {n for n, item in enumerate(kata.clarify, 1) if item.must}
    saves = _of(events, "save")
    before = [event for event in _of(events, "ask") if not saves or event["n"] < saves[0]["n"]]
    hit = [event for event in before if must & set(event["matched"])]
    found = must & {n for event in hit for n in event["matched"]}
    return (_share(len(found), len(must)) if must else None), [event["n"] for event in hit]


def _correctness(levels: Sequence[dict[str, Any]], events: Sequence[Event]) -> Measured:
    """Green levels, and of the first other one the share of checks that its best save passed; a hint costs."""
    green = [level["n"] for level in levels if level["green_at"] is not None]
    saves = _of(events, "save")
    partial = [
        save["passed"][0] / save["passed"][1]
        for save in saves
        if save["reached"] == len(green) and save["verdict"] == "red" and save["passed"][1]
    ]
    hints = _of(events, "hint")
    points = _share(len(green) + max(partial, default=0.0), len(levels)) - HINT * len(hints)
    return max(0, points), [event["n"] for event in (*saves, *hints)]


def _design(events: Sequence[Event], churn: dict[str, Any] | None) -> Measured:
    """The mean of what the text of the last save looks like and of what was said to the follow-ups."""
    saves, answers = _of(events, "save"), _of(events, "answer")
    parts: list[float] = []
    if saves:
        cost = sum(NOTE.get(kind, 0) for kind in saves[-1]["notes"])
        cost += round(CHURN * max(0.0, churn["share"] - churn["reference"])) if churn else 0
        parts.append(max(0, 100 - cost))
    ticks = _of(events, "tick")
    if answers:
        said = {answer["n"]: answer["ticked"] for answer in answers} | {
            tick["answer"]: tick["ticked"] for tick in ticks
        }
        parts.append(sum(_share(len(said[answer["n"]]), answer["points"]) for answer in answers) / len(answers))
    from_events = [event["n"] for event in (*saves[-1:], *answers, *ticks)]
    return (round(sum(parts) / len(parts)) if parts else None), from_events


def _concurrency(events: Sequence[Event]) -> Measured:
    """The share of the scenarios that the last save passed, of those that its levels have."""
    tried = [save for save in _of(events, "save") if save["threads"][1]]
    return (_share(*tried[-1]["threads"]), [tried[-1]["n"]]) if tried else (None, [])


def _testing(events: Sequence[Event]) -> Measured:
    """The mean of: planted bugs killed by own tests over those asked for, the prediction, the review."""
    parts = [0 if hunt["alarms"] else _share(hunt["killed"], max(1, hunt["wanted"])) for hunt in _of(events, "hunt")]
    parts += [100 * event["right"] for event in _of(events, "predict", "review")]
    return (round(sum(parts) / len(parts)) if parts else None), [
        e["n"] for e in _of(events, "hunt", "predict", "review")
    ]


def _pace(kata: Manifest, levels: Sequence[dict[str, Any]], events: Sequence[Event]) -> Measured:
    """Of each level the minutes that the kata gives for it and those before, over the minute when it was green."""
    points, given = [], 0
    for level, known in zip(levels, kata.level, strict=False):
        given += known.minutes
        points.append(0 if level["green_at"] is None else _share(given, max(given, level["green_at"])))
    saves = [save["n"] for save in _of(events, "save") if save["opened"]]
    return (round(sum(points) / len(points)) if _of(events, "save") else None), saves


def _churn(talk: Interview) -> dict[str, Any] | None:
    """What a change of the requirements did to the text; beside it what the same step did to the reference."""
    saves, changes = _of(talk.events, "save"), _of(talk.events, "change")
    opened = [save for save in saves if save["opened"]]
    if changes:
        before = [save for save in saves if save["n"] < changes[0]["n"]]
        after = [save for save in saves if save["n"] > changes[0]["n"]]
        start = changes[0]["minute"]
    else:
        before, after = opened[:-1], opened[-1:]
        start = before[-1]["minute"] if before else 0.0
    if not before or not after:
        return None
    old, new = before[-1], after[-1]
    green = next((save["minute"] for save in after if save["reached"] >= old["reached"]), None)
    step = max(1, min(old["reached"], talk.kata.last - 1))
    solutions = [(talk.kata.folder / "solutions" / f"level{n}.py").read_text("utf-8") for n in (step, step + 1)]
    share, added = _changed(old["source"], new["source"])
    return {
        "share": share,
        "reference": _changed(*solutions)[0] if talk.kata.last > 1 else 0.0,
        "new_lines": added,
        "files": 1 if old["source"] != new["source"] else 0,
        "minutes_to_green": None if green is None else round(green - start, 2),
        "regressions": sum(save["regressed"] is not None for save in after),
    }


def _changed(old: str, new: str) -> tuple[float, int]:
    """Old lines that were changed or deleted over old lines, and how many lines are new."""
    before, after = old.splitlines(), new.splitlines()
    matching = sum(
        block.size for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    return round((len(before) - matching) / max(1, len(before)), 3), len(after) - matching


def _practise_next(kata: Manifest, levels: Sequence[dict[str, Any]], axes: dict[str, int | None]) -> list[str]:
    """The kata itself where a level is missing, then katas that share its concepts, the closest first."""
    missed = any(level["green_at"] is None for level in levels)
    weak = [name for name, points in axes.items() if points is not None and points < HIRE]
    found = [kata.name] if missed else []
    others = [catalog.load_kata(name) for name in catalog.names() if name != kata.name] if weak or missed else []
    if "concurrency" in weak:
        found += [
            other.name for other in others if other.name == "interleave" or other.folder.parent.name == "concurrency"
        ]
    mine = set(kata.concepts)
    close = sorted((-len(mine & set(other.concepts)), other.name) for other in others if mine & set(other.concepts))
    return list(dict.fromkeys([*found, *(name for name in kata.needs if weak), *(name for _, name in close)]))[:5]


def markdown(card: dict[str, Any]) -> Iterator[str]:
    """The scorecard for a reader."""
    yield f"# {card['kata']}, {card['interview']}: {card['verdict']}"
    yield ""
    yield f"{card['minutes_used']:g} minutes, seed {card['seed']}."
    yield ""
    yield from _table(("level", "green at", "regressions", "hints"), ([*level.values()] for level in card["levels"]))
    yield ""
    rows = ([name, points, _numbers(card["evidence"][name])] for name, points in card["axes"].items())
    yield from _table(("axis", "points", "from events"), rows)
    if card["churn"] is not None:
        churn = card["churn"]
        yield ""
        yield f"The change touched {churn['share']:.0%} of the lines (the reference: {churn['reference']:.0%})."
    selfmade = [event["n"] for event in card["events"] if event["event"] == "tick"]
    if selfmade:
        yield ""
        yield f"Ticked by the candidate himself: events {_numbers(selfmade)}."
    if card["practise_next"]:
        yield ""
        yield f"Practise next: {', '.join(card['practise_next'])}"
    yield ""
    yield "## Events"
    yield ""
    for event in card["events"]:
        rest = {key: value for key, value in event.items() if key not in {"n", "minute", "event", "notes"}}
        yield f"{event['n']}. {event['minute']:g} min, {event['event']}" + "".join(
            f", {k} {v}" for k, v in rest.items()
        )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join('-' if item is None else str(item) for item in row)} |"


def _numbers(events: Iterable[int]) -> str:
    return ", ".join(map(str, events)) or "-"
