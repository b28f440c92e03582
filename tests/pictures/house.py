"""The tables about the house as a whole: which rooms there are, and who may import whom."""

from pathlib import Path

import test_house

ROOT = Path(__file__).parent.parent.parent


def generated() -> dict[str, str]:
    """The map's table of rooms, from what there is; the table of floors, from the test that holds it."""
    return {"docs/README.md#rooms": rooms(), "docs/contributing.md#floors": floors()}


def rooms() -> str:
    """One line for each unit with a document: its title, benchmark and kata, where there are such."""
    lines = ["| room | design | benchmark | kata |", "| --- | --- | --- | --- |"]
    for unit in [*test_house.COMPONENTS, *test_house.PROOF_TOOLS, *test_house.TOP_FLOOR]:
        document = ROOT / "docs" / f"{unit}.md"
        if not document.exists():
            continue
        title = document.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        benchmark = ROOT / "tests" / "benchmarks" / f"test_{unit}.py"
        kata = ROOT / "katas" / unit
        cells = [
            f"`{unit}`",
            f"[{title}]({unit}.md)",
            f"[test_{unit}.py](../tests/benchmarks/test_{unit}.py)" if benchmark.exists() else "",
            f"[katas/{unit}](../katas/{unit})" if kata.exists() else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else "None yet."


def floors() -> str:
    """Who may import whom."""
    ground, proofs = test_house.GROUND, test_house.PROOF_TOOLS
    rich = [unit for unit in test_house.COMPONENTS if set(test_house.SHARED_BY_ROOMS) <= test_house.MAY_IMPORT[unit]]
    proving = [unit for unit in rich if "simulation" in test_house.MAY_IMPORT[unit]]
    lines = [
        ("`__main__`", "everything"),
        (words(test_house.TOP_FLOOR), "components, proof tools, ground"),
        (words(rich), f"ground, and {words(test_house.SHARED_BY_ROOMS)}; {words(proving)} also `simulation`"),
        (words([unit for unit in test_house.COMPONENTS if unit not in rich]), "ground"),
        (words(proofs), f"ground; {words(proofs[1:])} also {words(proofs[:1])}"),
        (words(ground), "those of ground that stand before it in this list"),
    ]
    return "\n".join(["| unit | may import |", "| --- | --- |", *(f"| {unit} | {may} |" for unit, may in lines)])


def words(names: list[str]) -> str:
    """The names, marked as code."""
    return ", ".join(f"`{name}`" for name in names)
