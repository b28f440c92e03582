"""The directed checks and the scenarios of the notifier."""

import threading

from interface import Attempt, DeadLetter, Decision, Fake, Killed, Message, Recipient, Route, Store
from lldkit.dojo.author import Desk, check, scenario


class Doing:
    """A channel that does something while it sends."""

    def __init__(self, name, *actions, says="accepted"):
        self.name, self.actions, self.says, self.sent = name, list(actions), says, []

    def send(self, message):
        self.sent.append(message)
        if self.actions:
            self.actions.pop(0)()
        return self.says

    def __repr__(self):
        return self.name


def throw(error):
    raise error


def seen(channel):
    return [(message.to, message.text) for message in channel.sent]


def tried(attempts):
    return [(attempt.channel, attempt.text, attempt.outcome) for attempt in attempts]


def verdicts(decisions):
    return [(decision.channel, decision.verdict) for decision in decisions]


def fakes(*names):
    return {name: Fake(name) for name in names}


ALL = ("email", "sms", "push")


def routed(desk, *routes, to=("email",), **labels):
    """The channels that a message with these labels is decided for."""
    notifier = desk.make(channels=fakes(*ALL), routes=Route(to=to, routes=routes))
    return [decision.channel for decision in notifier.notify("u", "news", "t", labels=labels)]


# -- level 1: who gets what, by which way --------------------------------------------------------------------------


@check(level=1)
def what_was_decided_is_sent_in_order(desk: Desk) -> None:
    """A message that is decided and not sent is the complaint of tomorrow."""
    email, sms = Fake("email"), Fake("sms")
    notifier = desk.make(channels={"email": email, "sms": sms}, routes=Route(to=("sms", "email")))
    desk.expect(notifier.notify("a", "news", "one"), [Decision("sms", "send"), Decision("email", "send")])
    desk.expect(seen(email), [])
    notifier.notify("b", "news", "two")
    sent = [("sms", "a", "one"), ("email", "a", "one"), ("sms", "b", "two"), ("email", "b", "two")]
    desk.expect(notifier.run_due(), [Attempt(*way, "accepted") for way in sent])
    desk.expect(seen(email), [("a", "one"), ("b", "two")])
    desk.expect(notifier.run_due(), [])
    desk.expect(len(sms.sent), 2)


@check(level=1, kills=["w01"], needs=["what_was_decided_is_sent_in_order"])
def a_channel_may_have_any_name(desk: Desk) -> None:
    """The pager that was bought last week is in the table, and in no branch of the code."""
    pager = Fake("pager")
    notifier = desk.make(channels={"email": Fake("email"), "pager": pager}, routes=Route(to=("pager",)))
    notifier.notify("eve", "alarm", "fire")
    desk.expect(notifier.run_due(), [Attempt("pager", "eve", "fire", "accepted")])
    desk.expect(seen(pager), [("eve", "fire")])


@check(level=1)
def each_operator_compares_in_its_way(desk: Desk) -> None:
    """Four operators, and the label that is not there, decide who is woken at night."""
    for matcher, labels, expected in (
        ("team=ops", {"team": "ops"}, True),
        ("team=ops", {"team": "dev"}, False),
        ("team=o.s", {"team": "ops"}, False),
        ("team!=o.s", {"team": "ops"}, True),
        ("team!=ops", {"team": "dev"}, True),
        ("team!=ops", {}, True),
        ("team=", {}, True),
        ("team=~o.s|dev", {"team": "ops"}, True),
        ("team=~o.s|dev", {"team": "web"}, False),
        ("team!~o.s|dev", {"team": "web"}, True),
        ("team!~o.s|dev", {"team": "dev"}, False),
        ("team=~.*", {}, True),
        ("category=news", {}, True),
        ("category=news", {"category": "old"}, True),
        ("team=a=b", {"team": "a=b"}, True),
    ):
        found = routed(desk, Route(to=("sms",), match=(matcher,)), **labels)
        desk.expect(found, ["sms"] if expected else ["email"])
        desk.afresh()


@check(level=1, kills=["w02"], needs=["each_operator_compares_in_its_way"])
def a_regular_expression_matches_the_whole_value(desk: Desk) -> None:
    """A route for "page" that takes "homepage" wakes somebody for each of its visitors."""
    page = Route(to=("sms",), match=("severity=~page|crit",))
    desk.expect(routed(desk, page, severity="homepage"), ["email"])
    desk.expect(routed(desk, page, severity="critical"), ["email"])
    desk.expect(routed(desk, page, severity="page"), ["sms"])


@check(level=1)
def all_matchers_of_a_route_must_match(desk: Desk) -> None:
    """One of two conditions is another team's alarm."""
    both = Route(to=("sms",), match=("team=ops", "severity=page"))
    desk.expect(routed(desk, both, team="ops"), ["email"])
    desk.expect(routed(desk, both, severity="page"), ["email"])
    desk.expect(routed(desk, both, team="ops", severity="page"), ["sms"])


@check(level=1)
def the_first_child_that_matches_ends_the_walk(desk: Desk) -> None:
    """Who gets everything that matches reads nothing."""
    first, second = Route(to=("sms",), match=("team=ops",)), Route(to=("push",))
    desk.expect(routed(desk, first, second, team="ops"), ["sms"])
    desk.expect(routed(desk, first, second, team="dev"), ["push"])


@check(level=1, kills=["w03"], needs=["the_first_child_that_matches_ends_the_walk"])
def continues_means_on_behind_it(desk: Desk) -> None:
    """The route that keeps a copy for the archive must not be the end of the message."""
    archive = Route(to=("push",), continues=True)
    desk.expect(routed(desk, archive, Route(to=("sms",)), Route(to=("email",))), ["push", "sms"])
    desk.expect(routed(desk, archive, Route(to=("sms",), match=("team=ops",))), ["push"])
    desk.expect(routed(desk, Route(to=("sms",), match=("team=ops",), continues=True)), ["email"])


@check(level=1)
def the_deepest_route_is_the_way_and_inherits(desk: Desk) -> None:
    """Most teams only say what is different for them."""
    inner = (Route(match=("severity=page",)), Route(to=("push",), match=("severity=info",)))
    team = Route(to=("sms", "push"), match=("team=ops",), routes=inner)
    desk.expect(routed(desk, team, team="ops", severity="page"), ["sms", "push"])
    desk.expect(routed(desk, team, team="ops", severity="info"), ["push"])
    desk.expect(routed(desk, team, team="ops"), ["sms", "push"])
    desk.expect(routed(desk, Route(match=("team=ops",)), team="ops"), ["email"])
    desk.expect(routed(desk, Route(to=(), match=("team=ops",)), team="ops"), [])


@check(level=1)
def a_channel_that_is_named_twice_gets_it_once(desk: Desk) -> None:
    """The same mail twice is worse than none."""
    routes = (Route(to=("sms", "email"), continues=True), Route(to=("email", "sms", "push", "push")))
    desk.expect(routed(desk, *routes), ["sms", "email", "push"])


