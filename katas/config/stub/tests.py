"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import Says
from solution import Settings


def test_the_last_layer_wins():
    settings = Settings(layers={"file": Says({"port": 80}), "env": Says({"port": 8080})})
    assert settings.get("port") == 8080
