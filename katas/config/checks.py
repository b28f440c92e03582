"""The directed checks and the scenarios of the settings."""

import threading

from interface import (
    ABSENT,
    App,
    Conflict,
    Disk,
    Document,
    Entry,
    Invalid,
    Missing,
    Pool,
    Problem,
    Said,
    Says,
    Secret,
    Shop,
    Store,
    StoreDown,
    VersionNotFound,
)
from lldkit.dojo.author import Desk, check, scenario


class Fn:
    """A function with a name for the story."""

    def __init__(self, name, run):
        self.name, self.run = name, run

    def __call__(self, *arguments):
        return self.run(*arguments)

    def __repr__(self):
        return self.name


class Heard:
    """A listener that notes what it hears, as plain data; `of` tells several of them apart."""

    def __init__(self, of=""):
        self.of, self.calls = of, []

    def __call__(self, old, new):
        self.calls.append((named(old), named(new)))

    def __repr__(self):
        return f"hear_{self.of}" if self.of else "hear"


def hears(desk, listener, *calls):
    """The listener has heard just these pairs of old and new values."""
    desk.quietly(f"heard_{listener.of}" if listener.of else "heard", lambda: None)
    desk.expect(listener.calls, list(calls))


def named(value):
    """ABSENT by its name, so that it can be compared."""
    return "ABSENT" if value is ABSENT else value


def made(desk, schema=None, **said):
    """Settings over layers of one dict each."""
    layers = {name: value if callable(value) else Says(value) for name, value in said.items()}
    return desk.make(layers=layers) if schema is None else desk.make(layers=layers, schema=schema)


def problems(desk, call):
    """What `call` finds wrong."""
    try:
        call()
    except Invalid as error:
        return list(error.problems)
    except Exception as error:
        if error is not desk.blamed:
            raise
        return desk.fail("Invalid is raised", f"{type(error).__name__}: {error}")
    return desk.fail("Invalid is raised", "no exception")


def near(desk, settings, path):
    """What stands in the `near` of the error for a path that is not there."""
    try:
        value = settings.get(path)
    except Missing as error:
        return (error.path, error.near)
    return desk.fail("Missing is raised", repr(value))


# -- level 1: layered lookup ---------------------------------------------------------------------------------------


@check(level=1)
def the_strongest_layer_counts(desk: Desk) -> None:
    """A variable that somebody sets in an emergency must win over the file."""
    settings = made(desk, file={"port": 80, "host": "a"}, env={"port": 81}, args={"host": "b"})
    desk.expect(settings.get("port"), 81)
    desk.expect(settings.get("host"), "b")


@check(level=1, kills=["w01", "w25"])
def every_value_is_a_value(desk: Desk) -> None:
    """`debug = false` and `retries = 0` are the settings that people set on purpose."""
    settings = made(desk, file={"debug": True, "retries": 3, "host": "a", "limit": 9})
    desk.expect(settings.get("retries", 5), 3)
    desk.afresh()
    settings = made(desk, file={"debug": False, "retries": 0, "host": "", "limit": None})
    desk.expect(settings.get("debug", True), False)
    desk.expect(settings.get("retries", 5), 0)
    desk.expect(settings.get("host", "a"), "")
    desk.expect(settings.get("limit", 9), None)


@check(level=1, kills=["w25"])
def none_of_a_stronger_layer_counts(desk: Desk) -> None:
    """`limit = null` takes a limit away; if it did not count the old limit would stay."""
    settings = made(desk, file={"limit": 9}, env={"limit": None})
    desk.expect(settings.get("limit"), None)


@check(level=1, kills=["w26"])
def a_default_is_for_what_is_missing(desk: Desk) -> None:
    """Without the error a typo in a path is a setting that nobody can set."""
    settings = made(desk, file={"port": 80})
    desk.expect(settings.get("host", None), None)
    desk.expect(settings.get("host", 0), 0)
    desk.raises(Missing, settings.get, "host")


@check(level=1)
def what_is_missing_names_what_is_near(desk: Desk) -> None:
    """Whoever mistypes a path should not have to read the source to find the right one."""
    settings = made(desk, file={"pool": {"size": 10, "wait": 2}, "port": 80}, env={"host": "a"})
    desk.expect(near(desk, settings, "pool.sise"), ("pool.sise", "pool.size"))
    desk.expect(near(desk, settings, "hots"), ("hots", "host"))
    desk.expect(near(desk, settings, "zzz"), ("zzz", None))


@check(level=1)
def a_path_ends_at_a_value(desk: Desk) -> None:
    """A path one step too long is an answer, not a crash."""
    settings = made(desk, file={"host": "example", "port": 80})
    desk.expect(settings.get("host.name", "none"), "none")
    desk.expect(settings.get("port.number", "none"), "none")


@check(level=1)
def layers_are_asked_once(desk: Desk) -> None:
    """If each read asked the file, two reads in one request would disagree, and the disk would be busy."""
    settings = made(desk, file=Says({"port": 80}, {"port": 81}))
    desk.expect(settings.get("port"), 80)
    desk.expect(settings.get("port"), 80)


# -- level 2: types ------------------------------------------------------------------------------------------------


@check(level=2, kills=["w02"])
def words_are_true_or_false(desk: Desk) -> None:
    """bool("false") is True: the switch that was turned off is on."""
    for text, value in {"false": False, "No": False, " 0 ": False, "off": False, "ON": True, "yes": True}.items():
        desk.afresh()
        settings = made(desk, App, env={"name": "shop", "debug": text})
        desk.expect(settings.get("debug"), value)
    desk.afresh()
    wrong = problems(desk, lambda: made(desk, App, env={"name": "shop", "debug": "banana"}))
    desk.expect(wrong, [Problem("wrong", "debug", ("env",), "'banana'")])


