"""Price lists as JSON, so that a lot that restarts still prices each stay by the version of its entry.

A pricer of your own is kept as a `StorablePricer`; it is read back by the class of the lot's own tariff.
"""

from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any

from lldkit.parking_lot.bill import Pricer, Rounding, StorablePricer
from lldkit.parking_lot.ocpi import Tariff
from lldkit.parking_lot.ratetable import RateLine, RateTable, Window

__all__ = ["document", "restored"]

LINE = ("kind", "value", "seconds", "start_seconds", "end_seconds", "cliff")


def document(pricer: Pricer) -> dict[str, Any] | None:
    """The JSON object of a price list; None for a pricer that cannot be stored."""
    if isinstance(pricer, StorablePricer):
        return {"kind": _kind(pricer), "document": dict(pricer.document())}
    if isinstance(pricer, Tariff):
        return {"kind": "ocpi", "tz": pricer.tz, "rounding": pricer.rounding.name, "tariff": pricer.to_ocpi()}
    if not isinstance(pricer, RateTable):
        return None
    windows = [
        {
            "lines": _lines(window.lines),
            "days": None if window.days is None else sorted(window.days),
            "start_time": window.start_time.isoformat(),
            "end_time": window.end_time.isoformat(),
        }
        for window in pricer.windows
    ]
    plain = {name: getattr(pricer, name) for name in ("currency", "tz", "daily_cap", "crossing")}
    vat = None if pricer.vat is None else str(pricer.vat)
    more = {"lines": _lines(pricer.lines), "windows": windows, "reset": pricer.reset.isoformat(), "vat": vat}
    return {"kind": "table", **plain, **more}


def _lines(lines: Sequence[RateLine]) -> list[dict[str, Any]]:
    return [{name: getattr(line, name) for name in LINE} for line in lines]


def _kind(pricer: Pricer) -> str:
    return f"{type(pricer).__module__}.{type(pricer).__qualname__}"


def restored(text: Mapping[str, Any], like: Pricer) -> Pricer:
    """The price list of a JSON object that `document` made; a `TypeError` where `like` is not of its class."""
    given = dict(text)
    kind = given.pop("kind")
    if "document" in given:
        if not isinstance(like, StorablePricer) or kind != _kind(like):
            raise TypeError(f"somebody parks by a price list of {kind}; a lot with such a tariff can read it back")
        return like.restored(given["document"])
    if kind == "ocpi":
        tariff = Tariff.from_ocpi(given["tariff"], tz=given["tz"])
        names = ("id", "currency", "elements", "tz", "min_price", "max_price", "others")
        return Tariff(**{name: getattr(tariff, name) for name in names}, rounding=Rounding[given["rounding"]])
    windows = [
        Window(
            _read_lines(window["lines"]),
            days=window["days"],
            start_time=time.fromisoformat(window["start_time"]),
            end_time=time.fromisoformat(window["end_time"]),
        )
        for window in given.pop("windows")
    ]
    vat = given.pop("vat")
    return RateTable(
        lines=_read_lines(given.pop("lines")),
        windows=windows,
        reset=time.fromisoformat(given.pop("reset")),
        vat=None if vat is None else Decimal(vat),
        **given,
    )


def _read_lines(lines: Sequence[Mapping[str, Any]]) -> list[RateLine]:
    return [RateLine(**line) for line in lines]
