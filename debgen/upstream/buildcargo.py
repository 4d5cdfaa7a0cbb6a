"""The crates that a build of Rust code takes, from Cargo.toml and Cargo.lock as Cargo's reference describes them.

Packages inside the sdist are followed by path, workspaces inherited from, and features resolved as far as the
manifests at hand tell; what a crate of the registry switches on in turn is its own business.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from debgen.cargo.features import switched_off
from debgen.upstream.buildmodel import Crate, Manifest
from debgen.upstream.cargolock import Lock
from debgen.upstream.cargoways import Dependency, Package, Switches, ways_to
from debgen.upstream.testfacts import table

_DEPENDENCIES = {"dependencies": False, "build-dependencies": True, "build_dependencies": True}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the Debian build changes of upstream's: crates and manifests that it does without, crates in ``vendor/``.

    ``without`` and ``vendor`` are crates, ``unbuilt`` patterns of the paths of manifests. A crate of ``vendor`` has its
    manifest at ``vendor/<crate>/Cargo.toml``.
    """

    without: tuple[str, ...] = ()
    unbuilt: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()

    def leaves_out(self, manifest: str) -> bool:
        """Whether the manifest at a path is left out of the build."""
        return any(fnmatchcase(manifest, pattern) for pattern in self.unbuilt)

    def vendored(self, path: str) -> bool:
        """Whether a path lies in a vendored crate."""
        return any(path.startswith(f"vendor/{crate}/") for crate in self.vendor)


def crates_of(
    manifests: Iterable[Manifest], texts: Mapping[str, str], choice: Choice | None = None
) -> tuple[tuple[Crate, ...], tuple[str, ...]]:
    """The crates that ``manifests`` and the packages that they reach by path ask for, and notes on what can't be read.

    ``optional`` are those that no feature of this build switches on; Cargo wants them in its registry all the same.
    ``choice`` says what is changed: without a dependency the features that need it are off, and notes tell which of
    its crates and patterns match nothing.
    """
    choice = choice or Choice()
    world = _World(texts, choice)
    for manifest in manifests:
        if choice.leaves_out(manifest.path):
            continue
        package = world.start(manifest.path)
        if package is None:
            world.note(f"{manifest.path} is named by the build, but isn't there or can't be read")
            continue
        world.enable(package, "default" if manifest.default_features else "")
        for feature in manifest.features:
            world.enable(package, feature)
    crates = tuple(sorted(set(world.crates())))
    for crate in (*choice.without, *choice.vendor):
        if crate not in world.changed:
            world.note(f"no Cargo.toml of the build asks for the crate {crate}, which the recipe names")
    for pattern in choice.unbuilt:
        if not any(fnmatchcase(path, pattern) for path in texts):
            world.note(f"the recipe leaves out {pattern}, and there is no such Cargo.toml")
    return crates, tuple(world.notes)


