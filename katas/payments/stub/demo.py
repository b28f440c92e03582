"""Play with your payments: `python demo.py`. Where does the declined card lead?"""

from solution import Payments

payments = Payments()
order = payments.create(100_00)
for event in ("confirm", "decline", "confirm", "challenge", "authorize", "capture"):
    print(f"{event:10} -> {payments.apply(order, event)}")
for line in payments.history(order):
    print(line)
