"""Renew what is generated in the documents (`make docs`); with `--check`, only say what is stale.

Each `tests/pictures/<room>.py` has a function `generated() -> dict[str, str]`. Its keys say where the text goes:

    "docs/img/retry-jitter.svg"     a whole file
    "docs/retry.md#state-diagram"   a region of a Markdown file, between the lines
                                    `<!-- generated: state-diagram -->` and `<!-- end -->`

Generated text is a function of the code alone: seeded, without clock, so that a test can tell when it is stale. A
picture in docs/img that nobody generates is stale too; those of the benchmarks are written by `make bench`.
"""

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
WRITTEN_BY_BENCH = "benchmarks-*.svg"


def discovered() -> dict[str, str]:
    """What all rooms generate, by destination."""
    texts: dict[str, str] = {}
    for path in sorted((ROOT / "tests" / "pictures").glob("*.py")):
        for destination, text in importlib.import_module(f"pictures.{path.stem}").generated().items():
            if destination in texts:
                raise ValueError(f"{destination} is generated twice; the second time by {path.name}")
            texts[destination] = text
    return texts


def with_region(document: str, name: str, text: str, where: str) -> str:
    """`document` with its region `name` holding `text`."""
    opening = f"<!-- generated: {name} -->"
    region = re.compile(rf"^{re.escape(opening)}$.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)
    if len(region.findall(document)) != 1:
        raise ValueError(f"{where} must hold the lines {opening} and <!-- end --> exactly once")
    return region.sub(lambda _: f"{opening}\n{text.strip()}\n<!-- end -->", document)


def wanted(texts: Mapping[str, str], root: Path = ROOT) -> dict[Path, str]:
    """The whole text that each generated or partly generated file should have."""
    files: dict[Path, str] = {}
    for destination, text in texts.items():
        name, _, region = destination.partition("#")
        path = root / name
        if region:
            document = files.get(path) or path.read_text(encoding="utf-8")
            files[path] = with_region(document, region, text, name)
        else:
            files[path] = text
    return files


def orphans(files: Mapping[Path, str], root: Path = ROOT) -> list[Path]:
    """Pictures that nobody generates."""
    pictures = sorted((root / "docs" / "img").glob("*"))
    return [path for path in pictures if path not in files and not path.match(WRITTEN_BY_BENCH)]


def stale(texts: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """The files that `make docs` would change or remove."""
    files = wanted(texts, root)
    changed = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    return sorted(path.relative_to(root).as_posix() for path in [*changed, *orphans(files, root)])


def renew(texts: Mapping[str, str], root: Path = ROOT) -> None:
    """Write what is wanted and remove what nobody generates."""
    files = wanted(texts, root)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in orphans(files, root):
        path.unlink()


def main(arguments: Sequence[str]) -> int:
    """Renew, or with `--check` exit 1 when something is stale."""
    if set(arguments) - {"--check"}:
        print(f"unknown arguments {list(arguments)}; there is only --check", file=sys.stderr)
        return 2
    texts = discovered()
    names = stale(texts)
    if arguments:
        print(*[f"stale: {name}; run `make docs`" for name in names], sep="\n", end="\n" if names else "")
        return 1 if names else 0
    renew(texts)
    print(f"{len(texts)} generated texts, of which {len(names)} files were renewed", *names, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
