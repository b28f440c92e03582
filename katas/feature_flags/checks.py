"""The directed checks and the scenarios of the feature flags.

Shares are counted among fixed users. The bounds are so wide, eight standard deviations mostly, that a hash that spreads its
inputs misses one in a billion times at most.
"""

import builtins
import threading
from contextlib import contextmanager

from interface import Document, Why
from lldkit.dojo.author import Desk, check, scenario

ANN, NOBODY = {"id": "ann"}, {}
SWEDE = {"id": "ann", "country": "SE"}


def flag(*rules, **parts):
    """A flag that is enabled, with its rules."""
    return {"enabled": True, **({"rules": list(rules)} if rules else {}), **parts}


def document(segments=None, **flags):
    return Document({"segments": segments, "flags": flags} if segments else {"flags": flags})


class Named(Document):
    """A document whose parts the story has shown before, by name."""

    def __repr__(self):
        segments = "'segments': segments, " if "segments" in self else ""
        return f"{{{segments}'flags': {{{', '.join(f'{key!r}: {key}' for key in self['flags'])}}}}}"


def make(desk, segments=None, **flags):
    """The solution's object; a long document is told in several lines."""
    whole = document(segments, **flags)
    if len(repr(whole)) <= 80:
        return desk.make(whole)
    if segments:
        tell(desk, f"segments = {segments!r}")
    for key, definition in flags.items():
        tell(desk, f"{key} = {definition!r}")
    return desk.make(Named(whole))


def tell(desk, line, value=None):
    """A line of the story, and what it yields."""
    return desk.quietly(line, lambda: value)


# -- level 1: on, off, unknown ---------------------------------------------------------------------------------------


@check(level=1)
def an_enabled_flag_serves_what_it_serves(desk: Desk) -> None:
    """The plain switch."""
    flags = make(desk, a=flag(serve=True, off=False))
    desk.expect(flags.enabled("a", ANN, False), True)


@check(level=1, kills=["w01"])
def false_is_an_answer(desk: Desk) -> None:
    """Somebody has switched it off; a default of True must not switch it on again."""
    flags = make(desk, a=flag(serve=False))
    desk.expect(flags.enabled("a", ANN, True), False)


@check(level=1, kills=["w02"])
def an_unknown_flag_is_the_callers_default(desk: Desk) -> None:
    """Whoever asks knows which answer is safe when the flag is gone; for a check of rights it is not False."""
    flags = make(desk)
    desk.expect(flags.enabled("a", ANN, True), True)
    desk.expect(flags.enabled("a", ANN, False), False)


@check(level=1, kills=["w22"])
def a_disabled_flag_serves_off(desk: Desk) -> None:
    """ "Disabled" is a state of the flag, not an answer; the answer of a kill switch may well be True."""
    flags = make(desk, a={"enabled": False, "serve": False, "off": True})
    desk.expect(flags.enabled("a", ANN, False), True)
    desk.afresh()
    flags = make(desk, a={"enabled": False, "serve": False})
    desk.expect(flags.enabled("a", ANN, True), True)


# -- level 2: rules --------------------------------------------------------------------------------------------------


@check(level=2, kills=["w06"])
def the_first_rule_that_holds_decides(desk: Desk) -> None:
    """Exceptions stand before what they are exceptions from."""
    flags = make(desk, a=flag({"when": [["in", "country", ["SE"]]], "serve": "first"}, {"serve": "second"}))
    desk.expect(flags.variant("a", SWEDE, ""), "first")
    desk.expect(flags.variant("a", ANN, ""), "second")


@check(level=2, kills=["w03"])
def who_lacks_the_attribute_is_no_error(desk: Desk) -> None:
    """A request without a country must not fail because of a flag."""
    for condition in (["in", "country", ["SE"]], ["gte", "build", 12], ["lt", "build", 12]):
        desk.afresh()
        flags = make(desk, a=flag({"when": [condition], "serve": "rule"}, serve="rest"))
        desk.expect(flags.variant("a", ANN, ""), "rest")


