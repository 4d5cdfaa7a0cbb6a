"""Small trees and suites for tests of planning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from debgen.archive.model import Match, Origin
from debgen.planning.model import Decision, Node, Plan, Variant
from debgen.planning.plan import Evidence, Suite, make_plan
from debgen.recipes import Drop, Layer, Relax
from debgen.upstream.model import DependencyTree, Distribution, Edge, FileKind, ReleaseFile

REASON = "a reason that is long enough"


def sdist(name: str, version: str) -> ReleaseFile:
    """A source distribution that nobody fetches."""
    filename = f"{name}-{version}.tar.gz"
    return ReleaseFile(filename, f"file:///nowhere/{filename}", version, FileKind.SDIST, "0" * 64)


def edge(parent: str, line: str) -> Edge:
    """``child[extra]>=1`` asked for by ``parent``; ``extra: child`` where it is the parent's extra that asks."""
    via, _, asked = line.rpartition(": ")
    found = re.fullmatch(r"([\w-]+)(?:\[([\w,-]+)\])?(.*)", asked)
    assert found
    return Edge(parent, found[1], found[3], tuple((found[2] or "").split(",")) if found[2] else (), "", via or None)


def tree(
    requires: Mapping[str, Sequence[str]],
    versions: Mapping[str, str] | None = None,
    bound: str = "",
    *,
    wheels_only: Collection[str] = (),
    python: Mapping[str, str] | None = None,
) -> DependencyTree:
    """A tree of release 2.0 each, from ``{"a": ["b>=1"]}``; the first is the root."""
    root = next(iter(requires))
    distributions = {}
    for name, asked in sorted(requires.items()):
        version = (versions or {}).get(name, "2.0")
        distributions[name] = Distribution(
            name, name, version, tuple(edge(name, line) for line in asked),
            (python or {}).get(name, ""), None if name in wheels_only else sdist(name, version),
        )  # fmt: skip
    request = edge(root, f"{root}{bound}")
    request = Edge(None, root, request.specifier, request.extras)
    return DependencyTree(root, root + bound, request, "3.14", "amd64", distributions, ("a note of the tree",))


def match(name: str, version: str, component: str = "main") -> Match:
    """The suite's package of a distribution."""
    return Match(name, f"python3-{name}", name, f"{version}-1", version, component, Origin.NAME, "")


def plan(
    requires: Mapping[str, Sequence[str]],
    suite: Mapping[str, str],
    bound: str = "",
    *,
    versions: Mapping[str, str] | None = None,
    wheels_only: Collection[str] = (),
    python: Mapping[str, str] | None = None,
    layers: Mapping[str, Layer] | None = None,
    pulls: Collection[tuple[str, str]] = (),
    contrib: Collection[str] = (),
    evidence: Evidence | None = None,
) -> Plan:
    """The plan where the suite has ``{name: upstream version}``."""

    def find(name: str) -> tuple[Match, ...]:
        version = suite.get(name)
        return (match(name, version, "contrib" if name in contrib else "main"),) if version else ()

    return make_plan(
        tree(requires, versions, bound, wheels_only=wheels_only, python=python),
        Suite("sid", "2026-11-01T00:00:00+00:00", find, lambda a, b: (a, b) in pulls),
        lambda name: (layers or {}).get(name, Layer()),
        variant=Variant("cpu", "because"),
        evidence=evidence,
        notes=("my note",),
    )


def drop(*names: str) -> Layer:
    """A recipe that drops requirements."""
    return Layer(drop=tuple(Drop(distribution=name, reason=REASON) for name in names))


def relax(name: str, specifier: str) -> Layer:
    """A recipe that relaxes one."""
    return Layer(relax=(Relax(distribution=name, specifier=specifier, reason=REASON),))


def node(made: Plan, name: str) -> Node:
    """The node of that name, which must be there."""
    found = made.node(name)
    assert found is not None
    return found


def decisions(made: Plan) -> dict[str, Decision]:
    """What becomes of each."""
    return {n.name: n.decision for n in made.nodes}
