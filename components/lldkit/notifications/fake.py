"""A channel that sends nothing and answers what a script says, for tests."""

import threading
from collections.abc import Iterable

from lldkit.notifications.interface import Accepted, Message, Outcome, Unclear

__all__ = ["FakeChannel"]


class FakeChannel:
    """Keeps what it was sent in `sent`, and answers the outcomes of `script`, then Accepted for ever.

    It is a provider that knows repetitions: a message whose idempotency key it has taken before is answered, but is no
    new send. `Unclear` means that it took the message and the answer was lost. `calls` has every call. Safe for
    threads.

    >>> from lldkit.notifications.interface import Later
    >>> fake = FakeChannel("sms", script=[Later("busy")])
    >>> message = Message(id="d1", idempotency_key="d1", channel="sms", category="login", priority="high",
    ...                   recipient_id="u1", address="+15550100")
    >>> fake.send(message), fake.send(message), fake.send(message)
    (Later(reason='busy', retry_after=None), Accepted(provider_id='sms-1'), Accepted(provider_id='sms-1'))
    >>> len(fake.sent), len(fake.calls)
    (1, 3)
    """

    def __init__(self, name: str, *, script: Iterable[Outcome] = ()) -> None:
        self.name = name
        self.sent: list[Message] = []
        self.calls: list[Message] = []
        self._script = iter(script)
        self._ids: dict[str, str] = {}
        self._lock = threading.Lock()

    def send(self, message: Message, /) -> Outcome:
        """Answer as the script says."""
        with self._lock:
            self.calls.append(message)
            outcome = next(self._script, None)
            if isinstance(outcome, Accepted | Unclear | None) and message.idempotency_key not in self._ids:
                self.sent.append(message)
                self._ids[message.idempotency_key] = f"{self.name}-{len(self.sent)}"
            return Accepted(self._ids[message.idempotency_key]) if outcome is None else outcome

    async def asend(self, message: Message, /) -> Outcome:
        """As `send`."""
        return self.send(message)
