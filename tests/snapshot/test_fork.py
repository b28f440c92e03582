"""restart_after_fork: in the child, for owners that still live."""

import gc
import os
import sys

import pytest

from lldkit.snapshot import restart_after_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Owner:
    def __init__(self, name: str) -> None:
        self.name = name
        self.restarted: list[str] = []


def restart(owner: Owner) -> None:
    owner.restarted.append(owner.name)


def broken(owner: Owner) -> None:
    raise ValueError(owner.name)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_owners_that_live_are_restarted_in_the_child_though_one_of_them_raises() -> None:
    owners = [Owner("first"), Owner("broken"), Owner("last"), Owner("gone")]
    for owner in owners:
        restart_after_fork(owner, broken if owner.name == "broken" else restart)
    del owners[3], owner
    gc.collect()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, repr([each.restarted for each in owners]).encode())
        os._exit(0)
    os.close(writer)
    try:
        assert os.waitpid(child, 0)[1] == 0
        told = os.read(reader, 1_000).decode()
    finally:
        os.close(reader)
    assert told == "[['first'], [], ['last']]"
    assert [each.restarted for each in owners] == [[], [], []], f"the parent goes on, on {sys.platform}"
