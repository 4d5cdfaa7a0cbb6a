"""Texts of licences for debian/copyright: the source's own, the standard ones, and what Debian has at hand.

Policy 12.5: a text in /usr/share/common-licenses is referred to; every other one stands in full.
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import Final

from debian.debian_support import Version

from debgen.data import data_directory

#: What base-files has had since long before the oldest suite, and what it has since bookworm (policy 4.6).
_ALWAYS = {"Apache-2.0", "Artistic", "CC0-1.0", "GFDL-1.2", "GFDL-1.3", "GPL-1", "GPL-2", "GPL-3", "LGPL-2",
           "LGPL-2.1", "LGPL-3", "MPL-1.1", "MPL-2.0"}  # fmt: skip
_SINCE_TRIXIE = {"AGPL-3.0", "Artistic-2.0", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
                "GFDL-1.1", "OFL-1.1"}  # fmt: skip
_GNU = re.compile(r"^(A?GPL|LGPL|GFDL)-(\d(?:\.\d)?)(\+?)$")
_TITLES: Final = {
    "GPL": "GNU General Public License", "LGPL": "GNU Lesser General Public License",
    "AGPL": "GNU Affero General Public License", "GFDL": "GNU Free Documentation License",
}  # fmt: skip
_NOTICES = {
    "Apache-2.0": (
        'Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in '
        "compliance with the License. You may obtain a copy of the License at "
        "https://www.apache.org/licenses/LICENSE-2.0\n\n"
        "Unless required by applicable law or agreed to in writing, software distributed under the License is "
        'distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or '
        "implied. See the License for the specific language governing permissions and limitations under the "
        "License."
    ),
    "MPL-2.0": (
        "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the "
        "MPL was not distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/."
    ),
    "CC0-1.0": (
        "To the extent possible under law, the authors have dedicated all copyright and related and neighboring "
        "rights to this work to the public domain worldwide. This work is distributed without any warranty."
    ),
}
#: Phrases that are in one licence's text and in no other's, the more special ones first.
_PHRASES: tuple[tuple[str, str], ...] = (
    (r"GNU AFFERO GENERAL PUBLIC LICENSE Version 3", "AGPL-3"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE Version 3", "LGPL-3"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE Version 2\.1", "LGPL-2.1"),
    (r"GNU LIBRARY GENERAL PUBLIC LICENSE Version 2", "LGPL-2"),
    (r"GNU GENERAL PUBLIC LICENSE Version 3", "GPL-3"),
    (r"GNU GENERAL PUBLIC LICENSE Version 2", "GPL-2"),
    (r"Apache License,? Version 2\.0", "Apache-2.0"),
    (r"Mozilla Public License,? Version 2\.0", "MPL-2.0"),
    (r"Boost Software License - Version 1\.0", "BSL-1.0"),
    (r"Zope Public License \(ZPL\) Version 2\.1", "ZPL-2.1"),
    (r"CC0 1\.0 Universal", "CC0-1.0"),
    (r"SIL OPEN FONT LICENSE Version 1\.1", "OFL-1.1"),
    (r"This is free and unencumbered software released into the public domain", "Unlicense"),
    (r"PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2.*BEOPEN", "Python-2.0"),
    (r"PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2", "PSF-2.0"),
    (r"The origin of this software must not be misrepresented", "Zlib"),
    (r"Redistributions? of source code must.*(?:Neither|nor) the names?.*(?:endorse|promote)", "BSD-3-clause"),
    (r"Redistributions? of source code must.*Redistributions? in binary form must", "BSD-2-clause"),
    (r"Permission is hereby granted, free of charge, to any person obtaining.*shall be included in", "Expat"),
    (r"Permission is hereby granted, free of charge, to any person obtaining.*(?:the )?\"?Software\"?.*AS IS", "MIT-0"),
    (r"Permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is"
     r" hereby granted, provided", "ISC"),
    (r"Permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is"
     r" hereby granted\.", "0BSD"),
)  # fmt: skip


#: How a grant begins, below the copyright lines.
_GRANT = re.compile(
    r"Redistributions? (?:and use|of source)|Permission (?:is|to)\b|Copying and distribution|public domain|"
    r"This (?:software|file|program|library|work|document|source|code)\b|Licen[cs]ed under|may be (?:used|distributed)|"
    r"As a special exception|You may\b",
    re.I,
)
#: Where the FSF lived; licences that say so now point to its site.
_OLD_ADDRESS = re.compile(
    r"write\s+to\s+the\s+Free\s+Software\s+Foundation,[\s\S]{0,160}?(?:02139|02111-1307|02110-1301)(?:,?\s*USA)?"
)
#: A header shorter than this names a licence, but does not hold its text (in characters).
_WHOLE_TEXT = 150


def common_licences(policy: str) -> frozenset[str]:
    """The names in /usr/share/common-licenses of a suite with that version of policy (``4.7.2``)."""
    newer = Version(policy) >= Version("4.7")
    return frozenset((_ALWAYS | _SINCE_TRIXIE) if newer else _ALWAYS)


def identified(text: str) -> str:
    """The DEP-5 name of the licence whose text this is, by its own words; an empty string where none is known."""
    flat = re.sub(r"[\s#*>]+", " ", text[:20_000])
    return next((name for phrase, name in _PHRASES if re.search(phrase, flat, re.I)), "")


def licence_text(name: str, own: str, common: frozenset[str]) -> str:
    """What stands under ``License: name``; an empty string where the text is not to be had.

    ``own`` is the text that the source has for it, if any. A licence with an exception needs that exception's words.
    """
    if " with " in name:
        plain, _, exception = name.partition(" with ")
        base = licence_text(plain, "", common)
        if not re.search(r"permi(?:t|ssion)", own):  # it only mentions the exception
            own = _standard(f"with-{exception.replace(' ', '-')}") or own
        return f"{base}\n\n{own}" if base and own else ""
    if notice := _notice(name, common):
        return notice
    return own or _standard(name)


def wrapped(text: str) -> list[str]:
    """The lines of a licence's text: kept as they are unless they are longer than 100 characters."""
    lines: list[str] = []
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).strip("\n")):
        if not paragraph.strip():
            continue
        if lines:
            lines.append("")
        long = any(len(line) > 100 for line in paragraph.splitlines())
        flat = textwrap.wrap(" ".join(paragraph.split()), 76, break_long_words=False, break_on_hyphens=False)
        lines += flat if long else [line.rstrip() for line in textwrap.dedent(paragraph).splitlines()]
    return lines


