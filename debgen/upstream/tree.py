"""From a requirement to its dependency tree: uv picks the releases, pipdeptree says who asks for whom.

pipdeptree reads an environment that holds metadata only: one ``dist-info`` with METADATA per release, its
requirements specialised to the target. Nothing is installed and no wheel is downloaded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.errors import DebgenError, ResolutionError
from debgen.narrate import say
from debgen.run import Runner, run
from debgen.upstream.index import IndexClient
from debgen.upstream.installed import active_requirements
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import DependencyTree, Distribution, Edge, FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Memory, Releases
from debgen.upstream.requirements import Evaluator, Needed, parse_request
from debgen.upstream.resolve import resolve
from debgen.upstream.variants import VariantSource
from debgen.workspace import cache_directory, write_atomically

#: How long a resolution is taken for current; new releases appear on the index all the time.
TREE_SECONDS = 3600
_FORMAT = 4
_READERS = 8
_REQUEST = "debgen-request"


def build_tree(
    requirement: str,
    target: Target,
    client: IndexClient,
    *,
    constraints: Sequence[str] = (),
    variant: VariantSource | None = None,
    memory: Memory | None = None,
    max_age_seconds: float = TREE_SECONDS,
    quiet: bool = False,
    run: Runner = run,
) -> DependencyTree:
    """The dependency tree of ``requirement`` on ``target``: an hour old at most, new if the client refreshes.

    ``variant`` says where the requirements of a device variant are listed; ``memory`` is shared by resolutions for the
    same target and variant. Errors are those of
    :func:`debgen.upstream.resolve.resolve`, and those of :meth:`debgen.upstream.variants.VariantReader.apply` where
    exactly one release is asked for.
    """
    asked = parse_request(requirement, target)
    key = json.dumps(
        [
            _FORMAT,
            str(asked),
            target.python_version,
            target.architecture,
            client.settings.url,
            sorted(constraints),
            variant.key if variant else "",
        ]
    )
    path = cache_directory("tree") / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    kept = None if client.refresh else _load(path, max_age_seconds)
    if kept is not None:
        if not quiet:
            say(f"{asked}: {len(kept.distributions)} distributions, as resolved lately")
        return kept
    began = time.monotonic()
    root = canonicalize_name(asked.name)
    exact = [c.version for c in asked.specifier if c.operator == "==" and not c.version.endswith(".*")]
    wanted = (root, exact[0]) if exact else None
    releases = Releases(client, target, variant, memory=memory, wanted=wanted)
    if wanted:
        releases.metadata(*wanted)  # what is wrong with it is worth an error of its own
    try:
        pins = resolve(requirement, target, client, constraints=constraints, releases=releases, run=run)
    except ResolutionError as error:
        if constraints:  # an attempt of debgen's own, which is made again with the next plan
            write_atomically(path, json.dumps({"failure": [str(error), error.hint]}).encode())
        raise
    with ThreadPoolExecutor(_READERS) as pool:
        metadata = dict(zip(pins, pool.map(releases.metadata, pins, pins.values()), strict=True))
        sdists = dict(zip(pins, pool.map(releases.sdist, pins, pins.values()), strict=True))
    tree = assemble(asked, target, pins, metadata, sdists=sdists, evaluator=releases.evaluator, run=run)
    tree = dataclasses.replace(tree, notes=tuple(sorted({*tree.notes, *releases.notes})))
    if not quiet:
        say(f"resolved {asked}: {len(pins)} distributions in {time.monotonic() - began:.1f} s")
    write_atomically(path, json.dumps(dataclasses.asdict(tree)).encode())
    return tree


def read_ahead(
    requirement: str, architecture: str, client: IndexClient, variant: VariantSource, run: Runner = run
) -> ReleaseFile | None:
    """Read what :func:`build_tree` will want, while the suite's Python isn't known yet: for the one that runs this.

    Most pages and metadata are the same for another. The source distribution of the root as it is likely to be chosen,
    if it has one. What goes wrong is for :func:`build_tree` to tell.
    """
    with suppress(DebgenError):
        target = Target(".".join(map(str, sys.version_info[:2])), architecture)
        releases = Releases(client, target, variant)
        pins = resolve(requirement, target, client, releases=releases, run=run)
        root = canonicalize_name(parse_request(requirement, target).name)
        return releases.sdist(root, pins[root])
    return None


def assemble(
    asked: Requirement,
    target: Target,
    pins: Mapping[str, str],
    metadata: Mapping[str, CoreMetadata],
    *,
    sdists: Mapping[str, ReleaseFile | None] | None = None,
    evaluator: Evaluator | None = None,
    run: Runner = run,
) -> DependencyTree:
    """The tree of releases whose versions, metadata and source distributions are known.

    An ``evaluator`` for ``target`` that has read the metadata already saves time. ResolutionError where a release that
    is asked for is not among the pins.
    """
    evaluator = evaluator or Evaluator(target)
    root = canonicalize_name(asked.name)
    extras = tuple(sorted(canonicalize_name(extra) for extra in asked.extras))
    request = Edge(None, root, str(asked.specifier), extras)
    needs: dict[str, tuple[Needed, ...]] = {}
    notes: list[str] = []
    for name in pins:
        needs[name], found = evaluator.needs(metadata[name])
        notes += found
    with tempfile.TemporaryDirectory(prefix="debgen-tree-") as folder:
        for name, version in pins.items():
            lines = tuple(needed.render() for needed in needs[name])
            _write(Path(folder), CoreMetadata(name, version, "", metadata[name].provides_extra, lines))
        _write(Path(folder), CoreMetadata(_REQUEST, "0", requires_dist=(str(asked),)))
        active = active_requirements(Path(folder), run)
    distributions: dict[str, Distribution] = {}
    for name in sorted(pins):
        edges = tuple(
            Edge(name, needed.name, needed.specifier, needed.extras, needed.marker, needed.via_extra)
            for needed in needs[name]
            if (name, needed.name, needed.via_extra) in active
        )
        missing = sorted({edge.child for edge in edges} - pins.keys())
        if missing:
            raise ResolutionError(
                f"the resolution lacks {', '.join(missing)}, which {name} {pins[name]} asks for",
                hint="Run the command again with --refresh.",
            )
        distributions[name] = Distribution(
            name, metadata[name].name, pins[name], edges, metadata[name].requires_python, (sdists or {}).get(name)
        )
    for edge in (request, *(edge for found in distributions.values() for edge in found.edges)):
        notes += _unknown_extras(edge, metadata[edge.child], needs[edge.child])
    return DependencyTree(
        root,
        str(asked),
        request,
        target.python_version,
        target.architecture,
        distributions,
        tuple(sorted(set(notes))),
    )


def _unknown_extras(edge: Edge, metadata: CoreMetadata, needs: Sequence[Needed]) -> list[str]:
    """A remark for each extra that a requirement names and the release hasn't, which installers pass over."""
    has = {*map(canonicalize_name, metadata.provides_extra), *(needed.via_extra for needed in needs)}
    return [
        f"{edge.child} {metadata.version} has no extra {extra}, which {edge.parent or 'you'} "
        f"ask{'s' if edge.parent else ''} for: it brings nothing"
        for extra in edge.extras
        if extra not in has
    ]


