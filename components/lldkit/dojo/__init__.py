"""The dojo: grades katas, and proves its own graders.

`grade(load_kata("rate_limiter"), "solution.py", level=2)` runs a solution in a process of its own and returns a
`Report`: verdict, the first failure told as the shortest call sequence, and the bug's name where it is sure.
The commands are `lldkit kata ...`; docs/katas.md explains how a grade is made and how a kata is written.
"""

from lldkit.dojo.catalog import load_kata
from lldkit.dojo.grader import grade

__all__ = ["grade", "load_kata"]
