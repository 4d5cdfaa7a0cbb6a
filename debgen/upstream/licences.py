"""The licence scan of an unpacked sdist: licensecheck file by file, and debmake's own scan as a cross-check.

Both run in a sandbox over a copy. A scan is cached by the hash of the sdist and the versions of the scanners.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from debian.deb822 import Deb822

from debgen.run import Runner, run
from debgen.sandbox import run_sandboxed
from debgen.workspace import cache_directory, write_atomically

_FORMAT = 2
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
        # The scanners read images and other binaries as text, and find holders in the noise.
        shutil.copytree(root, scratch, symlinks=True, ignore=_binaries)
        checked = run_sandboxed(
            # without --encoding, licensecheck takes UTF-8 for Latin-1 and prints mangled names
            ["licensecheck", "--encoding", "UTF-8", "--deb-machine", "--recursive", "--copyright", "."],
            scratch,
            run,
        ).stdout
        debmake = run_sandboxed(["debmake", "-c"], scratch, run).stdout if debmake_scans(versions) else ""
    scan = combine(parse_licensecheck(checked), parse_debmake(debmake))
    record = {"format": _FORMAT, "versions": versions, **asdict(scan)}
    write_atomically(cached, json.dumps(record).encode())
    return scan


def _binaries(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if _is_binary(Path(folder) / name)]


def _is_binary(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"\0" in file.read(8192)


def _version(tool: str, run: Runner) -> str:
    done = run([tool, "--version"])
    return " ".join((done.stdout or done.stderr).split())[:200]


def parse_licensecheck(text: str) -> tuple[FileLicence, ...]:
    """Read ``licensecheck --deb-machine``: DEP-5 paragraphs whose Files are one path a line."""
    found = []
    # Control characters and blank lines in what it quotes can't stand in a field.
    printable = re.sub(r"[^\n -~\u00a0-\U0010ffff]", " ", text)
    lines = [" ." if line.isspace() else line for line in printable.split("\n")]
    for paragraph in Deb822.iter_paragraphs(lines):
        if "Files" not in paragraph:
            continue
        licence = _known(paragraph["License"].splitlines()[0])
        copyrights = _holders(paragraph.get("Copyright", ""))
        paths = (line.strip().removeprefix("./") for line in paragraph["Files"].splitlines())
        found += [FileLicence(path, licence, copyrights) for path in paths if path]
    return tuple(sorted(found, key=lambda f: f.path))


def debmake_scans(version: str) -> bool:
    """Whether this debmake still has a licence scan: from version 5 on it ignores ``-c`` and starts packaging."""
    found = re.search(r"debmake \(version: (\d+)", version)
    return found is not None and int(found[1]) < 5


def parse_debmake(text: str) -> Mapping[str, FileLicence]:
    """Read ``debmake -c``: what it found in each file, by path; holders only where a year stands with them."""
    found: dict[str, FileLicence] = {}
    fields: dict[str, list[str]] = {}
    values: list[str] = []
    for line in [*text.splitlines(), ""]:
        if match := re.match(r"(Files|Copyright|License):\s+(.*)", line):
            values = fields.setdefault(match[1], [])
            values.append(match[2].strip())
        elif line.startswith((" ", "\t")) and line.strip():
            values.append(line.strip())
        elif not line.strip():
            licence = _known(fields.get("License", [""])[0])
            holders = tuple(h for h in _holders("\n".join(fields.get("Copyright", []))) if re.match(r"\d{4}", h))
            found |= {path: FileLicence(path, licence, holders) for path in fields.get("Files", [])}
            fields, values = {}, []
    return found


def combine(files: tuple[FileLicence, ...], debmake: Mapping[str, FileLicence]) -> LicenceScan:
    """Put both scans together: licensecheck decides on licences, debmake's differing opinions are kept for a look.

    Where licensecheck names no holder, debmake's count: licensecheck loses that of ``2023-present, Somebody``.
    """
    disagreements = []
    merged = []
    for file in files:
        other = debmake.get(file.path, FileLicence(file.path, "", ()))
        if file.licence and other.licence and _family(file.licence) != _family(other.licence):
            disagreements.append(f"{file.path}: licensecheck says {file.licence}, debmake {other.licence}")
        merged.append(replace(file, copyrights=file.copyrights or other.copyrights))
    return LicenceScan(tuple(merged), tuple(disagreements))


def _known(name: str) -> str:
    return "" if name.strip() in _NOTHING else name.strip()


def _family(name: str) -> str:
    """Licence names without version and clause count, in which the scanners differ most."""
    plain = re.split(r"[-_ ]?(?:v?\d|\bor\b|\+)", name, maxsplit=1)[0].casefold().strip("-_ ")
    return {"mit": "expat"}.get(plain, plain)


def _holders(text: str) -> tuple[str, ...]:
    """Copyright lines that name somebody: with a year and letters, or short and capitalised like a name.

    A bare year names nobody, and neither do sentences about copyright.
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line not in _NOTHING and _is_holder(line))


def _is_holder(line: str) -> bool:
    if not re.search(r"[^\W\d_]{2,}", line):
        return False
    return re.search(r"\b(?:19|20)\d\d\b", line) is not None or re.fullmatch(r"[A-Z]\S*(?: \S+){0,7}", line) is not None