@check(level=1)
def wrong_routes_are_refused_at_once(desk: Desk) -> None:
    """A typing error in a route for emergencies shows when the emergency comes."""
    for routes in (
        Route(),
        Route(to=("fax",)),
        Route(to=("email",), routes=(Route(routes=(Route(to=("email", "fax")),)),)),
        Route(to=("email",), routes=(Route(match=("severity",)),)),
        Route(to=("email",), routes=(Route(match=("=page",)),)),
        Route(to=("email",), match=("a>b",)),
    ):
        desk.raises(ValueError, desk.make, channels=fakes("email"), routes=routes)
        desk.afresh()
    desk.expect(routed(desk, to=()), [])


# -- level 2: what people want -------------------------------------------------------------------------------------

EVERYWHERE = {"email": "e@x", "sms": "+1", "push": "p1"}


def known(desk, *, to=ALL, mandatory=False, **wishes):
    """A notifier that knows eve, and the decisions about one message to her."""
    notifier = desk.make(channels=fakes(*ALL), routes=Route(to=to, mandatory=mandatory))
    notifier.put(Recipient("eve", **({"addresses": EVERYWHERE} | wishes)))
    return verdicts(notifier.notify("eve", "news", "t"))


@check(level=2)
def the_address_is_that_of_the_channel(desk: Desk) -> None:
    """A text message to a mail address arrives nowhere."""
    notifier = desk.make(channels=fakes(*ALL), routes=Route(to=ALL))
    notifier.put(Recipient("eve", {"sms": "+1", "email": "e@x"}))
    said = [("email", "send"), ("sms", "send"), ("push", "no_address")]
    desk.expect(verdicts(notifier.notify("eve", "news", "t")), said)
    notifier.notify("bob", "news", "u")
    sent = [("email", "e@x", "t"), ("sms", "+1", "t"), *[(name, "bob", "u") for name in ALL]]
    desk.expect(notifier.run_due(), [Attempt(*way, "accepted") for way in sent])


@check(level=2)
def the_narrowest_wish_counts(desk: Desk) -> None:
    """Who has said no to comments by mail has said it for a reason, and only that."""
    no, send, out = False, "send", "opted_out"
    for wishes, expected in (
        ({"channels": {"email": no}}, out),
        ({"categories": {"news": no}}, out),
        ({"categories": {"other": no}}, send),
        ({"pairs": {("news", "email"): no}}, out),
        ({"pairs": {("email", "news"): no}}, send),
        ({"channels": {"email": no}, "categories": {"news": True}}, send),
        ({"channels": {"email": True}, "categories": {"news": no}}, out),
        ({"categories": {"news": no}, "pairs": {("news", "email"): True}}, send),
        ({"categories": {"news": True}, "pairs": {("news", "email"): no}}, out),
        ({"channels": {"email": no}, "pairs": {("news", "email"): True}}, send),
    ):
        desk.expect(known(desk, to=("email",), **wishes), [("email", expected)])
        desk.afresh()


@check(level=2, kills=["w05"])
def an_unwanted_channel_leaves_the_others(desk: Desk) -> None:
    """No text messages, please: that is not the same as no messages."""
    said = [("email", "opted_out"), ("sms", "send"), ("push", "send")]
    desk.expect(known(desk, channels={"email": False}), said)
    said = [("email", "send"), ("sms", "opted_out"), ("push", "send")]
    desk.expect(known(desk, pairs={("news", "sms"): False}), said)


@check(level=2, kills=["w04"])
def mandatory_asks_nobody(desk: Desk) -> None:
    """ "Your password was changed" must reach whoever has unsubscribed from everything."""
    never = {"channels": {"email": False}, "categories": {"news": False}, "pairs": {("news", "sms"): False}}
    desk.expect(known(desk, mandatory=True, **never), [(name, "send") for name in ALL])
    said = [("email", "no_address"), ("sms", "no_address"), ("push", "no_address")]
    desk.expect(known(desk, mandatory=True, addresses={}), said)


@check(level=2)
def the_first_way_that_names_a_channel_decides(desk: Desk) -> None:
    """Two opinions about one channel are sent as one message."""
    must = Route(to=("sms",), mandatory=True)
    may = Route(to=("sms", "email"), continues=True)
    notifier = desk.make(channels=fakes(*ALL), routes=Route(to=(), routes=(may, must)))
    notifier.put(Recipient("eve", EVERYWHERE, channels={"sms": False}))
    desk.expect(verdicts(notifier.notify("eve", "news", "t")), [("sms", "opted_out"), ("email", "send")])
    desk.expect(tried(notifier.run_due()), [("email", "t", "accepted")])


@check(level=2)
def the_urgent_goes_first(desk: Desk) -> None:
    """A login code behind ten thousand newsletters has expired when it comes."""
    notifier = desk.make(channels=fakes("email"), routes=Route(to=("email",)))
    for text, priority in (("a", 0), ("b", 1), ("c", -1), ("d", 2), ("e", 1), ("f", 0)):
        notifier.notify("eve", "news", text, priority=priority)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["d", "b", "e", "a", "f", "c"])


@check(level=2)
def what_changes_counts_from_then_on(desk: Desk) -> None:
    """People change their minds, and their wives."""
    notifier = desk.make(channels=fakes("email"), routes=Route(to=("email",)))
    notifier.put(Recipient("eve", {"email": "e@x"}, channels={"email": False}))
    desk.expect(verdicts(notifier.notify("eve", "news", "t")), [("email", "opted_out")])
    notifier.put(Recipient("eve", {"email": "e@y"}))
    desk.expect(verdicts(notifier.notify("eve", "news", "u")), [("email", "send")])
    desk.expect(notifier.run_due(), [Attempt("email", "e@y", "u", "accepted")])


# -- level 3: it does not arrive -----------------------------------------------------------------------------------

LINE = Route(to=("sms", "email", "push"), mode="fallback")


@check(level=3)
def the_wait_doubles_until_it_is_dead(desk: Desk) -> None:
    """A provider that is down for a minute must not cost the message, and must not be hammered."""
    clock, sms = desk.clock(), Fake("sms", "later", "unclear", "later", "later")
    notifier = desk.make(channels={"sms": sms}, routes=Route(to=("sms",)), clock=clock, base=2.0, max_attempts=4)
    notifier.notify("eve", "news", "t")
    for seconds, outcome in ((0, "later"), (2, "unclear"), (4, "later"), (8, "later")):
        if seconds:
            clock.advance(seconds - 0.125)
            desk.expect(notifier.run_due(), [])
            clock.advance(0.125)
        desk.expect(notifier.dead_letters(), [])
        desk.expect(tried(notifier.run_due()), [("sms", "t", outcome)])
    desk.expect(notifier.dead_letters(), [DeadLetter("sms", "t", 4, "later")])
    clock.advance(1000)
    desk.expect(notifier.run_due(), [])


@check(level=3, kills=["w06"])
def a_refusal_is_final(desk: Desk) -> None:
    """Who goes on mailing to addresses that do not exist is taken for a spammer."""
    clock, email = desk.clock(), Fake("email", "refused")
    notifier = desk.make(channels={"email": email}, routes=Route(to=("email",)), clock=clock)
    notifier.notify("eve", "news", "t")
    desk.expect(tried(notifier.run_due()), [("email", "t", "refused")])
    desk.expect(notifier.dead_letters(), [DeadLetter("email", "t", 1, "refused")])
    clock.advance(1000)
    desk.expect(notifier.run_due(), [])
    desk.expect(len(email.sent), 1)


