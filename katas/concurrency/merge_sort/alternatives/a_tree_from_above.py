"""The caller walks down the tree and up again; the pool sorts pairs, and merges what is finished."""

from heapq import merge


def merge_sort(items, pool):
    if len(items) < 2:
        return list(items)
    if len(items) == 2:
        return pool.submit(sorted, items).result()
    middle = len(items) // 2
    left, right = merge_sort(items[:middle], pool), merge_sort(items[middle:], pool)
    return pool.submit(lambda: list(merge(left, right))).result()
