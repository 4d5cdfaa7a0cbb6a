"""Licence names: SPDX expressions (PEP 639), classifiers and free text → the short names of DEP-5.

What is ambiguous ("BSD", "GPL" without a version) keeps its vague name; what is no licence's name becomes an empty
string. Nothing here decides between two licences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

#: SPDX identifiers whose DEP-5 short name differs by more than the rules below, and common free-text names.
_NAMES = {
    "mit": "Expat", "expat": "Expat", "mit/x11": "Expat", "x11/mit": "Expat", "mit/expat": "Expat", "x11 mit": "Expat",
    "apache": "Apache-2.0", "apache2": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0", "apache v2": "Apache-2.0", "apache v2.0": "Apache-2.0", "apache2.0": "Apache-2.0",
    "apache software": "Apache-2.0", "apache software 2.0": "Apache-2.0", "asl 2.0": "Apache-2.0",
    "asl2.0": "Apache-2.0", "apache version 2.0": "Apache-2.0", "apache, version 2.0": "Apache-2.0",
    "bsd-3": "BSD-3-clause", "bsd 3": "BSD-3-clause", "bsd-2": "BSD-2-clause", "new bsd": "BSD-3-clause",
    "modified bsd": "BSD-3-clause", "revised bsd": "BSD-3-clause", "bsd-new": "BSD-3-clause",
    "simplified bsd": "BSD-2-clause", "freebsd": "BSD-2-clause", "bsd": "BSD",
    "isc": "ISC", "iscl": "ISC", "isc (iscl)": "ISC", "isc license (iscl)": "ISC",
    "psf": "PSF-2.0", "psfl": "PSF-2.0", "psf-2": "PSF-2.0", "python software foundation": "PSF-2.0",
    "python-2": "Python-2.0", "python": "Python-2.0",
    "mpl": "MPL", "mpl 2.0": "MPL-2.0", "mpl2": "MPL-2.0", "mpl-2": "MPL-2.0", "mplv2": "MPL-2.0",
    "mplv2.0": "MPL-2.0", "mozilla public license 2.0": "MPL-2.0", "mozilla public 2.0": "MPL-2.0",
    "zlib/libpng": "Zlib", "zlib": "Zlib", "unlicense": "Unlicense", "the unlicense": "Unlicense",
    "public domain": "public-domain", "public-domain": "public-domain", "cc0": "CC0-1.0", "cc0 1.0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0", "wtfpl": "WTFPL", "zpl 2.1": "ZPL-2.1", "zpl": "ZPL", "boost": "BSL-1.0",
    "boost software 1.0": "BSL-1.0", "artistic-1.0-perl": "Artistic", "artistic-1.0": "Artistic",
    "artistic": "Artistic", "hpnd": "HPND", "0bsd": "0BSD", "mit-0": "MIT-0", "ncsa": "NCSA",
}  # fmt: skip
_CLASSIFIERS = {
    "MIT License": "Expat",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Zope Public License": "ZPL",
    "zlib/libpng License": "Zlib",
    "The Unlicense (Unlicense)": "Unlicense",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "Academic Free License (AFL)": "AFL",
    "Artistic License": "Artistic",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "CMU License (MIT-CMU)": "MIT-CMU",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "Public Domain": "public-domain",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}
_GNU_FAMILY = re.compile(r"affero|agpl|lesser|library|lgpl|gpl|general public", re.I)
_LATER = re.compile(r"\+|or[- ](?:any[- ])?(?:later|newer|higher)|any later", re.I)
#: Signs that a text names more than one licence.
_JOINED = re.compile(r"\b(?:and|with)\b|\bor\b(?![ -](?:any )?(?:later|newer|higher))|/", re.I)
_WORD = re.compile(r"\(|\)|[^\s()]+")
#: Identifiers as SPDX and DEP-5 spell them: one word that holds a letter.
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")
_NOTHING = {"", "unknown", "none", "license", "licence", "other", "other/proprietary", "see license", "dual", "custom"}


def short_name(text: str) -> str:
    """An SPDX expression or free text as a DEP-5 licence: ``MIT OR Apache-2.0`` → ``Expat or Apache-2.0``.

    An empty string where ``text`` is no name of a licence (whole texts, "UNKNOWN", "see LICENSE").
    """
    flat = " ".join(text.split()).strip(" .,;\"'")
    if len(flat) > 150:
        return ""
    flat = re.sub(r"\s*\band/or\b\s*", " AND ", flat, flags=re.I)
    known = _single(flat)
    if known:
        return known
    if re.search(r"\b(?:and|or|with)\b|[()|&]|/", flat, re.I):
        return _rendered(_Parser(flat).tree())
    return ""


def classified(classifiers: tuple[str, ...]) -> list[str]:
    """The DEP-5 names of the licences that trove classifiers name, in their order."""
    found = []
    for classifier in classifiers:
        path = classifier.split(" :: ")
        if path[0] == "License" and len(path) > 1:
            found.append(_CLASSIFIERS.get(path[-1]) or _gnu(path[-1]))
    return [name for name in found if name]


def parts(licence: str) -> list[str]:
    """The licences that a DEP-5 expression joins, each once."""
    split = re.split(r",?\s+(?:and|or)\s+", licence)
    return list(dict.fromkeys(part for part in split if part))


def _single(text: str) -> str:
    """The name of one licence, or an empty string."""
    plain = text.strip().casefold().replace("licence", "license")
    if plain in _NOTHING:
        return ""
    clauses = re.sub(r"[^a-z0-9]+|license|the|new|modified|revised|simplified", "", plain.replace("zero", "0"))
    if match := re.fullmatch(r"bsd(?:([023]|two|three)clause|[23])|([023]|two|three)clausebsd", clauses):
        count = (match[1] or match[2] or clauses[3:]).replace("two", "2").replace("three", "3")
        return "0BSD" if count == "0" else f"BSD-{count}-clause"
    bare = re.sub(r"^(?:the|under(?: the)?)\s+", "", plain)
    bare = re.sub(r"^(.*?)\s*\((?:the )?[\w .+-]+\)$", r"\1", bare)
    stripped = re.sub(r"\s+", " ", re.sub(r"[,\s]*\b(?:open source )?license\b", "", bare)).strip()
    for form in (plain, bare, stripped):
        if form in _NAMES:
            return _NAMES[form]
    if gnu := _gnu(text):
        return gnu
    if not _IDENTIFIER.fullmatch(text) or not re.search(r"[A-Za-z]", text) or len(text) > 40:
        return ""
    return re.sub(r"(?i)^bsd-(\d)-clause", r"BSD-\1-clause", text)


def _gnu(text: str) -> str:
    """``GPL-3.0-or-later``, ``GNU GPLv3+``, ``GNU Lesser General Public License v3 (LGPLv3)`` → DEP-5's name."""
    family = _GNU_FAMILY.search(text)
    if family is None or len(text) > 100 or _JOINED.search(text):
        return ""
    if re.search(r"mozilla|eclipse|european|zope", text, re.I):
        return ""
    word = text.casefold()
    name = "AGPL" if re.search(r"affero|agpl", word) else "LGPL" if re.search(r"lesser|library|lgpl", word) else "GPL"
    version = re.search(r"(?<![\d.])([123])(?:\.(\d))?(?:\.\d)?(?![\d.]\d)", text)
    later = "+" if _LATER.search(text) else ""
    if version is None:
        return f"{name}+" if later else name
    minor = f".{version[2]}" if version[2] and version[2] != "0" else ""
    return f"{name}-{version[1]}{minor}{later}"


