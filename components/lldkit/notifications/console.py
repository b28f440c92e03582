"""A channel that writes messages to a terminal, for development."""

import sys
from typing import TextIO

from lldkit.notifications.interface import Accepted, Message, Outcome

__all__ = ["ConsoleChannel"]


class ConsoleChannel:
    """Writes each message to `stream` (default: standard output as it is then), without its address.

    Control characters of subject and text are shown as escapes, so that a message cannot steer the terminal. Safe for
    threads as far as the stream is: each message is one write.

    >>> from lldkit.notifications.interface import Priority
    >>> ConsoleChannel("sms").send(Message(id="d1", idempotency_key="d1", channel="sms", category="login",
    ...     priority=Priority.HIGH, recipient_id="u1", address="+15550100", text="Your code is 4711"))
    [sms] login for u1 (high)
      Your code is 4711
    Accepted(provider_id='d1')
    """

    def __init__(self, name: str, *, stream: TextIO | None = None) -> None:
        self.name = name
        self._stream = stream

    def send(self, message: Message, /) -> Outcome:
        """Write it."""
        told = [message.subject, *(message.text or "").splitlines()]
        lines = [f"[{self.name}] {message.category} for {message.recipient_id} ({message.priority})"]
        lines += [f"  {line}" for line in told if line]
        (self._stream or sys.stdout).write("".join(f"{_harmless(line)}\n" for line in lines))
        return Accepted(message.id)

    async def asend(self, message: Message, /) -> Outcome:
        """As `send`."""
        return self.send(message)


def _harmless(line: str) -> str:
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