@check(level=2, kills=["w22"])
def a_text_stays_a_text(desk: Desk) -> None:
    """The version 1.10 becomes 1.1, and the article 01234 another one, where the look of a text decides its type."""
    for text in ("01234", "1.10", "true", " a "):
        desk.afresh()
        settings = made(desk, App, env={"name": text})
        desk.expect(settings.get("name"), text)


@check(level=2, kills=["w29"])
def numbers_are_read_strictly(desk: Desk) -> None:
    """What is let through here as a number is found in the invoice."""
    settings = made(desk, App, env={"name": "shop", "port": " +081 ", "pool": {"wait": "1e3"}})
    desk.expect(settings.get("port"), 81)
    desk.expect(settings.get("pool.wait"), 1000.0)
    for value in ("8080x", "1e5", "1_000", "2.5", "", True, 80.0, None):
        desk.afresh()
        wrong = problems(desk, lambda value=value: made(desk, App, env={"name": "shop", "port": value}))
        desk.expect(wrong, [Problem("wrong", "port", ("env",), repr(value))])
    for value in ("nan", "-inf", "1_0.5", "", True):
        desk.afresh()
        wrong = problems(desk, lambda value=value: made(desk, App, env={"name": "shop", "pool": {"wait": value}}))
        desk.expect(wrong, [Problem("wrong", "pool.wait", ("env",), repr(value))])


@check(level=2)
def an_int_may_be_a_float(desk: Desk) -> None:
    """`wait = 2` in a file is no mistake."""
    settings = made(desk, App, file={"name": "shop", "pool": {"wait": 2}})
    desk.expect(settings.get("pool.wait"), 2)


@check(level=2, kills=["w23"])
def an_empty_text_may_be_none(desk: Desk) -> None:
    """A variable can be set to nothing, but not be taken away, by most who start a container."""
    settings = made(desk, App, env={"name": "", "limit": ""})
    desk.expect(settings.get("limit"), None)
    desk.expect(settings.get("name"), "")
    desk.afresh()
    settings = made(desk, App, env={"name": "shop", "limit": "7"})
    desk.expect(settings.get("limit"), 7)


@check(level=2, kills=["w03"])
def all_problems_are_told_at_once(desk: Desk) -> None:
    """One problem per start is one deployment per typo."""
    env = {"port": "x", "prt": 1, "pool": {"size": "many", "sise": 1}}
    wrong = problems(desk, lambda: made(desk, App, env=env))
    told = [(each.kind, each.path) for each in wrong]
    desk.expect(
        told,
        [
            ("missing", "name"),
            ("unknown", "pool.sise"),
            ("wrong", "pool.size"),
            ("wrong", "port"),
            ("unknown", "prt"),
        ],
    )


@check(level=2)
def a_problem_names_who_says_it(desk: Desk) -> None:
    """With the value but without its source the search begins."""
    wrong = problems(desk, lambda: made(desk, App, file={"name": "shop", "port": 80}, env={"port": "x", "nme": "a"}))
    desk.expect(wrong, [Problem("unknown", "nme", ("env",)), Problem("wrong", "port", ("file", "env"), "'x'")])


@check(level=2)
def a_value_is_no_section(desk: Desk) -> None:
    """What has the wrong shape is a problem with a path, not a TypeError from within."""
    wrong = problems(desk, lambda: made(desk, App, file={"name": {"first": "a"}, "pool": 5}))
    desk.expect(wrong, [Problem("wrong", "name", ("file",), "{'first': 'a'}"), Problem("wrong", "pool", ("file",), "5")])


@check(level=2)
def only_the_strongest_word_is_judged(desk: Desk) -> None:
    """A bad line in the file that a variable overrides must not stop the start."""
    settings = made(desk, App, file={"name": "shop", "port": "x"}, env={"port": "81"})
    desk.expect(settings.get("port"), 81)


@check(level=2, kills=["w24"])
def a_section_keeps_the_default_instance(desk: Desk) -> None:
    """One variable set, and its neighbour falls back to a value that the author of the schema never chose."""
    settings = made(desk, App, env={"name": "shop", "pool": {"wait": "1"}})
    desk.expect(settings.get("pool.wait"), 1.0)
    desk.expect(settings.get("pool.size"), 20)


@check(level=2)
def the_schema_says_what_is_missing(desk: Desk) -> None:
    """A path that the schema does not know is a typo in the program."""
    settings = made(desk, App, env={"name": "shop"})
    desk.expect(near(desk, settings, "pool.sise"), ("pool.sise", "pool.size"))
    desk.expect(settings.get("pool.sise", 7), 7)


# -- level 3: merge and provenance ---------------------------------------------------------------------------------


@check(level=3, kills=["w04"])
def sections_are_merged_at_any_depth(desk: Desk) -> None:
    """One key set in the environment must not empty the rest of its section."""
    file = {"pool": {"size": 10, "retry": {"times": 3, "wait": 1}}}
    settings = made(desk, file=file, env={"pool": {"retry": {"times": 5}}})
    desk.expect(settings.get("pool.retry.times"), 5)
    desk.expect(settings.get("pool"), {"size": 10, "retry": {"times": 5, "wait": 1}})
    desk.expect(file, {"pool": {"size": 10, "retry": {"times": 3, "wait": 1}}})


