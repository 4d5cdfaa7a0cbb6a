"""The order in which to package: stages of a topological order, cycles cut visibly."""

from __future__ import annotations

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter


def stages(
    needs: Mapping[str, Set[str]],
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """Stages (each needs only earlier ones) and the cycles that were cut at their last edge.

    ``needs`` says for each name what it needs; names that aren't keys themselves don't count. A cycle is given as the
    names along it, the first again at the end.
    """
    left = {name: {other for other in needs[name] if other in needs} for name in sorted(needs)}
    cycles: list[tuple[str, ...]] = []
    while True:
        sorter = TopologicalSorter({name: sorted(left[name]) for name in left})
        try:
            sorter.prepare()
        except CycleError as error:
            # graphlib lists each node before the one that needs it, the first again at the end
            around = list(error.args[1])
            cycles.append(tuple(reversed(around)))
            left[around[1]].discard(around[0])
            continue
        found: list[tuple[str, ...]] = []
        while sorter.is_active():
            stage = tuple(sorted(sorter.get_ready()))
            found.append(stage)
            sorter.done(*stage)
        return tuple(found), tuple(cycles)