class _World:
    """All manifests of the sdist; packages are read when they are reached."""

    def __init__(self, texts: Mapping[str, str], choice: Choice) -> None:
        self._texts = texts
        self._choice = choice
        self._starts: list[str] = []
        self._packages: dict[str, Package | None] = {}
        self._parsed: dict[str, Mapping[str, Any]] = {}
        self._locks: dict[str, Lock] = {}
        # Cargo takes both from the workspace that the build starts in, for whatever it reaches.
        self._lock = Lock()
        self._patched: dict[str, tuple[Any, str]] = {}
        self.notes: list[str] = []
        #: The crates that are done without or vendored, of those that are asked for.
        self.changed: set[str] = set()

    def start(self, path: str) -> Package | None:
        """The package that a build starts with; its workspace's lock file and patches count from here on."""
        root, workspace = self._workspace(path, self._toml(path))
        self._lock = self._find_lock(path, root)
        self._patched = {
            str(spec.get("package", key)) if isinstance(spec, dict) else key: (spec, root)
            for registry in table(workspace, "patch").values()
            for key, spec in (registry.items() if isinstance(registry, dict) else ())
        }
        self._starts.append(path)
        return self.package(path)

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def package(self, path: str) -> Package | None:
        """The package of the manifest at ``path``; None where it can't be read or is a workspace without one."""
        if path not in self._packages:
            self._packages[path] = None
            data = self._toml(path)
            if "package" in data or "project" in data:
                root, workspace = self._workspace(path, data)
                name = str(table(data, "package").get("name", ""))
                package = Package(path, name, table(data, "features"), [], self._lock)
                self._packages[path] = package
                found = list(self._dependencies(path, data, root, workspace))
                gone = [d for d in found if self._is_gone(d)]
                package.off = switched_off(package.features, {d.key for d in gone})
                package.dependencies += [d for d in found if d not in gone]
                for dependency in package.dependencies:
                    if not dependency.optional:
                        self._switch_on(dependency)
            elif "workspace" in data:  # a virtual manifest builds all of its members
                self.note(f"{path} is a workspace without a package of its own")
        return self._packages[path]

    def _is_gone(self, dependency: Dependency) -> bool:
        if dependency.crate in self._choice.without:
            self.changed.add(dependency.crate)
            return True
        return bool(dependency.manifest) and self._choice.leaves_out(dependency.manifest)

    def enable(self, package: Package, feature: str) -> None:
        """Switch a feature of ``package`` on, and what it stands for; nothing where it can't be on."""
        if not feature or feature in package.enabled or feature in package.off:
            return
        package.enabled.add(feature)
        listed = package.features.get(feature)
        if isinstance(listed, list):
            for item in listed:
                self._apply(package, str(item))
        elif feature != "default":
            # an optional dependency is a feature of the same name; `crate/feature` may stand on the command line too
            self._apply(package, feature if "/" in feature else f"dep:{feature}")

    def _apply(self, package: Package, item: str) -> None:
        name, slash, feature = item.removeprefix("dep:").partition("/")
        weak = name.endswith("?")
        if not slash and not item.startswith("dep:") and (name in package.features or not self._named(package, name)):
            self.enable(package, name)
            return
        for dependency in self._named(package, name.rstrip("?")):
            if not weak:
                self._switch_on(dependency)
            if slash:
                dependency.features.add(feature)
                if dependency.enabled and (inner := self._inside(dependency)) is not None:
                    self.enable(inner, feature)

    @staticmethod
    def _named(package: Package, key: str) -> list[Dependency]:
        return [d for d in package.dependencies if d.key == key]

    def _switch_on(self, dependency: Dependency) -> None:
        if dependency.enabled:
            return
        dependency.enabled = True
        inner = self._inside(dependency)
        if inner is not None:
            for feature in (*(["default"] if dependency.default_features else []), *sorted(dependency.features)):
                self.enable(inner, feature)

    def _inside(self, dependency: Dependency) -> Package | None:
        return self.package(dependency.manifest) if dependency.manifest else None

    def crates(self) -> Iterator[Crate]:
        """What all packages that were reached ask for."""
        found = {path: package for path, package in self._packages.items() if package}
        ways, switches = ways_to(found, self._starts), Switches(found, self._starts)
        for path, package in found.items():
            for d in package.dependencies:
                yield Crate(
                    d.crate, d.requirement, tuple(sorted(d.features)), d.default_features, not d.enabled, d.build_only,
                    d.target, package.lock.version(package.name, d.crate, d.requirement), d.source, path,
                    ways.get(path, (path,)), tuple(sorted(switches.of(package, d))),
                )  # fmt: skip

    # --- reading

    def _toml(self, path: str) -> Mapping[str, Any]:
        if path not in self._parsed:
            self._parsed[path] = {}
            if path in self._texts:
                try:
                    self._parsed[path] = tomllib.loads(self._texts[path])
                except (tomllib.TOMLDecodeError, RecursionError) as error:
                    self.note(f"{path} can't be read: {error}")
        return self._parsed[path]

    def _workspace(self, path: str, data: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """The manifest of the workspace that a package belongs to, and its data; the package itself where none."""
        if "workspace" in data or self._choice.vendored(path):
            return path, data
        folder = posixpath.dirname(path)
        named = table(data, "package").get("workspace")
        if isinstance(named, str):
            root = posixpath.normpath(posixpath.join(folder, named, "Cargo.toml"))
            return root, self._toml(root)
        while folder:
            folder = posixpath.dirname(folder)
            root = posixpath.join(folder, "Cargo.toml")
            if "workspace" in self._toml(root):
                return root, self._toml(root)
        return path, data

    def _find_lock(self, path: str, root: str) -> Lock:
        for place in dict.fromkeys((posixpath.dirname(root), posixpath.dirname(path), "")):
            name = posixpath.join(place, "Cargo.lock")
            if name in self._texts:
                if name not in self._locks:
                    self._locks[name], problem = Lock.parse(self._texts[name])
                    if problem:
                        self.note(f"{name} can't be read: {problem}")
                return self._locks[name]
        return Lock()

    def _dependencies(
        self, path: str, data: Mapping[str, Any], root: str, workspace: Mapping[str, Any]
    ) -> Iterator[Dependency]:
        shared = table(workspace, "workspace", "dependencies")
        places: list[tuple[str, Mapping[str, Any]]] = [("", data)]
        places += [(target, tables) for target, tables in table(data, "target").items() if isinstance(tables, dict)]
        for target, tables in places:
            for kind, build_only in _DEPENDENCIES.items():
                for key, spec in table(tables, kind).items():
                    yield self._dependency(path, key, spec, shared, (target, root), build_only)

    def _dependency(
        self, path: str, key: str, spec: Any, shared: Mapping[str, Any], place: tuple[str, str], build_only: bool
    ) -> Dependency:
        target, root = place
        own = _spec(spec)
        merged, base = dict(own), path
        if own.get("workspace") is True:
            inherited = _spec(shared.get(key))
            merged, base = dict(inherited), root
            merged["features"] = _strings(inherited.get("features")) + _strings(own.get("features"))
            merged["optional"] = own.get("optional", False)
        crate = str(merged.get("package", key))
        inside = self._choice.vendored(path)
        if inside and own.get("workspace") is True and key not in shared:
            self.note(f"{path} takes {key} from its workspace, which isn't vendored: a patch has to write it out")
        if inside and self._manifest(merged, base) not in self._texts:
            merged.pop("path", None)  # as Cargo has it once the crate is published
        if crate in self._choice.vendor and ("path" not in merged or "git" in merged):
            self.changed.add(crate)
            merged.pop("git", None)
            merged["path"], base = f"vendor/{crate}", "Cargo.toml"
        # A patch of the registry's crate puts another source in its place.
        if "git" not in merged and "path" not in merged and crate in self._patched:
            replacement, base = self._patched[crate]
            merged |= {k: v for k, v in _spec(replacement).items() if k in ("git", "path", "branch", "tag", "rev")}
        manifest = self._manifest(merged, base)
        manifest = manifest if manifest in self._texts else ""
        default = merged.get("default-features", merged.get("default_features", True))
        return Dependency(
            key, crate, str(merged.get("version", "")).strip(), set(_strings(merged.get("features"))),
            default is not False, merged.get("optional") is True, build_only, target, _source(merged, base), manifest,
        )  # fmt: skip

    @staticmethod
    def _manifest(spec: Mapping[str, Any], base: str) -> str:
        """The path of the manifest of a package inside the sdist; empty for others."""
        if not isinstance(spec.get("path"), str) or "git" in spec:
            return ""
        return posixpath.normpath(posixpath.join(posixpath.dirname(base), spec["path"], "Cargo.toml"))


def _spec(value: Any) -> dict[str, Any]:
    return {"version": value} if isinstance(value, str) else dict(value) if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _source(spec: Mapping[str, Any], base: str) -> str:
    if "git" in spec:
        revision = next((f" {spec[key]}" for key in ("rev", "tag", "branch") if key in spec), "")
        return f"git {spec['git']}{revision}"
    if "path" in spec:
        return f"path {posixpath.normpath(posixpath.join(posixpath.dirname(base), str(spec['path'])))}"
    return "registry"
