"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from solution import Cache


def test_the_least_recently_used_leaves():
    cache = Cache(maxsize=1)
    cache.put("ann", 1)
    cache.put("bob", 2)
    assert "ann" not in cache
    assert cache.get("bob") == 2
