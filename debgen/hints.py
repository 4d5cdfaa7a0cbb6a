"""Remarks on a plan that nobody asked a release for: that a newer one exists, and that another would fit better."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from packaging.utils import canonicalize_name
from packaging.version import Version

from debgen.comparison import kept_cells
from debgen.errors import DebgenError
from debgen.planner import Workbench
from debgen.planning.matrix import Cell, best, much_better
from debgen.planning.model import Plan, Variant

#: How many releases are looked at, the newest first: about a year of a busy project.
_LOOKED_AT = 12
_READERS = 4


def hints(bench: Workbench, plan: Plan) -> tuple[str, ...]:
    """What to tell about other releases of the root; nothing where the user named one."""
    root = plan.node(plan.root)
    if root is None or plan.requirement != plan.root:
        return ()
    finals = _finals(bench, plan.root)
    newer = [v for v in finals if Version(v) > Version(root.version)]
    told = []
    if newer:
        told.append(
            f"{plan.root} {newer[0]} is newer than the {root.version} planned here, but its requirements can't all be "
            f"met by the index; `debgen plan '{plan.root}=={newer[0]}'` says which"
        )
    cells = kept_cells(bench, plan.root, plan.variant.name)
    if not cells:
        # What is newer was passed over by resolution, with good reason.
        older = [v for v in finals if Version(v) <= Version(root.version)]
        cells = _first_looks(bench, plan.root, older[:_LOOKED_AT], plan.variant)
    cells = [cell for cell in cells if Version(cell.release) <= Version(root.version)]
    here = next((cell for cell in cells if cell.release == root.version), None)
    fit = best(cells)
    if fit is not None and here is not None and much_better(here, fit):
        told.append(
            f"{plan.root} {fit.cell.release} fits {plan.suite} much better, with {len(fit.cell.obstacles)} obstacles "
            f"instead of {len(here.obstacles)}: `debgen matrix {plan.root}` compares the releases"
        )
    return tuple(told)


def begin(bench: Workbench, requirement: str, variant: Variant) -> None:
    """Begin to read what :func:`hints` will look at, beside the plan; what fails here fails again there."""

    def read() -> None:
        with suppress(DebgenError):
            if kept_cells(bench, requirement, variant.name):
                return
            for release in _finals(bench, requirement)[: 2 * _READERS]:
                with suppress(DebgenError):
                    bench.requirements(requirement, release, variant)

    if requirement == canonicalize_name(requirement):  # hints are for those who name no release
        threading.Thread(target=read, daemon=True).start()


def _finals(bench: Workbench, name: str) -> list[str]:
    return [v for v in bench.client.versions(name) if not Version(v).is_prerelease]


def _first_looks(bench: Workbench, name: str, releases: Sequence[str], variant: Variant) -> list[Cell]:
    """What stands in the way of each release by its own requirements alone; those that can't be read are left out."""

    def ready(release: str) -> bool:
        try:
            bench.requirements(name, release, variant)
        except DebgenError:
            return False
        return True

    cells: list[Cell] = []
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(releases), _READERS):
            some = releases[start : start + _READERS]
            readable = [release for release, ok in zip(some, pool.map(ready, some), strict=True) if ok]
            cells += [bench.first_look(name, release, variant) for release in readable]
            if any(not cell.problem and not cell.obstacles for cell in cells):
                break  # none can fit better, and reading an sdist takes half a second
    return cells
