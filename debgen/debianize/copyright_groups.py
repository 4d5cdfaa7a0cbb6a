"""Which files of a source stand together in debian/copyright: under one licence, or in one embedded copy.

DEP-5 lets the last paragraph that matches a file win, and lintian wants wide patterns before narrow ones, each file
matched where it counts, and no pattern twice.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from debgen.debianize.licencenames import parts
from debgen.upstream.excerpts import is_licence_file, is_licence_store
from debgen.upstream.licences import FileLicence, LicenceScan

#: Files whose licence statements are about the whole, or about something else, and grant nothing by themselves.
_TALK = re.compile(
    r"(?:.*/)?(?:readme|changelog|changes|history|news|contributing|setup\.(?:py|cfg)|pyproject\.toml|package(?:-lock)?"
    r"\.json|authors|citation|notice|meson\.build|cargo\.toml|conf\.py)[^/]*|.*\.(?:md|rst|json|toml|lock|html|"
    r"po|pot|cff|csv|ya?ml|cfg|ini|spec|its)|(?:.*/)?debian/.*|(?:.*/)?[^/]*\.(?:egg|dist)-info/.*",
    re.I,
)
#: So many files of one folder, all of them together, are written as the folder.
_FEW = 3


@dataclass(frozen=True)
class Group:
    """Files with one licence: their patterns in order, the lines on holders, and files that only mention it."""

    licence: str
    patterns: tuple[str, ...]
    holders: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern of Files or Files-Excluded covers a path: itself, all below it, or by ``*`` and ``?``."""
    return path == pattern or path.startswith(f"{pattern}/") or fnmatch.fnmatchcase(path, pattern)


def grouped(
    scan: LicenceScan, main: str, licence_files: Sequence[str], vendored: Mapping[str, str] | None = None
) -> list[Group]:
    """The groups in the order of their paragraphs; the first is that of the whole, with the pattern ``*``.

    ``vendored`` are folders of other sources, with the licence that each declares; where that is empty, its licence
    file tells.
    """
    roots = _embedded(scan, main, licence_files)
    for folder, licence in (vendored or {}).items():
        roots[folder] = licence or roots.get(folder, "") or _told_by_file(scan, folder) or main
    whole: list[str] = []
    folders: dict[str, list[str]] = {root: [] for root in roots}
    inside: dict[str, bool] = dict.fromkeys(roots, False)
    single: dict[str, list[FileLicence]] = {}
    mentions: dict[str, list[str]] = {}
    paths = [file.path for file in scan.files]
    for file in scan.files:
        root = max((r for r in roots if file.path.startswith(f"{r}/")), key=len, default="")
        here = roots.get(root, main)
        if is_licence_file(file.path):
            if not root and (not file.licence or _within(file.licence, main)):
                whole += file.copyrights
            elif root:
                folders[root] += file.copyrights
                inside[root] = True
        elif not file.licence or _within(file.licence, here):
            (folders[root] if root else whole).extend(file.copyrights)
            inside[root] = True
        elif file.tagged or (file.copyrights and not _TALK.fullmatch(file.path)) or _given_away(file):
            single.setdefault(file.licence, []).append(file)
        elif _TALK.fullmatch(file.path):
            (folders[root] if root else whole).extend(file.copyrights)
            inside[root] = True
        else:
            mentions.setdefault(file.licence, []).append(file.path)
            inside[root] = True
    result = [Group(main, ("*",), tuple(whole))]
    for root in sorted(roots, key=lambda r: (r.count("/"), r)):
        beside = _metadata_of(root, roots)
        if inside[root] and not (_described_by(root) in roots and inside[_described_by(root)]):
            together = [root, *(folder for folder in beside if inside[folder])]
            holders = tuple(line for folder in together for line in folders[folder])
            result.append(Group(roots[root], tuple(f"{_escaped(folder)}/*" for folder in together), holders))
    for licence, files in sorted(single.items()):
        holders = tuple(line for file in files for line in file.copyrights)
        result.append(Group(licence, _patterns([f.path for f in files], paths), holders))
    result += [Group(licence, (), (), tuple(found)) for licence, found in sorted(mentions.items())]
    return result


