"""No random programs: what is asked here needs tasks, and checks.py has them."""

GENERATORS = {}

BUDGETS = {}
