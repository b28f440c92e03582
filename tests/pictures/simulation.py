"""Two workers with one lease, one of them paused for longer than the lease lasts: the picture and its trace."""

from lldkit.charts import Band, Figure, Panel, Ticks
from lldkit.simulation import Pause, Process, Simulation, Trace, simulate

LEASE = 10.0
PAUSE = Pause("a", at=21.0, seconds=16.0)


class Lease:
    """Who holds it and until when, with a number that grows with every new holder."""

    def __init__(self) -> None:
        self.holder, self.until, self.fence = "", 0.0, 0

    def claim(self, who: str, now: float) -> int | None:
        """The fence of the holder: `who` has it already, or takes it over; None if it is another's."""
        if self.holder != who and now < self.until:
            return None
        if self.holder != who:
            self.holder, self.fence = who, self.fence + 1
        self.until = now + LEASE
        return self.fence


class Log:
    """Takes writes, and refuses those from behind the fence if it is told to look."""

    def __init__(self, *, fenced: bool) -> None:
        self.fenced, self.fences = fenced, list[int]()

    def write(self, fence: int) -> bool:
        """Whether it was taken."""
        if self.fenced and fence < max(self.fences, default=0):
            return False
        self.fences.append(fence)
        return True

    def is_in_order(self) -> bool:
        """No write came after one of a later holder."""
        return self.fences == sorted(self.fences)


def run(*, fenced: bool) -> Trace:
    """A minute of two workers that claim the lease, work for two seconds, and write."""

    async def world(sim: Simulation) -> None:
        lease, log = Lease(), Log(fenced=fenced)

        async def worker(process: Process) -> None:
            rng = sim.rng(process.name)
            while True:
                fence = lease.claim(process.name, process.clock.monotonic())
                if fence is None:
                    await process.clock.asleep(rng.uniform(1, 3))
                    continue
                await process.clock.asleep(rng.uniform(1, 3))  # the work
                taken = log.write(fence)
                sim.trace.record(process.name, f"write {fence} {'taken' if taken else 'refused'}")

        sim.process("a", worker)
        sim.process("b", worker)
        sim.always("order of writes", log.is_in_order)

    return simulate(world, seed=3, until=60, faults=[PAUSE])


def writes(trace: Trace, of: str, what: str) -> list[float]:
    """When a worker's writes were taken or refused."""
    return [event.at for event in trace.events if event.subject == of and event.text.endswith(what)]


def panel(trace: Trace, label: str) -> Panel:
    """Lanes of writes over the pause."""
    broken = [violation.at for violation in trace.violations]
    return Panel(
        [
            Band(PAUSE.at, PAUSE.at + PAUSE.seconds, "a stands still"),
            Ticks(writes(trace, "a", "taken"), "writes of a"),
            Ticks(writes(trace, "b", "taken"), "writes of b"),
            Ticks([*broken, *writes(trace, "a", "refused")], "too late", "bad"),
        ],
        label,
    )


def generated() -> dict[str, str]:
    """The same minute with and without a fence, and how the trace of the broken one goes."""
    broken, kept = run(fenced=False), run(fenced=True)
    picture = Figure(
        "A pause that outlives a lease of ten seconds",
        [panel(broken, "without a fence: the late write is taken"), panel(kept, "with a fence: it is refused")],
        x_label="simulated seconds",
    )
    begin, end = (
        next(index for index, event in enumerate(broken.events) if event.text.startswith(text))
        for text in ("Pause", "VIOLATED")
    )
    return {
        "docs/img/simulation-lease.svg": picture.to_svg(),
        "docs/simulation.md#trace": "\n".join(["```text", *broken.lines()[begin - 1 : end + 1], "```"]),
    }