_Tree = str | tuple[str, tuple["_Tree", ...]]


class _Parser:
    """Expressions of AND, OR, WITH and parentheses; what is no name of a licence makes the whole unknown."""

    def __init__(self, text: str) -> None:
        spaced = re.sub(r"\s*(?:\||/)\s*", " OR ", text.replace("&", " AND "))
        self._words = _WORD.findall(spaced)

    def tree(self) -> _Tree:
        found = self._either()
        return found if not self._words else ""

    def _either(self) -> _Tree:
        found = [self._both()]
        while self._next("or"):
            found.append(self._both())
        return found[0] if len(found) == 1 else ("or", tuple(found))

    def _both(self) -> _Tree:
        found = [self._one()]
        while self._next("and"):
            found.append(self._one())
        return found[0] if len(found) == 1 else ("and", tuple(found))

    def _one(self) -> _Tree:
        if self._next("("):
            inner = self._either()
            return inner if self._next(")") else ""
        words: list[str] = []
        while self._words and not self._at_operator(words):
            words.append(self._words.pop(0))
        name = _single(" ".join(words))
        if name and self._next("with"):
            exception = " ".join(self._until_operator())
            exception = re.sub(r"[-_ ]exception.*", "", exception, flags=re.I)
            return f"{name} with {exception} exception" if exception else ""
        return name

    def _until_operator(self) -> Iterator[str]:
        while self._words and self._words[0].casefold() not in ("and", "or", "(", ")"):
            yield self._words.pop(0)

    def _at_operator(self, before: list[str]) -> bool:
        word = self._words[0].casefold()
        after = self._words[1].casefold() if len(self._words) > 1 else ""
        if word == "or" and before and after in ("later", "newer", "higher", "any"):
            return False  # "GPL v3 or later"
        return word in ("and", "or", "with", "(", ")")

    def _next(self, word: str) -> bool:
        if self._words and self._words[0].casefold() == word:
            self._words.pop(0)
            return True
        return False


def _rendered(tree: _Tree) -> str:
    """DEP-5 has no parentheses: "and" binds closer than "or", unless a comma stands before it (section 7.2)."""
    if isinstance(tree, str):
        return tree
    operator, children = tree
    if operator == "and" and not all(isinstance(child, str) for child in children):
        if all(isinstance(leaf, str) for child in children if not isinstance(child, str) for leaf in child[1]):
            alternatives_first = sorted(children, key=lambda child: isinstance(child, str))
            rendered = [_rendered(child) for child in alternatives_first]
            return ", and ".join(rendered) if all(rendered) else ""
        return _rendered(("or", tuple(_alternatives(tree))))
    flat = [_rendered(child) for child in (_alternatives(tree) if operator == "or" else children)]
    return f" {operator} ".join(flat) if all(flat) else ""


def _alternatives(tree: _Tree) -> list[_Tree]:
    """The alternatives that an expression stands for, each one licence or an "and" of licences."""
    if isinstance(tree, str):
        return [tree]
    found = [_alternatives(child) for child in tree[1]]
    if tree[0] == "or":
        return [alternative for child in found for alternative in child]
    combined: list[_Tree] = []
    for combination in product(*found):
        leaves = [leaf for item in combination for leaf in ((item,) if isinstance(item, str) else item[1])]
        combined.append(("and", tuple(dict.fromkeys(leaves))))
    return combined
