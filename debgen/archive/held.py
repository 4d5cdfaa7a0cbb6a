"""What a suite has of one source package, as its binary packages tell: fields, changelog, copyright and files.

A binary package carries its source's debian/changelog and debian/copyright in /usr/share/doc (Debian Policy 12.7 and
12.5). It is fetched and verified by apt in the suite's private root, once for each version; nothing of it is run.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cmp_to_key
from pathlib import Path
from typing import Any

from debian.deb822 import Deb822

from debgen.archive.aptroot import AptRoot
from debgen.archive.extracted import extracted
from debgen.archive.index import SuiteIndex
from debgen.archive.relation import compare
from debgen.errors import DebgenError
from debgen.run import Runner, run
from debgen.workspace import cache_directory, write_atomically

#: Fields of binary packages that relate them to others, or say how they may be installed.
RELATIONS = (
    "Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Provides", "Breaks", "Conflicts", "Replaces",
)  # fmt: skip
_FORMAT = 1
#: A package above this size is fetched only where no smaller one of the source has the changelog.
_LARGE = 20_000_000
_MOST_TEXT = 8 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]+")


@dataclass(frozen=True)
class HeldBinary:
    """A binary package of the source; ``section`` has the archive area before it, ``relations`` the fields it has."""

    name: str
    version: str
    architecture: str
    section: str
    maintainer: str
    homepage: str
    multi_arch: str
    synopsis: str
    size: int
    relations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldSource:
    """A source package of a suite.

    ``changelog`` is debian/changelog without the entries of rebuilds, ``copyright`` debian/copyright, ``files`` the
    paths that ``package`` installs, without a leading slash. All three are empty where no binary package has them;
    ``note`` then says why.
    """

    source: str
    version: str
    component: str
    package: str
    binaries: tuple[HeldBinary, ...]
    changelog: str = ""
    copyright: str = ""
    files: tuple[str, ...] = ()
    note: str = ""

    def binary(self, name: str) -> HeldBinary | None:
        """The binary package of that name."""
        return next((binary for binary in self.binaries if binary.name == name), None)

    @property
    def maintainer(self) -> str:
        """The Maintainer, as the newest packages have it."""
        return next((binary.maintainer for binary in self.binaries if binary.maintainer), "")


def held_source(index: SuiteIndex, root: AptRoot, package: str, *, run: Runner = run) -> HeldSource | None:
    """The source that builds ``package`` in the suite, or None where the suite has no such package.

    ``package`` is the binary package whose files count. What can't be fetched is no failure, but a ``note``.
    Raises CommandError where apt can't read its own lists.
    """
    known = index.binary(package)
    if known is None:
        return None
    others = index.source_binaries(known.source)
    version = max((other.source_version for other in others), key=cmp_to_key(compare))
    names = [f"{other.name}={other.version}" for other in others if other.source_version == version]
    shown = run(["apt-cache", "show", *names], env=root.apt_env()).stdout
    held = HeldSource(known.source, version, known.component, package, parse_binaries(shown))
    kept = (
        cache_directory("held", f"{index.codename}-{index.architecture}") / f"{package}_{_quoted(held, package)}.json"
    )
    return _known(kept, held) or _stored(kept, _looked_into(held, root, run))


def parse_binaries(shown: str) -> tuple[HeldBinary, ...]:
    """The packages in the paragraphs that ``apt-cache show`` prints, by name, each once."""
    found: dict[str, HeldBinary] = {}
    for fields in Deb822.iter_paragraphs(shown.splitlines(keepends=True), use_apt_pkg=False):
        if name := str(fields.get("Package", "")):
            found.setdefault(
                name,
                HeldBinary(
                    name=name,
                    version=str(fields.get("Version", "")),
                    architecture=str(fields.get("Architecture", "")),
                    section=str(fields.get("Section", "")),
                    maintainer=str(fields.get("Maintainer", "")),
                    homepage=str(fields.get("Homepage", "")),
                    multi_arch=str(fields.get("Multi-Arch", "")),
                    synopsis=str(fields.get("Description", "")).partition("\n")[0],
                    size=int(fields.get("Size", 0)),
                    relations={key: " ".join(str(fields[key]).split()) for key in RELATIONS if key in fields},
                ),
            )
    return tuple(found[name] for name in sorted(found))


def without_rebuilds(changelog: str) -> str:
    r"""A changelog without the entries of binary rebuilds, and without debhelper's remark that old ones were left out.

    >>> without_rebuilds("a (1-1+b1) sid; urgency=low, binary-only=yes\n\n  * x\n\n -- y\n\na (1-1) sid; …\n")
    'a (1-1) sid; …\n'
    """
    kept: list[str] = []
    skipping = False
    for line in changelog.splitlines(keepends=True):
        if re.match(r"[a-z0-9][^\s(]* \([^)]*\)", line):
            skipping = "binary-only=yes" in line
        if not skipping and not line.startswith("#"):
            kept.append(line)
    return "".join(kept).strip("\n") + "\n" if "".join(kept).strip() else ""


def _quoted(held: HeldSource, package: str) -> str:
    binary = held.binary(package)
    return re.sub(r"[^A-Za-z0-9.+~-]", "_", binary.version if binary else held.version)


def _known(path: Path, held: HeldSource) -> HeldSource | None:
    """What was read before from the same version; None where nothing was, or the file is broken."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != _FORMAT:
            return None
        values = {key: told[key] for key in ("changelog", "copyright", "note")}
        return HeldSource(
            held.source, held.version, held.component, held.package, held.binaries, files=tuple(told["files"]), **values
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stored(path: Path, held: HeldSource) -> HeldSource:
    if held.changelog:  # a failure may be one of the network, and is asked for again
        kept = {key: value for key, value in asdict(held).items() if key in ("changelog", "copyright", "files", "note")}
        write_atomically(path, json.dumps({"format": _FORMAT, **kept}).encode())
    return held


def _looked_into(held: HeldSource, root: AptRoot, run: Runner) -> HeldSource:
    """The source with what is in its packages: the one that was asked for, then the smallest, until all is found."""
    changelog, copyright_ = "", ""
    files: tuple[str, ...] = ()
    problems: list[str] = []
    for binary in _in_order(held):
        try:
            with tempfile.TemporaryDirectory(prefix="held-", dir=cache_directory("held")) as folder:
                content = extracted(root, binary.name, binary.version, Path(folder), run)
                if binary.name == held.package:
                    files = tuple(_files(content))
                doc = content / "usr/share/doc" / binary.name
                changelog, copyright_ = _changelog(doc, held.source), _text(doc / "copyright")
        except DebgenError as error:
            problems.append(str(error).partition("\n")[0])
        if changelog:
            break
        if not problems:
            problems.append(f"{binary.name} has no changelog of {held.source}")
    note = "" if changelog else "; ".join(dict.fromkeys(problems))
    return HeldSource(
        held.source, held.version, held.component, held.package, held.binaries, changelog, copyright_, files, note
    )


def _in_order(held: HeldSource) -> Sequence[HeldBinary]:
    """The packages in the order to be looked into; a link of their doc folders leads to a smaller one (policy 12.5)."""
    sound = [binary for binary in held.binaries if _NAME.fullmatch(binary.name)]
    return sorted(sound, key=lambda b: (b.size > _LARGE, b.name != held.package, b.size))[:4]


def _files(content: Path) -> Iterator[str]:
    for path in sorted(content.rglob("*")):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(content).as_posix()


def _changelog(doc: Path, source: str) -> str:
    """The source's changelog; a native package has it under the name that others give to upstream's (policy 12.7)."""
    for name in ("changelog.Debian.gz", "changelog.Debian", "changelog.gz", "changelog"):
        text = without_rebuilds(_text(doc / name))
        if text.startswith(f"{source} ("):
            return text
    return ""


def _text(path: Path) -> str:
    """The text of a file, unpacked; empty where there is none, or it is a link or broken."""
    if _is_link(path) or not path.is_file():
        return ""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return stream.read(_MOST_TEXT).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        return ""


def _is_link(path: Path) -> bool:
    """Whether ``path`` or its folder is a link, which may lead out of the package."""
    return path.is_symlink() or path.parent.is_symlink()