@check(level=2, kills=["w04"], needs=["who_lacks_the_attribute_is_no_error"])
def who_lacks_the_attribute_is_not_outside_either(desk: Desk) -> None:
    """ "Not in the EU" must not hold for everybody whose country nobody knows."""
    flags = make(desk, a=flag({"when": [["not_in", "country", ["SE"]]], "serve": "outside"}, serve="rest"))
    desk.expect(flags.variant("a", {"country": "US"}, ""), "outside")
    desk.expect(flags.variant("a", SWEDE, ""), "rest")
    desk.expect(flags.variant("a", ANN, ""), "rest")


@check(level=2, kills=["w05"])
def true_is_not_one(desk: Desk) -> None:
    """In Python True == 1; a cohort with the number 1 must not have everybody in it who is a beta tester."""
    flags = make(desk, a=flag({"when": [["in", "beta", [1]]], "serve": "one"}, serve="rest"))
    desk.expect(flags.variant("a", {"beta": True}, ""), "rest")
    desk.expect(flags.variant("a", {"beta": 1.0}, ""), "one")
    desk.afresh()
    flags = make(desk, a=flag({"when": [["gte", "beta", 1]], "serve": "one"}, serve="rest"))
    desk.expect(flags.variant("a", {"beta": True}, ""), "rest")


@check(level=2, kills=["w23"])
def a_boolean_is_no_number(desk: Desk) -> None:
    """Whoever asks for a number goes on to calculate with it; with True that goes well, and wrong."""
    flags = make(desk, a=flag(serve=True), b=flag(serve=1))
    desk.expect(flags.variant("a", ANN, 7), 7)
    desk.expect(flags.enabled("b", ANN, False), False)
    desk.expect(flags.variant("b", ANN, 7.5), 1)


@check(level=2, kills=["w24"])
def a_list_is_no_error(desk: Desk) -> None:
    """Attributes come from outside; a list in the place of a text must not end the request."""
    flags = make(desk, a=flag({"when": [["in", "country", ["SE"]]], "serve": "rule"}, serve="rest"))
    desk.expect(flags.variant("a", {"country": ["SE"]}, ""), "rest")
    desk.expect(flags.variant("a", {"country": {"SE": 1}}, ""), "rest")


# -- level 3: a share of the users -----------------------------------------------------------------------------------


def people(desk, count):
    """Users with ids in a row, told in one line."""
    line = f"users = [{{'id': f'user-{{n}}'}} for n in range({count})]"
    return tell(desk, line, [{"id": f"user-{n}"} for n in range(count)])


def hexes(desk, count):
    """Users with ids of a fixed width."""
    line = f"users = [{{'id': f'{{n:08x}}'}} for n in range({count})]"
    return tell(desk, line, [{"id": f"{n:08x}"} for n in range(count)])


def rollout(percent, **parts):
    return flag({"percent": percent, "serve": True}, serve=False, **parts)


def taken(desk, flags, users, key="a", name=None):
    """The ids of those whom the rollout of `key` takes."""
    ask = object.__getattribute__(flags, "_target").enabled  # thousands of lines would be written for nobody
    line = f"{name or f'in_{key}'} = {{user['id'] for user in users if {flags!r}.enabled({key!r}, user, False)}}"
    return desk.quietly(line, lambda: {user["id"] for user in users if ask(key, user, False)})


def between(desk, low, count, high, what):
    desk.true(low <= count <= high, f"{what}, from {low} to {high}", f"{count}")


@check(level=3, kills=["w08"])
def an_answer_stays(desk: Desk) -> None:
    """A user who sees the new page, and on the next click the old one, writes to support."""
    flags, users = make(desk, a=rollout(50)), people(desk, 100)
    once, again = taken(desk, flags, users, name="once"), taken(desk, flags, users, name="again")
    desk.true(once == again, "once == again", "they differ")


@contextmanager
def another_process():
    """`hash` has another secret in each process; here it is exchanged under the solution."""
    here = builtins.hash
    builtins.hash = lambda thing: here((thing, "another process"))
    try:
        yield
    finally:
        builtins.hash = here


