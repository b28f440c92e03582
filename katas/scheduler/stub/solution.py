"""A scheduler: what is not to be done now is done when it is due."""

from collections.abc import Callable

from interface import SYSTEM, Clock


class Scheduler:
    """Jobs that wait for their time."""

    def __init__(self, *, clock: Clock = SYSTEM) -> None:
        """Remember the clock."""
        # TODO: level 1

    def schedule(self, task: Callable[[], object], at: float) -> int:
        """Run `task` when the clock reads `at`; the number of the job."""
        raise NotImplementedError  # TODO: level 1

    def run_due(self) -> int:
        """Run what is due, here and now; how many runs that were."""
        raise NotImplementedError  # TODO: level 1

    def run(self) -> None:
        """Run each job when it is due, until `stop` is called."""
        raise NotImplementedError  # TODO: level 1

    def stop(self) -> None:
        """Begin no other task."""
        raise NotImplementedError  # TODO: level 1

    def __len__(self) -> int:
        """How many jobs are not over: they wait, or run."""
        raise NotImplementedError  # TODO: level 1
