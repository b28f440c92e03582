"""The table of the concurrency katas: what there is to practise, read from their manifests."""

from lldkit.dojo import catalog

__all__ = ["generated"]


def generated() -> dict[str, str]:
    """The table in katas/README.md; drills stand below the katas."""
    folders = sorted(path.parent for path in (catalog.root() / "concurrency").glob("*/kata.toml"))
    katas = sorted((catalog.load_kata(folder.name) for folder in folders), key=lambda kata: bool(kata.drill_of))
    rows = ["| kata | levels | minutes | about |", "| --- | --- | --- | --- |"]
    for kata in katas:
        drill = f" (a drill of {kata.drill_of})" if kata.drill_of else ""
        minutes = sum(level.minutes for level in kata.level)
        rows.append(f"| [{kata.name}](concurrency/{kata.name}) | {kata.last} | {minutes} | {kata.title}{drill} |")
    return {"katas/README.md#concurrency": "\n".join(rows)}
