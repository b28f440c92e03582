"""No random programs: what is asked here needs threads, and checks.py has them."""

GENERATORS = {}

BUDGETS = {}
