"""Play with your lab: `python demo.py`. A timeline is drawn as columns, and what you say of it stands below."""

from solution import Lab

timeline = [
    "Ann reads fee",
    "Bob reads fee",
    "Ann reads balance",
    "Bob reads balance",
    "Bob writes balance",
    "Ann writes balance",
]

for step, line in enumerate(timeline):
    thread, what = line.split(" ", 1)
    print(f"{step:5}   {what if thread == 'Ann' else '':18}{what if thread == 'Bob' else ''}")

lab = Lab()
print("interrupted after", lab.preemptions(timeline))
print("fatal is", lab.fatal(timeline))

# From level 2 on the scheduler of the kit runs your threads:
#
#   from lldkit.interleave import Dpor, controlled, explore
#
#   with controlled():
#       from solution import Lab
#
#   def two_additions():
#       counter = Lab().counter()
#       return [lambda: counter.add(1)] * 2, lambda: counter.value() == 2
#
#   print(explore(two_additions, strategy=Dpor()))
