"""The command `lldkit config`: who set a key, what is wrong, and what a change of a file would change."""

import argparse
import importlib
import re
import sys
from collections.abc import Sequence
from typing import Any

from lldkit.config.history import document_of
from lldkit.config.interface import ConfigError, Layer
from lldkit.config.layers import Args, Directory, DotEnv, Env, File
from lldkit.config.manager import Config
from lldkit.config.merge import diff_documents
from lldkit.config.paths import path_text
from lldkit.config.schema import leaves, section_of

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `lldkit config`."""
    commands = parser.add_subparsers(dest="config_command", metavar="COMMAND", required=True)
    explain = commands.add_parser("explain", help="the value of each key, who set it, and who was overruled")
    explain.add_argument("path", nargs="*", help="only these keys, such as pool.size")
    check = commands.add_parser("check", help="print every problem; 1 if there is one")
    difference = commands.add_parser("diff", help="what changes when one file takes the place of another")
    difference.add_argument("before", help="a .toml or .json file, below the other layers")
    difference.add_argument("after", help="the file that takes its place")
    for command in (explain, check, difference):
        _add_layers(command)


def _add_layers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schema", required=True, metavar="MODULE:CLASS", help="a frozen dataclass, such as shop:App")
    parser.add_argument("--toml", "--json", action="append", default=[], metavar="FILE", dest="files", help="weakest")
    parser.add_argument("--dotenv", action="append", default=[], metavar="FILE", help="stronger than files")
    parser.add_argument("--env", action="append", default=[], metavar="PREFIX", help="stronger than .env files")
    parser.add_argument("--directory", action="append", default=[], metavar="FOLDER", help="stronger than variables")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="strongest")


def run(arguments: argparse.Namespace) -> int:
    """Do as asked; 1 where the layers make no valid configuration, 2 where the question makes no sense."""
    sys.path.insert(0, "")
    try:
        schema = _schema(arguments.schema)
        if arguments.config_command == "diff":
            return _diff(schema, arguments)
        config = Config(schema, layers=_layers(arguments, arguments.files), unknown="error")
        if arguments.config_command == "check":
            return _check(config)
        return _explain(config, schema, arguments.path)
    except ConfigError as error:
        print("\n".join(map(str, error.problems)), file=sys.stderr)
        return 1
    except (ValueError, TypeError, LookupError) as error:
        print(f"lldkit config: {error.args[0] if error.args else error}", file=sys.stderr)
        return 2
    finally:
        sys.path.remove("")


def _schema(name: str) -> Any:
    module, colon, kind = name.partition(":")
    if not colon or not re.fullmatch(r"\w+(\.\w+)*", module):
        raise ValueError(f"--schema is written like shop.settings:App, got {name!r}")
    try:
        schema = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"there is no {name}: {error}") from None
    section_of(schema)
    return schema


def _layers(arguments: argparse.Namespace, files: Sequence[str]) -> list[Layer]:
    return [
        *map(File, files),
        *(DotEnv(file, optional=False) for file in arguments.dotenv),
        *map(Env, arguments.env),
        *map(Directory, arguments.directory),
        *([Args(arguments.set)] if arguments.set else []),
    ]


def _check(config: Config[Any]) -> int:
    for stranger in config.unknown_keys():
        print(f"ignored: {stranger}")
    print("no problems")
    return 0


def _explain(config: Config[Any], schema: Any, paths: Sequence[str]) -> int:
    rows = []
    for path in paths or map(path_text, leaves(section_of(schema))):
        found = config.explain(path)
        rest = ", ".join(f"{each.location} said {_text(each.value)}" for each in found.candidates if not each.wins)
        rows.append((path, _text(found.value), found.winner.location, f"({rest})" if rest else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip())
    return 0


def _diff(schema: Any, arguments: argparse.Namespace) -> int:
    before, after = (
        document_of(section_of(schema), Config(schema, layers=_layers(arguments, [*arguments.files, file])).current)
        for file in (arguments.before, arguments.after)
    )
    for change in diff_documents(before, after):
        print(f"{path_text(change.path)}: {_text(change.old)} -> {_text(change.new)}")
    return 0


def _text(value: object) -> str:
    """A value as a cell can hold it: a secret is `***`, and a text that might be misread has quotes."""
    if isinstance(value, str) and not re.fullmatch(r"[^\s(),'\"]+", value):
        return repr(value)
    return str(value)
