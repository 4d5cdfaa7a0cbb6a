"""What the manifests of a source with parts in Rust say, as the Debian build takes them."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from debgen.cargo.targets import holds, holds_somewhere
from debgen.debianize.model import Inputs
from debgen.errors import UnsupportedSourceError
from debgen.upstream.buildcargo import Choice, crates_of
from debgen.upstream.buildmodel import Crate

#: Crates with which build scripts compile other languages.
_C_BUILDERS = {"autotools", "cc", "cmake", "cxx-build", "nasm-rs"}


@dataclass
class CargoReading:
    """The manifests of ``texts``, by path, and the crates that those of the build ask for.

    ``starts`` are the manifests that the build starts with, ``reached`` those of its own packages, ``roots`` those of
    their workspaces, ``all`` both of these.
    """

    inputs: Inputs
    texts: dict[str, str]

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
        inside = (_inside(crate) for crate in self.crates if not crate.optional)
        reached = {*self.starts, *(crate.manifest for crate in crates), *inside} & self.texts.keys()
        self.reached = sorted(reached)
        self.roots = sorted({self.root(path) for path in self.reached})
        self.all = sorted({*self.reached, *self.roots})

    @property
    def profile(self) -> str:
        """Cargo's profile that maturin builds with."""
        data = self.data("pyproject.toml") if "pyproject.toml" in self.texts else {}
        return str(table(data, "tool", "maturin").get("profile", "release"))

    def data(self, path: str) -> dict[str, Any]:
        """The parsed file, empty where it can't be read."""
        try:
            return tomllib.loads(self.texts[path])
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}

    def name_of(self, path: str) -> str:
        """The name of the package of a manifest."""
        return str(table(self.data(path), "package").get("name", ""))

    def here(self, crate: Crate) -> bool:
        """Whether builds on the architecture take what asks for the crate; what can't be read may be."""
        try:
            return holds(crate.target, self.inputs.suite.architecture)
        except UnsupportedSourceError:
            return True

    def compiles_c(self, path: str) -> bool:
        """Whether the build script of a package compiles C or the like."""
        return any(c.build_only and c.name in _C_BUILDERS for c in self.crates if c.manifest == path)

    def locks(self) -> tuple[str, ...]:
        """Where Cargo looks for Cargo.lock, and makes it."""
        folders = {posixpath.dirname(self.root(path)) for path in self.starts}
        return tuple(sorted(posixpath.join(folder, "Cargo.lock") for folder in folders))

    def root(self, path: str) -> str:
        """The manifest of the workspace that a package is in; its own where it is in none."""
        data, folder = self.data(path), posixpath.dirname(path)
        named = table(data, "package").get("workspace")
        if "workspace" in data or folder.startswith("vendor/"):
            return path
        if isinstance(named, str):
            root = posixpath.normpath(posixpath.join(folder, named, "Cargo.toml"))
            return root if root in self.texts else path
        while folder:
            folder = posixpath.dirname(folder)
            root = posixpath.join(folder, "Cargo.toml")
            if root in self.texts and "workspace" in self.data(root):
                return root
        return path


def table(data: Mapping[str, Any], *keys: str) -> Any:
    """The table at ``keys``; empty where there is none."""
    for key in keys:
        found = data.get(key)
        data = found if isinstance(found, dict) else {}
    return data


def _inside(crate: Crate) -> str:
    """The manifest of a crate inside of the source, empty for others."""
    kind, _, folder = crate.source.partition(" ")
    return posixpath.normpath(posixpath.join(folder, "Cargo.toml")) if kind == "path" else ""
