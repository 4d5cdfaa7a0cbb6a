"""A crate in the sdist of another distribution, to be shipped as ``vendor/<crate>/`` of a source package."""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from debgen.errors import RecipeError
from debgen.recipes import Layer, Vendor
from debgen.upstream.cargopublish import MANIFEST, published_files, published_manifest
from debgen.upstream.excerpts import is_licence_file
from debgen.upstream.oddfiles import Fate, odd_files
from debgen.upstream.prebuilt import find_prebuilt
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.testfacts import table

#: The folder of the source package that vendored crates lie in, and the name of the component with them.
FOLDER = "vendor"


@dataclass(frozen=True)
class VendoredCrate:
    """A crate in the source package that isn't of its upstream, and where it is from.

    ``licence`` is what its manifest says (SPDX), empty where only a file tells. ``source`` is a distribution and its
    release (``tokenizers 0.23.1``), ``sdist`` the file name and ``sha256`` the hash of its source distribution, and
    ``path`` the folder in that. ``reason`` is the recipe's, ``authors`` are the manifest's; ``changed`` says that
    this is not upstream's own text.
    """

    crate: str
    version: str
    licence: str
    source: str
    sdist: str
    sha256: str
    path: str
    reason: str
    authors: tuple[str, ...] = ()
    changed: bool = False

    @property
    def folder(self) -> str:
        """Where it lies in the source package."""
        return f"{FOLDER}/{self.crate}"


@dataclass(frozen=True)
class CrateFiles:
    """What is taken of a crate: its manifest's text, and the other files, by their path in the crate.

    ``version``, ``licence`` and ``authors`` are those of the manifest, ``changed`` whether that is not upstream's own
    text.
    """

    version: str
    licence: str
    authors: tuple[str, ...]
    manifest: str
    changed: bool
    files: Mapping[str, Path]


def read_crate(tree: Path, entry: Vendor) -> CrateFiles:
    """The files of the crate that ``entry`` names in ``tree``, the unpacked sdist of its source.

    They are those that Cargo would publish, without programs and libraries that are compiled already; a licence file
    that is in a folder above is taken along. RecipeError where the folder isn't there, is of another crate or has no
    licence; UnsupportedSourceError where the crate can't stand alone.
    """
    folder = _folder(tree, entry)
    path = posixpath.normpath(posixpath.join(entry.path, MANIFEST))
    text, data = published_manifest(path, lambda name: _text(tree, name))
    package = table(data, "package")
    if package["name"] != entry.crate:
        raise RecipeError(
            f"{path} in the sdist of {entry.source} is of the crate {package['name']}, not of {entry.crate}",
            hint="Correct `crate` or `path` of the recipe's [[vendor]].",
        )
    compiled = _compiled(folder)
    files = {name: folder / name for name in published_files(folder, package) if name not in compiled}
    files.pop(MANIFEST)
    licence = package.get("license")
    texts = _licence_files(tree, folder, package, files)
    if not texts and not isinstance(licence, str):
        raise RecipeError(
            f"the crate {entry.crate} of {entry.source} has no licence, neither in {path} nor as a file",
            hint="Without one it can't be distributed; ask upstream.",
        )
    named = package.get("authors")
    return CrateFiles(
        version=str(package.get("version", "0.0.0")),  # Cargo's own default
        licence=licence if isinstance(licence, str) else "",
        authors=tuple(map(str, named)) if isinstance(named, list) else (),
        manifest=text,
        changed=text != _text(tree, path),
        files=dict(sorted((files | texts).items())),
    )


def refuse_stale(layer: Layer, texts: Mapping[str, str], what: str) -> None:
    """RecipeError for an entry on crates or manifests that matches nothing in the Cargo files ``texts`` of ``what``.

    Those of the vendored crates are among them, since they ask for crates too.
    """
    manifests = {path: text for path, text in texts.items() if path.rpartition("/")[2] == MANIFEST}
    for left in layer.unbuilt:
        if not any(fnmatchcase(path, left.manifest) for path in manifests):
            raise _stale("unbuilt", left.manifest, "Cargo.toml", what)
    asked = {crate for path, text in manifests.items() for crate in _asked(_data(text))}
    for key, crates in (("without", layer.without), ("vendor", layer.vendor)):
        for entry in crates:
            if entry.crate not in asked:
                raise _stale(key, entry.crate, "dependency of a Cargo.toml", what)


def _stale(key: str, subject: str, kind: str, what: str) -> RecipeError:
    return RecipeError(
        f"the recipe's {key} of {subject!r} matches no {kind} of {what}",
        hint="Remove the entry, or move it to the releases that need it.",
    )


def _data(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _asked(data: Mapping[str, Any]) -> Iterator[str]:
    """The crates that a manifest names, for whatever purpose."""
    holders: Sequence[Mapping[str, Any]] = (
        data, table(data, "workspace"), *(t for t in table(data, "target").values() if isinstance(t, dict)),
    )  # fmt: skip
    for holder in holders:
        for kind, lines in holder.items():
            if kind.replace("_", "-").endswith("dependencies") and isinstance(lines, dict):
                for key, spec in lines.items():
                    yield str(spec.get("package", key)) if isinstance(spec, dict) else key


def _folder(tree: Path, entry: Vendor) -> Path:
    clean = posixpath.normpath(entry.path)
    folder = tree / clean
    if ".." in PurePosixPath(clean).parts or folder.is_symlink() or not (folder / MANIFEST).is_file():
        raise RecipeError(
            f"the sdist of {entry.source} has no {posixpath.join(clean, MANIFEST)}",
            hint="Correct `path` of the recipe's [[vendor]]: the folder of the crate, from the top of the sdist.",
        )
    return folder


def _text(tree: Path, name: str) -> str | None:
    path = tree / name
    return path.read_text("utf-8", "replace") if path.is_file() else None


def _compiled(folder: Path) -> Collection[str]:
    """What has no source here, which Debian builds itself or does without."""
    tree = SourceTree(folder, strict=False)
    return {odd.path for odd in odd_files(tree, find_prebuilt(tree), ()) if odd.fate is Fate.REMOVE}


def _licence_files(tree: Path, folder: Path, package: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Path]:
    """The crate's licence files, or else those of the nearest folder above that has some; its path in the crate."""
    found: dict[str, Path] = {}
    if isinstance(named := package.get("license-file"), str):
        path = folder / named
        if path.is_file() and path.resolve().is_relative_to(tree.resolve()):
            found[PurePosixPath(named).name] = path
    found |= {name: path for name, path in files.items() if "/" not in name and is_licence_file(name)}
    place = folder
    while not found and place != tree:
        place = place.parent
        notices = sorted(p for p in place.iterdir() if p.is_file() and _is_legal(p.name))
        if any(is_licence_file(path.name) for path in notices):
            found = {path.name: path for path in notices}
    return found


def _is_legal(name: str) -> bool:
    return is_licence_file(name) or name.upper().startswith(("NOTICE", "COPYRIGHT"))