@check(level=3, kills=["w05"])
def lists_are_replaced(desk: Desk) -> None:
    """Where lists add up nobody can take the old host off the list."""
    settings = made(desk, file={"hosts": ["a", "b"]}, env={"hosts": ["c"]})
    desk.expect(settings.get("hosts"), ["c"])


@check(level=3)
def a_section_with_a_schema_is_an_instance(desk: Desk) -> None:
    """What is handed to the pool is a Pool, whoever said its parts."""
    settings = made(desk, App, file={"name": "shop", "pool": {"size": 5}}, env={"pool": {"wait": "1"}})
    desk.expect(settings.get("pool"), Pool(5, 1.0))


@check(level=3)
def lists_are_read_from_texts(desk: Desk) -> None:
    """The environment has no lists."""
    for text, wanted in {"eu, us": ("eu", "us"), "eu": ("eu",), "": ()}.items():
        desk.afresh()
        settings = made(desk, App, env={"name": "shop", "regions": text})
        desk.expect(settings.get("regions"), wanted)
    desk.afresh()
    settings = made(desk, App, file={"name": "shop", "regions": ["eu"]})
    desk.expect(settings.get("regions"), ("eu",))
    for value in (5, ["eu", 5], None):
        desk.afresh()
        wrong = problems(desk, lambda value=value: made(desk, App, file={"name": "shop", "regions": value}))
        desk.expect(wrong, [Problem("wrong", "regions", ("file",), repr(value))])


@check(level=3, kills=["w27"])
def a_section_over_a_value_is_a_conflict(desk: Desk) -> None:
    """Whichever of the two wins quietly, somebody's settings are gone."""
    wrong = problems(desk, lambda: made(desk, file={"pool": {"size": 10}}, env={"pool": 5}))
    desk.expect(wrong, [Problem("conflict", "pool", ("file", "env"), "5")])
    desk.afresh()
    wrong = problems(desk, lambda: made(desk, file={"pool": 5}, env={"pool": {"size": 10}}))
    desk.expect(wrong, [Problem("conflict", "pool", ("file", "env"), "{'size': 10}")])
    desk.afresh()
    wrong = problems(desk, lambda: made(desk, App, file={"name": "shop", "pool": {"sise": 1}}, env={"pool": 5}))
    desk.expect(wrong, [Problem("conflict", "pool", ("file", "env"), "5")])


@check(level=3, kills=["w06"])
def the_winner_of_each_key_is_told(desk: Desk) -> None:
    """Whoever is told the wrong file at three in the morning edits the wrong file."""
    settings = made(desk, file={"pool": {"size": 10, "wait": 1}}, env={"pool": {"size": 20}})
    desk.expect(settings.explain("pool.size"), (Said("file", 10, False), Said("env", 20, True)))
    desk.expect(settings.explain("pool.wait"), (Said("file", 1, True),))


@check(level=3)
def the_default_is_the_weakest_word(desk: Desk) -> None:
    """That nobody has set something is an answer, too."""
    settings = made(desk, App, env={"name": "shop", "pool": {"wait": " 1 "}})
    desk.expect(settings.explain("port"), (Said("default", 80, True),))
    desk.expect(settings.explain("pool.size"), (Said("default", 20, True),))
    desk.expect(settings.explain("pool.wait"), (Said("default", 2.5, False), Said("env", " 1 ", True)))
    desk.expect(settings.explain("name"), (Said("env", "shop", True),))
    desk.raises(Missing, settings.explain, "nme")


@check(level=3, kills=["w14"])
def what_is_handed_out_belongs_to_the_caller(desk: Desk) -> None:
    """One handler that appends to its list changes the settings of all others."""
    settings = made(desk, file={"pool": {"hosts": ["a"]}})
    desk.quietly("settings.get('pool.hosts').append('b')", lambda: settings.get("pool.hosts").append("b"))
    desk.expect(settings.get("pool.hosts"), ["a"])
    desk.quietly("settings.get('pool')['hosts'].append('b')", lambda: settings.get("pool")["hosts"].append("b"))
    desk.expect(settings.get("pool.hosts"), ["a"])
    desk.quietly(
        "settings.explain('pool.hosts')[0].value.append('b')",
        lambda: settings.explain("pool.hosts")[0].value.append("b"),
    )
    desk.expect(settings.get("pool.hosts"), ["a"])
    desk.expect(settings.explain("pool.hosts"), (Said("file", ["a"], True),))


# -- level 4: hot reload -------------------------------------------------------------------------------------------


@check(level=4, kills=["w11"])
def a_broken_layer_changes_nothing(desk: Desk) -> None:
    """A file that is saved half must not take the service down an hour after the deployment."""
    file = Says({"port": 80}, OSError("gone"), {"port": 82})
    settings = made(desk, file=file, env=Says({"host": "a"}, {"host": "b"}))
    desk.expect(problems(desk, settings.reload), [Problem("unreadable", "", ("file",))])
    desk.expect(settings.get("port", None), 80)
    desk.expect(settings.get("host", None), "a")
    desk.expect(settings.reload(), True)
    desk.expect(settings.get("port"), 82)
    desk.expect(settings.get("host"), "b")


@check(level=4)
def a_reload_that_is_not_valid_changes_nothing(desk: Desk) -> None:
    """The last known good settings are better than none, and better than half of the new ones."""
    env = Says({"name": "shop", "port": "81"}, {"name": "shap", "port": "x"}, {"port": "82"})
    settings = made(desk, App, env=env)
    desk.expect(problems(desk, settings.reload), [Problem("wrong", "port", ("env",), "'x'")])
    desk.expect((settings.get("name"), settings.get("port")), ("shop", 81))
    desk.expect(settings.explain("port"), (Said("default", 80, False), Said("env", "81", True)))
    desk.expect(problems(desk, settings.reload), [Problem("missing", "name")])
    desk.expect((settings.get("name"), settings.get("port")), ("shop", 81))


