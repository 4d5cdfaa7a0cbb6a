"""Plans of many releases: the effects around :mod:`debgen.planning.matrix`.

Each release's summary is kept for a day, since new releases of what it needs appear all the time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen import __version__
from debgen.archive.names import aliases
from debgen.errors import HostileArchiveError, NoSdistError, ResolutionError, UnsupportedSourceError
from debgen.narrate import say
from debgen.planner import Workbench
from debgen.planning.matrix import Cell, cell_of
from debgen.planning.model import Decision, Variant
from debgen.upstream.model import DependencyTree
from debgen.workspace import cache_directory, locked, write_atomically

#: How long a summary is taken for current, in seconds.
KEPT_SECONDS = 24 * 60 * 60
_FORMAT = 3
_RESOLVERS = 3
#: How many trees may lie ready before they are judged; a large one takes megabytes.
_AHEAD = 6
_STEP_SECONDS = 5.0
_PROBLEM_LENGTH = 300
#: Why a release can have no plan at all; everything else is a failure of the run.
_PROBLEMS = (NoSdistError, UnsupportedSourceError, ResolutionError, HostileArchiveError)


def releases_of(bench: Workbench, name: str, specifier: SpecifierSet) -> list[str]:
    """The final releases within ``specifier``, newest first."""
    versions = (v for v in bench.client.versions(name) if not Version(v).is_prerelease)
    return [v for v in versions if specifier.contains(v)]


def compare(bench: Workbench, name: str, releases: Sequence[str], variant: str) -> list[Cell]:
    """The cells of ``releases`` on the suite of ``bench``, in their order; those that are not kept are planned.

    What was planned is kept even where the rest fails or is interrupted. Errors are those of
    :meth:`Workbench.resolve`, save those that say that one release can't be planned.
    """
    path = _path(bench, name, variant)
    found = {} if bench.client.refresh else _cells(_load(path))
    missing = [release for release in releases if release not in found]
    new: dict[str, Cell] = {}
    told = time.monotonic()
    try:
        for number, cell in enumerate(_planned(bench, name, missing, variant), 1):
            new[cell.release] = cell
            if time.monotonic() - told > _STEP_SECONDS or number == len(missing):
                told = time.monotonic()
                say(f"{name} on {bench.index.codename}, {variant}: {number} of {len(missing)} releases planned")
    finally:
        if new:
            _save(path, new)
    found |= new
    return [found[release] for release in releases]


def kept_cells(bench: Workbench, name: str, variant: str) -> list[Cell]:
    """The cells that an earlier comparison left, if they are current."""
    return list(_cells(_load(_path(bench, name, variant))).values())


def _planned(bench: Workbench, name: str, releases: Sequence[str], variant: str) -> Iterator[Cell]:
    """Plans in the order of ``releases``: resolved side by side, judged one after the other."""
    chosen = Variant(variant, "one of several that are compared")

    def resolved(release: str) -> tuple[DependencyTree, str] | str:
        try:
            return bench.resolve(f"{name}=={release}", chosen, max_age_seconds=KEPT_SECONDS, quiet=True)
        except _PROBLEMS as error:
            return _shortened(str(error))

    def judged(release: str, found: tuple[DependencyTree, str] | str) -> Cell:
        if isinstance(found, str):
            return Cell(release, bench.index.codename, variant, problem=found)
        plan = bench.plan(f"{name}=={release}", chosen, resolved=found, read_sdists=False)
        return replace(cell_of(plan), release=release)

    waiting: deque[tuple[str, Future[tuple[DependencyTree, str] | str]]] = deque()
    with ThreadPoolExecutor(_RESOLVERS) as pool:
        try:
            for release in releases:
                waiting.append((release, pool.submit(resolved, release)))
                if len(waiting) > _AHEAD:
                    first, future = waiting.popleft()
                    yield judged(first, future.result())
            while waiting:
                first, future = waiting.popleft()
                yield judged(first, future.result())
        finally:
            for _, future in waiting:
                future.cancel()


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _PROBLEM_LENGTH else f"{line[:_PROBLEM_LENGTH]}…"


def _path(bench: Workbench, name: str, variant: str) -> Path:
    """Where cells are kept: by everything that decides them but time."""
    index = bench.index
    key = [
        _FORMAT,
        __version__,
        bench.client.settings.url,
        bench.mirror.uri if bench.mirror else "",
        [index.codename, index.architecture, index.python_version, index.date.isoformat()],
        bench.source(variant).key,
        _recipes(bench),
        {alias: asdict(entry) for alias, entry in aliases().items()},
        bool(bench.pydist.packages),
    ]
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    return cache_directory("matrix") / f"{name}-{index.codename}-{variant}-{digest}.json"


def _recipes(bench: Workbench) -> list[dict[str, str]]:
    """The content of every recipe, as a hash by path, of each folder of recipes in the order in which they count."""
    return [
        {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in root.glob("*/recipe.toml")
        }
        for root in bench.recipe_roots
    ]


def _load(path: Path) -> dict[str, dict[str, Any]]:
    """The entries that are current, by release: each with its time, and as :func:`cell_json` has it."""
    now = time.time()
    try:
        entries = json.loads(path.read_bytes())
        current = {r: e for r, e in entries.items() if 0 <= now - e["planned"] < KEPT_SECONDS}
        _cells(current)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return current


def _save(path: Path, cells: Mapping[str, Cell]) -> None:
    """Add ``cells`` to those that are kept, of which another run may have made some meanwhile."""
    now = time.time()
    with locked(path.parent / "lock"):
        entries = _load(path) | {release: {"planned": now, **cell_json(cell)} for release, cell in cells.items()}
        write_atomically(path, json.dumps(entries).encode())
        for old in path.parent.glob("*.json"):
            if now - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)


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


def _cells(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Cell]:
    return {
        release: Cell(
            entry["release"], entry["suite"], entry["variant"],
            {Decision(name): count for name, count in entry["totals"].items()},
            {Decision(name): dict(names) for name, names in entry["names"].items()},
            entry["problem"],
        )
        for release, entry in entries.items()
    }  # fmt: skip