@check(level=3, kills=["w07"], needs=["an_answer_stays"])
def an_answer_stays_after_a_restart(desk: Desk) -> None:
    """With each deployment, and on each of twenty servers, other users would be in."""
    flags, users = make(desk, a=rollout(50)), people(desk, 100)
    here = taken(desk, flags, users, name="here")
    tell(desk, "# from here on hash() is that of another process")
    with another_process():
        flags = make(desk, a=rollout(50))
        there = taken(desk, flags, users, name="there")
    desk.true(here == there, "here == there", "they differ")


@check(level=3, needs=["an_answer_stays"])
def a_percent_takes_its_share(desk: Desk) -> None:
    """Ten percent of the load is what was planned for, whatever the ids look like."""
    for some in (people, hexes):
        for percent, low, high in ((30, 47, 193), (70, 207, 353)):
            desk.afresh()
            flags, users = make(desk, a=rollout(percent)), some(desk, 400)
            between(desk, low, len(taken(desk, flags, users)), high, f"len(in_a): about {4 * percent}")


@check(level=3, kills=["w10"])
def nobody_at_zero_everybody_at_a_hundred(desk: Desk) -> None:
    """0 is how a rollout is stopped in the night; one user in a thousand who stays in is found by morning."""
    for percent, size in ((0, 3000), (100, 300)):
        desk.afresh()
        flags, users = make(desk, a=rollout(percent)), people(desk, size)
        found, wanted = len(taken(desk, flags, users)), size * percent // 100
        desk.true(found == wanted, f"len(in_a) == {wanted}", f"{found}")


@check(level=3)
def not_everybody_at_99(desk: Desk) -> None:
    """The last percent is where one waits for the answer of those who were left out."""
    flags, users = make(desk, a=rollout(99)), people(desk, 2100)
    desk.true(len(taken(desk, flags, users)) < 2100, "len(in_a): about 2079", "all 2100")


@check(level=3, kills=["w25"])
def a_percent_may_be_a_tenth(desk: Desk) -> None:
    """The first step of a risky change is one user in a thousand."""
    flags, users = make(desk, a=rollout(0.1, salt="s"), b=rollout(0.9, salt="s")), people(desk, 2600)
    fewer, more = taken(desk, flags, users, "a"), taken(desk, flags, users, "b")
    desk.true(len(fewer) < len(more), "len(in_a): about 3, len(in_b): about 23", f"{len(fewer)} and {len(more)}")


@check(level=3, needs=["an_answer_stays"])
def a_higher_percent_keeps_everybody(desk: Desk) -> None:
    """Going from 10 to 20 percent must not take the new page away from anybody."""
    users, before = people(desk, 200), set()
    for percent in (1, 10, 20, 50, 100):
        flags = make(desk, a=rollout(percent))
        now = taken(desk, flags, users, name=f"at_{percent}")
        desk.true(before <= now, f"at_{percent} has all of the percent before", "some are gone")
        before = now


@check(level=3, kills=["w09"], needs=["an_answer_stays"])
def two_flags_begin_with_different_users(desk: Desk) -> None:
    """If all flags begin with the same 10 %, these users have every half-finished thing at once."""
    flags, users = make(desk, a=rollout(10), b=rollout(10)), people(desk, 500)
    both = taken(desk, flags, users, "a") & taken(desk, flags, users, "b")
    desk.true(len(both) <= 30, "len(in_a & in_b): about 5, at most 30", f"{len(both)}")


@check(level=3, kills=["w11"], needs=["two_flags_begin_with_different_users"])
def two_flags_choose_independently(desk: Desk) -> None:
    """When one flag says what another one will say, no experiment can tell which of them made the difference."""
    for some in (people, hexes):
        desk.afresh()
        flags, users = make(desk, a=rollout(50), b=rollout(50)), some(desk, 400)
        both = taken(desk, flags, users, "a") & taken(desk, flags, users, "b")
        between(desk, 31, len(both), 169, "len(in_a & in_b): about 100")