@check(level=4)
def the_first_load_tells_who_cannot_be_read(desk: Desk) -> None:
    """A service that cannot read its settings should say which file, and not be up."""
    layers = {"file": Says(OSError("gone")), "env": Says({"prt": 1}), "args": Says(ValueError("bad"))}
    wrong = problems(desk, lambda: desk.make(layers=layers, schema=App))
    desk.expect(wrong, [Problem("unreadable", "", ("args",)), Problem("unreadable", "", ("file",))])


@check(level=4)
def a_reload_says_whether_something_changed(desk: Desk) -> None:
    """Whoever logs each poll as a change has a log of polls."""
    settings = made(desk, file=Says({"port": 80}, {"port": 80}, {"port": 81}), env=Says({}, {}, {"port": 81}))
    desk.expect(settings.reload(), False)
    desk.expect(settings.reload(), True)
    desk.expect(settings.reload(), False)


@check(level=4)
def who_says_it_is_renewed(desk: Desk) -> None:
    """When the variable is gone and the file says the same, the file is who has set it."""
    settings = made(desk, file={"port": 80}, env=Says({"port": 80}, {}))
    settings.reload()
    desk.expect(settings.explain("port"), (Said("file", 80, True),))


@check(level=4, kills=["w13"])
def two_edits_in_one_second_are_two(desk: Desk) -> None:
    """The correction that is saved half a second after the mistake is never read."""
    settings = made(desk, file=Says({"port": 80}, {"port": 81}, changed_at=7))
    settings.reload()
    desk.expect(settings.get("port"), 81)


@check(level=4, kills=["w28"])
def what_a_layer_said_is_kept_as_it_was(desk: Desk) -> None:
    """A dict that the program goes on editing would change settings that nobody has checked."""
    data = {"pool": {"hosts": ["a"]}, "port": 80}
    desk.quietly(f"data = {data}", lambda: None)
    settings = made(desk, env=Fn("lambda: data", lambda: data))

    def edit():
        data["pool"]["hosts"].append("b")
        data["port"] = 81

    desk.quietly("data['pool']['hosts'].append('b'); data['port'] = 81", edit)
    desk.expect(settings.get("pool.hosts"), ["a"])
    desk.expect(settings.explain("pool.hosts"), (Said("env", ["a"], True),))
    desk.expect(settings.get("port"), 80)
    settings.reload()
    desk.expect(settings.get("pool.hosts"), ["a", "b"])


@check(level=4)
def a_change_is_heard(desk: Desk) -> None:
    """A pool that is not told keeps its old size until the next deployment."""
    file = Says({"port": 80}, {"port": 81, "pool": {"size": 1}}, {})
    settings, port, pool = made(desk, file=file), Heard("port"), Heard("pool")
    settings.watch("port", port)
    settings.watch("pool", pool)
    settings.reload()
    hears(desk, port, (80, 81))
    hears(desk, pool, ("ABSENT", {"size": 1}))
    settings.reload()
    hears(desk, port, (80, 81), (81, "ABSENT"))
    hears(desk, pool, ("ABSENT", {"size": 1}), ({"size": 1}, "ABSENT"))


@check(level=4, kills=["w07"], needs=["a_change_is_heard"])
def the_old_value_stays_as_it_was(desk: Desk) -> None:
    """Where the new values are written over the old ones a listener cannot tell what has changed, nor a reader when."""
    settings, heard = made(desk, file=Says({"pool": {"size": 1, "wait": 2}}, {"pool": {"size": 3}})), Heard()
    settings.watch("pool", heard)
    settings.reload()
    hears(desk, heard, ({"size": 1, "wait": 2}, {"size": 3}))


@check(level=4, kills=["w12"], needs=["a_change_is_heard"])
def only_what_has_changed_is_heard(desk: Desk) -> None:
    """A listener that reconnects to the database does so at each edit of the log level."""
    settings, heard = made(desk, file=Says({"level": 1, "pool": {"size": 1}}, {"level": 2, "pool": {"size": 1}})), Heard()
    settings.watch("pool", heard)
    settings.reload()
    hears(desk, heard)


@check(level=4, kills=["w08"], needs=["a_change_is_heard"])
def listeners_read_what_is_new(desk: Desk) -> None:
    """A listener that reads the settings again builds the old pool anew."""
    settings, seen = made(desk, file=Says({"size": 1, "wait": 1}, {"size": 2, "wait": 2})), []
    settings.watch("size", Fn("look", lambda old, new: seen.append(settings.get("wait"))))
    settings.reload()
    desk.expect(seen, [2])


@check(level=4, kills=["w10"], needs=["a_change_is_heard"])
def a_listener_that_raises_harms_nobody(desk: Desk) -> None:
    """One bad plug-in, and the connection pool is never told."""
    settings, heard = made(desk, file=Says({"port": 80}, {"port": 81}, {"port": 82})), Heard()

    def fail(old, new):
        raise RuntimeError("the listener's own fault")

    settings.watch("port", Fn("fail", fail))
    settings.watch("port", heard)
    desk.expect(settings.reload(), True)
    hears(desk, heard, (80, 81))
    settings.reload()
    hears(desk, heard, (80, 81), (81, 82))


