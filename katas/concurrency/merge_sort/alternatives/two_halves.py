"""Two halves in the pool, sorted there without waiting for anybody; the caller merges."""

from heapq import merge


def merge_sort(items, pool):
    middle = len(items) // 2
    if not middle:
        return list(items)
    halves = [pool.submit(sorted, half) for half in (items[:middle], items[middle:])]
    return list(merge(*(half.result() for half in halves)))