def _write(folder: Path, metadata: CoreMetadata) -> None:
    info = folder / f"{metadata.name.replace('-', '_')}-{metadata.version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(metadata.render(), encoding="utf-8")


def _load(path: Path, max_age_seconds: float) -> DependencyTree | None:
    """A tree that was kept, unless it is too old or can't be read; ResolutionError where there is none, as is known."""
    try:
        if not 0 <= time.time() - path.stat().st_mtime < max_age_seconds:
            return None
        kept = json.loads(path.read_bytes())
        if failure := kept.get("failure"):
            raise ResolutionError(failure[0], hint=failure[1])
        return _tree(kept)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _edge(fields: Mapping[str, Any]) -> Edge:
    return Edge(**{**fields, "extras": tuple(fields["extras"])})


def _distribution(fields: Mapping[str, Any]) -> Distribution:
    sdist = fields["sdist"]
    file = ReleaseFile(**{**sdist, "kind": FileKind(sdist["kind"])}) if sdist else None
    return Distribution(**{**fields, "edges": tuple(map(_edge, fields["edges"])), "sdist": file})


def _tree(fields: Mapping[str, Any]) -> DependencyTree:
    distributions = {name: _distribution(entry) for name, entry in fields["distributions"].items()}
    return DependencyTree(
        **{
            **fields,
            "request": _edge(fields["request"]),
            "distributions": distributions,
            "notes": tuple(fields["notes"]),
        }
    )