@check(level=3, kills=["w08"])
def one_failure_concerns_no_other(desk: Desk) -> None:
    """A bug in the adapter of one provider must not silence all of them."""
    clock = desk.clock()
    broken = Doing("sms", lambda: throw(ConnectionError("down")))
    notifier = desk.make(
        channels=fakes("email", "push") | {"sms": broken}, routes=Route(to=("sms", "email", "push")), clock=clock
    )
    notifier.notify("eve", "news", "t")
    notifier.notify("bob", "news", "u")
    sent = [("sms", "t", "unclear"), ("email", "t", "accepted"), ("push", "t", "accepted")]
    sent += [("sms", "u", "accepted"), ("email", "u", "accepted"), ("push", "u", "accepted")]
    desk.expect(tried(notifier.run_due()), sent)
    clock.advance(1)
    desk.expect(tried(notifier.run_due()), [("sms", "t", "accepted")])


@check(level=3)
def the_next_in_line_takes_over(desk: Desk) -> None:
    """A person is to be reached, not a channel to be served."""
    clock = desk.clock()
    channels = {"sms": Fake("sms", "refused"), "email": Fake("email", "later", "later"), "push": Fake("push")}
    notifier = desk.make(channels=channels, routes=LINE, clock=clock, max_attempts=2)
    said = [("sms", "send"), ("email", "standby"), ("push", "standby")]
    desk.expect(verdicts(notifier.notify("eve", "news", "t")), said)
    desk.expect(tried(notifier.run_due()), [("sms", "t", "refused"), ("email", "t", "later")])
    clock.advance(1)
    desk.expect(tried(notifier.run_due()), [("email", "t", "later"), ("push", "t", "accepted")])
    letters = [DeadLetter("sms", "t", 1, "refused"), DeadLetter("email", "t", 2, "later")]
    desk.expect(notifier.dead_letters(), letters)


@check(level=3, needs=["the_next_in_line_takes_over"])
def the_line_ends_with_the_first_success(desk: Desk) -> None:
    """ "Or" is not "and"."""
    clock = desk.clock()
    notifier = desk.make(channels=fakes(*ALL), routes=LINE, clock=clock)
    notifier.put(Recipient("eve", {"email": "e@x", "push": "p"}))
    said = [("sms", "no_address"), ("email", "send"), ("push", "standby")]
    desk.expect(verdicts(notifier.notify("eve", "news", "t")), said)
    notifier.notify("eve", "news", "u")
    desk.expect(tried(notifier.run_due()), [("email", "t", "accepted"), ("email", "u", "accepted")])
    clock.advance(1000)
    desk.expect(notifier.run_due(), [])


@check(level=3, needs=["the_next_in_line_takes_over"])
def each_line_is_one_of_its_own(desk: Desk) -> None:
    """What became of my message says nothing about yours."""
    channels = {"sms": Fake("sms", "accepted", "refused"), "email": Fake("email"), "push": Fake("push")}
    notifier = desk.make(channels=channels, routes=LINE, clock=desk.clock())
    notifier.notify("eve", "news", "t")
    notifier.notify("bob", "news", "u")
    sent = [("sms", "t", "accepted"), ("sms", "u", "refused"), ("email", "u", "accepted")]
    desk.expect(tried(notifier.run_due()), sent)


@check(level=3, kills=["w07"], needs=["the_next_in_line_takes_over"])
def what_is_unclear_may_have_been_sent(desk: Desk) -> None:
    """The provider was slow, not dead: now the customer has the code twice, from two sides."""
    clock = desk.clock()
    channels = {"sms": Fake("sms", "unclear"), "email": Fake("email"), "push": Fake("push")}
    notifier = desk.make(channels=channels, routes=LINE, clock=clock)
    notifier.notify("eve", "code", "4711")
    desk.expect(tried(notifier.run_due()), [("sms", "4711", "unclear")])
    clock.advance(1)
    desk.expect(tried(notifier.run_due()), [("sms", "4711", "accepted")])
    clock.advance(1000)
    desk.expect(notifier.run_due(), [])


@check(level=3)
def an_interrupt_comes_out_and_nothing_is_lost(desk: Desk) -> None:
    """Ctrl-C during a send is a wish of the operator, not a failure of the provider."""
    clock = desk.clock()
    email = Doing("email", lambda: throw(KeyboardInterrupt()))
    notifier = desk.make(channels={"email": email}, routes=Route(to=("email",)), clock=clock, max_attempts=1)
    notifier.notify("eve", "news", "t")
    desk.raises(KeyboardInterrupt, notifier.run_due)
    desk.expect(notifier.dead_letters(), [])
    desk.expect(tried(notifier.run_due()), [("email", "t", "accepted")])


@check(level=3)
def a_retry_keeps_its_place(desk: Desk) -> None:
    """Who was first stays first, also in the second round."""
    clock = desk.clock()
    email = Fake("email", "later", "later")
    notifier = desk.make(channels={"email": email}, routes=Route(to=("email",)), clock=clock)
    notifier.notify("eve", "news", "a")
    notifier.notify("eve", "news", "b", priority=1)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["b", "a"])
    clock.advance(1)
    notifier.notify("eve", "news", "c", priority=1)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["b", "c", "a"])


@check(level=3)
def bad_settings_are_refused(desk: Desk) -> None:
    """A wait of nothing is a loop at full speed."""
    given = {"channels": fakes("email"), "routes": Route(to=("email",))}
    for wrong in ({"base": 0}, {"base": -1}, {"max_attempts": 0}, {"routes": Route(to=("email",), mode="any")}):
        desk.raises(ValueError, desk.make, **(given | wrong))
        desk.afresh()


# -- level 4: twice, too often, and at once ------------------------------------------------------------------------

PLAIN = {"channels": fakes("sms"), "routes": Route(to=("sms",))}


def shop(desk, clock, *script, **options):
    """A notifier with one channel."""
    return desk.make(channels={"sms": Fake("sms", *script)}, routes=Route(to=("sms",)), clock=clock, **options)


@check(level=4)
def a_key_counts_for_its_time(desk: Desk) -> None:
    """The queue before us delivers at least once; its second delivery must not be ours."""
    clock = desk.clock()
    notifier = shop(desk, clock, dedupe=60)
    desk.expect(len(notifier.notify("eve", "order", "t", key="7")), 1)
    clock.advance(40)
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])
    desk.expect(len(notifier.run_due()), 1)
    clock.advance(19.875)
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])
    clock.advance(0.125)
    desk.expect(len(notifier.notify("eve", "order", "t", key="7")), 1)
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])


