"""The dojo: grades katas, and proves its own graders.

>>> from lldkit.dojo import grade, load_kata, mutants

`grade(load_kata("rate_limiter"), "solution.py", level=2)` runs a solution in a process of its own and returns a
`Report`: verdict, the first failure told as the shortest call sequence, and the bug's name where it is sure.
`mutants(source)` yields a program's one-change variations, by which the author's gate proves a grader.
The commands are `lldkit kata ...`; docs/dojo.md explains how a grade is made, docs/katas.md how to practise and how a
kata is written.
"""

from lldkit.dojo.catalog import load_kata
from lldkit.dojo.grader import grade
from lldkit.dojo.mutate import mutants

__all__ = ["grade", "load_kata", "mutants"]