@check(level=4, needs=["a_change_is_heard"])
def listeners_are_told_in_their_order(desk: Desk) -> None:
    """Who depends on another one subscribes after it."""
    settings, told = made(desk, file=Says({"port": 80}, {"port": 81})), []
    for name in ("one", "two", "three"):
        settings.watch("port", Fn(name, lambda old, new, name=name: told.append(name)))
    settings.reload()
    desk.expect(told, ["one", "two", "three"])


@check(level=4, kills=["w30"], needs=["a_change_is_heard"])
def an_ended_watch_is_silent_at_once(desk: Desk) -> None:
    """A listener whose object is closed already crashes on what it is told next."""
    settings, heard, ends = made(desk, file=Says({"port": 80}, {"port": 81}, {"port": 82})), Heard(), []
    settings.watch("port", Fn("end_the_next_one", lambda old, new: ends[0]()))
    ends.append(settings.watch("port", heard))
    other = Heard("other")
    settings.watch("port", other)
    settings.reload()
    hears(desk, heard)
    hears(desk, other, (80, 81))
    desk.quietly("end()  # again", lambda: ends[0]())
    settings.reload()
    hears(desk, heard)


@check(level=4, needs=["a_change_is_heard"])
def what_a_listener_hears_is_its_own(desk: Desk) -> None:
    """A listener that sorts its list sorts it for nobody else."""
    settings = made(desk, file=Says({"hosts": []}, {"hosts": ["b", "a"]}, {"hosts": ["c"]}))
    heard = Heard()

    def spoil(old, new):
        old.append("spoilt")
        new.append("spoilt")

    settings.watch("hosts", Fn("append_to_both", spoil))
    settings.watch("hosts", heard)
    settings.reload()
    hears(desk, heard, ([], ["b", "a"]))
    desk.expect(settings.get("hosts"), ["b", "a"])
    settings.reload()
    hears(desk, heard, ([], ["b", "a"]), (["b", "a"], ["c"]))


@scenario(level=4, kills=["w09"], needs=["a_change_is_heard"], schedules=20)
def no_lock_is_held_while_a_listener_runs(make):
    """A listener that waits for another thread, or reloads, stops the whole service."""
    settings, met = make(layers={"file": Says({"port": 80}, {"port": 81}, {"port": 82})}), threading.Barrier(2)

    def meets(old, new):
        if new == 81:
            met.wait()
            other = threading.Thread(target=settings.reload, name="other")
            other.start()
            other.join()

    settings.watch("port", meets)

    def another():
        settings.watch("host", lambda old, new: None)()
        met.wait()

    return {"one": settings.reload, "two": another}, lambda: make.expect(settings.get("port"), 82)


@scenario(level=4, needs=["no_lock_is_held_while_a_listener_runs"], schedules=5)
def the_last_value_is_heard_last(make):
    """A listener that reloads must not leave those behind it with the value of before."""
    settings = make(layers={"file": Says({"port": 80}, {"port": 81}, {"port": 82})})
    first, last = Heard(), Heard()

    def reload_once(old, new):
        if new == 81:
            settings.reload()

    for listener in (first, reload_once, last):
        settings.watch("port", listener)

    def invariant():
        for heard in (first, last):
            make.expect(heard.calls[-1][1], 82)
            make.expect([old for old, _ in heard.calls], [80, *(new for _, new in heard.calls[:-1])])
        return True

    return {"one": settings.reload}, invariant


@scenario(level=4, kills=["w07"], schedules=40)
def a_reader_sees_one_version(make):
    """Host of the old file, password of the new one: nobody can log in, for one request in a million."""
    says, begun, seen = Says(*({"db": {"host": side, "user": side, "password": side}} for side in "ab")), threading.Event(), []

    def file():
        if seen:
            begun.set()
        return says()

    settings = make(layers={"file": file})
    seen.append(settings.get("db"))

    def reads():
        begun.wait()
        for _ in range(20):  # so many that one is likely to fall into the change
            seen.append(settings.get("db"))

    def invariant():
        return all(make.expect(each, dict.fromkeys(each, each["host"])) for each in seen)

    return {"reloads": settings.reload, "reads": reads}, invariant


# -- level 5: versions ---------------------------------------------------------------------------------------------


def ports(desk, *numbers, **more):
    """Settings over a file that says these ports one after the other."""
    return desk.make(layers={"file": Says(*({"port": number} for number in numbers))}, **more)


@check(level=5)
def each_change_is_a_version(desk: Desk) -> None:
    """What is not counted cannot be named in an incident report."""
    settings = ports(desk, 80, 80, 81)
    desk.expect(settings.version(), 1)
    settings.reload()
    desk.expect(settings.version(), 1)
    settings.reload()
    desk.expect(settings.version(), 2)
    desk.expect(settings.history(), [Entry(1, None, "first load"), Entry(2, 1, "reload")])


@check(level=5)
def versions_differ_by_paths(desk: Desk) -> None:
    """The first question of every incident: what has changed?"""
    one = {"port": 80, "pool": {"size": 1, "wait": 2}, "hosts": ["a"]}
    two = {"port": 81, "pool": {"size": 1, "retry": 3}, "hosts": ["a"]}
    settings = made(desk, file=Says(one, two))
    settings.reload()
    wanted = {"port": (80, 81), "pool.wait": (2, "ABSENT"), "pool.retry": ("ABSENT", 3)}
    desk.expect(by_name(settings.diff(1, 2)), wanted)
    desk.expect(by_name(settings.diff(2, 1)), {path: pair[::-1] for path, pair in wanted.items()})
    desk.expect(settings.diff(2, 2), {})
    desk.raises(VersionNotFound, settings.diff, 1, 3)


