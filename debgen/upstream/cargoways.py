"""The packages inside an sdist of Rust code, and how the build comes from one to the other; pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from debgen.cargo.features import needing
from debgen.upstream.cargolock import Lock


@dataclass(slots=True)
class Dependency:
    """One line of a dependency table, its workspace's share merged in."""

    key: str
    crate: str
    requirement: str
    features: set[str]
    default_features: bool
    optional: bool
    build_only: bool
    target: str
    source: str
    manifest: str  # of the package inside the sdist, empty for others
    enabled: bool = False


@dataclass(slots=True)
class Package:
    """A package inside the sdist; ``off`` are the features that can't be on, ``enabled`` those that are."""

    path: str
    name: str
    features: Mapping[str, Any]
    dependencies: list[Dependency]
    lock: Lock
    off: frozenset[str] = frozenset()
    enabled: set[str] = field(default_factory=set)


def ways_to(packages: Mapping[str, Package], starts: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The shortest way to each package from one of ``starts``, with which the build begins; all by their manifests."""
    ways: dict[str, tuple[str, ...]] = {path: (path,) for path in starts}
    queue = deque(starts)
    while queue:
        path = queue.popleft()
        for d in packages[path].dependencies if path in packages else ():
            if d.enabled and d.manifest and d.manifest not in ways:
                ways[d.manifest] = (*ways[path], d.manifest)
                queue.append(d.manifest)
    return ways


class Switches:
    """The features, as ``Cargo.toml#feature``, without which a dependency isn't needed."""

    def __init__(self, packages: Mapping[str, Package], starts: Collection[str]) -> None:
        """``packages`` are those that the build reaches, by their manifests, ``starts`` those that it begins with."""
        self._incoming: dict[str, list[tuple[Package, Dependency]]] = {}
        for package in packages.values():
            for d in package.dependencies:
                if d.enabled and d.manifest:
                    self._incoming.setdefault(d.manifest, []).append((package, d))
        self._always = set(starts)
        queue = deque(starts)
        while queue:
            path = queue.popleft()
            for d in packages[path].dependencies if path in packages else ():
                if d.enabled and d.manifest not in self._always and not _own(packages[path], d):
                    self._always.add(d.manifest)
                    queue.append(d.manifest)

    def of(self, package: Package, dependency: Dependency) -> frozenset[str]:
        """Those of a dependency of ``package``; none where it is always needed."""
        own = _own(package, dependency)
        if own or package.path in self._always:
            return own
        # Workspaces lead from everything to everything: each package is looked at once, not once for each way.
        found: set[str] = set()
        seen, queue = {package.path}, deque([package.path])
        while queue:
            for other, above in self._incoming.get(queue.popleft(), ()):
                own = _own(other, above)
                found |= own
                if not own and other.path not in seen:
                    seen.add(other.path)
                    queue.append(other.path)
        return frozenset(found)


def _own(package: Package, dependency: Dependency) -> frozenset[str]:
    """The features of a package itself that its optional dependency hangs on; none for one that isn't optional."""
    if not dependency.optional:
        return frozenset()
    features = needing(package.features, dependency.key)
    on = features & package.enabled if dependency.enabled else features
    if dependency.key in features - package.features.keys():  # a feature of the dependency's own name
        on = (on - {"default"}) or frozenset({dependency.key})
    return frozenset(f"{package.path}#{feature}" for feature in on)