@check(level=3, needs=["an_answer_stays"])
def the_salt_decides_and_not_the_flag(desk: Desk) -> None:
    """A flag that is renamed, or gets one more rule before its rollout, must not begin with other users."""
    users = people(desk, 200)
    first = {"when": [["in", "country", ["SE"]]], "serve": True}
    flags = make(
        desk, a=rollout(50), b=rollout(50, salt="a"), c=flag(first, *rollout(50)["rules"], serve=False, salt="a")
    )
    one, same, moved = (taken(desk, flags, users, key) for key in "abc")
    desk.true(one == same, "in_a == in_b", "they differ")
    desk.true(one == moved, "in_a == in_c", "they differ")


@check(level=3, kills=["w26"])
def nobody_without_an_id_is_taken(desk: Desk) -> None:
    """All visitors who have not logged in would be one and the same user."""
    flags = make(desk, a=rollout(100))
    desk.expect(flags.enabled("a", {"country": "SE"}, True), False)


@check(level=3)
def who_is_not_taken_goes_on(desk: Desk) -> None:
    """A percent is one more condition of its rule, not the end of the flag."""
    flags = make(desk, a=flag({"percent": 0, "serve": "first"}, {"serve": "second"}))
    desk.expect(flags.variant("a", ANN, ""), "second")


# -- level 4: splits and segments ------------------------------------------------------------------------------------


def served(desk, flags, users, key="a", name="got"):
    """What each user is served, told in one line."""
    ask = object.__getattribute__(flags, "_target").variant
    line = f"{name} = {{user['id']: {flags!r}.variant({key!r}, user, '') for user in users}}"
    return desk.quietly(line, lambda: {user["id"]: ask(key, user, "") for user in users})


def count(got, value):
    return sum(each == value for each in got.values())


@check(level=4, kills=["w27"])
def weights_are_relative(desk: Desk) -> None:
    """Weights are written as shares, as percents, as people think of them."""
    users = people(desk, 200)
    flags = make(desk, a=flag(split=[["x", 1], ["y", 1]]), b=flag(split=[["x", 50], ["y", 50]], salt="a"))
    small, large = served(desk, flags, users, "a", "small"), served(desk, flags, users, "b", "large")
    desk.true(small == large, "small == large", "they differ")


@check(level=4)
def users_are_shared_out_by_weight(desk: Desk) -> None:
    """The smaller the share, the longer the experiment; somebody has calculated it."""
    flags, users = make(desk, a=flag(split=[["x", 1], ["never", 0], ["y", 3]])), people(desk, 400)
    got = served(desk, flags, users)
    x, never, y = (count(got, value) for value in ("x", "never", "y"))
    between(desk, 31, x, 169, "users with x: about 100")
    desk.true((never, y) == (0, 400 - x), "all others have y", f"{never} with never, {y} with y")


HALVES = [["x", 50], ["y", 50]]


def halved(percent):
    return flag({"percent": percent, "split": HALVES})


@check(level=4, kills=["w12"], needs=["users_are_shared_out_by_weight"])
def a_split_is_fair_within_a_rollout(desk: Desk) -> None:
    """With one hash for both, the first 20 % are all in x; the experiment runs for weeks and compares nothing."""
    flags, users = make(desk, a=halved(20)), people(desk, 800)
    got = served(desk, flags, users)
    x, y = count(got, "x"), count(got, "y")
    between(desk, 69, x + y, 251, "users with x or y: about 160")
    desk.true(x >= 12 and y >= 12, "users with x and with y: about 80, at least 12 each", f"{x} and {y}")


@check(level=4, kills=["w13"], needs=["users_are_shared_out_by_weight"])
def a_higher_percent_moves_nobody(desk: Desk) -> None:
    """Who changes sides in the middle of an experiment spoils both."""
    users = people(desk, 300)
    before = served(desk, make(desk, a=halved(40)), users, name="before")
    after = served(desk, make(desk, a=halved(80)), users, name="after")
    moved = sum(after[each] != value for each, value in before.items() if value)
    desk.true(moved == 0, "who had a value before has the same after", "some have the other one")


@check(level=4, needs=["users_are_shared_out_by_weight"])
def moved_weight_moves_only_its_users(desk: Desk) -> None:
    """A wider y at the cost of z says nothing about those with x."""
    users = people(desk, 300)
    before = served(desk, make(desk, a=flag(split=[["x", 50], ["y", 20], ["z", 30]])), users, name="before")
    after = served(desk, make(desk, a=flag(split=[["x", 50], ["y", 30], ["z", 20]])), users, name="after")
    moves = {(before[each], after[each]) for each in before if before[each] != after[each]}
    desk.true(moves <= {("z", "y")}, "users move from z to y only", "others move, too")


