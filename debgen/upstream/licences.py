"""The licence scan of an unpacked sdist: licensecheck's opinion on each file, and debmake's as a cross-check.

Both run in a sandbox, over the few lines of each file that can say anything (:mod:`debgen.upstream.excerpts`), each
distinct one once, on all cores. A scan is cached by the hash of the sdist and the versions of the scanners.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from debian.deb822 import Deb822

from debgen.run import Runner, run
from debgen.sandbox import run_sandboxed
from debgen.upstream.excerpts import Surveyed, is_licence_file, survey
from debgen.workspace import cache_directory, write_atomically

_FORMAT = 6
_NOTHING = {"UNKNOWN", "NONE", "", "__UNKNOWN__", "__NO_COPYRIGHT_NOR_LICENSE__", "__NO_LICENSE__"}
#: Below this many excerpts, a second process costs more than it saves.
_WORTH_A_PROCESS = 40
#: The longest header that is kept, in characters.
_HEADER = 6_000


@dataclass(frozen=True)
class FileLicence:
    """What the scan found in one file; ``licence`` is DEP-5's short name, empty where none was found.

    A ``tagged`` file says its licence as an SPDX expression, in the file or beside it (REUSE), which is a grant.
    """

    path: str
    licence: str
    copyrights: tuple[str, ...]
    tagged: bool = False


@dataclass(frozen=True)
class LicenceScan:
    """All files of the sdist, sorted, and the files on which debmake's scan disagrees.

    ``texts`` are the files that hold a licence's whole text, by path; ``headers`` has, for each licence that a file's
    header names, the longest such header, which may hold the text.
    """

    files: tuple[FileLicence, ...]
    disagreements: tuple[str, ...]
    texts: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


def scan_licences(root: Path, key: str, run: Runner = run) -> LicenceScan:
    """Scan the tree at ``root``; ``key`` is the hash of the sdist it came from."""
    versions = "|".join(_version(tool, run) for tool in ("licensecheck", "debmake"))
    cached = cache_directory("licences") / f"{key}.json"
    if cached.is_file() and (known := _read(cached, versions)) is not None:
        return known
    scan = _scan(survey(root), debmake_scans(versions), run)
    record = {"format": _FORMAT, "versions": versions, **asdict(scan)}
    write_atomically(cached, json.dumps(record).encode())
    return scan


def _read(cached: Path, versions: str) -> LicenceScan | None:
    data = json.loads(cached.read_text(encoding="utf-8"))
    if data["format"] != _FORMAT or data["versions"] != versions:
        return None
    return LicenceScan(
        tuple(FileLicence(f["path"], f["licence"], tuple(f["copyrights"]), f["tagged"]) for f in data["files"]),
        tuple(data["disagreements"]),
        tuple((path, text) for path, text in data["texts"]),
        tuple((path, text) for path, text in data["headers"]),
    )


def _scan(surveyed: tuple[Surveyed, ...], with_debmake: bool, run: Runner) -> LicenceScan:
    excerpts = sorted({file.excerpt for file in surveyed if file.excerpt})
    numbers = {excerpt: f"{number:06d}" for number, excerpt in enumerate(excerpts)}
    checked, debmake = _scanned(numbers, with_debmake, run)
    files, other = [], {}
    for file in surveyed:
        number = numbers.get(file.excerpt, "")
        found = checked.get(number, FileLicence("", "", ()))
        holders = tuple(dict.fromkeys((*file.holders, *found.copyrights))) if not file.holders else file.holders
        files.append(FileLicence(file.path, file.tag or found.licence, holders, bool(file.tag)))
        if number in debmake:  # a tag is not for a scanner to doubt; the holders may be what licensecheck loses
            seen = debmake[number]
            other[file.path] = replace(seen, path=file.path, licence=file.tag or seen.licence)
    scan = combine(tuple(files), other)
    texts = tuple((file.path, file.text) for file in surveyed if file.text)
    headers: dict[str, tuple[str, str]] = {}
    for file, told in zip(surveyed, scan.files, strict=True):
        if told.licence and file.excerpt and not is_licence_file(file.path):
            longest = headers.get(told.licence, ("", ""))
            if len(longest[1]) < len(file.excerpt[:_HEADER]):
                headers[told.licence] = (file.path, file.excerpt[:_HEADER])
    return replace(scan, texts=texts, headers=tuple(sorted(headers.values())))


def _scanned(
    numbers: Mapping[str, str], with_debmake: bool, run: Runner
) -> tuple[Mapping[str, FileLicence], Mapping[str, FileLicence]]:
    """What licensecheck and debmake say of each excerpt, by its number."""
    if not numbers:
        return {}, {}
    count = max(1, min(os.cpu_count() or 1, len(numbers) // _WORTH_A_PROCESS))
    with tempfile.TemporaryDirectory(prefix="debgen-scan-") as folder:
        shares = [Path(folder) / str(share) for share in range(count)]
        for share in shares:
            share.mkdir()
        whole = Path(folder) / "all"
        whole.mkdir()
        for position, (excerpt, number) in enumerate(numbers.items()):
            for place in (shares[position % count], whole):
                (place / number).write_text(excerpt, encoding="utf-8", errors="replace")

        def scanned(argv: Sequence[str], place: Path) -> str:
            return run_sandboxed(argv, place, run).stdout

        # without --encoding, licensecheck takes UTF-8 for Latin-1 and prints mangled names
        argv = ["licensecheck", "--encoding", "UTF-8", "--deb-machine", "--copyright", "--lines", "0", "--recursive",
                "--check", ".", "."]  # fmt: skip
        with ThreadPoolExecutor(count + 1) as pool:
            other = pool.submit(scanned, ["debmake", "-c"], whole) if with_debmake else None
            printed = list(pool.map(lambda place: scanned(argv, place), shares))
            debmake = parse_debmake(other.result()) if other else {}
    return {file.path: file for text in printed for file in parse_licensecheck(text)}, debmake


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
