"""Templates: what is filled in, what is escaped, what is missing, and which language is used."""

from typing import Any

import pytest

from lldkit.notifications import (
    HeaderInjection,
    MissingVariable,
    Recipient,
    Route,
    Template,
    Templates,
    UnknownTemplate,
    Verdict,
)
from lldkit.notifications.jinja import JinjaTemplate, SecurityError
from notifications.helpers import World

EVIL = "<b>Eve</b>"


def test_data_are_escaped_in_html_and_nowhere_else() -> None:
    plain = Template(subject="$name", text="$name", html="<i>$name</i>")
    jinja = JinjaTemplate(subject="{{ name }}", text="{{ name }}", html="<i>{{ name }}</i>")
    for template in (plain, jinja):
        assert template.render({"name": EVIL}) == (EVIL, EVIL, "<i>&lt;b&gt;Eve&lt;/b&gt;</i>")


def test_values_that_are_no_texts_are_shown_as_json() -> None:
    assert Template(text="$a $b $c").render({"a": 1, "b": None, "c": ["ü"]})[1] == '1 null ["ü"]'


@pytest.mark.parametrize("template", [Template(text="$name $author"), JinjaTemplate(text="{{ name }} {{ author }}")])
def test_a_missing_variable_is_named(template: Any) -> None:
    with pytest.raises(KeyError, match="author"):
        template.render({"name": "x"})
    assert template.variables() == {"name", "author"}


def test_a_missing_attribute_is_named() -> None:
    with pytest.raises(KeyError, match="author"):
        JinjaTemplate(text="{{ item.author }}").render({"item": {}})


def test_a_missing_variable_in_the_second_channel_stores_nothing() -> None:
    templates = Templates({"news": {"email": Template(text="$name"), "sms": Template(text="$author")}})
    world = World(Route(to=("email", "sms")), templates=templates)
    with pytest.raises(MissingVariable) as caught:
        world.notify()
    assert (caught.value.name, caught.value.template) == ("author", "news/sms")
    assert world.router.next_due() is None


def test_a_missing_template_stores_nothing() -> None:
    world = World(Route(to=("email", "sms")), templates=Templates({"news": {"email": Template(text="x")}}))
    with pytest.raises(UnknownTemplate) as caught:
        world.notify()
    assert (caught.value.category, caught.value.channel) == ("news", "sms")
    assert world.router.next_due() is None


@pytest.mark.parametrize("line_break", ["\r\nBcc: x", "\n", "\r", "\x00", "\u2028"])
def test_a_subject_is_one_line(line_break: str) -> None:
    world = World(Route(to=("email",)), templates=Templates({"news": {"email": Template(subject="a $name")}}))
    with pytest.raises(HeaderInjection) as caught:
        world.notify(data={"name": f"b{line_break}"})
    assert caught.value.field == "subject"
    assert world.router.next_due() is None


def test_a_subject_may_hold_what_only_looks_like_a_blank() -> None:
    world = World(Route(to=("email",)), templates=Templates({"news": {"email": Template(subject="5\u00a0$name")}}))
    assert world.router.notify("u1", "news", {"name": "EUR"}).decisions[0].verdict is Verdict.SEND


@pytest.mark.parametrize(
    ("locale", "text"), [("de-AT", "Servus"), ("de-CH", "Hallo"), ("de", "Hallo"), ("fr", "Hello"), ("en-GB", "Hello")]
)
def test_a_locale_falls_back_to_shorter_ones_and_then_to_the_default(locale: str, text: str) -> None:
    by_locale = {"de-AT": "Servus", "de": "Hallo", "en": "Hello"}
    templates = Templates({"news": {f"email:{each}": Template(text=text) for each, text in by_locale.items()}})
    world = World(Route(to=("email",)), templates=templates)
    world.directory.put(Recipient("u1", {"email": "u1@example.com"}, locale=locale))
    world.notify()
    world.run()
    assert world.sent() == [text]


def test_without_the_default_locale_the_template_without_one_is_used() -> None:
    templates = Templates({"news": {"email": Template(text="Hi"), "email:de": Template(text="Hallo")}})
    assert templates.render("news", "email", "fr", {}) == ("", None, "Hi", None)
    with pytest.raises(UnknownTemplate):
        Templates({"news": {"email:de": Template(text="Hallo")}}).render("news", "email", "fr", {})


@pytest.mark.parametrize("text", ["costs $5", "${", "$"])
def test_a_text_that_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text is no template"):
        Template(text=text)
    with pytest.raises(ValueError, match="text is no template"):
        JinjaTemplate(text="{% if %}")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ name.__class__.__mro__ }}",
        "{{ (name|attr('__class__')) }}",
        "{{ '{0.__class__}'.format(name) }}",
        "{{ items.append(1) }}",
        "{{ name.format.__globals__ }}",
    ],
)
def test_no_walk_leaves_the_sandbox(text: str) -> None:
    with pytest.raises((SecurityError, KeyError)):
        JinjaTemplate(text=text).render({"name": "x", "items": []})


def test_output_is_bounded() -> None:
    endless = JinjaTemplate(text="{% for a in range(99999) %}{{ 'x' * 100 }}{% endfor %}")
    with pytest.raises(ValueError, match="more than 1000000 characters"):
        endless.render({})
    world = World(Route(to=("email",)), templates=Templates({"news": {"email": Template(text="$name$name")}}))
    with pytest.raises(ValueError, match="over 1000000"):
        world.notify(data={"name": "x" * 600_000})


def test_a_filter_that_raises_costs_its_own_notification() -> None:
    def broken(_: object) -> str:
        raise RuntimeError("boom")

    template = JinjaTemplate(text="{{ name|broken }}", filters={"broken": broken})
    world = World(Route(to=("email",)), templates=Templates({"news": {"email": template}}))
    with pytest.raises(RuntimeError, match="boom"):
        world.notify()
    assert world.router.next_due() is None


def test_a_digest_loops_over_its_items() -> None:
    several = JinjaTemplate(text="{{ count }}: {% for item in items %}{{ item.name }};{% endfor %}")
    template = JinjaTemplate(text="{{ name }}", digest=several)
    assert template.digest is several
    data = {"count": 2, "items": [{"name": "a"}, {"name": "b"}]}
    assert several.render(data) == (None, "2: a;b;", None)  # type: ignore[arg-type]