def _embedded(scan: LicenceScan, main: str, licence_files: Sequence[str]) -> dict[str, str]:
    """Folders with a licence file of their own that says something else than the whole's, and that licence."""
    texts = dict(scan.texts)
    known = {_squeezed(texts[path]) for path in licence_files if path in texts}
    folders = {file.path.rpartition("/")[0] for file in scan.files}
    found: dict[str, list[str]] = {}
    said: dict[str, str] = {}
    for file in scan.files:
        folder, _, name = file.path.rpartition("/")
        if not folder or not is_licence_file(file.path) or file.path in licence_files or not file.licence:
            continue
        if _squeezed(texts.get(file.path, "")) in known or re.match(r"notice|authors|contributors", name, re.I):
            continue
        places = _installed_beside(folder, folders)
        if not places:
            if is_licence_store(folder.rsplit("/", 1)[-1]) or re.search(r"\.(?:egg|dist)-info(?:/|$)", folder):
                continue
            if not file.copyrights and _within(file.licence, main):
                continue
            places = (folder,)
        for place in places:
            found.setdefault(place, []).extend(parts(file.licence))
            said[place] = said.get(place, "") + texts.get(file.path, "")[:3000]
    for path, text in scan.headers:
        for place in found:
            said[place] += text if path.startswith(f"{place}/") else ""
    return {place: _joined(names, said[place]) for place, names in found.items()}


def _told_by_file(scan: LicenceScan, folder: str) -> str:
    """The licence of the licence files at the top of a folder."""
    named = [
        name
        for file in scan.files
        if file.path.rpartition("/")[0] == folder and is_licence_file(file.path)
        for name in parts(file.licence)
    ]
    return _joined(named, "") if named else ""


def _installed_beside(folder: str, folders: set[str]) -> tuple[str, ...]:
    """For a vendored ``x-1.0.dist-info``: that folder, and the package that it describes."""
    match = re.match(r"((?:.*/)?_?\w*vendor\w*/(?:.*/)?)([\w.]+?)-[^/]*\.(?:dist|egg)-info(?=/|$)", folder)
    if match is None:
        return ()
    package = f"{match[1]}{match[2]}"
    return (match[0], *(f for f in folders if f.casefold() == package.casefold()))


def _described_by(folder: str) -> str:
    """The package that a vendored ``x-1.0.dist-info`` describes; an empty string for other folders."""
    match = re.match(r"(.*/\w[\w.]*?)-[^/]*\.(?:dist|egg)-info$", folder)
    return match[1] if match else ""


def _metadata_of(folder: str, roots: Mapping[str, str]) -> list[str]:
    return [root for root in roots if _described_by(root) == folder]


def _joined(names: Sequence[str], said: str) -> str:
    """Several licences of one folder: alternatives where it says so, else all of them at once."""
    distinct = list(dict.fromkeys(names))
    flat = re.sub(r"[\s*#/]+", " ", said)
    choice = re.search(r"\beither\b[^.]*\bor\b|dual[- ]licen[cs]|at your option,? one of", flat, re.I)
    return (" or " if choice else " and ").join(distinct)


def _given_away(file: FileLicence) -> bool:
    """Whether a file says of itself that it is in the public domain, for which it needs to name no holder."""
    told = not _TALK.fullmatch(file.path) or file.path.endswith((".rst", ".txt"))
    return file.licence == "public-domain" and told


def _within(found: str, main: str) -> bool:
    """Whether a file's licence is the one of the whole or, where that is several, some of them."""
    of_main = parts(main)
    return all(
        name in of_main or any(part.startswith((f"{name}-", f"{name} with ")) for part in of_main)
        or (name == "BSD" and main.startswith("BSD"))
        for name in parts(found)
    )  # fmt: skip


def _patterns(group: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    """The files of a group, with whole folders written as such where they hold nothing else."""
    mine = set(group)
    folders: set[str] = set()
    for path in group:
        pieces = path.split("/")[:-1]
        for depth in range(1, len(pieces) + 1):
            folder = "/".join(pieces[:depth])
            below = [p for p in paths if p.startswith(f"{folder}/")]
            if len(below) > _FEW and all(p in mine for p in below):
                folders.add(folder)
                break
    left = [path for path in group if not any(path.startswith(f"{folder}/") for folder in folders)]
    patterns = [*(f"{_escaped(folder)}/*" for folder in folders), *map(_escaped, left)]
    return tuple(sorted(dict.fromkeys(patterns), key=lambda pattern: (pattern.count("/"), pattern)))


def _escaped(path: str) -> str:
    """A path as a pattern: blanks and what is no UTF-8 match as any character (DEP-5, "Files field")."""
    return re.sub(r"[\s\ud800-\udfff]", "?", re.sub(r"([\\*?])", r"\\\1", path))


def _squeezed(text: str) -> str:
    return re.sub(r"\W+", "", text).casefold()
