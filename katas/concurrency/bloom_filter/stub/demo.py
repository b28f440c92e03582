"""Play with it: `python demo.py`."""

from solution import BloomFilter

bloom = BloomFilter(1000, 0.01)
for number in range(1000):
    bloom.add(f"item {number}")
print(bloom.size(), "bits;", sum(f"other {number}" in bloom for number in range(1000)), "of 1000 others are found")