def by_name(differences):
    """A diff with ABSENT by its name."""
    return {path: (named(old), named(new)) for path, (old, new) in differences.items()}


@check(level=5)
def a_difference_belongs_to_the_caller(desk: Desk) -> None:
    """A report that sorts the lists in it must not sort the settings."""
    settings = made(desk, file=Says({"hosts": ["a"]}, {"hosts": ["b"]}))
    settings.reload()
    desk.quietly("settings.diff(1, 2)['hosts'][1].append('c')", lambda: settings.diff(1, 2)["hosts"][1].append("c"))
    desk.expect(settings.get("hosts"), ["b"])


@check(level=5, kills=["w15", "w16"])
def a_rollback_goes_forward(desk: Desk) -> None:
    """Two states under one number, or one that is gone: nobody can say any more what was served at nine."""
    settings = ports(desk, 80, 81, 82)
    settings.reload()
    settings.reload()
    desk.expect(settings.rollback(1, expected=3, author="ana"), 4)
    desk.expect((settings.get("port"), settings.version()), (80, 4))
    entries = [Entry(1, None, "first load"), Entry(2, 1, "reload"), Entry(3, 2, "reload"), Entry(4, 1, "ana")]
    desk.expect(settings.history(), entries)
    desk.expect(settings.rollback(3, expected=4, author="bob"), 5)
    desk.expect(settings.get("port"), 82)
    desk.expect(settings.history(), [*entries, Entry(5, 3, "bob")])


@check(level=5, kills=["w31"])
def listeners_hear_of_a_rollback(desk: Desk) -> None:
    """The settings are back, and the pool still has the size that took the database down."""
    settings, heard = ports(desk, 80, 81), Heard()
    settings.watch("port", heard)
    settings.reload()
    settings.rollback(1, expected=2, author="ana")
    hears(desk, heard, (80, 81), (81, 80))


@check(level=5, kills=["w32"], needs=["a_rollback_goes_forward"])
def a_rollback_holds(desk: Desk) -> None:
    """Two seconds after the rollback the poller would bring the bad file back."""
    settings = ports(desk, 80, 81, 82, 83)
    settings.reload()
    settings.rollback(1, expected=2, author="ana")
    desk.expect(settings.reload(), False)
    desk.expect((settings.get("port"), settings.version()), (80, 3))
    desk.expect(settings.release(), True)
    desk.expect((settings.get("port"), settings.version()), (83, 4))
    desk.expect(settings.history()[-1], Entry(4, 3, "reload"))


@check(level=5, needs=["a_rollback_holds"])
def a_held_reload_is_judged(desk: Desk) -> None:
    """Whoever mends the file during the hold wants to know whether it is mended."""
    settings = made(desk, file=Says({"port": 80}, {"port": 81}, OSError("gone"), OSError("gone"), {"port": 82}, {"port": 83}))
    settings.reload()
    settings.rollback(1, expected=2, author="ana")
    desk.expect(problems(desk, settings.reload), [Problem("unreadable", "", ("file",))])
    desk.expect(problems(desk, settings.release), [Problem("unreadable", "", ("file",))])
    desk.expect(settings.get("port"), 80)
    desk.expect(settings.reload(), True)


@check(level=5)
def the_history_is_bounded(desk: Desk) -> None:
    """A service that runs for a year must not keep every edit of it."""
    settings = ports(desk, 80, 81, 82, 83, keep=2)
    for _ in range(3):
        settings.reload()
    desk.expect(settings.history(), [Entry(3, 2, "reload"), Entry(4, 3, "reload")])
    desk.raises(VersionNotFound, settings.diff, 2, 4)
    desk.raises(VersionNotFound, lambda: settings.rollback(2, expected=4, author="ana"))
    desk.expect(settings.rollback(3, expected=4, author="ana"), 5)
    desk.expect(settings.history(), [Entry(4, 3, "reload"), Entry(5, 3, "ana")])
    desk.afresh()
    settings = ports(desk, *range(102))
    desk.quietly("for _ in range(101): settings.reload()", lambda: [settings.reload() for _ in range(101)])
    desk.expect(len(settings.history()), 100)
    desk.raises(ValueError, desk.make, layers={}, keep=0)
    desk.expect(desk.make(layers={}, keep=1).version(), 1)


@check(level=5)
def who_is_late_is_told(desk: Desk) -> None:
    """Two people roll back in the same minute; the second one would undo what the first has done."""
    settings = ports(desk, 80, 81)
    settings.reload()
    settings.rollback(1, expected=2, author="ana")
    try:
        settings.rollback(2, expected=2, author="bob")
    except Conflict as error:
        desk.expect((error.expected, error.actual), (2, 3))
    else:
        desk.fail("Conflict is raised", "no exception")
    desk.expect((settings.version(), settings.get("port")), (3, 80))
    desk.raises(VersionNotFound, lambda: settings.rollback(9, expected=3, author="bob"))
    desk.expect(settings.reload(), False)


@scenario(level=5, kills=["w17"], schedules=20)
def one_of_two_rollbacks_wins(make):
    """Between looking at the version and writing there is time for another writer."""
    settings, ended = make(layers={"file": Says({"port": 80}, {"port": 81})}), []
    settings.reload()

    def body():
        try:
            ended.append(settings.rollback(1, expected=2, author="ana"))
        except Conflict as error:
            ended.append(f"{error.expected} is {error.actual}")

    def invariant():
        return make.expect(sorted(ended, key=str), ["2 is 3", 3])

    return {"one": body, "two": body}, invariant


