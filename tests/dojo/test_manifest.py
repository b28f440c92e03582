"""kata.toml: every mistake is an error that names the key."""

import pytest

from lldkit.dojo.interface import Library, ManifestError
from lldkit.dojo.manifest import parse

GOOD = """
format = 1
name = "jar"
title = "A jar"
entry = "Jar"
time = { lld35 = 35 }
[[level]]
n = 1
title = "First"
minutes = 5
budgets = ["put"]
[library]
adapter = "library:Jar"
levels = [1]
"""


def test_a_manifest_is_read() -> None:
    kata = parse(GOOD)
    assert (kata.name, kata.entry, kata.last, dict(kata.time)) == ("jar", "Jar", 1, {"lld35": 35})
    assert kata.level[0].budgets == ("put",)
    assert kata.library == Library("library:Jar", (1,))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A jar"', 'titel = "A jar"', "kata.toml: titel: unknown key; the nearest known one is 'title'"),
        ("minutes = 5", "minuten = 5", "kata.toml: level[0].minuten: unknown key; the nearest known one is 'minutes'"),
        ("minutes = 5", "minutes = '5'", "kata.toml: level[0].minutes: must be int, got '5'"),
        ("minutes = 5", "minutes = true", "kata.toml: level[0].minutes: must be int, got True"),
        ('entry = "Jar"', "", "kata.toml: entry: is missing"),
        ("format = 1", "format = 2", "kata.toml: format: must be 1, got 2"),
        ("format = 1", "", "kata.toml: format: must be 1, got None"),
        ("n = 1", "n = 2", "kata.toml: level: levels are numbered 1, 2, 3 ..., got [2]"),
        ("[library]", "[library", "kata.toml: the file: is not TOML"),
        ('budgets = ["put"]', 'budgets = "put"', "kata.toml: level[0].budgets: must be an array, got 'put'"),
        ("levels = [1]", "levels = [1.5]", "kata.toml: library.levels[0]: must be int, got 1.5"),
        ("time = { lld35 = 35 }", "time = 35", "kata.toml: time: must be dict, got 35"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_key_and_what_would_be_right(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ManifestError) as error:
        parse(GOOD.replace(old, new))
    assert str(error.value).startswith(message)


def test_a_planted_bug_must_die_at_a_level_that_is_there() -> None:
    wrong = '[[wrong]]\nid = "w1"\nfile = "f"\ndies_at = 9\nkilled_by = "c"\n'
    wrong += "".join(f'{key} = "..."\n' for key in ("says", "violates", "why", "seen_in"))
    with pytest.raises(ManifestError, match=r"wrong w1.dies_at: must be a level, got 9"):
        parse(GOOD + wrong)
