"""The component tarball with the crates that a recipe vendors, each from the sdist of another distribution."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from debgen.errors import NoSdistError, UnknownDistributionError, UnsupportedSourceError
from debgen.fetching import download, release_date, sha256_of
from debgen.narrate import say
from debgen.recipes import Vendor
from debgen.upstream.cargopublish import MANIFEST
from debgen.upstream.index import IndexClient
from debgen.upstream.model import ReleaseFile
from debgen.upstream.repack import packed_folder
from debgen.upstream.sdist import unpack
from debgen.upstream.vendored import FOLDER, CrateFiles, VendoredCrate, read_crate
from debgen.workspace import disk_errors


@dataclass(frozen=True)
class Component:
    """What is vendored, and its tarball; ``archive`` is None where nothing is."""

    crates: tuple[VendoredCrate, ...] = ()
    archive: Path | None = None

    def key(self, source: str) -> str:
        """A hash over a source, told by its own hash, and this component."""
        if self.archive is None:
            return source
        return hashlib.sha256(f"{source}\0{sha256_of(self.archive)}".encode()).hexdigest()


def add_vendored(
    entries: Sequence[Vendor], client: IndexClient, tree: Path, scratch: Path, *, beside: Path
) -> Component:
    """Put the crates of ``entries`` into ``tree``, an unpacked source, and pack them in a tarball below ``scratch``.

    It is compressed as the orig tarball ``beside`` it, since git-buildpackage takes no others. Its bytes depend on the
    sdists and the entries only. Raises UnknownDistributionError and NoSdistError where
    the index doesn't have a source, RecipeError where it isn't what the recipe says, HostileArchiveError where it is
    unsound, and UnsupportedSourceError where upstream's own source has such a folder.
    """
    if not entries:
        return Component()
    target = tree / FOLDER
    if target.exists() or target.is_symlink():
        raise UnsupportedSourceError(
            f"the source has a folder {FOLDER}/ of its own, in which no crate can be vendored",
            hint="Remove the recipe's [[vendor]], or ask for another release.",
        )
    found: list[VendoredCrate] = []
    dates: list[datetime] = []
    for entry in sorted(entries, key=lambda entry: entry.crate):
        file = vendored_sdist(entry, client)
        archive = download(file, client)
        with tempfile.TemporaryDirectory(prefix="debgen-vendor-") as folder:
            source = Path(folder) / "tree"
            unpack(archive, source)
            taken = read_crate(source, entry)
            _write(taken, tree / FOLDER / entry.crate)
            dates.append(release_date(file, source))
        found.append(
            VendoredCrate(
                entry.crate, taken.version, taken.licence, entry.source.replace("==", " "), file.filename,
                sha256_of(archive), entry.path, entry.reason, taken.authors, taken.changed,
            )
        )  # fmt: skip
        say(f"vendored the crate {entry.crate} {taken.version} from {file.filename}: not for the archive")
    kind = {".gz": ".gz", ".tgz": ".gz", ".bz2": ".bz2"}.get(beside.suffix, ".xz")
    packed = packed_folder(target, scratch / f"orig-{FOLDER}.tar{kind}", date=max(dates))
    return Component(tuple(found), packed)


def vendored_sdist(entry: Vendor, client: IndexClient) -> ReleaseFile:
    """The sdist that a crate is taken from. UnknownDistributionError or NoSdistError where there is none."""
    name, _, version = entry.source.partition("==")
    try:
        return client.sdist_of(str(canonicalize_name(name)), version)
    except (UnknownDistributionError, NoSdistError) as error:
        raise type(error)(
            f"the recipe vendors the crate {entry.crate} from {entry.source}: {error}",
            hint=error.hint or "Correct `source` of its [[vendor]].",
        ) from None


def _write(crate: CrateFiles, target: Path) -> None:
    """Lay out the files of a crate; of a link, what it leads to."""
    with disk_errors(target):
        for name, path in crate.files.items():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            place.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        target.mkdir(parents=True, exist_ok=True)
        (target / MANIFEST).write_bytes(crate.manifest.encode("utf-8", "surrogateescape"))
        (target / MANIFEST).chmod(0o644)
