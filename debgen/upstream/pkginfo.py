"""Core metadata of an sdist, whatever its age and state: PKG-INFO, at the top or in ``*.egg-info``."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from email.parser import Parser
from email.policy import compat32

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.errors import UnsupportedSourceError
from debgen.upstream.setuptools_layout import egg_info
from debgen.upstream.sourcetree import SourceTree

#: What tools of all ages write for a field that they have no value for.
_NOTHING = {"unknown", "none", "null", "n/a", "undefined"}


class PackageInfo:
    """The fields of one PKG-INFO; absent ones and those that say nothing are empty."""

    def __init__(self, path: str, message: Message) -> None:
        self.path = path
        self._message = message

    def line(self, field: str) -> str:
        """A field that has to fit on one line, whatever upstream folded into it."""
        return " ".join(self.text(field).split())

    def text(self, field: str) -> str:
        """A field with its lines; the first one that says something, where there are several."""
        return next((text for text in self.texts(field) if text), "")

    def texts(self, field: str) -> list[str]:
        """All values of a field that may come several times."""
        found = (str(value).strip() for value in self._message.get_all(field, []))
        return [text for text in found if text and text.casefold() not in _NOTHING]

    @property
    def body(self) -> str:
        """What follows the fields, which is the description since metadata 2.1."""
        payload = self._message.get_payload()
        return payload.strip() if isinstance(payload, str) and payload.strip().casefold() not in _NOTHING else ""


def read_package_info(tree: SourceTree) -> PackageInfo:
    """The PKG-INFO of the tree, checked for a name and a version that can be used.

    UnsupportedSourceError where there is none, or its name or version is none.
    """
    paths = ["PKG-INFO", *(f"{folder}/PKG-INFO" for folder in egg_info(tree))]
    found = [_parsed(tree, path) for path in paths if path in tree]
    info = next((one for one in found if one.line("Name") and one.line("Version")), None)
    if info is None:
        what = f"{found[0].path} has no name or no version" if found else "the sdist has no PKG-INFO"
        raise UnsupportedSourceError(
            f"{what}, so its name and version can't be read without running it",
            hint="It is not an sdist as PEP 643 has it; ask upstream for one.",
        )
    name, version = info.line("Name"), info.line("Version")
    try:
        canonicalize_name(name, validate=True)
    except InvalidName:
        raise UnsupportedSourceError(
            f"{info.path} gives {name!r} as the distribution's name, which is none", hint="Tell upstream."
        ) from None
    try:
        Version(version)
    except InvalidVersion:
        raise UnsupportedSourceError(
            f"{name} gives {version!r} as its version, which PEP 440 doesn't allow",
            hint="It can't be ordered, nor translated to a Debian version; take another release, or tell upstream.",
        ) from None
    return info


def _parsed(tree: SourceTree, path: str) -> PackageInfo:
    # Core metadata is UTF-8, which the parser of mail messages would not expect of bytes. Carriage returns would
    # end a field where a folded line goes on.
    text = decoded(tree.head(path, 16 << 20)).replace("\r\n", "\n").replace("\r", "\n")
    return PackageInfo(path, Parser(policy=compat32).parsestr(text.lstrip("\n")))


def decoded(data: bytes) -> str:
    """The text of a file that should be UTF-8; an old one that isn't is taken for Latin-1, which all bytes are."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def requirements(lines: Iterable[str]) -> tuple[Requirement, ...]:
    """Parse what parses; a malformed line of an old sdist is not worth refusing the package."""
    parsed: dict[str, Requirement] = {}
    for line in lines:
        try:
            requirement = Requirement(" ".join(str(line).split()))
        except InvalidRequirement:
            continue
        parsed.setdefault(str(requirement), requirement)
    return tuple(parsed.values())


def egg_requirements(tree: SourceTree, name: str) -> list[str]:
    """Requirements from ``*.egg-info/requires.txt``, for metadata that predates Requires-Dist in sdists."""
    path = next((f"{folder}/requires.txt" for folder in egg_info(tree, name) if f"{folder}/requires.txt" in tree), "")
    lines: list[str] = []
    marker = ""
    for line in tree.text(path).splitlines():
        line = line.strip()
        if line.startswith("["):
            extra, _, condition = line.strip("[]").partition(":")
            parts = [f'extra == "{extra}"'] if extra else []
            marker = " and ".join(parts + ([f"({condition})"] if condition else []))
        elif line:
            lines.append(f"{line} ; {marker}" if marker else line)
    return lines
