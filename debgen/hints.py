"""Remarks on a plan that nobody asked a release for: that a newer one exists, and that another would fit better."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from packaging.version import Version

from debgen.comparison import kept_cells
from debgen.errors import DebgenError
from debgen.planner import Workbench
from debgen.planning.matrix import Cell, Fit, best, much_better
from debgen.planning.model import Variant
from debgen.upstream.model import DependencyTree

#: How many releases are looked at, the newest first: about a year of a busy project.
_LOOKED_AT = 12
#: How many of them, those that fit best by their published metadata, are looked at closely.
_CANDIDATES = 3
_READERS = 4


def hints(bench: Workbench, tree: DependencyTree, variant: Variant) -> tuple[str, ...]:
    """What to tell about other releases of the root; nothing where the user named one."""
    if tree.requirement != tree.root:
        return ()
    name, chosen = tree.root, tree.distributions[tree.root].version
    finals = [v for v in bench.client.versions(name) if not Version(v).is_prerelease]
    newer = [v for v in finals if Version(v) > Version(chosen)]
    told = []
    if newer:
        told.append(
            f"{name} {newer[0]} is newer than the {chosen} planned here, but its requirements can't all be met by the "
            f"index; `debgen plan '{name}=={newer[0]}'` says which"
        )
    # What is newer was passed over by resolution, with good reason.
    older = [v for v in finals if Version(v) < Version(chosen)]
    if better := _better(bench, name, chosen, older, variant):
        here, fit = better
        fewer = "1 obstacle" if len(fit.cell.obstacles) == 1 else f"{len(fit.cell.obstacles)} obstacles"
        told.append(
            f"{name} {fit.cell.release} fits {here.suite} much better, with {fewer} "
            f"instead of {len(here.obstacles)}: `debgen matrix {name}` compares the releases"
        )
    return tuple(told)


def _better(
    bench: Workbench, name: str, chosen: str, older: Sequence[str], variant: Variant
) -> tuple[Cell, Fit] | None:
    """The cell of the chosen release, and a much better fit among older ones; None where there is none."""
    kept = {cell.release: cell for cell in kept_cells(bench, name, variant.name) if cell.release in (chosen, *older)}
    if kept:
        here, found = kept.get(chosen), best(kept.values())
        return (here, found) if here and found and much_better(here, found) else None
    here = _first_look(bench, name, chosen, variant)
    if here is None or not much_better(here, Fit(Cell("", here.suite, here.variant), ())):
        return None  # not even a release without any obstacle would be
    for release in _candidates(bench, name, older[:_LOOKED_AT], variant):
        cell = _first_look(bench, name, release, variant)
        if cell is not None and not cell.problem and much_better(here, fit := Fit(cell, ())):
            return here, fit
    return None


def _candidates(bench: Workbench, name: str, releases: Sequence[str], variant: Variant) -> list[str]:
    """The releases that fit best by their published metadata, best first.

    It is quick to read, where the requirements of a variant take much of the sdist; and what it says too much for a
    variant, it says of all releases.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        looks = pool.map(lambda release: _first_look(bench, name, release, variant, published=True), releases)
        cells = [cell for cell in looks if cell is not None and not cell.problem]
    cells.sort(key=lambda cell: len(cell.obstacles))  # the newest first among equals, as they came
    return [cell.release for cell in cells[:_CANDIDATES]]


def _first_look(bench: Workbench, name: str, release: str, variant: Variant, *, published: bool = False) -> Cell | None:
    """What stands in the way of a release by its own requirements alone; None where they can't be read."""
    try:
        return bench.first_look(name, release, variant, published=published)
    except DebgenError:
        return None