@scenario(level=5, kills=["w33"], schedules=20)
def the_later_reload_has_the_last_word(make):
    """A reload that was slow brings the old file back, and nobody edits the file again."""
    settings = make(layers={"file": Says({"port": 80}, {"port": 81}, {"port": 82})})

    def invariant():
        return make.expect((settings.get("port"), settings.version()), (82, 3))

    return {"one": settings.reload, "two": settings.reload}, invariant


@scenario(level=5, schedules=50)
def no_change_is_told_twice(make):
    """A listener that adds up what it is told counts one change twice, and another one not at all."""
    settings, heard = make(layers={"file": Says({"port": 80}, {"port": 81}, {"port": 82})}), Heard()
    settings.reload()
    settings.reload()
    settings.watch("port", heard)

    def body():
        for expected, to in ((3, 1), (4, 2)):
            try:
                settings.rollback(to, expected=expected, author="ana")
            except Conflict:
                pass

    def invariant():
        return make.expect(sorted(heard.calls), [(82, 81)] if len(heard.calls) == 1 else [(80, 81), (82, 80)])

    return {"one": body, "two": body}, invariant


@scenario(level=5, schedules=30)
def watches_begin_and_end_at_the_same_time(make):
    """Two plug-ins start in one second, and one of them is never told anything."""
    settings, old, new = make(layers={"file": Says({"port": 80}, {"port": 81})}), Heard(), Heard()
    end = settings.watch("port", old)

    def invariant():
        settings.reload()
        return make.expect((old.calls, new.calls), ([], [(80, 81)]))

    return {"one": end, "two": lambda: settings.watch("port", new)}, invariant


@scenario(level=5, kills=["w39"], schedules=60)
def nobody_who_watches_is_forgotten(make):
    """Two parts of the service begin at once, and one of them keeps the password of yesterday for ever."""
    settings = make(layers={"file": Says({"port": 80}, {"port": 81})})
    one, two = Heard(), Heard()

    def invariant():
        settings.reload()
        return make.expect([one.calls, two.calls], [[(80, 81)], [(80, 81)]])

    return {"one": lambda: settings.watch("port", one), "two": lambda: settings.watch("port", two)}, invariant


# -- level 6: a shared store ---------------------------------------------------------------------------------------


def shared(desk, store, **more):
    """Settings over a store, and the store as the story tells it."""
    return desk.make(**{"layers": {}, **more}, store=store), desk.given("store", store)


def switch(desk, store, name, value):
    """Set a flag of the store."""
    desk.quietly(f"store.{name} = {value}", lambda: setattr(store, name, value))


@check(level=6)
def the_store_is_the_strongest_layer(desk: Desk) -> None:
    """What is published for all instances must reach them all."""
    settings, store = shared(desk, Store({"port": 81}), layers={"env": Says({"port": 80, "host": "a"})})
    desk.expect(settings.get("port"), 81)
    desk.expect(settings.get("host"), "a")
    desk.expect(settings.explain("port"), (Said("env", 80, False), Said("store", 81, True)))
    store.publish(host="b")
    desk.expect((settings.get("port"), settings.get("host")), (80, "b"))


@check(level=6, needs=["the_store_is_the_strongest_layer"])
def a_hint_asks_the_store_only(desk: Desk) -> None:
    """A hundred hints a minute must not be a hundred readings of every file."""
    heard, layer = Heard(), Says({"host": "a"}, {"host": "b"})
    settings, store = shared(desk, Store({"port": 80}), layers={"file": layer})
    settings.watch("port", heard)
    store.publish(port=81)
    hears(desk, heard, (80, 81))
    desk.expect(settings.get("host"), "a")
    settings.reload()
    desk.expect(settings.get("host"), "b")


@check(level=6, kills=["w18"], needs=["the_store_is_the_strongest_layer"])
def nothing_is_missed_at_the_start(desk: Desk) -> None:
    """An instance that starts during a change serves the old document until the next one, perhaps for days."""
    source = Store({"port": 80})
    store = desk.given("store", source)

    def meanwhile(verb):
        if verb == "subscribe":
            store.publish(port=81)

    source.on_trip = meanwhile
    settings = desk.make(layers={}, store=source)
    desk.expect(settings.get("port"), 81)


@check(level=6, kills=["w37"], needs=["the_store_is_the_strongest_layer"])
def a_hint_is_no_data(desk: Desk) -> None:
    """Hints are lost and overtake each other; whoever counts them is wrong sooner or later."""
    source = Store({"port": 80})
    settings, store = shared(desk, source)
    switch(desk, source, "losing", True)
    store.publish(port=81)
    desk.expect(settings.get("port"), 80)
    store.hint(1)
    desk.expect(settings.get("port"), 81)
    store.hint(9)
    desk.expect(settings.get("port"), 81)
    store.publish(port=82)
    desk.expect(settings.reload(), True)
    desk.expect(settings.get("port"), 82)


@check(level=6, kills=["w19"], needs=["the_store_is_the_strongest_layer"])
def a_replica_that_lags_changes_nothing(desk: Desk) -> None:
    """Every second request to the store would bring yesterday's settings back."""
    source, heard = Store({"port": 80}), Heard()
    settings, store = shared(desk, source)
    store.publish(port=81)
    settings.watch("port", heard)
    switch(desk, source, "lagging", True)
    store.hint(2)
    desk.expect(settings.reload(), False)
    desk.expect(settings.get("port"), 81)
    switch(desk, source, "lagging", False)
    store.publish(port=82)
    hears(desk, heard, (81, 82))


