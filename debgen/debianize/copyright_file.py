"""debian/copyright in the machine-readable format (DEP-5), from the licence scan.

Files under the main licence are one paragraph with every holder the scan found. A folder with a licence file of its own
(an embedded copy) and files under another licence get paragraphs of their own. Texts stand in full, or point to
/usr/share/common-licenses (policy 12.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from debian.deb822 import Deb822

from debgen.debianize.copyright_groups import Group, grouped, matches
from debgen.debianize.copyright_held import held_holders, held_text, held_texts
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.holders import holder_lines
from debgen.debianize.licencenames import classified, parts, short_name
from debgen.debianize.licencetexts import (
    common_licences,
    has_standard_text,
    header_text,
    identified,
    licence_text,
    wrapped,
)
from debgen.debianize.source_files import homepage, repository
from debgen.upstream.excerpts import is_licence_file
from debgen.upstream.facts import SdistFacts
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.vendored import VendoredCrate

#: Names that say which family, not which licence.
_VAGUE = {"BSD", "GPL", "LGPL", "AGPL", "GFDL", "MPL", "ZPL", "AFL", "GPL+", "LGPL+", "CC", "LicenseRef"}
#: Licences that Debian's main can't have (dfsg).
_NOT_FREE = re.compile(
    r"^CC-BY-(?:NC|ND)|-N[CD]-|proprietary|^SSPL|^BUSL|^Elastic|commercial|all-rights-reserved", re.I
)


#: Folders whose content isn't installed.
_ASIDE = re.compile(r"(?:^|/)(?:tests?|testing|docs?|examples?|benchmarks?|debian|[^/]+\.(?:egg|dist)-info)/", re.I)


#: Files that only mention one licence are named up to this many.
_SHOWN = 4


@dataclass(frozen=True)
class Holder:
    """Who holds the copyright of the packaging, and since when."""

    identity: str
    year: int


def copyright_file(
    facts: SdistFacts,
    scan: LicenceScan,
    texts: Mapping[str, str],
    packager: Holder,
    fixmes: Fixmes,
    *,
    policy: str = "",
    excluded: Sequence[str] = (),
    held: str = "",
    vendored: Sequence[VendoredCrate] = (),
    told: str = "",
) -> str:
    """The text of debian/copyright.

    ``texts`` has the content of the sdist's licence files, ``policy`` is the suite's Standards-Version, ``excluded``
    the Files-Excluded of a repacked source, ``held`` the archive's debian/copyright of the same source, which answers
    where the sdist doesn't, as does ``told``, the recipe's holder; ``vendored`` are the crates of other sources. What
    can't be known is marked in ``fixmes``.
    """
    texts = {**dict(scan.texts), **texts}
    scan = _cleaned(scan, texts, excluded)
    main = main_licence(facts, scan) or _vague_licence(facts)
    if not main:
        fixmes.add("debian/copyright", "no licence was found in the sdist's metadata or files; ask upstream")
        main = "unknown-licence"
    groups = grouped(scan, main, facts.licence_files, {c.folder: short_name(c.licence) for c in vendored})
    authors = {f"{crate.folder}/*": crate.authors for crate in vendored}
    mine = next((group for group in groups if group.licence == main and group.patterns == ("*",)), Group(main, ("*",)))
    holders = _main_holders(facts, mine, texts, held_holders(held) or list(filter(None, [told])), fixmes)
    paragraphs = [_header(facts, groups, excluded), _files(("*",), holders, main)]
    for group in groups:
        if group is not mine and group.patterns:
            named = [line for pattern in group.patterns for line in authors.get(pattern, ())]
            lines = holder_lines(group.holders) or named or _other_holders(group, texts, holders)
            paragraphs.append(_files(group.patterns, lines, group.licence))
    paragraphs.append(_files(("debian/*",), [f"{packager.year} {packager.identity}"], main))
    used = {name for group in groups if group.patterns for name in parts(group.licence)} | set(parts(main))
    _question_strays(scan, facts, used, fixmes)
    own = _own_texts(main, scan, texts)
    common = common_licences(policy or "4.6")
    accepted = held_texts(held)
    for name in sorted(used):
        body = licence_text(name, own.get(name, ""), common) or held_text(name, accepted)
        paragraphs.append(_licence(name, body, fixmes))
    return "\n".join(str(p) for p in paragraphs)


def main_licence(facts: SdistFacts, scan: LicenceScan) -> str:
    """The DEP-5 name of the licence of the whole: the licence file's, else what the metadata says.

    Where the metadata names one of several licence files, or adds "or later" to one, it knows better.
    """
    by_file = [_short(f.licence) for f in _root_licences(scan, facts.licence_files) if f.licence]
    declared = _declared(facts.licence)
    claims = [claim for claim in (declared, *classified(facts.classifiers)) if claim and claim not in _VAGUE]
    candidates = [
        *(claim for claim in claims[:1] if len(parts(claim)) > 1 or " with " in claim),
        *(claim for claim in claims if claim.removesuffix("+") in by_file),
        *by_file[:1],
        *claims,
    ]
    return next((c for c in candidates if c), "")


def embedded_notices(scan: LicenceScan) -> tuple[str, ...]:
    """The NOTICE files of embedded copies, which go with them (Apache License 2.0, section 4d).

    What lies in tests, documentation or examples isn't installed, and neither are names that debhelper would split.
    """
    found = (file.path for file in scan.files)
    return tuple(
        path for path in found
        if re.fullmatch(r"[\w.+@/-]+/NOTICE(?:\.(?:txt|md|rst))?", path, re.I | re.A) and not _ASIDE.search(path)
    )  # fmt: skip


def licence_of(facts: SdistFacts, scan: LicenceScan) -> str:
    """The licence of the whole as a name for people, where the scan's own names need cleaning first; may be empty."""
    return main_licence(facts, _cleaned(scan, dict(scan.texts), ())) or _vague_licence(facts)


