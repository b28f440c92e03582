"""Failures of whole systems, small enough to be tests: each laboratory is a function from a seed to a frozen report.

Nothing waits and nothing is random beyond the seed; a report has its curves as `Series` and is written by `to_json()`.
"""

from lldkit.simulation.interface import Series
from lldkit.simulation.laboratories.backoff_contention import Contention, backoff_contention
from lldkit.simulation.laboratories.config_push import config_push
from lldkit.simulation.laboratories.hedging import Hedging, hedging
from lldkit.simulation.laboratories.metastable import metastable
from lldkit.simulation.laboratories.overload import Outage, Server
from lldkit.simulation.laboratories.policies import Budget, ClientPolicy, Retries, full_jitter
from lldkit.simulation.laboratories.queueing import Queueing, queueing
from lldkit.simulation.laboratories.report import Report
from lldkit.simulation.laboratories.retry_amplification import Amplification, retry_amplification
from lldkit.simulation.laboratories.retry_storm import Storm, retry_storm
from lldkit.simulation.laboratories.thundering_herd import Herd, LoadingCache, thundering_herd

__all__ = [
    "Amplification",
    "Budget",
    "ClientPolicy",
    "Contention",
    "Hedging",
    "Herd",
    "LoadingCache",
    "Outage",
    "Queueing",
    "Report",
    "Retries",
    "Series",
    "Server",
    "Storm",
    "backoff_contention",
    "config_push",
    "full_jitter",
    "hedging",
    "metastable",
    "queueing",
    "retry_amplification",
    "retry_storm",
    "thundering_herd",
]
