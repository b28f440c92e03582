"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from solution import Flags


def test_a_flag_that_is_enabled_serves_what_it_serves():
    flags = Flags({"flags": {"search": {"enabled": True, "serve": True}}})
    assert flags.enabled("search", {"id": "ann"}, False) is True
