"""Play with your registry: `python demo.py`. The clock moves only when you move it."""

from lldkit.clock import ManualClock

from solution import Registry

clock = ManualClock()
registry = Registry(clock=clock)
registry.counter("requests", ("method", "code"))
registry.gauge("in_flight")

for number in range(12):
    registry.inc("in_flight")
    registry.inc("requests", 1, {"method": "GET", "code": 500 if number % 5 == 0 else 200})
    if number % 3:
        registry.inc("in_flight", -1)
    clock.advance(1)

print(registry.render(), end="")
