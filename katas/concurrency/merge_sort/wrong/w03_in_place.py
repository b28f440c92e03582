"""Sorts the caller's list."""


def merge_sort(items, pool):
    pieces = [[item] for item in items] or [[]]
    while len(pieces) > 1:
        pairs = zip(pieces[::2], pieces[1::2])
        futures = [pool.submit(merged, left, right) for left, right in pairs]
        odd = pieces[len(futures) * 2 :]
        pieces = [future.result() for future in futures] + odd
    items[:] = pieces[0]
    return items


def merged(left, right):
    result, at = [], 0
    for item in left:
        while at < len(right) and right[at] < item:
            result.append(right[at])
            at += 1
        result.append(item)
    return result + right[at:]
