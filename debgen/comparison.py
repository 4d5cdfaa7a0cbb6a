"""Plans of many releases: the effects around :mod:`debgen.planning.matrix`.

Each release's summary is kept for a day, since new releases of what it needs appear all the time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen import __version__
from debgen.errors import HostileArchiveError, NoSdistError, ResolutionError, UnsupportedSourceError
from debgen.narrate import say
from debgen.planner import Workbench
from debgen.planning.matrix import Cell, cell_of
from debgen.planning.model import Decision, Variant
from debgen.upstream.model import DependencyTree
from debgen.workspace import cache_directory, write_atomically

#: How long a summary is taken for current, in seconds.
KEPT_SECONDS = 24 * 60 * 60
_FORMAT = 2
_RESOLVERS = 3
_STEP_SECONDS = 5.0
_PROBLEM_LENGTH = 300
#: Why a release can have no plan at all; everything else is a failure of the run.
_PROBLEMS = (NoSdistError, UnsupportedSourceError, ResolutionError, HostileArchiveError)


def releases_of(bench: Workbench, name: str, specifier: SpecifierSet) -> list[str]:
    """The final releases within ``specifier``, newest first."""
    versions = (v for v in bench.client.versions(name) if not Version(v).is_prerelease)
    return [v for v in versions if specifier.contains(v)]


def compare(bench: Workbench, name: str, releases: Sequence[str], variant: str) -> list[Cell]:
    """The cells of ``releases`` on the suite of ``bench``, in their order; those that are not kept are planned."""
    path = _path(bench, name, variant)
    kept = {} if bench.client.refresh else _load(path)
    missing = [release for release in releases if release not in kept]
    told = time.monotonic()
    for number, cell in enumerate(_planned(bench, name, missing, variant), 1):
        kept[cell.release] = cell
        if time.monotonic() - told > _STEP_SECONDS or number == len(missing):
            told = time.monotonic()
            say(f"{name} on {bench.index.codename}, {variant}: {number} of {len(missing)} releases planned")
            _save(path, kept)
    return [kept[release] for release in releases]


def kept_cells(bench: Workbench, name: str, variant: str) -> list[Cell]:
    """The cells that an earlier comparison left, if they are current."""
    return list(_load(_path(bench, name, variant)).values())


def _planned(bench: Workbench, name: str, releases: Sequence[str], variant: str) -> Iterator[Cell]:
    """Plans in the order of ``releases``: resolved side by side, judged one after the other."""
    chosen = Variant(variant, "one of several that are compared")

    def resolved(release: str) -> tuple[DependencyTree, str] | str:
        try:
            return bench.resolve(f"{name}=={release}", chosen, max_age_seconds=KEPT_SECONDS, quiet=True)
        except _PROBLEMS as error:
            return " ".join(str(error).split())[:_PROBLEM_LENGTH]

    with ThreadPoolExecutor(_RESOLVERS) as pool:
        for release, found in zip(releases, pool.map(resolved, releases), strict=True):
            if isinstance(found, str):
                yield Cell(release, bench.index.codename, variant, problem=found)
            else:
                plan = bench.plan(f"{name}=={release}", chosen, resolved=found, read_sdists=False)
                cell = cell_of(plan)
                yield Cell(release, cell.suite, variant, cell.totals, cell.names, cell.problem)


def _path(bench: Workbench, name: str, variant: str) -> Path:
    """Where cells are kept: by everything that decides them but time."""
    source = bench.source(variant)
    recipes = [str(path) for path in bench.recipes]
    key = [
        _FORMAT,
        __version__,
        bench.client.settings.url,
        bench.index.date.isoformat(),
        source.key,
        recipes,
        _recipe_state(bench),
    ]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
    return cache_directory("matrix") / f"{name}-{bench.index.codename}-{variant}-{digest}.json"


def _recipe_state(bench: Workbench) -> list[tuple[str, int]]:
    """When each recipe was changed last."""
    return sorted((str(path), path.stat().st_mtime_ns) for root in bench.recipe_roots for path in root.glob("*/*.toml"))


def _load(path: Path) -> dict[str, Cell]:
    try:
        if not 0 <= time.time() - path.stat().st_mtime < KEPT_SECONDS:
            return {}
        return {entry["release"]: _cell(entry) for entry in json.loads(path.read_bytes())}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _save(path: Path, cells: Mapping[str, Cell]) -> None:
    write_atomically(path, json.dumps([cell_json(cell) for cell in cells.values()]).encode())


def cell_json(cell: Cell) -> dict[str, Any]:
    """A cell as plain data."""
    return {
        "release": cell.release,
        "suite": cell.suite,
        "variant": cell.variant,
        "problem": cell.problem,
        "totals": {decision.value: count for decision, count in cell.totals.items()},
        "names": {decision.value: dict(names) for decision, names in cell.names.items()},
    }


def _cell(entry: Mapping[str, Any]) -> Cell:
    return Cell(
        entry["release"], entry["suite"], entry["variant"],
        {Decision(name): count for name, count in entry["totals"].items()},
        {Decision(name): dict(names) for name, names in entry["names"].items()},
        entry["problem"],
    )  # fmt: skip
