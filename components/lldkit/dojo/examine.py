"""The examination inside the graded process: level by level, check by check, to plain results."""

from __future__ import annotations

import sys
from functools import partial

from lldkit.dojo import preflight
from lldkit.dojo.author import Desk, Failed
from lldkit.dojo.frames import error_line, named, return_line
from lldkit.dojo.model import SIGNED, Difference, Driver, shrink
from lldkit.dojo.needs import GraderError, in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any

__all__ = ["FEW", "MANY", "Exam", "GraderError", "KataFiles"]


FEW = 50  # schedules within which every planted race is found
FEWER = 20  # for a level that the planted bug of a higher one does not touch
MANY = 910  # which make 1,000 with those that are tried for a proof: in them a right solution raises no alarm


class KataFiles:
    """What a kata grades with, as modules; the solutions of a batch share them."""

    def __init__(self, folder: str, levels: list[int]) -> None:
        self.interface = preflight.load("interface", f"{folder}/interface.py")
        self.checks = preflight.load("checks", f"{folder}/checks.py")
        self.model = preflight.load("model", f"{folder}/model.py")
        self.ordered = {n: in_order(self.checks, n) for n in levels}  # level -> its checks, each after those it needs


class Exam:
    """One grade. `pulse` counts what has happened so far; `stuck` is the report when nothing happens any more."""

    def __init__(
        self,
        order: dict[str, Any],
        *,
        send: Callable[..., None],
        tape: Any,
        damage: Callable[[], str],
        freeze: Callable[[str], Callable[[], None]],
        spawned: list[str],
        files: KataFiles | None = None,
    ) -> None:
        self.spawned = spawned
        self.order, self.send, self.tape, self.damage, self.freeze = order, send, tape, damage, freeze
        self.label: str = order["label"]
        self.pulse = 0
        self.results: list[dict[str, Any]] = []
        self.signature: list[str] = []
        self.locks: dict[int, str] = {}  # line of the solution -> which locks are held together there
        self._check = ""
        self._planned: list[str] = []
        self._story: Callable[[], list[str]] = list
        self.files = files
        self._checks: ModuleType
        self._ordered: dict[int, list[tuple[str, Any]]] = {}
        self._driver = Driver()
        self._entry: Any = None
        self._second: Exam | None = None  # of the reference, where it must be found out who is to blame
        self._unfreeze: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Examine levels in order until one fails."""
        self._prepare()
        for level in self.order["levels"]:
            self._level(level)
            if self._failed():
                break

    def killer(self, first: int, power: dict[str, int]) -> str:
        """The id of a check that the solution fails, "" if there is none.

        What is cheap is tried first, beginning with level `first`, where the change is; among what is dear the one with
        the most `power`, that is, which has killed the most before.
        """
        self._prepare()
        try:
            for level, name, run in self._likely_first(first, power):
                self._begin(name)
                if self._answered(level, name, run)["status"] in {"fail", "error"} or self.damage():
                    power[name] = power.get(name, 0) + 1
                    return name
            return ""
        finally:
            self._unfreeze()

    def _likely_first(
        self, first: int, power: dict[str, int]
    ) -> Iterator[tuple[dict[str, Any], str, Callable[[], Any]]]:
        whole = self.order["levels"][-1]  # asks for all that those before ask for
        yield whole, f"preflight-{whole['n']}", partial(self._preflight, whole)

        def rank(run: tuple[dict[str, Any], str, Any]) -> tuple[bool, int, int, bool]:
            cost = self._cost(run[1])
            return cost > 0, -power.get(run[1], 0) if cost else 0, cost, run[0]["n"] != first

        yield from sorted(((level, *run) for level in self.order["levels"] for run in self._runs(level)), key=rank)

    def _cost(self, name: str) -> int:
        """How dear a check is: programs take tens of milliseconds, schedules more, and a budget measures five times."""
        kind = 2 if self._is_scenario(name) else 0
        return {"model": 1, "budget": 3}.get(name.partition("-")[0], kind)

    def _is_scenario(self, name: str) -> bool:
        return getattr(vars(self._checks).get(name), "kata_check", " ")[0] == "schedule"

    def _prepare(self) -> None:
        files = self.files = self.files or KataFiles(self.order["folder"], [n for n, _ in self.order["later"]])
        self._checks, self._ordered, self._driver.kata = files.checks, files.ordered, files.model
        self._solution = preflight.Solution(self.order["source"], self.label, self.order["entry"], files.interface)

    def _failed(self) -> str:
        """The first check that failed so far."""
        return next((result["id"] for result in self.results if result["status"] in {"fail", "error"}), "")

    def progress(self) -> tuple[object, ...]:
        """Changes whenever a call has returned."""
        second = () if self._second is None else self._second.progress()
        return self.pulse, self._driver.playing, self._driver.index, *second

    def summary(self) -> dict[str, Any]:
        """What the grader is told at the end, beside the results."""
        done = {"done": len(self.results), "signature": self.signature, "spawned": bool(self.spawned)}
        return done | {"locks": sorted(self.locks.items())}

    def stuck(self, reason: str, why: str, line: int | None) -> None:
        """Report that the check under way does not end."""
        if not self._check:
            raise GraderError(f"the kata's own files: {why}")
        failed = {"status": "fail", "expected": "the call returns", "actual": why, "line": line}
        self._note(self._check, **failed, story=self._story())
        self.signature.append(f"{self._check}:{reason}")
        self._skip_rest(f"not run: {self._check} did not end")

    # -- one level -----------------------------------------------------------------------------------------------

    def _level(self, level: dict[str, Any]) -> None:
        self._planned = list(level["plan"])
        self._begin(f"preflight-{level['n']}")
        found = self._answered(level, self._check, lambda: self._preflight(level))
        self._note(self._check, **found)
        if found["status"] != "pass":
            self._skip_rest(f"needs preflight-{level['n']}")
            return
        for name, run in self._runs(level):
            if name not in self._planned:
                raise GraderError(f"{name} is not in the plan of level {level['n']}")
            self._begin(name)
            self._note(name, **self._answered(level, name, run))
        self._skip_rest("not run")

    def _answered(self, level: dict[str, Any], name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a check finds. An error without a line of the solution (`doubt`) is ours if a right one meets it too."""
        try:
            found = run()
        except GraderError:
            raise
        except BaseException as error:  # noqa: BLE001  # whose it is, is found out
            line = error_line(error, self.label)
            told = {"expected": "no exception", "actual": named(error), "line": line}
            why = _sentence(getattr(self._checks, name, None))
            doubt = error if line is None else None
            found = {"status": "error", "why": why, "story": self._story(), **told, "doubt": doubt}
        doubt = found.pop("doubt", None)
        if doubt is not None and not self._passes_with_reference(level, name):
            raise doubt
        return found

    def _passes_with_reference(self, level: dict[str, Any], name: str) -> bool:
        """Whether the kata's own solution passes a check; an error in it then comes from what is different."""
        if self.order["fail_fast"]:  # a mutant differs from a right solution in one place
            return True
        try:
            with open(f"{self.order['folder']}/solutions/level{level['n']}.py", encoding="utf-8") as file:  # noqa: PTH123  # pathlib is slow to import
                order = {**self.order, "source": file.read(), "schedule": None, "fail_fast": True}
        except OSError:
            return False
        known = {module: sys.modules[module] for module in ("solution", "interface", "checks", "model")}
        self._unfreeze()
        around: dict[str, Any] = {"damage": self.damage, "freeze": self.freeze, "spawned": self.spawned}
        self._second = Exam(order, send=lambda **_: None, tape=self.tape, **around)
        try:
            return self._second.passes(level, name)
        finally:
            self._unfreeze = self.freeze(self.label)
            sys.modules.update(known)

    def passes(self, level: dict[str, Any], name: str) -> bool:
        """Whether one check of `level` passes."""
        self._prepare()
        if self._preflight(level)["status"] != "pass":
            return False
        run = dict(self._runs(level)).get(name)
        try:
            return run is not None and run()["status"] == "pass"
        except Exception:  # noqa: BLE001  # then it is the check that is broken
            return False
        finally:
            self._unfreeze()

    def _runs(self, level: dict[str, Any]) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
        """The checks of a level in the order in which they are run."""
        n = level["n"]
        runs: list[tuple[str, Callable[[], dict[str, Any]]]] = [(f"examples-{n}", lambda: self._examples(n))]
        for name, function in self._ordered[n]:
            kind, _, _, needs, schedules, options = function.kata_check
            if kind == "directed":
                run = partial(self._directed, function)
            else:
                run = partial(self._scheduled, level, function, schedules, options)
            runs.append((name, run if self.order["fail_fast"] else partial(self._needing, needs, run)))
        if level["programs"]:
            runs.append((f"model-{n}", lambda: self._modelled(n, level["programs"])))
        if level["budgets"]:
            runs.append((f"budget-{n}", lambda: self._budgeted(level["budgets"])))
        runs.sort(key=lambda run: self._is_scenario(run[0]))  # schedules are a hundred times as expensive as all else
        if level["smoke"] and not self.order["fail_fast"]:
            runs.append((f"smoke-{n}", partial(self._smoked, n, level["smoke"])))
        return runs

    def _begin(self, name: str) -> None:
        self._check, self._story, self.tape.text = name, list, ""
        self.pulse += 1
        self.send(at=name)

    def _note(self, name: str, **found: Any) -> None:
        harm = self.damage()
        if harm and found.get("status") != "error":
            found = {"status": "fail", "expected": "the process is left as it was", "actual": f"the solution {harm}"}
        if found["status"] in {"fail", "error"}:
            found["output"] = self.tape.text[: self.tape.KEPT]
            raised = found.get("actual", "").partition(":")[0] if found["status"] == "error" else ""
            kind = found.pop("kind", raised)  # how it fails: a bug that fails the same check otherwise is another one
            if "-" not in name:
                self.signature += [name, f"{name}~{kind}"] if kind else [name]
        self._tell({"id": name, **found})
        if name in self._planned:
            self._planned.remove(name)

    def _skip_rest(self, why: str) -> None:
        self._tell(*({"id": name, "status": "skipped", "why": why} for name in self._planned))
        self._planned = []

    def _tell(self, *results: dict[str, Any]) -> None:
        self.results += results
        self.send(results=results)

    def _needing(self, needs: tuple[str, ...], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        passed = {result["id"] for result in self.results if result["status"] == "pass"}
        missing = [name for name in needs if name not in passed]
        return {"status": "skipped", "why": f"needs {missing[0]}"} if missing else run()

    # -- kinds of checks -----------------------------------------------------------------------------------------

    def _preflight(self, level: dict[str, Any]) -> dict[str, Any]:
        if self._entry is None:
            self._unfreeze = self.freeze(self.label)
            self._entry, problem = self._solution.load(self.order["forbid"])
            if problem is not None:
                return problem
            self._driver.entry = self._entry
        later = {name for n, adds in self.order["later"] if n > level["n"] for name in adds}
        return self._solution.conforms(later) or {"status": "pass"}

    def _examples(self, n: int) -> dict[str, Any]:
        with open(f"{self.order['folder']}/levels/{n}.md", encoding="utf-8") as file:  # noqa: PTH123  # pathlib is slow to import
            examples = preflight.examples(file.read())
        story: list[str] = []
        self._story = lambda: story
        found = preflight.play(examples, self._solution.namespace(), story, self.label)
        if found["status"] != "pass" and found.get("line") is None:
            found["line"] = return_line(
                lambda: preflight.play(examples, self._solution.namespace(), [], self.label), self.label
            )
        return found

    def _directed(self, function: Callable[[Desk], None]) -> dict[str, Any]:
        desk = Desk(self._entry, pulse=self._tick)
        self._story = lambda: desk.story
        try:
            function(desk)
        except Failed:
            if self.order["fail_fast"]:
                return {"status": "fail"}
            line = error_line(desk.blamed, self.label) if desk.blamed is not None else None
            line = line or return_line(lambda: function(Desk(self._entry, pulse=self._tick)), self.label)
            told = {"expected": desk.expected, "actual": desk.actual, "line": line}
            return {"status": "fail", "why": _sentence(function), "story": desk.story, **told}
        except BaseException as error:  # noqa: BLE001  # whose it is, is found out
            line = error_line(error, self.label)
            doubt = None if line is not None or error is desk.blamed else error
            if line is None and not self.order["fail_fast"]:
                line = return_line(lambda: function(Desk(self._entry, pulse=self._tick)), self.label)
            told = {"expected": "no exception", "actual": named(error), "line": line}
            return {"status": "error", "why": _sentence(function), "story": desk.story, **told, "doubt": doubt}
        return {"status": "pass"}

    def _modelled(self, n: int, programs: int) -> dict[str, Any]:
        driver = self._driver
        self._story = lambda: driver.story(driver.playing, driver.index) if driver.playing else []
        fast = self.order["fail_fast"]
        first, signature = driver.search(n, programs, signed=0 if fast else SIGNED)
        self.signature += [f"model-{n}:{entry}" for entry in signature]
        if first is None or fast:
            return {"status": "pass" if first is None else "fail"}
        rights = preflight.right_solutions(
            self.order["folder"], n, self.label, self.order["entry"], self._solution.interface
        )
        shortest = shrink(first, driver.beside(rights))
        found: list[Difference | None] = []
        line = return_line(lambda: found.append(driver.run(shortest)), self.label)
        difference = found[0]
        if difference is None:  # a solution that answers differently each time
            return {"status": "fail", "expected": "the same answer every time", "actual": "answers that change"}
        if difference.error is not None:
            line = error_line(difference.error, self.label) or line
        actual = difference.actual if difference.error is None else named(difference.error)
        told = {"expected": difference.expected, "actual": actual, "line": line}
        return {"status": "fail", "story": driver.story(shortest, difference.index), **told}

    def _scheduled(
        self, level: dict[str, Any], function: Any, schedules: int, options: dict[str, Any]
    ) -> dict[str, Any]:
        """Explore a scenario; a few schedules do where the level has failed, or where they are not what is asked."""
        from lldkit.dojo import schedules as bridge

        asked = self.order["schedules"]
        settled = level["n"] < self.order["settled"]
        few = asked == FEW or self._failed()
        many = min(schedules, FEW) if few else asked or schedules
        many = min(many, FEWER if settled else many, asked or many)
        orders = function.kata_orders
        if orders:  # of tasks, in one thread
            many, orders = 1, many if asked == MANY else orders
        if (settled or asked == 1) and "proof" in options:  # nothing is to be proved again
            options = {**options, "granularity": options["proof"], "proof": None}
        self._unfreeze()
        try:
            found = bridge.run(
                function,
                self._solution,
                self._tick,
                schedules=many,
                replay=self.order["schedule"],
                orders=orders,
                coarse=many // 2 if many == MANY else 0,
                locks=not (orders or self.order["fail_fast"]),
                **{"shrink": not self.order["fail_fast"], **options},
            )
            self.locks |= found.pop("locks", {})
            return found
        finally:
            self._unfreeze = self.freeze(self.label)

    def _smoked(self, n: int, rounds: int) -> dict[str, Any]:
        """Run scenarios with real threads, which prove nothing: only where the scheduler has found nothing."""
        from lldkit.dojo import smoke

        if self._failed():
            return {"status": "skipped", "why": "not run"}
        chosen = [function for _, function in in_order(self._checks, n) if hasattr(function, "kata_smoke")]
        return smoke.run([each for each in chosen if each.kata_smoke], self._entry, self._tick, rounds)

    def _budgeted(self, budgets: list[str]) -> dict[str, Any]:
        from lldkit.dojo import budgets as ratios

        return ratios.run([self._driver.kata.BUDGETS[name] for name in budgets], self._entry, self._tick)

    def _tick(self) -> None:
        self.pulse += 1


def _sentence(function: Any) -> str:
    """The docstring of a check on one line: why it matters."""
    return " ".join((function.__doc__ or "").split())
