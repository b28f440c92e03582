"""The command `lldkit elevator`: compare dispatchers, compute a round trip, watch cars, play the levels of a game."""

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from lldkit.elevator.building import Building, crites_barto
from lldkit.elevator.choices import DISPATCHERS
from lldkit.elevator.compare import Comparison, compare
from lldkit.elevator.interface import BaselineWarning, ElevatorError
from lldkit.elevator.rtt import rtt
from lldkit.elevator.saga import Level, level_of, play
from lldkit.elevator.simulate import simulate
from lldkit.elevator.traffic import Traffic
from lldkit.errors import in_one_line

__all__ = ["configure", "run"]

PEOPLE = 600
BEDS = ("crites-barto", "up", "down", "lunch")
DISPATCHER = "who sends the cars (default: %(default)s)"


def _traffic(arguments: argparse.Namespace) -> Traffic:
    if arguments.bed == "crites-barto":
        return Traffic.crites_barto(up_per_minute=arguments.up_per_minute)
    make = {"up": Traffic.up_peak, "down": Traffic.down_peak, "lunch": Traffic.lunch}[arguments.bed]
    return make(percent_per_5min=arguments.percent, people=PEOPLE)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit elevator`."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    compared = commands.add_parser("compare", help="several dispatchers on the same people")
    names = sorted(DISPATCHERS)
    compared.add_argument("dispatchers", nargs="+", metavar="DISPATCHER", choices=names, help="one of %(choices)s")
    compared.add_argument("--hours", type=float, default=10.0, help="simulated, for each run (default: 10)")
    compared.add_argument("--seeds", type=int, default=20, help="how many (default: 20)")
    compared.add_argument("--first-seed", type=int, default=0, help="the others follow it (default: 0)")
    compared.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    compared.add_argument("--json", action="store_true", help="print JSON")
    compared.add_argument("--svg", metavar="FILE", help="write a chart of the mean waits")
    trip = commands.add_parser("rtt", help="the round trip of a car in up-peak, by formula")
    trip.add_argument("--floors", type=int, required=True, help="above the entrance")
    trip.add_argument("--passengers", type=float, required=True, help="in a car that leaves the entrance")
    trip.add_argument("--tv", type=float, required=True, help="seconds from one floor to the next at full speed")
    trip.add_argument("--ts", type=float, required=True, help="seconds that a stop adds")
    trip.add_argument("--tp", type=float, required=True, help="seconds for one passenger to step in or out")
    trip.add_argument("--cars", type=int, default=1, help="in the group (default: 1)")
    trip.add_argument("--population", type=int, help="of the building, to say which share of it is carried")
    watch = commands.add_parser("watch", help="the cars of some minutes, line by line")
    watch.add_argument("--dispatcher", choices=names, default="look-ahead", help=DISPATCHER)
    watch.add_argument("--minutes", type=float, default=5.0, help="simulated (default: 5)")
    watch.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="one line for so many (default: 5)")
    game = commands.add_parser("saga", help="the levels of Elevator Saga, from their JSON")
    game.add_argument("levels", metavar="FILE", help="a JSON file of levels")
    game.add_argument("--dispatcher", choices=names, default="look-ahead", help=DISPATCHER)
    game.add_argument("--runs", type=int, default=20, help="of each level (default: 20)")
    for command in (compared, watch):
        command.add_argument("--up-per-minute", type=float, default=0.0, help="who enter, on the bed (default: 0)")
        command.add_argument("--bed", choices=BEDS, default="crites-barto", help="the traffic (default: crites-barto)")
        command.add_argument(
            "--percent", type=float, default=8.0, help=f"of {PEOPLE} people in 5 minutes, but for the bed (default: 8)"
        )
    watch.add_argument("--seed", type=int, default=7, help="of the people (default: 7)")


def run(arguments: argparse.Namespace) -> int:
    """Do it; nonsense is refused in one line with 2."""
    actions = {"compare": _compare, "rtt": _rtt, "watch": _watch, "saga": _saga}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BaselineWarning)
            return actions[arguments.action](arguments)
    except (ValueError, ElevatorError, OSError, KeyError) as error:
        print(f"lldkit elevator: {in_one_line(error)}", file=sys.stderr)
        return 2


def _compare(arguments: argparse.Namespace) -> int:
    latest: list[Comparison] = []
    bar = _Bar()

    def on_progress(done: int, total: int, so_far: Comparison) -> None:
        latest[:] = [so_far]
        bar.show(done, total)

    try:
        compare(
            crites_barto(),
            _traffic(arguments),
            {name: DISPATCHERS[name]() for name in arguments.dispatchers},
            seeds=range(arguments.first_seed, arguments.first_seed + arguments.seeds),
            hours=arguments.hours,
            workers=arguments.workers,
            on_progress=on_progress,
        )
    except KeyboardInterrupt:
        bar.clear()
        if latest:
            _print(latest[0], arguments)
        raise
    bar.clear()
    _print(latest[0], arguments)
    return 0


def _print(result: Comparison, arguments: argparse.Namespace) -> None:
    print(result.to_json() if arguments.json else result.table())
    if arguments.svg:
        Path(arguments.svg).write_text(result.svg(), encoding="utf-8")


class _Bar:
    """A progress bar on stderr; silent when that is no terminal."""

    WIDTH = 40

    def show(self, done: int, total: int) -> None:
        """Draw it anew."""
        if sys.stderr.isatty():
            filled = self.WIDTH * done // total
            print(f"\r{'#' * filled:<{self.WIDTH}} {done}/{total}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take it away."""
        if sys.stderr.isatty():
            print(f"\r{'':<{self.WIDTH + 16}}\r", end="", file=sys.stderr, flush=True)


def _rtt(arguments: argparse.Namespace) -> int:
    names = ("floors", "passengers", "tv", "ts", "tp", "cars", "population")
    trip = rtt(**{name: getattr(arguments, name) for name in names})
    for name, value in asdict(trip).items():
        if value is not None:
            print(f"{name:<19}{value:>9.2f}")
    return 0


def _watch(arguments: argparse.Namespace) -> int:
    building, traffic = crites_barto(), _traffic(arguments)
    dispatcher = DISPATCHERS[arguments.dispatcher]()
    done = simulate(building, traffic, dispatcher, hours=arguments.minutes / 60.0, seed=arguments.seed, record=True)
    for line in _frames(building, done.log, arguments.every):
        print(line)
    print(f"{done.arrived} came, {done.delivered} arrived, {done.in_system} are on their way")
    return 0


def _frames(building: Building, log: bytes, every: float) -> Iterator[str]:
    """Each car's floor and load, and how many wait, every so many seconds."""
    floors, loads = [car.start for car in building.cars], [0] * len(building.cars)
    waiting, due = 0, every
    yield f"{'seconds':>8}  {'waiting':>7}  cars as floor:load"
    for event in map(json.loads, log.splitlines()):
        while event["t"] > due:
            cars = "  ".join(f"{floor:>2}:{load:<2}" for floor, load in zip(floors, loads, strict=True))
            yield f"{due:>8.0f}  {waiting:>7}  {cars}"
            due += every
        what, car = event["event"], event.get("car")
        if car is not None and "floor" in event:
            floors[car] = event["floor"]
        if what in {"board", "alight"}:
            loads[car] += 1 if what == "board" else -1
        waiting += {"arrive": 1, "board": -1, "abandon": -1}.get(what, 0)


def _saga(arguments: argparse.Namespace) -> int:
    rows = json.loads(Path(arguments.levels).read_text(encoding="utf-8"))["levels"]
    print(f"level  passed of {arguments.runs}   best public % (in the game, whose physics differ)")
    for row in rows:
        level: Level = level_of(row)
        make = DISPATCHERS[arguments.dispatcher]
        passed = sum(level.passed(play(level, make(), seed=seed)) for seed in range(arguments.runs))
        print(f"{level.number:>5}  {passed:>12}   {row['best_public_pass_percent']:>13}")
    return 0
