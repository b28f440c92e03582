"""Play with your cache: `python demo.py`. Which keys are left after each request?"""

from solution import Cache

cache = Cache(maxsize=3)
for key in "a b c a d a e".split():
    verdict = "hit" if cache.get(key) else "miss"
    cache.put(key, key.upper())
    print(f"{key} {verdict:4} {[each for each in 'abcde' if each in cache]}")