@check(level=4)
def a_split_wants_an_id(desk: Desk) -> None:
    """All visitors without an id would be one user, and land on one side."""
    flags = make(desk, a=flag({"split": [["x", 1]]}, serve="rest"), b=flag(split=[["x", 1]]))
    desk.expect(flags.variant("a", {"country": "SE"}, ""), "rest")
    desk.expect(flags.variant("b", {"country": "SE"}, ""), "")


@check(level=4)
def a_segment_holds_when_all_its_conditions_hold(desk: Desk) -> None:
    """ "Our testers" is written once and meant everywhere."""
    testers = [["in", "country", ["SE"]], ["gte", "build", 12]]
    one, none = {"when": [["segment", "testers"]], "serve": "in"}, {"when": [["segment", "gone"]], "serve": "gone"}
    flags = make(desk, {"testers": testers}, a=flag(none, one, serve="rest"))
    desk.expect(flags.variant("a", {"country": "SE", "build": 12}, ""), "in")
    desk.expect(flags.variant("a", SWEDE, ""), "rest")


@check(level=4, kills=["w14"])
def an_answer_belongs_to_who_asked(desk: Desk) -> None:
    """Somebody adds a key to the settings they were served, and all other requests have it."""
    flags = make(desk, a=flag(serve={"color": {"name": "red"}}))
    got = desk.quietly("got = flags.variant('a', {'id': 'ann'}, {})", lambda: flags.variant("a", ANN, {}))
    desk.quietly("got['color']['name'] = 'blue'", lambda: got["color"].update(name="blue"))
    desk.expect(flags.variant("a", ANN, {}), {"color": {"name": "red"}})


@check(level=4, kills=["w28"])
def a_document_is_read_once(desk: Desk) -> None:
    """Whoever built the document goes on to work on it; flags change when they are told to."""
    given = document(a=flag({"serve": "red"}))
    tell(desk, f"document = {given!r}")
    flags = desk.quietly("flags = Flags(document)", lambda: desk.make(given))
    desk.quietly("document['flags']['a']['rules'][0]['serve'] = 'blue'", lambda: change(given))
    desk.expect(desk.quietly("flags.variant('a', {'id': 'ann'}, '')", lambda: flags.variant("a", ANN, "")), "red")


def change(given):
    given["flags"]["a"]["rules"][0]["serve"] = "blue"


# -- level 5: flags that need flags ----------------------------------------------------------------------------------


def needs(*required, **parts):
    """A flag that is on where all of `required` are, and else off."""
    return flag(requires=[[key, [True]] for key in required], serve=True, off=False, **parts)


ON = flag(serve=True, off=False)
OFF = {"enabled": False, "serve": True, "off": False}


@check(level=5)
def a_requirement_that_is_not_met_serves_off(desk: Desk) -> None:
    """The new checkout on the old basket is an error page."""
    flags = make(desk, a=needs("b"), b=flag(serve=False))
    desk.expect(flags.enabled("a", ANN, True), False)
    desk.expect(flags.explain("a", ANN), Why("requires", "b"))
    desk.afresh()
    flags = make(desk, a=needs("b"), b=ON)
    desk.expect(flags.enabled("a", ANN, False), True)


@check(level=5, kills=["w17"], needs=["a_requirement_that_is_not_met_serves_off"])
def what_is_required_is_asked_for_the_same_user(desk: Desk) -> None:
    """The basket is new for Swedes only; so is the checkout."""
    flags = make(desk, a=needs("b"), b=flag({"when": [["in", "country", ["SE"]]], "serve": True}, serve=False))
    desk.expect(flags.enabled("a", SWEDE, False), True)
    desk.expect(flags.enabled("a", ANN, True), False)


