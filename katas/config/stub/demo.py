"""Play with your settings: `python demo.py`. `Says` is a layer that says the same each time."""

from interface import Missing, Says
from solution import Settings

settings = Settings(
    layers={
        "file": Says({"host": "example.org", "pool": {"size": 10, "wait": 2.5}}),
        "env": Says({"host": "localhost", "debug": False}),
    }
)

for path in ("host", "debug", "pool.size", "pool.sise"):
    try:
        print(f"{path:10} {settings.get(path)!r}")
    except Missing as error:
        print(f"{path:10} is missing; did you mean {error.near}?")
