"""The scheduler."""

from lldkit.scheduler.cron import cron
from lldkit.scheduler.dst import DST

__all__ = ["DST", "cron"]
