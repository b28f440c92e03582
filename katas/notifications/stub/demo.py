"""Play with your notifier: `python demo.py`. Who is woken?"""

from interface import Message, Route
from solution import Notifier


class Terminal:
    """A channel that prints."""

    def send(self, message: Message) -> str:
        print(f"{message.channel:6} to {message.to}: {message.text}")
        return "accepted"


routes = Route(
    to=("email",),
    routes=(
        Route(to=("log",), continues=True),
        Route(to=("pager", "email"), match=("severity=~page|crit", "team!=web")),
        Route(to=("chat",), match=("category=comment",)),
    ),
)
notifier = Notifier(channels={name: Terminal() for name in ("email", "log", "pager", "chat")}, routes=routes)
notifier.notify("eve", "comment", "Bob has answered")
notifier.notify("eve", "alarm", "The disk is full", labels={"severity": "page"})
notifier.notify("eve", "alarm", "The shop is slow", labels={"severity": "page", "team": "web"})
notifier.run_due()