@check(level=5, kills=["w16"], needs=["a_requirement_that_is_not_met_serves_off"])
def what_is_disabled_satisfies_nobody(desk: Desk) -> None:
    """A kill switch must stop all that builds upon the flag, also where the value of its off looks right."""
    want = flag(requires=[["b", [False]]], serve="on", off="off")
    flags = make(desk, a=want, b=OFF)
    desk.expect(flags.variant("a", ANN, ""), "off")
    desk.afresh()
    flags = make(desk, a=want, b=needs("c"), c=OFF)
    desk.expect(flags.variant("a", ANN, ""), "off")


@check(level=5, kills=["w31"], needs=["a_requirement_that_is_not_met_serves_off"])
def what_is_unknown_satisfies_nobody(desk: Desk) -> None:
    """The default is what the caller wants of the flag that he asks for; it says nothing about another one."""
    flags = make(desk, a=needs("b"), c=needs("d"), d=flag(off=True))
    desk.expect(flags.enabled("a", ANN, True), False)
    desk.expect(flags.enabled("c", ANN, True), False)


@check(level=5, kills=["w15"])
def a_cycle_serves_nothing(desk: Desk) -> None:
    """Two teams make their flags require each other; that must not end in a stack of a thousand frames."""
    flags = make(desk, a=needs("a"))
    desk.expect(flags.enabled("a", ANN, True), True)
    desk.expect(flags.explain("a", ANN), Why("cycle"))
    desk.afresh()
    flags = make(desk, a=needs("b"), b=needs("c"), c=needs("a"), d=needs("a"))
    desk.expect(flags.enabled("b", ANN, True), True)
    desk.expect(flags.enabled("d", ANN, True), False)
    desk.expect(flags.explain("d", ANN), Why("requires", "a"))


@check(level=5)
def a_cycle_is_one_whoever_is_asked(desk: Desk) -> None:
    """The fault is in the document; whether a flag is disabled, or another one stops the walk before, does not mend it."""
    flags = make(desk, a=needs("no such flag", "b"), b={**needs("a"), "enabled": False})
    desk.expect(flags.explain("a", ANN), Why("cycle"))
    desk.expect(flags.explain("b", ANN), Why("cycle"))


@check(level=5)
def the_first_that_is_not_as_required_is_told(desk: Desk) -> None:
    """Support reads this to a customer."""
    flags = make(desk, a=needs("b", "c", "d"), b=ON, c=OFF, d=OFF)
    desk.expect(flags.explain("a", ANN), Why("requires", "c"))
    desk.expect(flags.explain("c", ANN), Why("disabled"))
    desk.expect(flags.explain("b", ANN), Why("serve"))
    desk.expect(flags.explain("e", ANN), Why("unknown"))


@check(level=5)
def a_rule_is_told_by_its_place(desk: Desk) -> None:
    """ "Why do I see this?" "You are in the second rule.\""""
    flags = make(desk, a=flag({"when": [["in", "country", ["FI"]]], "serve": 1}, {"percent": 100, "serve": 2}))
    desk.expect(flags.explain("a", ANN), Why("rule", 1))
    desk.expect(flags.explain("a", NOBODY), Why("nothing"))


@check(level=5)
def chains_may_be_long(desk: Desk) -> None:
    """Each team adds one flag."""
    chain = {f"f{n}": needs(f"f{n + 1}") for n in range(59)}
    line = "flags = Flags of f0, which requires f1, which requires ... f59, which is on"
    flags = desk.quietly(line, lambda: make(desk, **chain, f59=ON))
    desk.expect(
        desk.quietly("flags.enabled('f0', {'id': 'ann'}, False)", lambda: flags.enabled("f0", ANN, False)), True
    )


class Counted(dict):
    """A user that counts how often it is asked for something."""

    times = 0

    def get(self, name, default=None):
        self.times += 1
        return dict.get(self, name, default)

    def __getitem__(self, name):
        self.times += 1
        return dict.__getitem__(self, name)

    def __contains__(self, name):
        self.times += 1
        return dict.__contains__(self, name)

    def __repr__(self):
        return "user"