@check(level=4)
def a_key_is_one_of_a_category_and_a_recipient(desk: Desk) -> None:
    """Order 7 of one shop is not order 7 of the other."""
    notifier = shop(desk, desk.clock())
    for recipient, category, key in (
        ("a", "bc", "7"),
        ("ab", "c", "7"),
        ("a", "c", "7"),
        ("a", "bc", "8"),
        ("a", "bc", ""),
    ):
        desk.expect(len(notifier.notify(recipient, category, "t", key=key)), 1)
        desk.expect(notifier.notify(recipient, category, "t", key=key), [])
    desk.expect(len(notifier.notify("a", "bc", "t")) + len(notifier.notify("a", "bc", "t")), 2)


@check(level=4, kills=["w11"])
def a_failure_frees_the_key(desk: Desk) -> None:
    """The caller tries again, as he should, and is told that it has been done."""
    clock = desk.clock()
    notifier = shop(desk, clock, "refused", "later", "later", "accepted", max_attempts=2)
    notifier.notify("eve", "order", "t", key="7")
    notifier.run_due()
    desk.expect(len(notifier.notify("eve", "order", "t", key="7")), 1)
    notifier.run_due()
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])
    clock.advance(1)
    notifier.run_due()
    desk.expect(len(notifier.notify("eve", "order", "t", key="7")), 1)
    notifier.run_due()
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])


@check(level=4)
def one_channel_that_lives_holds_the_key(desk: Desk) -> None:
    """The mail has failed and the text message has not: she knows."""
    channels = {"sms": Fake("sms"), "email": Fake("email", "refused")}
    notifier = desk.make(channels=channels, routes=Route(to=("email", "sms")), clock=desk.clock())
    notifier.notify("eve", "order", "t", key="7")
    notifier.run_due()
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])


@check(level=4)
def what_nobody_wanted_holds_no_key(desk: Desk) -> None:
    """She has given us her number a minute later."""
    notifier = shop(desk, desk.clock())
    notifier.put(Recipient("eve", {}))
    desk.expect(verdicts(notifier.notify("eve", "order", "t", key="7")), [("sms", "no_address")])
    notifier.put(Recipient("eve", {"sms": "+1"}))
    desk.expect(verdicts(notifier.notify("eve", "order", "t", key="7")), [("sms", "send")])


@check(level=4, kills=["w10"])
def what_is_too_much_waits(desk: Desk) -> None:
    """A limit is there so that everything arrives, bit by bit."""
    clock = desk.clock()
    notifier = shop(desk, clock, limits={"sms": (2, 60)})
    for text in "abcde":
        notifier.notify("eve", "order", text)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["a", "b"])
    clock.advance(59.875)
    desk.expect(notifier.run_due(), [])
    clock.advance(0.125)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["c", "d"])
    clock.advance(60)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["e"])
    desk.expect(notifier.dead_letters(), [])


@check(level=4, needs=["what_is_too_much_waits"])
def a_limit_slides(desk: Desk) -> None:
    """Two at the end of a minute and two at the beginning of the next are four in a second."""
    clock = desk.clock()
    notifier = shop(desk, clock, limits={"sms": (2, 60)})
    sent = []
    for seconds in (0, 40, 10, 10, 10, 29.875, 0.125, 20):
        clock.advance(seconds)
        notifier.notify("eve", "order", "t")
        sent.append(len(notifier.run_due()))
    desk.expect(sent, [1, 1, 0, 1, 0, 0, 1, 1])


@check(level=4, needs=["what_is_too_much_waits"])
def a_limit_is_of_one_recipient_and_channel(desk: Desk) -> None:
    """My neighbour's text messages do not fill my telephone."""
    limits = {"sms": (1, 60)}
    notifier = desk.make(
        channels=fakes("sms", "email"), routes=Route(to=("sms", "email")), clock=desk.clock(), limits=limits
    )
    for name in ("eve", "bob", "eve"):
        notifier.notify(name, "order", name)
    sent = [("sms", "eve"), ("email", "eve"), ("sms", "bob"), ("email", "bob"), ("email", "eve")]
    desk.expect([(attempt.channel, attempt.to) for attempt in notifier.run_due()], sent)


@check(level=4, needs=["what_is_too_much_waits"])
def a_failed_attempt_is_not_counted(desk: Desk) -> None:
    """What nobody has received cannot be too much."""
    clock = desk.clock()
    notifier = shop(desk, clock, "refused", "later", limits={"sms": (1, 60)})
    for text in "abc":
        notifier.notify("eve", "order", text)
    sent = [("sms", "a", "refused"), ("sms", "b", "later"), ("sms", "c", "accepted")]
    desk.expect(tried(notifier.run_due()), sent)
    clock.advance(59.875)
    desk.expect(notifier.run_due(), [])
    clock.advance(0.125)
    desk.expect(tried(notifier.run_due()), [("sms", "b", "accepted")])


@check(level=4)
def bad_limits_are_refused(desk: Desk) -> None:
    """A limit of zero is a channel that was forgotten."""
    for wrong in ({"dedupe": 0}, {"dedupe": -1}, {"limits": {"sms": (0, 1)}}, {"limits": {"sms": (1, 0)}}):
        desk.raises(ValueError, desk.make, **PLAIN, **wrong)
        desk.afresh()
    desk.make(**PLAIN, dedupe=0.5, limits={"sms": (1, 0.5)})


@check(level=4)
def a_slow_channel_is_not_asked_twice(desk: Desk) -> None:
    """The first worker is still on the telephone, and the second one dials the same number."""
    clock, others = desk.clock(), []
    sms = Doing("sms", lambda: (clock.advance(1000), others.extend(notifier.run_due())))
    notifier = desk.make(channels={"sms": sms}, routes=Route(to=("sms",)), clock=clock)
    notifier.notify("eve", "order", "t")
    desk.expect(tried(notifier.run_due()), [("sms", "t", "accepted")])
    desk.expect(others, [])


@scenario(level=4, kills=["w09"], schedules=40)
def one_key_from_two_threads(make):
    """Two web servers hand on the same click: look and mark must be one step."""
    decided = []
    notifier = make(channels=fakes("sms"), routes=Route(to=("sms",)), clock=make.clock())

    def asks():
        decided.append(len(notifier.notify("eve", "order", "t", key="7")))

    def holds():
        found = {"decided": sorted(decided), "sent": len(notifier.run_due())}
        return make.expect(found, {"decided": [0, 1], "sent": 1})

    return {"one": asks, "two": asks}, holds


@scenario(level=4, schedules=40)
def a_message_is_sent_by_one_thread(make):
    """Two workers at one queue: each message is one worker's, and none is nobody's."""
    sms = Fake("sms")
    notifier = make(channels={"sms": sms}, routes=Route(to=("sms",)), clock=make.clock(), limits={"sms": (2, 60)})
    for text in "abc":
        notifier.notify("eve", "order", text)
    return {"one": notifier.run_due, "two": notifier.run_due}, lambda: make.expect(
        sorted(message.text for message in sms.sent), ["a", "b"]
    )


@scenario(level=4, schedules=10, race_timeouts=False)
def no_lock_is_held_while_a_channel_sends(make):
    """A provider takes ten seconds to answer, and for ten seconds nobody can say anything."""
    asked, log = threading.Event(), []
    slow = Doing("sms", asked.wait)
    notifier = make(channels={"sms": slow}, routes=Route(to=("sms",)), clock=make.clock())
    notifier.notify("eve", "order", "slow")

    def asks():
        log.append(len(notifier.notify("bob", "order", "fast")))
        log.append(len(notifier.dead_letters()))
        asked.set()

    return {"runs": notifier.run_due, "asks": asks}, lambda: make.expect(log, [1, 0])


