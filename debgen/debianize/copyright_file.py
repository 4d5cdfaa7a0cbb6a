"""debian/copyright in the machine-readable format (DEP-5), from the licence scan.

Files under the main licence are one paragraph with every holder the scan found; files under another licence
get a paragraph of their own. Texts stand in full, or point to /usr/share/common-licenses (policy 12.5).
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from debian.deb822 import Deb822

from debgen.debianize.fixmes import Fixmes
from debgen.debianize.source_files import homepage, repository
from debgen.upstream.facts import SdistFacts
from debgen.upstream.licences import FileLicence, LicenceScan

#: SPDX identifiers (and common free-text names) whose DEP-5 short name differs.
_SHORT_NAMES = {
    "mit": "Expat", "mit license": "Expat", "the mit license": "Expat", "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0", "apache 2": "Apache-2.0", "bsd-3-clause": "BSD-3-clause",
    "bsd-2-clause": "BSD-2-clause", "isc license": "ISC", "gpl-3.0-only": "GPL-3", "gpl-3.0-or-later": "GPL-3+",
    "gpl-2.0-only": "GPL-2", "gpl-2.0-or-later": "GPL-2+", "lgpl-2.1-or-later": "LGPL-2.1+",
    "lgpl-2.1-only": "LGPL-2.1", "lgpl-3.0-or-later": "LGPL-3+", "lgpl-3.0-only": "LGPL-3",
    "psf-2.0": "Python-2.0", "mpl 2.0": "MPL-2.0", "new bsd": "BSD-3-clause", "bsd 3-clause": "BSD-3-clause",
}  # fmt: skip
_CLASSIFIERS = {
    "MIT License": "Expat",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3+",
    "GNU General Public License v3 (GPLv3)": "GPL-3",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3+",
}
#: Licences that policy 12.5 has in /usr/share/common-licenses of every suite, with the notice to print.
_COMMON = {
    "Apache-2.0": (
        "Licensed under the Apache License, Version 2.0 (the \"License\"); you may not use this file except in "
        "compliance with the License. You may obtain a copy of the License at "
        "https://www.apache.org/licenses/LICENSE-2.0\n\n"
        "Unless required by applicable law or agreed to in writing, software distributed under the License is "
        "distributed on an \"AS IS\" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or "
        "implied. See the License for the specific language governing permissions and limitations under the "
        "License.",
        "Apache-2.0",
    ),
    "MPL-2.0": (
        "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the "
        "MPL was not distributed with this file, You can obtain one at https://mozilla.org/MPL/2.0/.",
        "MPL-2.0",
    ),
}  # fmt: skip
_GNU = re.compile(r"^(L?GPL)-(\d(?:\.\d)?)(\+?)$")
_GNU_TITLE = re.compile(r"GNU (?:(LESSER|AFFERO) )?GENERAL PUBLIC LICENSE\s+Version (\d(?:\.\d)?)")


@dataclass(frozen=True)
class Holder:
    """Who holds the copyright of the packaging, and since when."""

    identity: str
    year: int


def copyright_file(
    facts: SdistFacts, scan: LicenceScan, texts: Mapping[str, str], packager: Holder, fixmes: Fixmes
) -> str:
    """The text of debian/copyright.

    ``texts`` has the content of the sdist's licence files. What can't be known is marked in ``fixmes``.
    """
    scan = _licence_texts_known(scan, texts)
    main = main_licence(facts, scan)
    if not main:
        fixmes.add("debian/copyright", "no licence was found in the sdist's metadata or files; ask upstream")
        main = "unknown-licence"
    groups: dict[str, list[FileLicence]] = {}
    mentions: list[FileLicence] = []
    for file in scan.files:
        if file.path in facts.licence_files and file.licence and not _covered(file.licence, main):
            continue  # the text of another licence, whose holder holds nothing of the whole
        if not file.licence or _same(file.licence, main) or file.path in facts.licence_files:
            groups.setdefault(main, []).append(file)
        elif not file.copyrights:
            mentions.append(file)  # names a licence but claims no copyright: a mention, not a grant
        else:
            groups.setdefault(_short(file.licence), []).append(file)
    for file in scan.files:
        stray = file.licence and not any(_covered(file.licence, licence) for licence in (main, *groups))
        if file.path in facts.licence_files and stray:
            question = f"{file.path} is {_short(file.licence)}, which no file is under; say what it covers"
            fixmes.add("debian/copyright", question)
    paragraphs = [_header(facts, mentions)]
    paragraphs.append(_files(["*"], _merge_years(_main_holders(facts, groups.get(main, []), texts, fixmes)), main))
    for licence, files in sorted(groups.items()):
        if licence != main:
            holders = [line for file in files for line in file.copyrights]
            paragraphs.append(_files([f.path for f in files], _merge_years(holders), licence))
    paragraphs.append(_files(["debian/*"], [f"{packager.year} {packager.identity}"], main))
    used = {name for licence in {main, *groups} for name in _parts(licence)}
    own = _own_texts(main, scan, texts)
    paragraphs += [_licence(name, own, fixmes) for name in sorted(used)]
    return "\n".join(str(p) for p in paragraphs)


def main_licence(facts: SdistFacts, scan: LicenceScan) -> str:
    """The DEP-5 name of the licence of the whole: the licence file's, else what the metadata says.

    Where the metadata names one of several licence files, or adds "or later" to one, it knows better.
    """
    by_file = [_short(f.licence) for f in scan.files if f.path in facts.licence_files and f.licence]
    declared = facts.licence if len(facts.licence.splitlines()) == 1 and len(facts.licence) < 60 else ""
    classified = [
        name
        for c in facts.classifiers
        if c.startswith("License ::") and (name := _CLASSIFIERS.get(c.split(" :: ")[-1]))
    ]
    claims = [_short(declared), *classified]
    candidates = [
        *(claim for claim in claims[:1] if len(_parts(claim)) > 1),
        *(claim for claim in claims if claim.removesuffix("+") in by_file),
        *by_file[:1],
        *claims,
    ]
    return next((c for c in candidates if c), "")


def _short(name: str) -> str:
    """SPDX expression or free text → DEP-5's short name or expression."""
    if re.search(r"\S\s+(?:and|or)\s+(?!later\b)\S", name, re.I):
        words = re.split(r"\s+(and|or)\s+", name.replace("(", "").replace(")", ""), flags=re.I)
        return " ".join(w.lower() if w.lower() in ("and", "or") else _short(w) for w in words)
    return _SHORT_NAMES.get(name.strip().casefold(), name.strip().replace(" ", "-"))