@check(level=5, kills=["w30"])
def many_diamonds_are_no_more_work_than_their_flags(desk: Desk) -> None:
    """Whoever walks every way does twice the work with each diamond; with 30 of them the request never ends."""
    swedes = {"when": [["in", "country", ["SE"]]], "serve": True}
    diamonds = {"top10": flag(swedes)}
    for n in range(10):
        below = [[f"top{n + 1}", [True]]]
        diamonds |= {f"left{n}": flag(swedes, requires=below), f"right{n}": flag(swedes, requires=below)}
        diamonds[f"top{n}"] = flag(swedes, requires=[[f"left{n}", [True]], [f"right{n}", [True]]])
    tell(desk, "# top0 requires left0 and right0, which both require top1, and so on to top10: 31 flags")
    tell(desk, "# each has one rule, whose condition is ['in', 'country', ['SE']]")
    flags = desk.quietly("flags = Flags(diamonds)", lambda: make(desk, **diamonds))
    user = tell(desk, "user = {'id': 'ann', 'country': 'SE'}", Counted(SWEDE))
    desk.expect(flags.enabled("top0", user, False), True)
    desk.true(user.times <= 310, "the user is looked at a few times for each flag", f"{user.times} looks for 31 flags")


@check(level=5, kills=["w29"])
def a_diamond_is_no_cycle(desk: Desk) -> None:
    """Coming to a flag a second time is not coming back to it."""
    flags = make(desk, a=needs("b", "c"), b=needs("d"), c=needs("d"), d=ON)
    desk.expect(flags.enabled("a", ANN, False), True)
    desk.expect(flags.explain("a", ANN), Why("serve"))


# -- level 6: live ---------------------------------------------------------------------------------------------------


class Told:
    """A listener that writes down what it hears."""

    def __init__(self):
        self.versions = []

    def __call__(self, version):
        self.versions.append(version)

    def __repr__(self):
        return "told.append"


class Raises:
    """A listener that fails."""

    def __call__(self, version):
        raise RuntimeError("the listener is broken")

    def __repr__(self):
        return "raise_an_error"


class Asks:
    """A listener that asks at once."""

    def __init__(self, flags, told):
        self.flags, self.told = flags, told

    def __call__(self, version):
        self.told.append((version, self.flags.variant("a", ANN, 0)))

    def __repr__(self):
        return "ask_and_write_down"


def serving(value):
    return document(a=flag(serve=value))


@check(level=6, kills=["w20"])
def an_older_version_changes_nothing(desk: Desk) -> None:
    """The poll that was sent first may come back last; what it brings was true a minute ago."""
    flags = desk.make(serving(1))
    desk.expect(flags.update(serving(2), 2), True)
    desk.expect(flags.update(serving(3), 1), False)
    desk.expect(flags.variant("a", ANN, 0), 2)
    desk.expect(flags.update(serving(3), 2), False)
    desk.expect(flags.variant("a", ANN, 0), 2)


@check(level=6)
def the_first_document_has_version_0(desk: Desk) -> None:
    """Whoever starts with a file and then asks the server must not take the file again."""
    flags = desk.make(serving(1))
    desk.expect(flags.update(serving(2), 0), False)
    desk.expect(flags.update(serving(2), 1), True)


@check(level=6)
def what_is_gone_from_the_document_is_unknown(desk: Desk) -> None:
    """Cleaning up is deleting flags."""
    flags = desk.make(serving(1))
    desk.expect(flags.update(document(b=flag(serve=2)), 1), True)
    desk.expect(flags.variant("a", ANN, 0), 0)


BAD = flag({"percent": 250, "serve": 2})


@check(level=6, kills=["w21"])
def one_malformed_flag_holds_nobody_up(desk: Desk) -> None:
    """One team's typing error must not keep another team's kill switch from working."""
    flags = desk.make(document(a=flag(serve=1), b=BAD))
    desk.expect(flags.variant("a", ANN, 0), 1)
    desk.expect(flags.explain("b", ANN), Why("unknown"))
    desk.expect(flags.update(document(a=flag(serve=2), b=BAD), 1), True)
    desk.expect(flags.variant("a", ANN, 0), 2)


