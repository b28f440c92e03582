"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from solution import Lab


def test_nobody_was_interrupted():
    assert Lab().preemptions(["Ann reads x", "Ann writes x", "Bob reads x"]) == []