def _parts(licence: str) -> list[str]:
    return [part for part in re.split(r"\s+(?:and|or)\s+", licence) if part]


def _same(found: str, main: str) -> bool:
    short = _short(found)
    return short in _parts(main) or any(part.startswith(f"{short}-") for part in _parts(main))


def _covered(found: str, licence: str) -> bool:
    """Whether a licence file belongs to ``licence``: one of its parts, or the GPL text that the LGPL refers to."""
    short = _short(found)
    return _same(short, licence) or any(
        part.removesuffix("+") == short or (part.startswith("LGPL-3") and short == "GPL-3") for part in _parts(licence)
    )


def _licence_texts_known(scan: LicenceScan, texts: Mapping[str, str]) -> LicenceScan:
    """The scan with the GNU licences' own texts named: scanners miss them, and take the FSF for a holder."""

    def known(file: FileLicence) -> FileLicence:
        title = _GNU_TITLE.search(texts.get(file.path, "")[:500])
        if title is None:
            return file
        family = {"LESSER": "LGPL", "AFFERO": "AGPL"}.get(title[1] or "", "GPL")
        return FileLicence(file.path, f"{family}-{title[2].removesuffix('.0')}", ())

    return LicenceScan(tuple(known(file) for file in scan.files), scan.disagreements)


def _header(facts: SdistFacts, mentions: list[FileLicence]) -> Deb822:
    header = Deb822()
    header["Format"] = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    header["Upstream-Name"] = facts.name
    if facts.author:
        header["Upstream-Contact"] = facts.author
    source = repository(facts) or homepage(facts)
    if source:
        header["Source"] = source
    if mentions:
        lines = [f"{f.path} names {f.licence} without a copyright notice: a mention, not a grant." for f in mentions]
        header["Comment"] = "".join(f"\n {line}" for line in lines)
    return header


