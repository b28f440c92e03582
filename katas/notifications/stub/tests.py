"""Your own tests: plain functions with `assert`. Which bugs would they catch?"""

from interface import Fake, Route
from solution import Notifier


def test_a_message_goes_the_way_of_its_route():
    email, sms = Fake("email"), Fake("sms")
    urgent = Route(to=("sms",), match=("severity=page",))
    notifier = Notifier(channels={"email": email, "sms": sms}, routes=Route(to=("email",), routes=(urgent,)))
    notifier.notify("eve", "alarm", "It burns", labels={"severity": "page"})
    notifier.run_due()
    assert [message.text for message in sms.sent] == ["It burns"]
    assert email.sent == []
