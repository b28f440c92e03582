"""The command `lldkit flags`: look at documents of flags, in files, before and after they are published."""

import argparse
import json
import sys
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from lldkit.clock import SYSTEM, Clock
from lldkit.errors import in_one_line
from lldkit.feature_flags.client import FlagClient
from lldkit.feature_flags.context import Context, plain
from lldkit.feature_flags.convert import convert
from lldkit.feature_flags.formats import FLAGD, GROWTHBOOK, UNLEASH
from lldkit.feature_flags.interface import ErrorCode, Format
from lldkit.feature_flags.lint import lint
from lldkit.feature_flags.model import RuleSet
from lldkit.feature_flags.parse import NATIVE
from lldkit.feature_flags.reader import nearest

__all__ = ["configure", "run"]

FORMATS: Mapping[str, Format] = {each.name: each for each in (NATIVE, UNLEASH, FLAGD, GROWTHBOOK)}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit flags`."""
    commands = parser.add_subparsers(dest="flags_command", metavar="COMMAND", required=True)
    linting = commands.add_parser("lint", help="problems, and what would move users for nothing; 1 if there is any")
    linting.add_argument("--before", metavar="FILE", help="the document that is published now")
    explain = commands.add_parser("explain", help="what a flag is for somebody, and why")
    explain.add_argument("key", help="the key of the flag")
    explain.add_argument("--user", metavar="KEY", help="the targeting key")
    explain.add_argument("--context", metavar="JSON", default="{}", help='attributes, such as \'{"country": "SE"}\'')
    stale = commands.add_parser(
        "stale", help="flags that are expired, decided for all, or gone while code asks for them"
    )
    stale.add_argument("--source", metavar="FOLDER", help="Python code that asks for flags")
    converting = commands.add_parser("convert", help="another format to the native one; 1 if something is left out")
    for command in (linting, explain, stale, converting):
        command.add_argument("file", help="a document: .json or .toml")
        command.add_argument("--format", choices=FORMATS, default=NATIVE.name, help="what it is (default: native)")


def run(arguments: argparse.Namespace, *, clock: Clock = SYSTEM) -> int:
    """Do as asked; 2 where a file or the question makes no sense."""
    try:
        commands = {"lint": _lint, "explain": _explain, "stale": _stale, "convert": _convert}
        return commands[arguments.flags_command](arguments, clock)
    except (OSError, ValueError, TypeError) as error:
        print(f"lldkit flags: {in_one_line(error)}", file=sys.stderr)
        return 2


def _lint(arguments: argparse.Namespace, clock: Clock) -> int:
    before = _rules(arguments.before, arguments.format, clock) if arguments.before else None
    client = _client(arguments.file, arguments.format, clock)
    unusable = [problem for problem in client.problems if not problem.key]
    found = unusable or lint(client.snapshot.value, clock.now(), before)
    for each in found:
        print(each)
    print(f"{len(found)} finding{'s' * (len(found) != 1)}")
    return 1 if found else 0


def _explain(arguments: argparse.Namespace, clock: Clock) -> int:
    attributes = json.loads(arguments.context)
    if not isinstance(attributes, dict):
        raise TypeError(f"--context must be a JSON object, got {arguments.context}")
    client = _client(arguments.file, arguments.format, clock)
    trace = client.explain(arguments.key, Context(arguments.user, attributes))
    if trace.evaluation.error_code is ErrorCode.FLAG_NOT_FOUND:
        near = nearest(arguments.key, client.snapshot.value.flags)
        raise ValueError(f"there is no flag {arguments.key!r}{'; ' if near else ''}{near}")
    print(trace)
    return 0


def _stale(arguments: argparse.Namespace, clock: Clock) -> int:
    root = Path(arguments.source) if arguments.source else None
    if root is not None and not root.is_dir():
        raise ValueError(f"--source must be a folder, got {arguments.source}")
    client = _client(arguments.file, arguments.format, clock)
    for each in client.stale(unused_for=timedelta(0), source_root=root):
        if each.kind in ("expired", "settled", "missing"):  # of a file nobody knows how it is used
            print(f"{each.key}: {each.kind}: {each.message}{''.join(f'; {site}' for site in each.call_sites)}")
    return 0


def _convert(arguments: argparse.Namespace, _clock: Clock) -> int:
    done = convert(_document(arguments.file), FORMATS[arguments.format])
    print(json.dumps(plain(done.document), indent=2, ensure_ascii=False))
    for problem in done.left_out:
        print(f"left out: {problem.key or 'document'}: {problem.message}", file=sys.stderr)
    return 1 if done.left_out else 0


def _client(file: str, format_name: str, clock: Clock) -> FlagClient:
    return FlagClient(_document(file), format=FORMATS[format_name], clock=clock)


def _rules(file: str, format_name: str, clock: Clock) -> RuleSet:
    return _client(file, format_name, clock).snapshot.value


def _document(file: str) -> Mapping[str, Any]:
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    if not isinstance(document, dict):
        raise TypeError(f"{file} holds no object, but a {type(document).__name__}")
    return document
