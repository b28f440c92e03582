"""Threads and histories under control.

>>> history = History()
>>> stock = history.wrap({})
>>> stock["nut"] = 3
>>> check_linearizable(history, Model.of(dict)).assert_ok().verdict
'linearizable'
"""

from lldkit.interleave.history import History, Token
from lldkit.interleave.interface import InterleaveError
from lldkit.interleave.linearizability import Check, NotLinearizable, check_linearizable
from lldkit.interleave.model import Model
from lldkit.interleave.operation import PENDING, Keyword, Operation, Raised

__all__ = [
    "PENDING",
    "Check",
    "History",
    "InterleaveError",
    "Keyword",
    "Model",
    "NotLinearizable",
    "Operation",
    "Raised",
    "Token",
    "check_linearizable",
]