# -- level 5: not at night, and not forty times --------------------------------------------------------------------

NIGHT = ("22:00", "07:00")


def utc(text):
    return f"{text}+00:00"


def at_night(desk, epoch, zone="UTC", quiet=NIGHT, mandatory=False):
    """A clock, and a notifier that knows eve and keeps one message for her."""
    clock = desk.clock()
    routes = Route(to=("sms",), mandatory=mandatory)
    notifier = desk.make(channels=fakes("sms"), routes=routes, clock=clock, epoch=utc(epoch))
    notifier.put(Recipient("eve", {"sms": "+1"}, zone=zone, quiet=quiet))
    desk.expect(verdicts(notifier.notify("eve", "order", "t")), [("sms", "send")])
    return clock, notifier


def quiet_for(desk, seconds, epoch, zone="UTC", quiet=NIGHT):
    """It is quiet for so many seconds, and not a moment longer."""
    clock, notifier = at_night(desk, epoch, zone, quiet)
    if seconds:
        desk.expect(notifier.run_due(), [])
        clock.advance(seconds - 0.125)
        desk.expect(notifier.run_due(), [])
        clock.advance(0.125)
    desk.expect(len(notifier.run_due()), 1)
    desk.afresh()


@check(level=5)
def quiet_hours_within_a_day(desk: Desk) -> None:
    """A nap after lunch is sacred, too."""
    quiet_for(desk, 3600, "2026-03-01T13:00", quiet=("13:00", "14:00"))
    quiet_for(desk, 1, "2026-03-01T13:59:59", quiet=("13:00", "14:00"))
    quiet_for(desk, 0, "2026-03-01T12:59:59.875", quiet=("13:00", "14:00"))
    quiet_for(desk, 0, "2026-03-01T14:00", quiet=("13:00", "14:00"))


@check(level=5, kills=["w14"])
def the_morning_brings_what_the_night_held_back(desk: Desk) -> None:
    """Quiet hours are a promise about when, not about whether."""
    clock, notifier = at_night(desk, "2026-03-01T13:30", quiet=("13:00", "14:00"))
    desk.expect(notifier.run_due(), [])
    notifier.notify("eve", "order", "u")
    clock.advance(1800)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["t", "u"])
    desk.expect(notifier.dead_letters(), [])


@check(level=5, kills=["w12"], needs=["quiet_hours_within_a_day"])
def quiet_hours_over_midnight(desk: Desk) -> None:
    """From ten in the evening to seven in the morning no time is both after 22:00 and before 07:00."""
    quiet_for(desk, 9 * 3600, "2026-03-01T22:00")
    quiet_for(desk, 7 * 3600, "2026-03-01T00:00")
    quiet_for(desk, 1, "2026-03-01T06:59:59")
    quiet_for(desk, 0, "2026-03-01T07:00")
    quiet_for(desk, 0, "2026-03-01T21:59:59.875")


@check(level=5, needs=["quiet_hours_over_midnight"])
def the_night_is_hers(desk: Desk) -> None:
    """Ten in the evening in Tokyo is one in the afternoon at the server."""
    quiet_for(desk, 9 * 3600, "2026-03-01T13:00", "Asia/Tokyo")
    quiet_for(desk, 0, "2026-03-01T22:00", "Asia/Tokyo")
    quiet_for(desk, 9 * 3600, "2026-03-01T21:00", "Europe/Berlin")
    quiet_for(desk, 3600, "2026-03-02T11:00", "Pacific/Auckland", quiet=("23:30", "01:00"))


@check(level=5, kills=["w13"], needs=["the_night_is_hers"])
def the_night_in_which_the_clocks_change(desk: Desk) -> None:
    """Twice a year a night has eight hours, or ten, and seven o'clock is still seven o'clock."""
    quiet_for(desk, 8 * 3600, "2026-03-28T21:00", "Europe/Berlin")
    quiet_for(desk, 10 * 3600, "2026-10-24T20:00", "Europe/Berlin")
    quiet_for(desk, 9 * 3600, "2026-03-29T20:00", "Europe/Berlin")
    quiet_for(desk, 8 * 3600, "2026-03-08T03:00", "America/New_York")


@check(level=5)
def mandatory_knows_no_night(desk: Desk) -> None:
    """The house burns at night, too."""
    _, notifier = at_night(desk, "2026-03-01T23:00", mandatory=True)
    desk.expect(len(notifier.run_due()), 1)


@check(level=5, kills=["w16"])
def all_is_asked_again_when_it_is_sent(desk: Desk) -> None:
    """She unsubscribed at one in the morning, and at seven she gets what was deferred at eleven."""
    clock, notifier = at_night(desk, "2026-03-01T23:00")
    desk.expect(notifier.run_due(), [])
    notifier.put(Recipient("eve", {"sms": "+1"}, categories={"order": False}))
    clock.advance(8 * 3600)
    desk.expect(notifier.run_due(), [])
    notifier.put(Recipient("eve", {"sms": "+1"}))
    clock.advance(8 * 3600)
    desk.expect(notifier.run_due(), [])
    desk.expect(notifier.dead_letters(), [])


@check(level=5, needs=["all_is_asked_again_when_it_is_sent"])
def who_has_moved_has_another_night_and_another_number(desk: Desk) -> None:
    """People travel, and take their nights along."""
    clock, notifier = at_night(desk, "2026-03-01T12:00", "Asia/Tokyo", quiet=("20:00", "22:00"))
    desk.expect(notifier.run_due(), [])
    notifier.put(Recipient("eve", {"sms": "+2"}, zone="Asia/Dubai", quiet=("16:00", "18:00")))
    clock.advance(3600)
    desk.expect(notifier.run_due(), [])
    clock.advance(3600)
    desk.expect([(attempt.to, attempt.text) for attempt in notifier.run_due()], [("+2", "t")])


@check(level=5, needs=["all_is_asked_again_when_it_is_sent"])
def what_is_unwanted_by_then_frees_its_key_and_its_line(desk: Desk) -> None:
    """No text messages any more: then the mail is next, and no duplicate stands in the way."""
    clock = desk.clock()
    notifier = desk.make(
        channels=fakes("sms", "email"), routes=Route(to=("sms", "email"), mode="fallback"), clock=clock
    )
    notifier.notify("eve", "order", "t", key="7")
    notifier.put(Recipient("eve", {"sms": "+1", "email": "e@x"}, channels={"sms": False}))
    desk.expect(tried(notifier.run_due()), [("email", "t", "accepted")])
    desk.expect(notifier.notify("eve", "order", "t", key="7"), [])
    notifier.notify("eve", "order", "u", key="8")
    notifier.put(Recipient("eve", {"sms": "+1"}, channels={"sms": False}))
    desk.expect(notifier.run_due(), [])
    notifier.put(Recipient("eve", {"sms": "+1"}))
    desk.expect(verdicts(notifier.notify("eve", "order", "u", key="8")), [("sms", "send"), ("email", "no_address")])