def has_standard_text(name: str) -> bool:
    """Whether the licence's wording is the same everywhere, and debgen has it."""
    return bool(_standard(name))


def header_text(name: str, excerpt: str) -> str:
    """The text of the licence ``name`` in the header of a file, without comment marks and copyright lines.

    Empty where the standard text says the same, or the header only points to a text elsewhere.
    """
    if has_standard_text(name) and not name.startswith("BSD"):
        return ""
    plain = "\n".join(_unmarked(line) for line in excerpt.splitlines())
    start = next((m.start() for m in re.finditer(r"^.*", plain, re.M) if _GRANT.search(m[0])), None)
    if start is None:
        return ""
    text = _OLD_ADDRESS.sub("see <https://www.gnu.org/licenses/>", textwrap.dedent(plain[start:]).strip())
    return text if len(text) >= _WHOLE_TEXT or name == "public-domain" else ""


def _unmarked(line: str) -> str:
    bare = re.sub(r"^\s*(?:#+!?|//+!?|/\*+!?|\*+/?|;+|--|<!--|\"\"\"|'''|dnl\b|REM\b|%+|\.\.)(?:\s|$)?", "", line)
    return re.sub(r"\s*(?:\*/|-->|\"\"\"|''')\s*$", "", bare)


def _notice(name: str, common: frozenset[str]) -> str:
    """The notice for a licence that the suite has in /usr/share/common-licenses, with the pointer to it."""
    if match := _GNU.match(name):
        family, version, later = match[1], match[2], bool(match[3])
        file = next((f for f in (f"{family}-{version}", f"{family}-{version}.0") if f in common), "")
        return _gnu_notice(family, version, later, file) if file else ""
    if name not in common:
        return ""
    told = _NOTICES.get(name, "")
    return f"{told}\n\n{_pointer(name)}" if told else _pointer(name)


def _pointer(file: str) -> str:
    return (
        f"On Debian systems, the full text of this license can be found in the file /usr/share/common-licenses/{file}."
    )


def _gnu_notice(family: str, version: str, later: bool, file: str) -> str:
    title = _TITLES[family]
    or_later = ", or (at your option) any later version" if later else ""
    if family == "GFDL":
        return (
            f"Permission is granted to copy, distribute and/or modify this document under the terms of the {title}, "
            f"version {version}{or_later} published by the Free Software Foundation.\n\n{_pointer(file)}"
        )
    return (
        f"This program is free software; you can redistribute it and/or modify it under the terms of the {title} "
        f"as published by the Free Software Foundation; version {version} of the License{or_later}.\n\n"
        f"This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even "
        f"the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the {title} for more "
        f"details.\n\n{_pointer(file)}"
    )


@cache
def _standard(name: str) -> str:
    """The text of a licence whose wording is the same everywhere, from debgen's own data."""
    path = data_directory("debian-templates") / "licences" / f"{name}.txt"
    return path.read_text(encoding="utf-8") if re.fullmatch(r"[\w.+-]+", name) and path.is_file() else ""