@check(level=6, kills=["w33"], needs=["one_malformed_flag_holds_nobody_up"])
def a_malformed_flag_keeps_what_it_was(desk: Desk) -> None:
    """The last definition that worked is a better guess than none."""
    flags = desk.make(serving(1))
    desk.expect(flags.update(document(a=BAD), 1), True)
    desk.expect(flags.variant("a", ANN, 0), 1)
    desk.expect(flags.update(document(a=7), 2), True)
    desk.expect(flags.variant("a", ANN, 0), 1)


@check(level=6)
def no_document_is_refused(desk: Desk) -> None:
    """An error page of the server is no list of flags; the last good document goes on."""
    desk.raises(ValueError, desk.make, Document())
    flags = desk.make(serving(1))
    for nonsense in (None, [], Document(flags=None), Document(flags=["a"])):
        desk.raises(ValueError, flags.update, nonsense, 5)
    desk.expect(flags.variant("a", ANN, 0), 1)
    desk.expect(flags.update(serving(2), 1), True)


@check(level=6, kills=["w35"])
def a_listener_finds_the_new_document(desk: Desk) -> None:
    """The first thing that a listener does is to ask; with the old answer it fills its cache anew."""
    flags, told = desk.make(serving(1)), []
    flags.on_change(Asks(flags, told))
    flags.update(serving(2), 4)
    desk.expect(told, [(4, 2)])


@check(level=6)
def each_update_is_told_once(desk: Desk) -> None:
    """Who is told of what did not happen throws caches away for nothing."""
    flags, told = desk.make(serving(1)), Told()
    flags.on_change(told)
    flags.update(serving(2), 2)
    flags.update(serving(3), 1)
    flags.update(serving(4), 2)
    flags.update(serving(5), 5)
    desk.expect(told.versions, [2, 5])


@check(level=6, kills=["w34"])
def a_broken_listener_harms_nobody(desk: Desk) -> None:
    """The dashboard is down; that is no reason to keep the old flags, nor to let the follower die."""
    flags, told = desk.make(serving(1)), Told()
    flags.on_change(Raises())
    flags.on_change(told)
    desk.expect(flags.update(serving(2), 1), True)
    desk.expect(told.versions, [1])
    desk.expect(flags.variant("a", ANN, 0), 2)


def consistent(value):
    """`a` serves `value` if `b` does, and else 0."""
    return document(a=flag(requires=[["b", [value]]], serve=value, off=0), b=flag(serve=value))


@scenario(level=6, kills=["w18"], schedules=60)
def a_question_sees_one_document(make):
    """Half of the new document and half of the old one is a document that nobody has written."""
    flags, seen, reasons = make(consistent(1)), set(), set()

    def ask():
        for _ in range(3):
            seen.add(flags.variant("a", ANN, 0))
            reasons.add(flags.explain("a", ANN).reason)

    def invariant():
        make.expect({"neither 1 nor 2": sorted(seen - {1, 2})}, {"neither 1 nor 2": []})
        return make.expect(sorted(reasons), ["serve"])

    update = lambda: flags.update(consistent(2), 1)
    return {"asks": ask, "updates": update}, invariant


@scenario(level=6, kills=["w32"], schedules=100)
def the_newest_of_two_updates_remains(make):
    """Whoever looks at the version, and then takes his time, puts an old document over a new one."""
    flags, told, taken = make(serving(0)), [], []
    flags.on_change(told.append)

    def updates(version):
        if flags.update(serving(version), version):
            taken.append(version)

    def invariant():
        make.expect(sorted(told), sorted(taken))
        return make.expect(flags.variant("a", ANN, 0), 2)

    return {"one": lambda: updates(1), "two": lambda: updates(2)}, invariant


@scenario(level=6, kills=["w19"], schedules=60)
def a_listener_may_wait_for_another_update(make):
    """A listener that hands its work to another thread, and waits for it, waits for ever if a lock is held meanwhile."""
    flags = make(serving(0))

    def listener(version):
        if version == 1:
            other = threading.Thread(target=flags.update, args=(serving(2), 2))
            other.start()
            other.join()

    flags.on_change(listener)
    return {"one": lambda: flags.update(serving(1), 1)}, lambda: make.expect(flags.variant("a", ANN, 0), 2)