def digests(desk, clock, *script, seconds=60, **options):
    """A notifier that collects."""
    routes = Route(to=("email",), digest=seconds)
    return desk.make(channels={"email": Fake("email", *script)}, routes=routes, clock=clock, **options)


@check(level=5)
def a_digest_has_all_that_came_meanwhile(desk: Desk) -> None:
    """Forty comments are one mail; the forty-first begins the next."""
    clock = desk.clock()
    notifier = digests(desk, clock)
    desk.expect(verdicts(notifier.notify("eve", "news", "a")), [("email", "digest")])
    desk.expect(verdicts(notifier.notify("eve", "news", "b")), [("email", "digest")])
    clock.advance(59.875)
    desk.expect(notifier.run_due(), [])
    clock.advance(0.125)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["a\nb"])
    notifier.notify("eve", "news", "d")
    clock.advance(59.875)
    desk.expect(notifier.run_due(), [])
    clock.advance(0.125)
    desk.expect([attempt.text for attempt in notifier.run_due()], ["d"])


@check(level=5, kills=["w15"], needs=["a_digest_has_all_that_came_meanwhile"])
def a_digest_closes_though_texts_go_on_coming(desk: Desk) -> None:
    """A thread that never rests must not be the one of which nobody hears."""
    clock = desk.clock()
    notifier = digests(desk, clock)
    for number in range(6):
        notifier.notify("eve", "news", str(number))
        desk.expect(notifier.run_due(), [])
        clock.advance(10)
    notifier.notify("eve", "news", "6")
    desk.expect([attempt.text for attempt in notifier.run_due()], ["0\n1\n2\n3\n4\n5\n6"])


@check(level=5, kills=["w17"], needs=["a_digest_has_all_that_came_meanwhile"])
def nothing_is_lost_while_a_digest_is_sent(desk: Desk) -> None:
    """A comment arrives in the second in which the mail goes out, and is in no mail at all."""
    clock = desk.clock()
    email = Doing("email", lambda: notifier.notify("eve", "news", "c"))
    notifier = desk.make(channels={"email": email}, routes=Route(to=("email",), digest=60), clock=clock)
    notifier.notify("eve", "news", "a")
    notifier.notify("eve", "news", "b")
    clock.advance(60)
    desk.expect(tried(notifier.run_due()), [("email", "a\nb", "accepted")])
    clock.advance(60)
    desk.expect(tried(notifier.run_due()), [("email", "c", "accepted")])


@check(level=5, needs=["a_digest_has_all_that_came_meanwhile"])
def digests_do_not_mix(desk: Desk) -> None:
    """Her comments in his mail are a matter for the data protection officer."""
    clock = desk.clock()
    routes = Route(to=("email", "sms"), digest=60, routes=(Route(match=("now=y",)),))
    notifier = desk.make(channels=fakes("email", "sms"), routes=routes, clock=clock)
    for recipient, category, text, priority in (
        ("a", "bc", "1", 0),
        ("ab", "c", "2", 0),
        ("a", "bc", "3", 1),
        ("a", "bc", "4", 0),
        ("ab", "bc", "5", 0),
    ):
        notifier.notify(recipient, category, text, priority=priority)
    notifier.notify("a", "bc", "6", labels={"now": "y"})
    now = [("email", "a", "6"), ("sms", "a", "6")]
    desk.expect([(attempt.channel, attempt.to, attempt.text) for attempt in notifier.run_due()], now)
    clock.advance(60)
    sent = [("email", "a", "3"), ("sms", "a", "3"), ("email", "a", "1\n4"), ("sms", "a", "1\n4")]
    sent += [("email", "ab", "2"), ("sms", "ab", "2"), ("email", "ab", "5"), ("sms", "ab", "5")]
    desk.expect([(attempt.channel, attempt.to, attempt.text) for attempt in notifier.run_due()], sent)


@check(level=5, needs=["a_digest_has_all_that_came_meanwhile"])
def a_digest_waits_for_the_morning_and_grows(desk: Desk) -> None:
    """What comes in the night belongs into the mail of the morning, too."""
    clock = desk.clock()
    notifier = digests(desk, clock, "later", epoch=utc("2026-03-01T06:58"), limits={"email": (1, 600)})
    notifier.put(Recipient("eve", {"email": "e@x"}, quiet=NIGHT))
    notifier.notify("eve", "news", "a")
    clock.advance(60)
    desk.expect(notifier.run_due(), [])
    notifier.notify("eve", "news", "b")
    clock.advance(60)
    desk.expect(tried(notifier.run_due()), [("email", "a\nb", "later")])
    notifier.notify("eve", "news", "c")
    clock.advance(60)
    desk.expect(tried(notifier.run_due()), [("email", "a\nb", "accepted")])
    notifier.notify("eve", "news", "d")
    clock.advance(599.875)
    desk.expect(notifier.run_due(), [])
    clock.advance(0.125)
    desk.expect(tried(notifier.run_due()), [("email", "c\nd", "accepted")])


@check(level=5, needs=["a_digest_has_all_that_came_meanwhile"])
def every_key_of_a_digest_is_kept(desk: Desk) -> None:
    """The second comment of the thread comes twice as easily as the first."""
    clock = desk.clock()
    notifier = digests(desk, clock, dedupe=100)
    notifier.notify("eve", "news", "a", key="1")
    clock.advance(30)
    notifier.notify("eve", "news", "b", key="2")
    desk.expect(notifier.notify("eve", "news", "a", key="1"), [])
    desk.expect(notifier.notify("eve", "news", "b", key="2"), [])
    clock.advance(70)
    desk.expect(len(notifier.run_due()), 1)
    desk.expect(len(notifier.notify("eve", "news", "a", key="1")), 1)
    desk.expect(notifier.notify("eve", "news", "b", key="2"), [])


@check(level=5, needs=["a_digest_has_all_that_came_meanwhile"])
def a_dead_digest_is_one_letter(desk: Desk) -> None:
    """What was given up as one message is read as one."""
    clock = desk.clock()
    notifier = digests(desk, clock, "refused")
    notifier.notify("eve", "news", "a", key="1")
    notifier.notify("eve", "news", "b", key="2")
    clock.advance(60)
    notifier.run_due()
    desk.expect(notifier.dead_letters(), [DeadLetter("email", "a\nb", 1, "refused")])
    desk.expect(len(notifier.notify("eve", "news", "b", key="2")), 1)


@check(level=5)
def impossible_nights_are_refused(desk: Desk) -> None:
    """A zone with a typing error shows at three in the morning, unless it is looked at now."""
    notifier = desk.make(**PLAIN, clock=desk.clock())
    desk.raises(ValueError, notifier.put, Recipient("eve", {}, quiet=("22:00", "22:00")))
    desk.raises(Exception, notifier.put, Recipient("eve", {}, zone="Europe/Atlantis"))
    line = Route(to=("sms",), mode="fallback", digest=60)
    desk.raises(ValueError, desk.make, channels=fakes("sms"), routes=line)


# -- level 6: a process dies ---------------------------------------------------------------------------------------


