"""Regular expressions: what RE2 says, in a table by hand, and google-re2 itself beside random patterns and texts."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lldkit.feature_flags import regex
from lldkit.feature_flags.regex import compile_re2

TABLE = [  # pattern, texts that match, texts that do not
    ("", ["", "anything"], []),
    ("b", ["b", "abc"], ["", "B"]),
    ("^[^@]+@[^@]+$", ["a@b"], ["a", "a@b@c"]),
    (r"^user\d{3}$", ["user123"], ["user12", "user1234", "user12\u0663"]),  # an Arabic three is no \d
    (r"\bcat\b", ["a cat b", "écaté cat"], ["concatenate", "cat_"]),
    (r"é\b", ["éa"], ["é", "é!"]),  # é is no \w, so a boundary needs a word character behind it
    (r"\Bcat", ["concat"], ["cat"]),
    ("a$", ["a", "ba"], ["a\n"]),  # the very end, not before a last line end
    ("(?m)a$", ["a\nb"], ["ab"]),
    ("(?m)^b", ["a\nb"], ["ab"]),
    ("^b", ["b"], ["a\nb"]),
    (r"(?m)\Ab\z", ["b"], ["a\nb", "b\na"]),
    ("a.b", ["a-b"], ["a\nb"]),
    ("(?s)a.b", ["a\nb"], ["ab"]),
    ("[^a]", ["\n", "b"], ["", "a"]),
    ("x(?i)yz", ["xYZ", "xyz"], ["XYZ"]),  # from here on
    ("x(?i:y)z", ["xYz"], ["xYZ"]),
    ("(x(?i)y)z", ["xYz"], ["xYZ"]),  # and up to the end of the group
    ("(?i)a(?-i)b", ["Ab"], ["AB"]),
    ("a|(?i)b|c", ["a", "B", "C"], ["A"]),
    ("(?i)[k-l]", ["K", "L", "\u212a"], ["j"]),
    ("(?i)[^k]", ["j"], ["k", "K"]),
    (r"^(?i)[h-z\pM]$", ["I", "\u017f"], ["\u0130", "\u00df"]),  # letters whose other case is more than one letter
    ("[[:alpha:]]+[[:^alpha:]]", ["a1"], ["1", "a", "é1"]),
    ("[]a]", ["]", "a"], ["b"]),
    ("[^]a]", ["b"], ["]", "a"]),
    (r"[\d\-x-z]", ["5", "-", "y"], ["a"]),
    ("[a-]", ["-"], ["b"]),
    ("a{2}", ["aa"], ["a"]),
    ("^a{2,}$", ["aa", "aaaa"], ["a"]),
    ("^a{1,2}$", ["a", "aa"], ["", "aaa"]),
    ("^a{0}b?$", ["", "b"], ["a"]),
    ("a{,2}", ["a{,2}"], ["aa"]),  # not a count, so a text
    ("{x", ["{x"], ["x"]),
    ("^(a|b)*?c+?$", ["c", "abcc"], ["ab"]),
    ("^(?:)*$", [""], ["a"]),
    (r"\Q(a|\.*\E+", ["(a|\\.*", "(a|\\.**"], ["a"]),
    (r"\x41\x{1F600}\101\a", ["A\U0001f600A\a"], ["A"]),
    (r"\pL\PN\p{Lu}\p{^Lu}", ["éaÉa"], ["1aÉa", "a1Éa", "aaaa"]),
    (r"(?P<year>\d+)-(?<month>\d+)", ["2026-01"], ["2026"]),
    (r"\_\/\.", ["_/."], ["_/a"]),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), TABLE, ids=[row[0] for row in TABLE])
def test_a_pattern_matches_what_re2_says(pattern: str, matching: list[str], other: list[str]) -> None:
    expression = compile_re2(pattern)
    assert [text for text in [*matching, *other] if expression.search(text)] == matching


REFUSED = {
    "(?=a)": "there is no group",
    "(?!a)": "there is no group",
    "(?<=a)": "there is no group",
    "(?>a)": "there is no group",
    "(?#a)": "there is no group",
    "(?)": "there is no group",
    r"(a)\1": r"there is no escape \\1",
    r"\Z": r"there is no escape \\Z",
    r"\C": r"there is no escape \\C",
    r"\é": r"there is no escape \\é",
    "\\": "there is no escape",
    r"\x{110000}": "there is no character",
    r"\p{Greek}": "Greek is not known",
    r"\pX": "X is not known",
    "(regex": r"a \( is not closed",
    "a)": r"a \) closes nothing",
    "[a": r"a \[ is not closed",
    "[]": r"a \[ is not closed",
    "[z-a]": "the range z-a is backwards",
    r"[a-\d]": r"there is no escape \\d",
    "[[:foo:]]": r"there is no class \[:foo:\]",
    "*": "repeats nothing",
    "a|+": "repeats nothing",
    "({2})": "repeats nothing",
    "a**": "repeats a repetition",
    "a++": "repeats a repetition",
    "a{2}{3}": "repeats a repetition",
    "a{3,2}": "counts backwards",
    "a{1001}": "more than 1000 times",
    "a{1," + "9" * 5000 + "}": "more than 1000 times",
    "(?P<n>a)(?P<n>b)": "two groups are called 'n'",
    "(" * 101 + ")" * 101: "nested deeper than 100",
    "(?:(?:a{100}){100}){100}": "too large a pattern",
    "(?:(?:(?:){1000}){1000}){1000}": "too large a pattern",
}


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:20])
def test_what_cannot_be_matched_in_linear_time_or_is_no_re2_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=REFUSED[pattern]):
        compile_re2(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "^(a|aa)+$", "a*a*a*a*b", "(.*a){20}$", "(a?){50}a{50}b"])
def test_patterns_that_hold_a_backtracking_matcher_for_ever_are_answered(pattern: str) -> None:
    expression = compile_re2(pattern)
    assert not expression.search("a" * 5_000 + "!")
    assert expression._remembered < 500  # for the same neighbours and the same states it never thinks twice


def test_what_is_remembered_is_bounded() -> None:
    expression = compile_re2("(?s)a.*z")
    everything = "".join(chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    assert expression.search(everything) is True
    assert not expression.search(everything[::-1])
    assert expression._remembered <= regex.MOST_REMEMBERED
    assert sum(len(known.moves) for known in expression._sets.values()) <= regex.MOST_REMEMBERED


def test_an_expression_shows_its_pattern() -> None:
    assert repr(compile_re2("a+")) == "<Regex 'a+'>"


def test_threads_may_share_an_expression() -> None:
    expression = compile_re2("(?i)(x+x+)+y$")
    texts = ["x" * length + end for length in range(2, 60) for end in ("y", "z")]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(expression.search, texts * 5)) == [text.endswith("y") for text in texts] * 5


PIECES = [
    *"abAZ09_ -\n.^$|()[]*+?{},\\:KkSsé",
    *(r"\d", r"\W", r"\b", r"\B", r"\s", r"\A", r"\z", "[[:alpha:]]", "[^a]", "(?i)", "(?:", "(?m)", "(?s)", "(?-i)"),
    *("(?i:", "{2}", "{1,3}", "{0,}", r"\pL", r"\PN", r"\p{Lu}", r"\x41", r"\Q", r"\E", r"\101", r"\_", "(?<n>"),
    *(r"[^\d]", "[]a]", "[a-]", r"[\w-]", "(?=", r"\1"),
]
TEXTS = st.text("abAkKs\u212a\u017féÉ\u0130 \n09_-]{", max_size=6)
AFTER_FLAGS = re.compile(r"\(\?-?[imsU]\)(\\Q(\\E|$))*[*+?{]")  # RE2 repeats what stood before the flags; we refuse


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.lists(TEXTS, max_size=5), st.booleans())
def test_answers_and_refusals_are_those_of_google_re2(pattern: str, texts: list[str], ignore_case: bool) -> None:
    re2 = pytest.importorskip("re2")
    assume(not AFTER_FLAGS.search(pattern))
    options = re2.Options()
    options.log_errors, options.case_sensitive = False, not ignore_case
    try:
        theirs = re2.compile(pattern, options)
    except re2.error:
        with pytest.raises(ValueError, match="is no pattern of RE2"):
            compile_re2(pattern, ignore_case=ignore_case)
    else:
        ours = compile_re2(pattern, ignore_case=ignore_case)
        assert [ours.search(text) for text in texts] == [theirs.search(text) is not None for text in texts]
