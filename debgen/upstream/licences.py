"""The licence scan of an unpacked sdist: licensecheck file by file, and debmake's own scan as a cross-check.

Both run in a sandbox over a copy. A scan is cached by the hash of the sdist and the versions of the scanners.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from debian.deb822 import Deb822

from debgen.run import Runner, run
from debgen.sandbox import run_sandboxed
from debgen.workspace import cache_directory, write_atomically

_FORMAT = 1
_NOTHING = {"UNKNOWN", "NONE", "", "__UNKNOWN__", "__NO_COPYRIGHT_NOR_LICENSE__", "__NO_LICENSE__"}


@dataclass(frozen=True)
class FileLicence:
    """What the scan found in one file; ``licence`` is DEP-5's short name, empty where none was found."""

    path: str
    licence: str
    copyrights: tuple[str, ...]


@dataclass(frozen=True)
class LicenceScan:
    """All files of the sdist, sorted, and the files on which debmake's scan disagrees."""

    files: tuple[FileLicence, ...]
    disagreements: tuple[str, ...]


def scan_licences(root: Path, key: str, run: Runner = run) -> LicenceScan:
    """Scan the tree at ``root``; ``key`` is the hash of the sdist it came from."""
    versions = "|".join(_version(tool, run) for tool in ("licensecheck", "debmake"))
    cached = cache_directory("licences") / f"{key}.json"
    if cached.is_file():
        data = json.loads(cached.read_text(encoding="utf-8"))
        if data["format"] == _FORMAT and data["versions"] == versions:
            files = tuple(FileLicence(f["path"], f["licence"], tuple(f["copyrights"])) for f in data["files"])
            return LicenceScan(files, tuple(data["disagreements"]))
    with tempfile.TemporaryDirectory(prefix="debgen-scan-") as folder:
        scratch = Path(folder) / "source"
        shutil.copytree(root, scratch, symlinks=True)
        checked = run_sandboxed(
            ["licensecheck", "--deb-machine", "--recursive", "--copyright", "."], scratch, run
        ).stdout
        debmake = run_sandboxed(["debmake", "-c"], scratch, run).stdout
    scan = combine(parse_licensecheck(checked), parse_debmake(debmake))
    record = {"format": _FORMAT, "versions": versions, **asdict(scan)}
    write_atomically(cached, json.dumps(record).encode())
    return scan


def _version(tool: str, run: Runner) -> str:
    done = run([tool, "--version"])
    return " ".join((done.stdout or done.stderr).split())[:200]


def parse_licensecheck(text: str) -> tuple[FileLicence, ...]:
    """Read ``licensecheck --deb-machine``: DEP-5 paragraphs whose Files are one path a line."""
    found = []
    for paragraph in Deb822.iter_paragraphs(text.splitlines(keepends=True)):
        if "Files" not in paragraph:
            continue
        licence = _known(paragraph["License"].splitlines()[0])
        copyrights = _holders(paragraph.get("Copyright", ""))
        for line in paragraph["Files"].splitlines():
            if path := line.strip().removeprefix("./"):
                found.append(FileLicence(path, licence, copyrights))
    return tuple(sorted(found, key=lambda f: f.path))


def parse_debmake(text: str) -> Mapping[str, str]:
    """Read ``debmake -c``: the licence of each file, by path, where it found one."""
    licences: dict[str, str] = {}
    paths: list[str] = []
    listing = False
    for line in text.splitlines():
        if match := re.match(r"Files:\s+(.*)", line):
            paths, listing = [match[1].strip()], True
        elif listing and line.startswith((" ", "\t")):
            paths.append(line.strip())
        else:
            listing = False
            if (match := re.match(r"License:\s+(\S+)", line)) and (licence := _known(match[1])):
                licences |= dict.fromkeys(paths, licence)
    return licences


def combine(files: tuple[FileLicence, ...], debmake: Mapping[str, str]) -> LicenceScan:
    """Put both scans together: licensecheck decides, debmake's differing opinions are kept for a look."""
    disagreements = []
    for file in files:
        other = debmake.get(file.path, "")
        if file.licence and other and _family(file.licence) != _family(other):
            disagreements.append(f"{file.path}: licensecheck says {file.licence}, debmake {other}")
    return LicenceScan(files, tuple(disagreements))


def _known(name: str) -> str:
    return "" if name.strip() in _NOTHING else name.strip()


def _family(name: str) -> str:
    """Licence names without version and clause count, in which the scanners differ most."""
    plain = re.split(r"[-_ ]?(?:v?\d|\bor\b|\+)", name, maxsplit=1)[0].casefold().strip("-_ ")
    return {"mit": "expat"}.get(plain, plain)


def _holders(text: str) -> tuple[str, ...]:
    """Copyright lines that name somebody; a bare year names nobody."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if re.search(r"[^\W\d_]{2,}", line) and line not in _NOTHING)
