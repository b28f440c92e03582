"""Processes over one SQLite file: one dedupe key, one outbox."""

import json
import subprocess
import sys
from pathlib import Path

from lldkit.notifications import Route
from lldkit.notifications.sqlite import SQLiteStore
from notifications.helpers import World

NOTIFY = """
import json, sys
from lldkit.notifications import *
from lldkit.notifications.sqlite import SQLiteStore
router = Notifier(
    routes=Route(to=("email",)),
    channels={"email": FakeChannel("email")},
    templates=Templates({"news": {"email": Template(text="it is $name")}}),
    directory=MemoryDirectory([Recipient("u1", {"email": "u1@example.com"})]),
    store=SQLiteStore(sys.argv[1]),
)
print("ready", flush=True)
sys.stdin.readline()
receipts = [router.notify("u1", "news", {"name": "x"}, dedupe_key=str(key)) for key in range(20)]
print(json.dumps([receipt.duplicate_of or receipt.id for receipt in receipts]), flush=True)
"""


def test_two_processes_with_one_dedupe_key_make_one_delivery(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    world = World(Route(to=("email",)), store=SQLiteStore(path))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", NOTIFY, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        assert [child.stdout and child.stdout.readline() for child in children] == ["ready\n"] * 2
        answers = [json.loads(child.communicate("go\n", timeout=60)[0]) for child in children]
    finally:
        for child in children:
            child.kill()
    assert answers[0] == answers[1]
    world.clock.advance(10 * 365 * 86_400)  # the children's clock is the real one
    assert world.run().sent == 20
    assert len({message.id for message in world.channels["email"].sent}) == 20
    world.router.close()
