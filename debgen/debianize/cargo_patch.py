"""What of upstream's Cargo.toml files can't stay for a build with the crates of a suite, one subject after the other.

Cargo resolves before it builds, and wants all of a workspace then: what tests ask for, what other systems ask for,
what is optional and off. None of that is built, so none of it is in Build-Depends, and it goes from the manifests.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from debgen.archive.crates import crate_version
from debgen.cargo.features import switched_off
from debgen.cargo.semver import Requirement
from debgen.debianize import cargo_manifest as manifests
from debgen.debianize.cargo_reading import CargoReading, table
from debgen.debianize.cargo_reasons import FOREIGN, NO_DEVELOPMENT, OFF, UNBUILT, WORKSPACE, relaxed
from debgen.debianize.model import Inputs
from debgen.planning.model import BuildNeed, Supply, Topic

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
    profile of the build, ``strips`` whether it would take the symbols away. ``with_c`` are the source's own crates that
    compile C or C++.
    """

    patches: tuple[CargoPatch, ...] = ()
    kept: tuple[BuildNeed, ...] = ()
    lacking: tuple[BuildNeed, ...] = ()
    vendored: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    profile: str = "release"
    strips: bool = False
    with_c: tuple[str, ...] = ()


def cargo_plan(inputs: Inputs, texts: Mapping[str, str], *, tested: bool) -> CargoPlan:
    """What is patched and what is asked for; an empty plan for a source without a build by Cargo.

    ``texts`` are the files as they are before these patches, ``tested`` says whether upstream's tests run in the
    build. UnsupportedSourceError for a manifest that can't be changed.
    """
    if not inputs.build.cargo.manifests:
        return CargoPlan()
    return _Planner(inputs, dict(texts), tested).plan()


@dataclass
class _Planner(CargoReading):
    tested: bool
    patches: list[CargoPatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

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
        release = table(self.data(self.roots[0]), "profile", self.profile)
        return CargoPlan(
            tuple(self.patches), kept, tuple(need for need in kept if _is_lacking(need)), self.vendored,
            self.locks(),
            tuple(self.notes), self.profile, release.get("strip", False) not in (False, "none"),
            tuple(sorted(self.name_of(path) for path in self.reached if self.compiles_c(path))),
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
            data = self.data(path)
            lines = ((str(k), spec) for table in manifests.tables(data, shared=False) for k, spec in table.items())
            keys = {key for key, spec in lines if is_gone(key, spec)}
            if keys:
                off[path] = switched_off(table(data, "features"), keys)
        named = {self.name_of(path): features for path, features in off.items()}
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
            if c.optional or (not self.here(c) and (c.name, c.requirement.strip()) in dispensable)
        }
        off -= {
            (c.manifest, c.name) for c in self.crates
            if not c.optional and (self.here(c) or (c.name, c.requirement.strip()) not in dispensable)
        }  # fmt: skip
        features: dict[str, set[str]] = {}
        for need in self._kept():
            features.setdefault(need.name, set()).update(need.features)
        changes = {}
        for path in self.reached:
            names = {name for manifest, name in off if manifest == path}
            edit = partial(_without_unused, names=names, features=features)
            changes[path] = manifests.edited(self.texts[path], path, edit)
        self._add("cargo-no-unused-features", OFF, changes)

    def _kept(self) -> tuple[BuildNeed, ...]:
        """The needs that the patched manifests still name."""
        asked = {
            (c.name, c.requirement.strip(), not self.here(c))
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
            _with_requirements(data, wanted)
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
        """Bounds on the crates that come with the source, and where upstream takes them from."""
        for crate in self.vendored:
            manifest = f"vendor/{crate}/Cargo.toml"
            text = str(table(self.data(manifest), "package").get("version", "")) if manifest in self.texts else ""
            version = crate_version(text) if text else None
            if version is None:
                continue
            bounds = {}
            for asked in sorted({c.requirement.strip() for c in self.crates if c.name == crate}):
                requirement = Requirement.parse(asked)
                fits = asked or ".".join(map(str, version.series))
                bounds[asked] = fits if requirement.matches(version) else str(requirement.loosened(version))
            needs = [
                BuildNeed(Topic.CRATE, crate, old, "", str(version), Supply.RELAXABLE, "", loosened=new)
                for old, new in bounds.items()
            ]
            edit = partial(_with_requirements, needs=needs)
            told = relaxed(
                [need for need in needs if need.loosened != need.requirement] or needs,
                self.inputs.suite.codename, tested=self.tested, vendored=True,
            ) if needs else None  # fmt: skip
            if told:
                before = len(self.patches)
                self._add(f"relax-crate-{crate}", (told.title, told.reason), self._edits(edit, self.all))
                self.notes += [told.look] if told.look and len(self.patches) > before else []


def _with_requirements(data: manifests.Table, needs: Iterable[BuildNeed]) -> None:
    for need in needs:
        manifests.with_requirement(data, need.name, need.requirement, need.loosened)


def _without_unused(data: manifests.Table, names: set[str], features: Mapping[str, set[str]]) -> None:
    manifests.without_unused_features(data, features)
    manifests.without_lines(data, partial(_is_named, names), shared=False)


def _is_lacking(need: BuildNeed) -> bool:
    return need.supply in (Supply.MISSING, Supply.UNINSTALLABLE)


def _is_named(names: set[str], key: str, spec: Any) -> bool:
    return manifests.crate_of(key, spec) in names


def _without_maturin_features(data: manifests.Table, gone: set[str]) -> None:
    _with_maturin_features(data, dict.fromkeys(gone, ""))


def _with_maturin_features(data: manifests.Table, replaced: Mapping[str, str]) -> None:
    maturin = table(data, "tool", "maturin")
    if isinstance(maturin.get("features"), list):
        manifests.replace_items(maturin["features"], replaced)
