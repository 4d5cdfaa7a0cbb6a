"""What a finished build leaves about itself in its folder, and whether that still holds.

``result/built.json`` stands there only once everything that the .changes lists is complete, so a build that was killed
is begun again and a finished one never is. What depends on a package goes by its record too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from debian.deb822 import Changes, Deb822

from debgen.building.changes import listed_files
from debgen.building.lent import Lent
from debgen.building.result import BuildResult
from debgen.workspace import write_atomically

_FORMAT = 1
#: The file that holds it, in the folder of a build.
RECORD = "built.json"


@dataclass(frozen=True)
class Built:
    """A source package as it was built.

    ``name`` and ``release`` are the distribution's, ``source``, ``version`` and ``package`` Debian's: ``package`` is
    the binary package that ships the distribution, ``packages`` are all. ``dsc`` and ``changes`` are the SHA-256 of
    these files, ``needs`` those of the .changes of what was built before and used, by distribution; ``how`` is that of
    sbuild's configuration and of what it was told of other suites. ``seconds`` is how long the build took, ``file`` the
    name of the .changes. ``borrowed`` is what was installed from other suites, and ``alone`` says why the build
    dependencies can't be installed without that; it is empty where they can.
    """

    name: str
    release: str
    source: str
    version: str
    package: str
    packages: tuple[str, ...]
    dsc: str
    changes: str
    needs: Mapping[str, str]
    how: str
    seconds: float
    file: str
    borrowed: tuple[Lent, ...] = ()
    alone: str = ""


def save(built: Built, result: BuildResult) -> None:
    """Keep the record of a finished build beside its files."""
    document = {"format": _FORMAT, "log": result.log.name, **asdict(built)}
    write_atomically(result.changes.with_name(RECORD), json.dumps(document, indent=2).encode() + b"\n")


def load(folder: Path) -> tuple[Built, BuildResult] | None:
    """The record in a folder of results, if every file that it speaks of is there, whole and unchanged."""
    try:
        document = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if document.pop("format") != _FORMAT:
            return None
        log = folder / document.pop("log")
        document["packages"] = tuple(document["packages"])
        document["borrowed"] = tuple(Lent(**entry) for entry in document.get("borrowed", ()))
        built = Built(**document)
        changes = folder / built.file
        if not log.is_file() or hash_of(changes) != built.changes or not complete(changes, folder):
            return None
        names = listed_files(changes)
        files = [folder / name for name in names]
        return built, BuildResult(
            changes=changes,
            dsc=next(path for path in files if path.suffix == ".dsc"),
            debs=tuple(path for path in files if path.suffix == ".deb"),
            buildinfo=next(path for path in files if path.suffix == ".buildinfo"),
            log=log,
            seconds=built.seconds,
        )
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def complete(changes: Path, folder: Path) -> bool:
    """Whether ``folder`` has every file that the ``changes`` lists, byte for byte."""
    content = Changes(changes.read_text(encoding="utf-8"))
    for entry in content["Checksums-Sha256"]:
        path = folder / entry["name"]
        if not path.is_file() or hash_of(path) != entry["sha256"]:
            return False
    return True


def hash_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def installed(buildinfo: Path) -> dict[str, str]:
    """The versions of all that was installed while a package was built, by package (deb-buildinfo(5))."""
    text = re.sub(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:\S+: .*\n)*\n", "", buildinfo.read_text(encoding="utf-8"))
    field = str(Deb822(text).get("Installed-Build-Depends", ""))
    return dict(re.findall(r"^\s*([a-z0-9][a-z0-9+.-]+)(?::\w+)? \(= ([^)\s]+)\)", field, re.MULTILINE))


def moved_on(buildinfo: Path, version_of: Callable[[str], str | None]) -> tuple[str, ...]:
    """The packages of a build that are there in another version now, by what ``version_of`` says, sorted."""
    return tuple(sorted(package for package, version in installed(buildinfo).items() if version_of(package) != version))
