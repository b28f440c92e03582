"""Play with your flags: `python demo.py`."""

from interface import Document
from solution import Flags

flags = Flags(
    Document(
        flags={
            "search": {"enabled": True, "serve": True},
            "export": {"enabled": False, "serve": True, "off": False},
            "upload": {"enabled": False, "serve": True},
        }
    )
)
user = {"id": "ann", "country": "SE"}
for key in ("search", "export", "upload", "no such flag"):
    answers = [flags.enabled(key, user, default) for default in (True, False)]
    print(f"{key:14} by default True: {answers[0]!s:6} by default False: {answers[1]}")
