"""A process that lets cars in until the lot is full: `racing.py ENGINE ADDRESS NAME`; it prints where they stand."""

import json
import sys
from typing import Any

from lldkit.parking_lot import LotFull, ParkingLot, RateTable, Space, Vehicle, per
from lldkit.parking_lot.postgres import PostgresStore
from lldkit.parking_lot.sqlite import SQLiteStore

SPACES = [Space(f"S{n:02}", size="regular", distances={"north": n, "south": 99 - n}) for n in range(40)]
HOURLY = RateTable(currency="EUR", tz="UTC", lines=[per(3600, 200)])


def opened(engine: str, address: str, **options: Any) -> ParkingLot:
    """The lot on an engine."""
    store = SQLiteStore(address, busy_timeout=60.0) if engine == "sqlite" else PostgresStore(address, timeout=60.0)
    return ParkingLot(SPACES, tariff=HOURLY, store=store, **options)


def main(engine: str, address: str, name: str) -> None:
    got: list[str] = []
    with opened(engine, address) as lot:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        try:
            for n in range(100):
                gate = "north" if int(name) % 2 else "south"
                got.append(lot.enter(Vehicle(f"{name} x {n}"), gate=gate, key=f"{name} {n}").space_id)
        except LotFull:
            pass
    sys.stdout.write(json.dumps(got))


if __name__ == "__main__":
    main(*sys.argv[1:])
