"""Rendezvous hashing: which node a key belongs to, so that a node that comes or goes moves only its own keys.

Thaler, Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking 6(1), 1998;
weighted by Schindelhauer, Schomaker, "Weighted distributed hash tables", SPAA 2005.
"""

import hashlib
import heapq
import math
from collections.abc import Iterable, Mapping

from lldkit.arguments import check_count, check_number

__all__ = ["RendezvousRing"]


class RendezvousRing:
    """Nodes by name, each with a weight: of two nodes, one of weight 2 and one of 1, the first has two thirds.

    The answer depends on nothing but the names, the weights and the key: not on the order of `add`, not on the process.
    Safe for threads: a change replaces the nodes as a whole. A look-up costs O(nodes).

    >>> ring = RendezvousRing(["a", "b", "c"])
    >>> before = ring.node_for("user:7")
    >>> ring.add("d")
    >>> ring.node_for("user:7") in {before, "d"}
    True
    """

    def __init__(self, nodes: Mapping[str, float] | Iterable[str]) -> None:
        self._nodes: dict[str, tuple[float, bytes]] = {}
        for node, weight in nodes.items() if isinstance(nodes, Mapping) else ((name, 1.0) for name in nodes):
            self.add(node, weight)

    @property
    def nodes(self) -> dict[str, float]:
        """The nodes and their weights."""
        return {node: weight for node, (weight, _) in self._nodes.items()}

    def add(self, node: str, weight: float = 1.0) -> None:
        """Add a node, or change its weight; only keys that it wins or loses move."""
        check_number(f"the weight of {node!r}", weight, above=0)
        seed = hashlib.blake2b(node.encode(), digest_size=32).digest()
        self._nodes = {**self._nodes, node: (weight, seed)}

    def remove(self, node: str) -> None:
        """Remove a node; only its keys move. A `KeyError` if it is none."""
        nodes = dict(self._nodes)
        del nodes[node]
        self._nodes = nodes

    def node_for(self, key: str | bytes) -> str:
        """The node of `key`. A `LookupError` if there are no nodes."""
        return self.nodes_for(key, 1)[0]

    def nodes_for(self, key: str | bytes, count: int) -> list[str]:
        """The first `count` nodes for `key` in their order, for copies; fewer if there are fewer nodes."""
        check_count("count", count, least=1)
        nodes, data = self._nodes, key.encode() if isinstance(key, str) else key
        if not nodes:
            raise LookupError("the ring has no nodes")
        scores = {node: _score(data, weight, seed) for node, (weight, seed) in nodes.items()}
        return heapq.nlargest(count, nodes, key=lambda node: (scores[node], node))


def _score(data: bytes, weight: float, seed: bytes) -> float:
    """How much a node wants a key: an exponential draw at the rate of its weight, the same every time."""
    drawn = int.from_bytes(hashlib.blake2b(data, digest_size=8, key=seed).digest())
    return -weight / math.log((drawn + 0.5) / 2**64)