@check(level=6, kills=["w20"], needs=["the_store_is_the_strongest_layer"])
def a_store_made_anew_counts(desk: Desk) -> None:
    """After the restore of a backup all instances would wait for version 4712 of a store that is at 1."""
    settings, store = shared(desk, Store({"port": 80}))
    store.publish(port=81)
    store.make_anew(port=90)
    desk.expect(settings.get("port"), 90)
    store.publish(port=91)
    desk.expect(settings.get("port"), 91)


@check(level=6, kills=["w34"], needs=["the_store_is_the_strongest_layer"])
def a_store_that_is_down_stops_nothing(desk: Desk) -> None:
    """The store is one more thing that fails; the settings must not fail with it."""
    source = Store({"port": 80})
    settings, store = shared(desk, source, layers={"file": Says({"host": "a"}, {"host": "b"})})
    switch(desk, source, "down", True)
    desk.expect(settings.reload(), True)
    desk.expect((settings.get("port"), settings.get("host")), (80, "b"))
    store.hint(2)
    switch(desk, source, "down", False)
    store.publish(port=81)
    desk.expect(settings.get("port"), 81)


@check(level=6, needs=["the_store_is_the_strongest_layer"])
def the_disk_helps_at_the_start(desk: Desk) -> None:
    """When the store is down all instances that restart would stay down with it."""
    source, disk = Store({"port": 90}), Disk(Document("first", 7, {"port": 87}))
    source.down = True
    switch(desk, source, "down", True)
    settings, store = shared(desk, source, disk=disk)
    desk.expect(settings.get("port"), 87)
    switch(desk, source, "down", False)
    store.hint(1)
    desk.expect(settings.get("port"), 87)
    store.make_anew(port=91)
    desk.expect(settings.get("port"), 91)
    desk.expect(disk.load(), Document("first'", 1, {"port": 91}))
    desk.afresh()
    switch(desk, source, "down", True)
    desk.raises(StoreDown, desk.make, layers={}, store=source, disk=Disk())
    desk.raises(StoreDown, desk.make, layers={}, store=source)


@check(level=6, kills=["w36"], needs=["the_store_is_the_strongest_layer"])
def the_disk_has_what_was_served(desk: Desk) -> None:
    """A bad document on the disk is a service that does not start while the store is down."""
    source, kept = Store({"port": 80}), Disk()
    base = {"database": {"password": "x"}}
    settings, store = shared(desk, source, layers={"env": Says(base)}, schema=Shop, disk=kept)
    desk.expect(kept.load(), Document("first", 1, {"port": 80}))
    store.publish(port="x")
    desk.expect(settings.get("port"), 80)
    desk.expect(kept.load(), Document("first", 1, {"port": 80}))
    store.publish(port=82)
    desk.expect(kept.load(), Document("first", 3, {"port": 82}))
    desk.expect(settings.get("port"), 82)
    desk.afresh()
    kept = Disk()
    desk.raises(Invalid, desk.make, layers={"env": Says(base)}, schema=Shop, store=Store({"port": "x"}), disk=kept)
    desk.true(kept.load() is None, "nothing on the disk", "a document that was never served")


@check(level=6, needs=["the_store_is_the_strongest_layer"])
def hints_are_held_too(desk: Desk) -> None:
    """A rollback in an incident is undone by the next hint."""
    settings, store = shared(desk, Store({"port": 80}))
    store.publish(port=81)
    settings.rollback(1, expected=2, author="ana")
    store.publish(port=82)
    desk.expect(settings.get("port"), 80)
    desk.expect(settings.release(), True)
    desk.expect(settings.get("port"), 82)


PASSWORD = {"database": {"password": "hunter2"}}


@check(level=6)
def a_secret_is_a_text(desk: Desk) -> None:
    """What is handed on as a plain text is in a log by the evening."""
    settings = made(desk, Shop, env=PASSWORD)
    secret = settings.get("database.password")
    desk.true(type(secret) is Secret, "a Secret", f"a {type(secret).__name__}")
    desk.expect(secret.reveal(), "hunter2")
    wrong = problems(desk, lambda: made(desk, Shop, env={"database": {"password": 5}}))
    desk.expect(wrong, [Problem("wrong", "database.password", ("env",), "***")])


@check(level=6, kills=["w35"], needs=["a_secret_is_a_text"])
def explanations_hide_secrets(desk: Desk) -> None:
    """The page that explains the settings is open to everybody in the building."""
    settings = made(desk, Shop, file={"database": {"password": "old"}}, env=PASSWORD)
    desk.expect(settings.explain("database.password"), (Said("file", "***", False), Said("env", "***", True)))
    desk.expect(settings.explain("database.host"), (Said("default", "localhost", True),))


@check(level=6, kills=["w21"], needs=["a_secret_is_a_text"])
def a_section_is_as_secret_as_what_is_in_it(desk: Desk) -> None:
    """Whoever gives a URL where a section was meant has its password in the crash report."""
    wrong = problems(desk, lambda: made(desk, Shop, env={"database": "db://hunter2"}))
    desk.expect(wrong, [Problem("wrong", "database", ("env",), "***")])
    desk.afresh()
    wrong = problems(desk, lambda: made(desk, Shop, file=PASSWORD, env={"database": "db://hunter2"}))
    desk.expect(wrong, [Problem("conflict", "database", ("file", "env"), "***")])
    desk.afresh()
    wrong = problems(desk, lambda: made(desk, Shop, file=PASSWORD, env={"port": "x"}))
    desk.expect(wrong, [Problem("wrong", "port", ("env",), "'x'")])
