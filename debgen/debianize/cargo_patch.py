"""What of upstream's Cargo.toml files can't stay for a build with the crates of a suite, one subject after the other.

Cargo resolves before it builds, and wants all of a workspace then: what tests ask for, what other systems ask for,
what is optional and off. None of that is built, so none of it is in Build-Depends, and it goes from the manifests.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from debgen.archive.crates import crate_version
from debgen.cargo.features import switched_off
from debgen.cargo.semver import Requirement
from debgen.cargo.targets import holds, holds_somewhere
from debgen.debianize import cargo_manifest as manifests
from debgen.debianize.cargo_reasons import FOREIGN, NO_DEVELOPMENT, OFF, UNBUILT, WORKSPACE, relaxed
from debgen.debianize.model import Inputs
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed, Supply
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildmodel import Crate

_PYPROJECT = "pyproject.toml"


@dataclass(frozen=True)
class CargoPatch:
    """One patch: what its header says, and of each file it changes the text before and after."""

    name: str
    title: str
    reason: str
    changes: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class CargoPlan:
    """How a source with parts in Rust is built with the crates of a suite.

    ``kept`` are the crates that the patched manifests still ask for, ``lacking`` those of them that the suite can't
    give, ``vendored`` those that come with the source. ``locks`` are the places of Cargo.lock. ``profile`` is Cargo's
    profile of the build, ``strips`` whether it would take the symbols away.
    """

    patches: tuple[CargoPatch, ...] = ()
    kept: tuple[BuildNeed, ...] = ()
    lacking: tuple[BuildNeed, ...] = ()
    vendored: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    profile: str = "release"
    strips: bool = False


def cargo_plan(inputs: Inputs, texts: Mapping[str, str], *, tested: bool) -> CargoPlan:
    """What is patched and what is asked for; an empty plan for a source without a build by Cargo.

    ``texts`` are the files as they are before these patches, ``tested`` says whether upstream's tests run in the
    build. UnsupportedSourceError for a manifest that can't be changed.
    """
    if not inputs.build.cargo.manifests:
        return CargoPlan()
    return _Planner(inputs, dict(texts), tested).plan()


@dataclass
class _Planner:
    inputs: Inputs
    texts: dict[str, str]
    tested: bool
    patches: list[CargoPatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        layer = self.inputs.recipe.layer
        self.vendored = tuple(entry.crate for entry in layer.vendor)
        self.choice = Choice(
            tuple(entry.crate for entry in layer.without),
            tuple(entry.manifest for entry in layer.unbuilt),
            self.vendored,
        )
        starts = [m for m in self.inputs.build.cargo.manifests if not self.choice.leaves_out(m.path)]
        crates, _ = crates_of(starts, self.texts, self.choice)
        self.crates = [crate for crate in crates if holds_somewhere(crate.target)]
        self.starts = [manifest.path for manifest in starts]
        inside = (self._inside(crate) for crate in self.crates if not crate.optional)
        reached = {*self.starts, *(crate.manifest for crate in crates), *inside} & self.texts.keys()
        self.reached = sorted(reached)
        self.roots = sorted({self._root(path) for path in self.reached})
        self.all = sorted({*self.reached, *self.roots})

    def plan(self) -> CargoPlan:
        if not self.starts:
            return CargoPlan()
        self._unbuilt()
        self._workspaces()
        for entry in self.inputs.recipe.layer.without:
            self._without(entry.crate, entry.reason)
        self._add("cargo-no-dev-dependencies", NO_DEVELOPMENT, self._edits(manifests.without_development, self.reached))
        self._add("cargo-no-foreign-targets", FOREIGN, self._edits(manifests.without_foreign_targets, self.reached))
        self._switched_off()
        kept = self._kept()
        for name in sorted({need.name for need in kept if need.package}):
            self._relax([need for need in kept if need.name == name and need.package])
        self._vendored()
        release = _table(self._data(self.roots[0]), "profile", self.profile)
        return CargoPlan(
            tuple(self.patches), kept, tuple(need for need in kept if _is_lacking(need)), self.vendored,
            tuple(sorted({posixpath.join(posixpath.dirname(root), "Cargo.lock") for root in self._lock_roots()})),
            tuple(self.notes), self.profile, release.get("strip", False) not in (False, "none"),
        )  # fmt: skip

    # --- what is patched

    def _add(self, name: str, told: tuple[str, str], changes: Mapping[str, str]) -> None:
        changed = {path: (self.texts[path], new) for path, new in changes.items() if new != self.texts[path]}
        if changed:
            self.patches.append(CargoPatch(name, *told, changed))
            self.texts |= {path: new for path, (_, new) in changed.items()}

    def _edits(self, edit: manifests.Edit, paths: Iterable[str]) -> dict[str, str]:
        return {path: manifests.edited(self.texts[path], path, edit) for path in paths}

    def _unbuilt(self) -> None:
        """Path dependencies on what the recipe leaves out of the build."""
        entries = self.inputs.recipe.layer.unbuilt
        reasons = "\n".join(" ".join(entry.reason.split()) for entry in entries)
        left = {path: partial(self._leads_to_unbuilt, posixpath.dirname(path)) for path in self.all}
        self._take_out("cargo-unbuilt", (UNBUILT, reasons), left)

    def _leads_to_unbuilt(self, folder: str, _key: str, spec: Any) -> bool:
        path = spec.get("path") if isinstance(spec, dict) else None
        return isinstance(path, str) and self.choice.leaves_out(
            posixpath.normpath(posixpath.join(folder, path, "Cargo.toml"))
        )

    def _without(self, crate: str, reason: str) -> None:
        told = (f"Build without the crate {crate}", " ".join(reason.split()))
        gone = dict.fromkeys(self.all, partial(_is_named, {crate}))
        self._take_out(f"without-crate-{crate}", told, gone)

    def _take_out(self, name: str, told: tuple[str, str], gone: Mapping[str, Callable[[str, Any], bool]]) -> None:
        """Take lines out of manifests, and switch off in all of them what needs these lines."""
        off: dict[str, frozenset[str]] = {}
        for path, is_gone in gone.items():
            data = self._data(path)
            lines = ((str(k), spec) for table in manifests.tables(data, shared=False) for k, spec in table.items())
            keys = {key for key, spec in lines if is_gone(key, spec)}
            if keys:
                off[path] = switched_off(_table(data, "features"), keys)
        named = {str(_table(self._data(path), "package").get("name", "")): features for path, features in off.items()}
        changes = {}
        for path, is_gone in gone.items():

            def edit(data: manifests.Table, path: str = path, is_gone: Callable[[str, Any], bool] = is_gone) -> None:
                manifests.without_features(data, off.get(path, ()), named)
                manifests.without_lines(data, is_gone)

            changes[path] = manifests.edited(self.texts[path], path, edit)
        if _PYPROJECT in self.texts:
            own = {feature for path in self.starts for feature in off.get(path, ())}
            words = own | {f"{package}/{feature}" for package, features in named.items() for feature in features}
            changes[_PYPROJECT] = manifests.edited(
                self.texts[_PYPROJECT], _PYPROJECT, partial(_without_maturin_features, gone=words)
            )
        self._add(name, told, changes)

    def _workspaces(self) -> None:
        folders = [posixpath.dirname(path) for path in self.reached]
        known = [posixpath.dirname(path) for path in self.texts if posixpath.basename(path) == "Cargo.toml"]
        changes = {
            root: manifests.edited(
                self.texts[root], root,
                partial(manifests.with_members, folder=posixpath.dirname(root), wanted=folders, known=known),
            )
            for root in self.roots
        }  # fmt: skip
        self._add("cargo-workspace-members", WORKSPACE, changes)

    def _switched_off(self) -> None:
        """Optional dependencies that no feature of the build switches on, and those that only others could have."""
        dispensable = {
            (need.name, need.requirement) for need in self.inputs.crates if need.optional and not need.package
        }
        off = {
            (c.manifest, c.name)
            for c in self.crates
            if c.optional or (not self._here(c) and (c.name, c.requirement.strip()) in dispensable)
        }
        off -= {
            (c.manifest, c.name) for c in self.crates
            if not c.optional and (self._here(c) or (c.name, c.requirement.strip()) not in dispensable)
        }  # fmt: skip
        changes = {}
        for path in self.reached:
            names = {name for manifest, name in off if manifest == path}
            edit = partial(manifests.without_lines, gone=partial(_is_named, names), shared=False)
            changes[path] = manifests.edited(self.texts[path], path, edit)
        self._add("cargo-no-optional-dependencies", OFF, changes)

    def _here(self, crate: Crate) -> bool:
        try:
            return holds(crate.target, self.inputs.suite.architecture)
        except UnsupportedSourceError:
            return True

    def _kept(self) -> tuple[BuildNeed, ...]:
        """The needs that the patched manifests still name."""
        asked = {
            (c.name, c.requirement.strip(), not self._here(c))
            for c in self.crates if not c.optional and not c.source.startswith("path")
        }  # fmt: skip
        return tuple(
            need for need in self.inputs.crates
            if (need.name, need.requirement, need.optional) in asked and (need.package or not need.optional)
        )  # fmt: skip

    def _relax(self, needs: list[BuildNeed]) -> None:
        """One crate's bounds and features as the suite has them."""
        git = {c.name for c in self.crates if c.source.startswith("git")}
        name = needs[0].name
        wanted = [n for n in needs if n.loosened or any(k != "default" for k, _ in n.replaced) or name in git]
        if not wanted:
            return
        replaced = {old: new for need in wanted for old, new in need.replaced if old != "default"}

        def edit(data: manifests.Table) -> None:
            if name in git:
                manifests.without_git_patches(data)
            for need in wanted:
                manifests.with_requirement(data, name, need.requirement, need.loosened)
            manifests.with_replaced_features(data, name, replaced)

        changes = self._edits(edit, self.all)
        if _PYPROJECT in self.texts and replaced:
            words = {f"{name}/{old}": f"{name}/{new}" if new else "" for old, new in replaced.items()}
            changes[_PYPROJECT] = manifests.edited(
                self.texts[_PYPROJECT], _PYPROJECT, partial(_with_maturin_features, replaced=words)
            )
        told = relaxed(wanted, self.inputs.suite.codename, tested=self.tested, git=name in git)
        self._add(f"relax-crate-{name}", (told.title, told.reason), changes)
        if told.look:
            self.notes.append(told.look)

    def _vendored(self) -> None:
        """Bounds on the crates that come with the source."""
        for crate in self.vendored:
            manifest = f"vendor/{crate}/Cargo.toml"
            text = str(_table(self._data(manifest), "package").get("version", "")) if manifest in self.texts else ""
            version = crate_version(text) if text else None
            for asked in sorted({c.requirement.strip() for c in self.crates if c.name == crate}):
                if version is None or Requirement.parse(asked).matches(version):
                    continue
                need = BuildNeed(
                    topic=self.inputs.crates[0].topic, name=crate, requirement=asked, package="", version=str(version),
                    supply=Supply.RELAXABLE, reason="", loosened=str(Requirement.parse(asked).loosened(version)),
                )  # fmt: skip
                edit = partial(manifests.with_requirement, crate=crate, old=asked, new=need.loosened)
                told = relaxed([need], self.inputs.suite.codename, tested=self.tested, vendored=True)
                self._add(f"relax-crate-{crate}", (told.title, told.reason), self._edits(edit, self.all))
                self.notes += [told.look] if told.look else []

    # --- reading

    @property
    def profile(self) -> str:
        """Cargo's profile that maturin builds with."""
        data = self._data(_PYPROJECT) if _PYPROJECT in self.texts else {}
        return str(_table(data, "tool", "maturin").get("profile", "release"))

    def _data(self, path: str) -> dict[str, Any]:
        try:
            return tomllib.loads(self.texts[path])
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}

    def _lock_roots(self) -> set[str]:
        return {self._root(path) for path in self.starts}

    def _inside(self, crate: Crate) -> str:
        kind, _, folder = crate.source.partition(" ")
        return posixpath.normpath(posixpath.join(folder, "Cargo.toml")) if kind == "path" else ""

    def _root(self, path: str) -> str:
        """The manifest of the workspace that a package is in; its own where it is in none."""
        data, folder = self._data(path), posixpath.dirname(path)
        named = _table(data, "package").get("workspace")
        if "workspace" in data or folder.startswith("vendor/"):
            return path
        if isinstance(named, str):
            root = posixpath.normpath(posixpath.join(folder, named, "Cargo.toml"))
            return root if root in self.texts else path
        while folder:
            folder = posixpath.dirname(folder)
            root = posixpath.join(folder, "Cargo.toml")
            if root in self.texts and "workspace" in self._data(root):
                return root
        return path


def _is_lacking(need: BuildNeed) -> bool:
    return not need.optional and need.supply in (Supply.MISSING, Supply.UNINSTALLABLE)


def _is_named(names: set[str], key: str, spec: Any) -> bool:
    return manifests.crate_of(key, spec) in names


def _without_maturin_features(data: manifests.Table, gone: set[str]) -> None:
    _with_maturin_features(data, dict.fromkeys(gone, ""))


def _with_maturin_features(data: manifests.Table, replaced: Mapping[str, str]) -> None:
    maturin = _table(data, "tool", "maturin")
    if isinstance(maturin.get("features"), list):
        manifests.replace_items(maturin["features"], replaced)


def _table(data: Mapping[str, Any], *keys: str) -> Any:
    for key in keys:
        found = data.get(key)
        data = found if isinstance(found, dict) else {}
    return data