def _files(paths: list[str], holders: list[str], licence: str) -> Deb822:
    paragraph = Deb822()
    paragraph["Files"] = "\n ".join(path.replace(" ", "?") for path in paths)
    paragraph["Copyright"] = "\n ".join(holders)
    paragraph["License"] = licence
    return paragraph


def _main_holders(facts: SdistFacts, files: list[FileLicence], texts: Mapping[str, str], fixmes: Fixmes) -> list[str]:
    holders = [line for file in files for line in file.copyrights]
    if not holders:
        for text in texts.values():
            holders += re.findall(r"^\s*(?:copyright\s*)(?:\(c\)|©)?\s*(\d{4}.*)$", text, re.I | re.M)
    if not holders and facts.author:
        holders = [facts.author]
    if not holders:
        fixmes.add("debian/copyright", "nobody is named as the holder of the copyright; ask upstream")
        holders = ["unknown holder"]
    return holders


def _merge_years(lines: list[str]) -> list[str]:
    """One line per holder with the span of years: ``2020, X`` and ``2023-present X`` → ``2020-2023 X``."""
    years: dict[str, set[int]] = {}
    spelling: dict[str, str] = {}
    for line in lines:
        match = re.match(r"^((?:[\d\s,–-]|present)*)(.*)$", line.strip(), re.I)
        if match is None or not (holder := match[2].strip(" ,.")):
            continue
        key = re.sub(r"[\W_]+", " ", holder).casefold().strip()
        key = re.sub(r"\b(the|all rights reserved|and contributors?)\b", "", key).strip()
        spelling.setdefault(key, re.sub(r"\.?\s*All rights reserved\.?", "", holder, flags=re.I))
        years.setdefault(key, set()).update(int(y) for y in re.findall(r"\b(?:19|20)\d\d\b", match[1]))
    merged = []
    for key in sorted(years):
        span = sorted(years[key])
        prefix = "" if not span else f"{span[0]} " if len(span) == 1 else f"{span[0]}-{span[-1]} "
        merged.append(prefix + spelling[key])
    return merged


def _licence(name: str, own: Mapping[str, str], fixmes: Fixmes) -> Deb822:
    paragraph = Deb822()
    body = ""
    if name in _COMMON:
        notice, file = _COMMON[name]
        body = f"{notice}\n\n{_pointer(file)}"
    elif match := _GNU.match(name):
        body = _gnu_notice(match[1], match[2], bool(match[3]))
    else:
        body = own.get(name, "")
    if not body:
        fixmes.add("debian/copyright", f"the text of licence {name} is not in the sdist; add it in full")
        body = "The text of this licence was not found in the source."
    paragraph["License"] = name + "".join(f"\n {line}" if line else "\n ." for line in _wrap(body))
    return paragraph


def _own_texts(main: str, scan: LicenceScan, texts: Mapping[str, str]) -> Mapping[str, str]:
    """The texts of the sdist's licence files by the licence that the scan found in them.

    A single file is the text of the main licence, whatever the scan calls it; it is the text of no other.
    """
    licences = {f: t for f, t in texts.items() if not f.upper().startswith(("NOTICE", "AUTHORS"))}
    found = {_short(f.licence): licences[f.path] for f in scan.files if f.path in licences and f.licence}
    return {**found, main: next(iter(licences.values()))} if len(licences) == 1 else found


def _pointer(file: str) -> str:
    return (
        f"On Debian systems, the full text of this license can be found in the file /usr/share/common-licenses/{file}."
    )


def _gnu_notice(family: str, version: str, later: bool) -> str:
    title = {"GPL": "GNU General Public License", "LGPL": "GNU Lesser General Public License"}[family]
    or_later = ", or (at your option) any later version" if later else ""
    return (
        f"This program is free software; you can redistribute it and/or modify it under the terms of the {title} "
        f"as published by the Free Software Foundation; version {version} of the License{or_later}.\n\n"
        f"This program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even "
        f"the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the {title} for more "
        f"details.\n\n{_pointer(f'{family}-{version}')}"
    )


def _wrap(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if lines:
            lines.append("")
        long = any(len(line) > 100 for line in paragraph.splitlines())
        flat = textwrap.wrap(" ".join(paragraph.split()), 76, break_long_words=False, break_on_hyphens=False)
        lines += flat if long else [line.rstrip() for line in textwrap.dedent(paragraph).splitlines()]
    return lines