def processes(desk, channels, routes=None, clock=None, **options):
    """Two processes at one table, their stores, and the clock."""
    clock = clock or desk.clock()
    stores = [store := Store("store"), store.connect("store_2")]
    given = {"channels": channels, "routes": routes or Route(to=tuple(channels)), "clock": clock} | options
    return *[desk.make(**given, store=one) for one in stores], *stores, clock


@check(level=6)
def what_is_kept_outlives_its_process(desk: Desk) -> None:
    """A deployment in the middle of the day must not cost a single message."""
    sms = Fake("sms")
    one, two, _, _, _ = processes(desk, {"sms": sms})
    one.notify("eve", "order", "t", key="7")
    desk.expect(two.notify("eve", "order", "t", key="7"), [])
    desk.expect(two.status(1), "waiting")
    desk.expect(tried(two.run_due()), [("sms", "t", "accepted")])
    desk.expect(one.run_due(), [])
    desk.expect(one.status(1), "sent")
    desk.expect(sms.sent, [Message("sms", "eve", "t", 1)])


@check(level=6, kills=["w18"])
def nothing_is_sent_that_is_not_stored(desk: Desk) -> None:
    """A message that was sent and is in no table is sent again, by everybody who finds that it is missing."""
    sms = Fake("sms")
    one, two, store, _, _ = processes(desk, {"sms": sms})
    store.on_trip = store.kill
    desk.raises(Killed, one.notify, "eve", "order", "t", priority=9)
    desk.expect(sms.sent, [])
    desk.expect(two.run_due(), [])


@check(level=6)
def numbers_are_one_row(desk: Desk) -> None:
    """The provider's receipts come with a number, and it has to be the right one."""
    routes = Route(to=("sms", "email"), mode="fallback", routes=(Route(to=("sms",), match=("category=d",), digest=5),))
    sms, email = Fake("sms", "refused"), Fake("email")
    one, two, _, _, clock = processes(desk, {"sms": sms, "email": email}, routes)
    one.notify("eve", "order", "a")
    two.notify("eve", "d", "b")
    one.notify("eve", "d", "c")
    desk.expect([one.status(number) for number in (1, 2, 3)], ["waiting", "standby", "digesting"])
    two.notify("eve", "order", "e")
    desk.raises(ValueError, one.status, 6)
    clock.advance(5)
    two.run_due()
    told = [("sms", "a", 1), ("email", "a", 2), ("sms", "b\nc", 3), ("sms", "e", 4)]
    desk.expect([(m.channel, m.text, m.id) for m in (sms.sent[0], email.sent[0], *sms.sent[1:])], told)
    desk.expect([one.status(n) for n in range(1, 6)], ["dead", "sent", "sent", "sent", "superseded"])


@check(level=6, kills=["w19"], needs=["numbers_are_one_row"])
def every_attempt_has_the_same_number(desk: Desk) -> None:
    """The provider knows a repetition by its number; a new one is a second text message."""
    sms = Doing("sms", lambda: throw(ConnectionError()), says="accepted")
    one, two, _, _, clock = processes(desk, {"sms": sms})
    one.notify("eve", "order", "t")
    one.notify("eve", "order", "u")
    one.run_due()
    clock.advance(1)
    two.run_due()
    desk.expect([(message.text, message.id) for message in sms.sent], [("t", 1), ("u", 2), ("t", 1)])


@check(level=6)
def what_a_dead_process_had_claimed_is_claimed_again(desk: Desk) -> None:
    """The machine burns while it talks to the provider."""
    sms = Doing("sms", lambda: store.kill())
    one, two, store, _, clock = processes(desk, {"sms": sms}, lease=30.0)
    one.notify("eve", "order", "t")
    desk.raises(Killed, one.run_due)
    desk.expect(two.status(1), "sending")
    clock.advance(29.875)
    desk.expect(two.run_due(), [])
    clock.advance(0.125)
    desk.expect(tried(two.run_due()), [("sms", "t", "accepted")])
    desk.expect([message.id for message in sms.sent], [1, 1])
    desk.expect(two.status(1), "sent")


@check(level=6)
def two_processes_do_not_claim_the_same(desk: Desk) -> None:
    """Two workers that look and then take have looked at the same."""
    sms = Fake("sms")
    one, two, store, _, _ = processes(desk, {"sms": sms})
    one.notify("eve", "order", "t")
    others = []

    def trip():
        store.on_trip = lambda: None
        others.extend(two.run_due())

    store.on_trip = trip
    desk.expect(one.run_due(), [])
    desk.expect(len(others), 1)
    one.notify("eve", "order", "u")

    def answer():
        store.on_answer = lambda: None
        others.extend(two.run_due())

    store.on_answer = answer
    desk.expect(tried(one.run_due()), [("sms", "u", "accepted")])
    desk.expect(len(others), 1)


@check(level=6, needs=["what_a_dead_process_had_claimed_is_claimed_again"])
def who_comes_too_late_changes_nothing(desk: Desk) -> None:
    """A worker wakes up after its lease, with news of yesterday."""
    sms = Doing("sms", lambda: (clock.advance(30), two.run_due()), says="refused")
    one, two, _, _, clock = processes(desk, {"sms": sms}, lease=30.0)
    one.notify("eve", "order", "t")
    sms.actions.append(lambda: setattr(sms, "says", "accepted"))
    sms.actions.append(lambda: None)
    one.run_due()
    desk.expect(len(sms.sent), 2)
    desk.expect(one.status(1), "sent")
    clock.advance(1000)
    desk.expect([*one.run_due(), *one.dead_letters()], [])


@check(level=6, needs=["who_comes_too_late_changes_nothing"])
def a_late_failure_does_not_undo_a_success(desk: Desk) -> None:
    """The second worker has done it; the first one reports that it has failed."""
    clock, said = desk.clock(), ["accepted", "refused"]
    sms = Doing("sms", lambda: (clock.advance(30), two.run_due()))
    sms.send = lambda message: (Doing.send(sms, message), said.pop(0))[1]
    one, two, _, _, _ = processes(
        desk, {"sms": sms, "email": Fake("email")}, Route(to=("sms", "email"), mode="fallback"), clock
    )
    one.notify("eve", "order", "t")
    one.run_due()
    desk.expect([one.status(1), one.status(2)], ["sent", "superseded"])
    desk.expect([*one.run_due(), *one.dead_letters()], [])


@check(level=6, needs=["who_comes_too_late_changes_nothing"])
def only_the_latest_claim_counts(desk: Desk) -> None:
    """The first worker is late, the second is dead: nobody knows what became of the message."""
    clock = desk.clock()

    def second():
        clock.advance(30)
        try:
            two.run_due()
        except Killed:
            pass

    sms = Doing("sms", second, lambda: store.kill())
    one, two, _, store, _ = processes(desk, {"sms": sms}, clock=clock, lease=30.0)
    one.notify("eve", "order", "t")
    one.run_due()
    desk.expect(one.status(1), "sending")
    clock.advance(30)
    desk.expect(tried(one.run_due()), [("sms", "t", "accepted")])
    desk.expect(one.status(1), "sent")


