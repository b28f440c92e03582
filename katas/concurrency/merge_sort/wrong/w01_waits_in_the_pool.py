"""Tasks of the pool wait for tasks of the pool."""


def merge_sort(items, pool):
    if len(items) < 2:
        return list(items)
    middle = len(items) // 2
    halves = [pool.submit(merge_sort, half, pool) for half in (items[:middle], items[middle:])]
    return merged(*(half.result() for half in halves))


def merged(left, right):
    result, at = [], 0
    for item in left:
        while at < len(right) and right[at] < item:
            result.append(right[at])
            at += 1
        result.append(item)
    return result + right[at:]