def _declared(licence: str) -> str:
    """What the License field says: a name, an expression, or a whole text."""
    return short_name(licence) or (identified(licence) if len(licence) > 150 else "")


def _vague_licence(facts: SdistFacts) -> str:
    """A name without version or clause count, where there is nothing better; its text will be asked for."""
    claims = (_declared(facts.licence), *classified(facts.classifiers))
    return next((claim for claim in claims if claim in _VAGUE), "")


def _cleaned(scan: LicenceScan, texts: Mapping[str, str], excluded: Sequence[str]) -> LicenceScan:
    """The scan without what is repacked away, and with licence texts named by their own words.

    The scanners miss some of them, and take the holder of the text (the FSF) for one of the work.
    """

    def known(file: FileLicence) -> FileLicence:
        text = texts.get(file.path, "")
        licence = _short(file.licence)
        if not text or not is_licence_file(file.path):
            return replace(file, licence=licence)
        found = identified(text)
        if re.match(r"(?:A|L)?GPL-|GFDL-|CC0|MPL-|OFL-", found):
            return replace(file, licence=found, copyrights=())
        if found in ("Apache-2.0", "Unlicense") and len(parts(licence)) < 2:
            return replace(file, licence=found)
        return replace(file, licence=licence if licence and licence not in _VAGUE else found)

    gone = [pattern.rstrip("/") for pattern in excluded]
    files = (file for file in scan.files if not any(matches(file.path, pattern) for pattern in gone))
    kept = tuple(known(file) for file in files if not file.path.startswith("debian/"))
    return replace(scan, files=kept)


def _short(licence: str) -> str:
    """The scanner's name in DEP-5's form; an empty string for what names nothing."""
    plain = re.sub(r"\s*\[.*?\]|\(unversioned/unknown version\)|~unspecified.*", "", licence).strip()
    name = short_name(plain) or ("" if " " in plain else plain)
    if len(parts(name)) > 1 and any(part in _VAGUE for part in parts(name)):
        name = " and ".join(part for part in parts(name) if part not in _VAGUE) or name
    # the GNU licences say themselves that no version means any version
    return {"GPL": "GPL-1+", "LGPL": "LGPL-2+", "BSL": "BSL-1.0"}.get(name, name)


def _root_licences(scan: LicenceScan, licence_files: Sequence[str]) -> list[FileLicence]:
    """The licence files of the whole: those at the top, then those in a folder of licences there."""
    top = [file for file in scan.files if file.path in licence_files and _is_grant(file.path)]
    stored = [
        file for file in scan.files
        if is_licence_file(file.path) and file.path.count("/") == 1 and file.path not in licence_files
        and file.path.split("/")[0].casefold() in ("licenses", "licences", "license")
    ]  # fmt: skip
    return top or stored


def _is_grant(path: str) -> bool:
    return not path.upper().startswith(("NOTICE", "AUTHORS", "CONTRIBUTORS"))


def _question_strays(scan: LicenceScan, facts: SdistFacts, used: set[str], fixmes: Fixmes) -> None:
    """A licence file that belongs to nothing, and licences that Debian can't have, are for a human to judge."""
    for file in _root_licences(scan, facts.licence_files):
        for name in parts(file.licence):
            bare = name.removesuffix("+")
            if not any(_covers(use, bare) for use in used):
                fixmes.add("debian/copyright", f"{file.path} is {name}, which no file is under; say what it covers")
    for name in sorted(used):
        if _NOT_FREE.search(name):
            fixmes.add("debian/copyright", f"{name} is not free by Debian's guidelines; ask upstream, or leave it out")


def _covers(used: str, name: str) -> bool:
    """Whether a licence file's name belongs to a licence in use, such as the GPL's text that the LGPL refers to."""
    base = used.partition(" with ")[0]
    return (
        base.removesuffix("+") == name
        or base.startswith((f"{name}-", f"{name}~"))
        or (base.startswith("LGPL-3") and name == "GPL-3")
        or {base, name} <= {"Python-2.0", "PSF-2.0"}
    )


