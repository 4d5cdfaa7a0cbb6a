"""What decides a package and its build, as one hash: taken without generating anything, so that it costs little."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from functools import cache
from pathlib import Path

from debgen.data import data_directory
from debgen.overlays import source_tree
from debgen.pipeline import Settings
from debgen.planner import Workbench
from debgen.vendoring import vendored_sdist
from debgen.workspace import disk_errors

_DATA = ("debian-templates", "sbuild-configs")


def quick_inputs(
    name: str, release: str, bench: Workbench, settings: Settings, needs: Mapping[str, str], borrowed: str = ""
) -> str:
    """The SHA-256 over everything that decides what is built of a release, and how.

    debgen itself with its templates; the recipe; upstream's files, and those that crates are vendored from; what the
    command line says; the state of the suite; ``needs`` with the hash of each package that was built before;
    ``borrowed``, the state of what is borrowed for it. Two builds with the same one come out the same.
    """
    index = bench.index
    vendored = [
        (entry.crate, vendored_sdist(entry, bench.client).sha256)
        for entry in bench.layer(name, settings.variant or "cpu").vendor
    ]
    files = sorted((file.filename, file.sha256 or "") for file in bench.client.files(name) if file.version == release)
    mirror = bench.apt_root.settings
    asked = (*astuple(settings.identity), *astuple(settings.team), settings.itp, settings.variant, settings.adopt)
    state = (index.codename, index.architecture, index.date.isoformat(), mirror.uri)
    document = json.dumps(
        [
            code(), name, release, files, [str(word) for word in asked], state, sorted(needs.items()), vendored,
            [folder_hash([root / name]) for root in bench.recipe_roots], folder_hash(settings.templates),
            *([borrowed] if borrowed else []),
        ]
    )  # fmt: skip
    return hashlib.sha256(document.encode()).hexdigest()


@cache
def code() -> str:
    """The SHA-256 over debgen's own modules and what goes with them."""
    package = Path(__file__).resolve().parent
    return folder_hash([package, *map(data_directory, _DATA)])


def folder_hash(folders: Iterable[Path]) -> str:
    """The SHA-256 over the names and bytes of all files in ``folders``; those that aren't there count for nothing."""
    digest = hashlib.sha256()
    for folder in folders:
        with disk_errors(folder):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
                    digest.update(path.read_bytes())
    return digest.hexdigest()


def debian_hash(source: Path) -> str:
    """The SHA-256 over debian/ in the results ``source``, which tells whether a human has edited it since."""
    tree = source_tree(source)
    return folder_hash([tree / "debian"]) if tree else ""
