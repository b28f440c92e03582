"""The command `lldkit cache`: what each policy would make of a trace, at each size."""

import argparse
import json
import lzma
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from lldkit.cache.policies import POLICIES
from lldkit.cache.simulate import belady, simulate
from lldkit.cache.trace import opened, requests
from lldkit.charts import Bar, Bars, Figure

__all__ = ["configure", "run"]

LONG = 200_000
BAR = 30
Table = dict[int, dict[str, float]]
"""Size -> policy -> hit ratio; "belady" is the ceiling."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit cache`."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="COMMAND")
    simulation = commands.add_parser("simulate", help="simulate policies and sizes over a trace of requests")
    simulation.add_argument(
        "trace", help="one key per line, or CSV with --column; gzip and xz too; - is standard input"
    )
    simulation.add_argument(
        "--sizes", type=_sizes, default=[100, 1000, 10_000], help="such as 100,1000 (the default adds 10000)"
    )
    simulation.add_argument(
        "--policies", type=_policies, default=["lru", "s3fifo", "w-tinylfu"], help=", ".join(POLICIES)
    )
    simulation.add_argument("--column", help="the column of a CSV file that holds the keys")
    simulation.add_argument("--weight-column", help="the column that holds the weights; sizes are weights then")
    simulation.add_argument("--json", action="store_true", help="print JSON")
    simulation.add_argument("--svg", metavar="FILE", help="write a chart of the hit ratios")


def run(arguments: argparse.Namespace) -> int:
    """Simulate and print the hit ratios; 2 when the trace cannot be read."""
    try:
        trace = _read(arguments.trace, arguments.column, arguments.weight_column)
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        return _refuse(f"{arguments.trace!r} is damaged: {error}")
    except OSError as error:
        return _refuse(f"cannot read {arguments.trace!r}: {error.strerror or error}")
    except ValueError as error:
        return _refuse(str(error))
    keys, weights = [key for key, _ in trace], [weight for _, weight in trace]
    table = _simulated(keys, weights if arguments.weight_column else None, arguments.sizes, arguments.policies)
    if arguments.json:
        print(json.dumps({"requests": len(keys), "keys": len(set(keys)), "hit_ratio": table}, indent=2))
    else:
        print("\n".join(_lines(keys, table)))
    try:
        if arguments.svg:
            Path(arguments.svg).write_text(_figure(table).to_svg(), encoding="utf-8")
    except OSError as error:
        return _refuse(f"cannot write {arguments.svg!r}: {error.strerror or error}")
    return 0


def _read(path: str, column: str | None, weight_column: str | None) -> list[tuple[str, int]]:
    if weight_column is not None and column is None:
        raise ValueError("--weight-column needs --column")
    with opened(path) as lines:
        trace = list(requests(lines, column=column, weight_column=weight_column))
    if not trace:
        raise ValueError(f"there is no request in {path!r}")
    return trace


def _simulated(
    keys: Sequence[str], weights: Sequence[int] | None, sizes: Sequence[int], policies: Sequence[str]
) -> Table:
    """Run all; on a terminal with a bar if that takes a while. Belady knows no weights."""
    table: Table = {}
    for done, size in enumerate(sizes):
        row = table[size] = {}
        for number, policy in enumerate(policies):
            _show((done + number / len(policies)) / len(sizes), len(keys))
            result = simulate(keys, policy=POLICIES[policy], maxsize=size, weights=weights)
            row[policy] = result.hit_ratio
        if weights is None:
            row["belady"] = belady(keys, maxsize=size).hit_ratio
    _show(None, len(keys))
    return table


def _show(done: float | None, requests: int) -> None:
    if requests < LONG or not sys.stderr.isatty():
        return
    full = round(BAR * (done or 0))
    sys.stderr.write("\r" + " " * (BAR + 10) + "\r" if done is None else f"\r[{'#' * full:<{BAR}}] {done:4.0%}")


def _lines(keys: Sequence[str], table: Table) -> Iterator[str]:
    yield f"{len(keys):,} requests of {len(set(keys)):,} keys"
    yield ""
    names = list(next(iter(table.values())))
    yield f"{'size':>10}" + "".join(f"{name:>11}" for name in names) + "  best"
    for size, row in table.items():
        yield f"{size:>10,}" + "".join(f"{row[name]:>11.1%}" for name in names) + f"  {_best(row)}"


def _best(row: dict[str, float]) -> str:
    return max((name for name in row if name != "belady"), key=row.__getitem__)


def _figure(table: Table) -> Figure:
    panels = [
        Bars(
            [Bar(name, ratio, f"{ratio:.1%}", "quiet" if name == "belady" else "one") for name, ratio in row.items()],
            f"{size:,} entries",
        )
        for size, row in table.items()
    ]
    return Figure("Hit ratio by policy and size", panels)


def _sizes(text: str) -> list[int]:
    sizes = text.split(",")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"sizes are whole numbers of at least 1 with commas between, got {text!r}")
    return [int(size) for size in sizes]


def _policies(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in POLICIES]:
        raise argparse.ArgumentTypeError(f"policies are {', '.join(POLICIES)}, got {unknown[0]!r}")
    return names


def _refuse(why: str) -> int:
    print(f"lldkit cache: {why}", file=sys.stderr)
    return 2
