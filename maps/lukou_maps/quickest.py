"""Quickest ways over a graph: Dijkstra's algorithm as machine code, since scipy's takes longer to import than a process may take to be back."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from lukou_maps.compiled import compiled
from lukou_maps.ragged import Floats, Ints


class Graph(NamedTuple):
    """Arcs by the node that they leave.

    Attributes
    ----------
    start : (n + 1,) int array
        Where each node's arcs begin.
    target : (a,) int array
        Node that each arc leads to.
    cost : (a,) float array
        Of each arc, not negative; inf: closed.
    """

    start: Ints
    target: Ints
    cost: Floats

    def reversed(self) -> Graph:
        """The same arcs by the node that they lead to."""
        order = np.argsort(self.target, kind="stable")
        nodes = np.arange(len(self.start))
        source = np.repeat(nodes[:-1], np.diff(self.start))
        return Graph(np.searchsorted(self.target[order], nodes), source[order], self.cost[order])


@compiled
def quickest(graph: Graph, source: int, most: float) -> tuple[Floats, Ints]:
    """Least costs from a node to every other (Dijkstra 1959, with a heap that keeps outdated entries).

    Parameters
    ----------
    graph : Graph
        The graph.
    source : int
        Node to begin at.
    most : float
        Nodes that cost more are not looked for.

    Returns
    -------
    cost : (n,) float array
        inf where there is no way within `most`.
    before : (n,) int array
        Node before each on its way; -1 where there is none.
    """
    count = graph.start.shape[0] - 1
    costs, before = np.full(count, np.inf), np.full(count, -1)
    costs[source] = 0.0
    heap = [(0.0, source)]
    while len(heap) > 0:
        cost, node = heappop(heap)
        if cost > costs[node]:
            continue
        for arc in range(graph.start[node], graph.start[node + 1]):
            after, total = graph.target[arc], cost + graph.cost[arc]
            if total <= most and total < costs[after]:
                costs[after], before[after] = total, node
                heappush(heap, (total, after))
    return costs, before