@check(level=6, needs=["who_comes_too_late_changes_nothing"])
def an_interrupt_that_comes_too_late_changes_nothing(desk: Desk) -> None:
    """The second worker has sent it; then somebody stops the first one, which still hangs."""
    sms = Doing("sms", lambda: (clock.advance(30), two.run_due(), throw(KeyboardInterrupt())))
    one, two, _, _, clock = processes(desk, {"sms": sms}, lease=30.0)
    one.notify("eve", "order", "t")
    desk.raises(KeyboardInterrupt, one.run_due)
    desk.expect(one.status(1), "sent")


@check(level=6)
def words_of_the_provider_come_in_any_order(desk: Desk) -> None:
    """Read comes before delivered, and what she has read she has."""
    one, two, _, _, _ = processes(desk, fakes("sms"))
    for number, (events, expected) in enumerate(
        (
            (("delivered", "read"), ("delivered", "read")),
            (("read", "delivered"), ("read", "read")),
            (("read", "bounced"), ("read", "read")),
            (("bounced", "delivered", "bounced"), ("bounced", "delivered", "delivered")),
            (("bounced", "bounced"), ("bounced", "bounced")),
        ),
        start=1,
    ):
        one.notify("eve", "order", "t")
        one.run_due()
        desk.expect(tuple(two.record(number, event) for event in events), expected)
        desk.expect(one.status(number), expected[-1])


@check(level=6, kills=["w20"], needs=["words_of_the_provider_come_in_any_order"])
def a_late_sent_takes_nothing_back(desk: Desk) -> None:
    """The receipt is faster than the answer to the request, and then the answer says "sent"."""
    sms = Doing("sms", lambda: two.record(1, "delivered"))
    routes = Route(to=("sms", "email"), mode="fallback")
    one, two, _, _, clock = processes(desk, {"sms": sms, "email": Fake("email")}, routes)
    one.notify("eve", "order", "t")
    desk.expect(tried(one.run_due()), [("sms", "t", "accepted")])
    desk.expect([one.status(1), one.status(2)], ["delivered", "superseded"])
    desk.expect(one.record(1, "read"), "read")
    clock.advance(1000)
    desk.expect(two.run_due(), [])


@check(level=6, needs=["words_of_the_provider_come_in_any_order"])
def what_was_delivered_is_not_tried_again(desk: Desk) -> None:
    """The answer was lost, the message was not."""
    routes = Route(to=("sms", "email"), mode="fallback")
    one, two, _, _, clock = processes(desk, {"sms": Fake("sms", "unclear"), "email": Fake("email")}, routes)
    one.notify("eve", "order", "t")
    one.run_due()
    desk.expect(two.status(1), "waiting")
    desk.expect(two.record(1, "delivered"), "delivered")
    clock.advance(1000)
    desk.expect([*one.run_due(), *two.dead_letters()], [])
    desk.expect(one.status(2), "superseded")


@check(level=6, needs=["words_of_the_provider_come_in_any_order"])
def a_bounce_frees_the_key_and_the_line(desk: Desk) -> None:
    """The mail was accepted, and comes back an hour later."""
    one, two, _, _, _ = processes(desk, fakes(*ALL), LINE)
    one.notify("eve", "order", "t", key="7")
    one.run_due()
    desk.expect([one.status(number) for number in (1, 2, 3)], ["sent", "superseded", "superseded"])
    desk.expect(two.record(1, "bounced"), "bounced")
    desk.expect([one.status(number) for number in (1, 2, 3)], ["bounced", "waiting", "superseded"])
    desk.expect(two.notify("eve", "order", "t", key="7"), [])
    desk.expect(tried(two.run_due()), [("email", "t", "accepted")])
    desk.expect([one.status(number) for number in (1, 2, 3)], ["bounced", "sent", "superseded"])
    one.record(2, "bounced")
    desk.expect(tried(two.run_due()), [("push", "t", "accepted")])
    one.record(3, "bounced")
    desk.expect(len(two.notify("eve", "order", "t", key="7")), 3)


@check(level=6, needs=["a_bounce_frees_the_key_and_the_line"])
def a_bounce_of_yesterday_wakes_nobody(desk: Desk) -> None:
    """The first has failed for good, the second has arrived: what is the third to do?"""
    for event in ("delivered", "read", None):
        channels = fakes(*ALL) | {"sms": Fake("sms", "unclear")}
        one, two, _, _, _ = processes(desk, channels, LINE, max_attempts=1)
        one.notify("eve", "order", "t")
        one.run_due()
        if event is not None:
            one.record(2, event)
        desk.expect(two.record(1, "bounced"), "bounced")
        desk.expect([two.status(2), two.status(3)], [event or "sent", "superseded"])
        desk.afresh()


@check(level=6, needs=["a_bounce_frees_the_key_and_the_line"])
def a_line_that_has_gone_on_stops_when_the_first_arrives(desk: Desk) -> None:
    """First it has bounced, then it was delivered after all, and the next is still trying."""
    channels = fakes(*ALL) | {"email": Fake("email", "later")}
    one, two, _, _, clock = processes(desk, channels, LINE)
    one.notify("eve", "order", "t")
    one.run_due()
    one.record(1, "bounced")
    desk.expect(tried(two.run_due()), [("email", "t", "later")])
    desk.expect(one.record(1, "delivered"), "delivered")
    clock.advance(1000)
    desk.expect(two.run_due(), [])
    desk.expect([two.status(2), two.status(3)], ["superseded", "superseded"])


@check(level=6)
def limits_and_wishes_hold_over_all_processes(desk: Desk) -> None:
    """Two workers are not allowed twice as much."""
    one, two, _, _, clock = processes(desk, fakes("sms"), limits={"sms": (1, 60)})
    for text in "abc":
        one.notify("eve", "order", text)
    desk.expect([attempt.text for attempt in one.run_due()], ["a"])
    desk.expect(two.run_due(), [])
    one.record(1, "bounced")
    desk.expect(two.run_due(), [])
    clock.advance(60)
    for process in (one, two):
        process.put(Recipient("eve", {"sms": "+1"}, channels={"sms": False}))
    desk.expect(two.run_due(), [])
    desk.expect([one.status(number) for number in (1, 2, 3)], ["bounced", "suppressed", "suppressed"])


@check(level=6)
def nonsense_from_a_provider_is_refused(desk: Desk) -> None:
    """A webhook is a letter from a stranger."""
    one, _, _, _, _ = processes(desk, fakes("sms"))
    one.notify("eve", "order", "t")
    desk.raises(ValueError, one.record, 2, "read")
    desk.raises(ValueError, one.record, 0, "read")
    desk.raises(ValueError, one.record, 1, "sent")
    desk.raises(ValueError, one.record, 1, "opened")
    desk.raises(ValueError, one.record, 1, "read")
    desk.raises(ValueError, one.status, 2)
    desk.expect(one.status(1), "waiting")
    one.run_due()
    desk.raises(ValueError, one.record, 1, "sent")
    desk.raises(ValueError, one.record, 1, "opened")
    desk.make(**PLAIN, store=Store(), lease=0.5)
    for lease in (0, -1):
        desk.raises(ValueError, desk.make, **PLAIN, store=Store(), lease=lease)