def _header(facts: SdistFacts, groups: Iterable[Group], excluded: Sequence[str]) -> Deb822:
    header = Deb822()
    header["Format"] = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
    header["Upstream-Name"] = facts.name
    if facts.author:
        header["Upstream-Contact"] = facts.author
    source = repository(facts) or homepage(facts)
    if source:
        header["Source"] = source
    if excluded:
        header["Files-Excluded"] = "".join(f"\n {pattern}" for pattern in excluded)
    mentions = [(path, group.licence) for group in groups for path in group.mentions]
    if mentions:
        shown = {licence: [path for path, named in mentions if named == licence] for _, licence in mentions}
        lines = [
            f"{path} names {licence} without a copyright notice: a mention, not a grant."
            for licence, paths in shown.items()
            for path in ([*paths[:_SHOWN], f"and {len(paths) - _SHOWN} more"] if len(paths) > _SHOWN else paths)
        ]
        header["Comment"] = "".join(f"\n {line}" for line in lines)
    return header


def _files(patterns: Sequence[str], holders: Sequence[str], licence: str) -> Deb822:
    paragraph = Deb822()
    paragraph["Files"] = "\n ".join(patterns)
    paragraph["Copyright"] = "\n ".join(holders)
    paragraph["License"] = licence
    return paragraph


def _main_holders(
    facts: SdistFacts, group: Group, texts: Mapping[str, str], held: list[str], fixmes: Fixmes
) -> list[str]:
    holders = holder_lines(group.holders)
    if not holders:
        notices = (
            line for path, text in texts.items() if "/" not in path
            for line in re.findall(r"^\W*copyright\b.*$", text[:5000], re.I | re.M)
        )  # fmt: skip
        holders = holder_lines(notices)
    if not holders and facts.author:
        holders = [facts.author]
    holders = holders or held
    if not holders:
        fixmes.add("debian/copyright", "nobody is named as the holder of the copyright; ask upstream")
        holders = ["unknown holder"]
    return holders


def _other_holders(group: Group, texts: Mapping[str, str], main: list[str]) -> list[str]:
    """Who holds what no scanned line claims: the licence's own notice, else those of the whole for a file of theirs."""
    if group.licence == "public-domain":
        return ["none; it is in the public domain"]
    folders = tuple(pattern.removesuffix("*") for pattern in group.patterns if pattern.endswith("/*"))
    if len(folders) < len(group.patterns):
        return main
    if re.search("GPL|GFDL", group.licence):
        return ["not named in the source"]  # the notice in these texts is that of the FSF
    notices = (text for path, text in sorted(texts.items()) if path.startswith(folders))
    lines = [line for text in notices for line in re.findall(r"^\W*copyright\b.*$", text[:5000], re.I | re.M)]
    return holder_lines(lines) or ["not named in the source"]


def _licence(name: str, body: str, fixmes: Fixmes) -> Deb822:
    if not body:
        fixmes.add("debian/copyright", f"the text of licence {name} is not in the sdist; add it in full")
        body = "The text of this licence was not found in the source."
    paragraph = Deb822()
    paragraph["License"] = name + "".join(f"\n {line}" if line else "\n ." for line in wrapped(body))
    return paragraph


def _own_texts(main: str, scan: LicenceScan, texts: Mapping[str, str]) -> Mapping[str, str]:
    """The texts that the sdist itself has for each licence: of licence files, then of headers.

    A single licence file is the text of the main licence, whatever the scan calls it, unless it is surely another's.
    """
    licences = {file.path: file.licence for file in scan.files}
    found: dict[str, str] = {}
    for path, text in scan.headers:
        for name in parts(_short(licences.get(path, ""))):
            if told := header_text(name, text):
                found.setdefault(name, told)
    files = {path: text for path, text in texts.items() if _is_grant(path)}
    for path in sorted(files, key=lambda path: (-path.count("/"), path)):  # what is nearer to the top wins
        named = parts(licences.get(path, ""))
        for name in named:
            if len(named) == 1 or not has_standard_text(name):
                found[name] = files[path]
        stem = re.sub(r"\.(?:txt|md)$", "", path.rsplit("/", 1)[-1])
        if "exception" in stem.casefold():
            found[f"with {re.sub(r'[-_ ]exception.*', '', stem, flags=re.I)} exception"] = files[path]
    top = [path for path in files if "/" not in path] or list(files)
    if len(top) == 1:
        text, said = files[top[0]], licences.get(top[0], "")
        if len(parts(main)) == 1 and said in ("", main, *_VAGUE):
            found[main] = text
        for name in parts(main):
            if name not in found and not has_standard_text(name) and re.search(rf"\b{re.escape(name)}", text, re.I):
                found[name] = text
    for name in parts(main):
        if " with " in name:
            found[name] = found.get(f"with {name.partition(' with ')[2]}", found.get(name, ""))
    return found
