"""Halves are sorted by others while you wait. Who is left to sort them?"""


def merge_sort(items, pool):
    """A sorted copy of `items`, made with the help of `pool.submit(fn, *args).result()`."""
    raise NotImplementedError  # TODO: level 1
