"""Sets of atoms that become tasks: joined by handles, by cycles, and where joining costs nothing.

Every join here keeps the graph of the sets free of cycles, or takes the cycle away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush

Graph = dict[int, dict[int, None]]  #: each node with those that follow it


class Clusters:
    """Numbers in disjoint sets; a set is known by its smallest number."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        parent = self._parent
        while parent[item] != item:
            parent[item] = item = parent[parent[item]]
        return item

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self._parent[second] = first

    def members(self) -> dict[int, list[int]]:
        sets: dict[int, list[int]] = {}
        for item in range(len(self._parent)):
            sets.setdefault(self.find(item), []).append(item)
        return sets

    def quotient(self, edges: Iterable[tuple[int, int]]) -> Graph:
        """The graph of the sets."""
        graph: Graph = {root: {} for root in self.members()}
        for source, target in edges:
            one, other = self.find(source), self.find(target)
            if one != other:
                graph[one][other] = None
        return graph


def reverse(graph: Graph) -> Graph:
    back: Graph = {node: {} for node in graph}
    for node, following in graph.items():
        for other in following:
            back[other][node] = None
    return back


def in_order(graph: Graph) -> list[int]:
    """The nodes, each behind all that it follows, the smallest first; of a cycle none."""
    waiting = {node: len(before) for node, before in reverse(graph).items()}
    ready = [node for node, count in waiting.items() if not count]
    heapify(ready)
    order = []
    while ready:
        node = heappop(ready)
        order.append(node)
        for other in graph[node]:
            waiting[other] -= 1
            if not waiting[other]:
                heappush(ready, other)
    return order


def contract_cycles(clusters: Clusters, graph: Graph, report: Callable[[list[int]], None]) -> None:
    """Join the sets that wait for each other; `report` is given one way round for each.

    What is strongly connected is contracted to one node: the condensation of a graph has no cycle
    (Tarjan 1972), and no less would do.
    """
    if len(in_order(graph)) == len(graph):
        return
    from networkx import DiGraph, strongly_connected_components

    drawn = DiGraph()
    drawn.add_edges_from((one, other) for one in graph for other in graph[one])
    for component in strongly_connected_components(drawn):
        if len(component) > 1:
            first, *rest = sorted(component)
            report(_way_round(graph, first, component))
            for other in rest:
                clusters.join(first, other)


def _way_round(graph: Mapping[int, Iterable[int]], start: int, within: set[int]) -> list[int]:
    """A shortest way from a node back to itself."""
    came: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for other in graph[node]:
            if other == start:
                way = [start]
                while node != start:
                    way.append(node)
                    node = came[node]
                return [start, *way[:0:-1], start]
            if other in within and other not in came:
                came[other] = node
                queue.append(other)
    raise AssertionError("what is strongly connected has a way round")


def join_small(
    clusters: Clusters,
    edges: Iterable[tuple[int, int]],
    small: set[int],
    takes: Callable[[int], bool],
    report: Callable[[int, int], None],
) -> None:
    """Join each small set to the only one that it follows, or else to the only one behind it.

    Nobody waits longer for it there, and no cycle can come of it: a way round would have to enter
    or leave the small set by a second edge.
    """
    before: dict[int, list[int]] = {}
    behind: dict[int, list[int]] = {}
    for source, target in edges:
        before.setdefault(target, []).append(source)
        behind.setdefault(source, []).append(target)
    for near in (before, behind):
        members = {root: found for root, found in clusters.members().items() if root in small}
        for root in sorted(members, reverse=near is behind):
            if clusters.find(root) != root or root not in small:
                continue
            beside = {clusters.find(other) for one in members[root] for other in near.get(one, ())}
            beside.discard(root)
            if len(beside) == 1 and takes(other := beside.pop()):
                report(root, other)
                clusters.join(root, other)
                both = other in small
                small -= {root, other}
                if both:
                    small.add(clusters.find(root))


def join_lines(
    clusters: Clusters,
    graph: Graph,
    alike: Callable[[int, int], bool],
    report: Callable[[int, int], None],
) -> None:
    """Join what stands in a line: a set and the only one behind it that follows nothing else."""
    back = reverse(graph)
    for node in in_order(graph):
        for other in graph[node]:
            if len(graph[node]) == len(back[other]) == 1 and alike(node, other):
                report(node, other)
                clusters.join(node, other)
