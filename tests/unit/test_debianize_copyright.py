"""debian/copyright: which licence, whose, under which name, and with which text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from debian.copyright import Copyright

from debgen.debianize.copyright_file import Holder, copyright_file, main_licence
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.holders import holder_lines
from debgen.upstream.facts import SdistFacts
from debgen.upstream.licences import FileLicence, LicenceScan
from debgen.upstream.testfacts import TestFacts

FACTS = SdistFacts(
    name="foo", version="1", summary="", description="", homepage="", urls=(),
    author="Jane Doe", licence="", classifiers=(), requires_python="", requirements=(), backend="",
    build_requirements=(), modules=("foo",), namespaces=(), scripts=(), compiled=(), prebuilt=(),
    licence_files=("LICENSE",), tests=TestFacts(),
)  # fmt: skip
PACKAGER = Holder("Ada <ada@example.org>", 2026)
MIT = "MIT License\n\nCopyright (c) 2020 Jane Doe\n\nPermission is hereby granted\n"


def scan(*files: tuple[str, str, tuple[str, ...]]) -> LicenceScan:
    return LicenceScan(tuple(FileLicence(*file) for file in files), ())


def facts(licence: str = "", *classifiers: str, files: tuple[str, ...] = ("LICENSE",), author: str = "") -> SdistFacts:
    full = tuple(f"License :: OSI Approved :: {name}" for name in classifiers)
    return replace(FACTS, licence=licence, classifiers=full, licence_files=files, author=author)


def written(about: SdistFacts, found: LicenceScan, texts: dict[str, str]) -> tuple[Copyright, list[str]]:
    fixmes = Fixmes()
    text = copyright_file(about, found, texts, PACKAGER, fixmes)
    return Copyright(text.splitlines(keepends=True), strict=True), [fixme.question for fixme in fixmes.items]


def shape(parsed: Copyright) -> list[tuple[str, str, str]]:
    paragraphs: list[Any] = list(parsed.all_files_paragraphs())  # python-debian's hints don't know its own fields
    return [(" ".join(p.files), p.copyright.replace("\n", ";"), p.license.synopsis) for p in paragraphs]


def texts_of(parsed: Copyright) -> dict[str, str]:
    paragraphs: list[Any] = list(parsed.all_license_paragraphs())
    return {p.license.synopsis: p.license.text for p in paragraphs}


@pytest.mark.parametrize(
    ("declared", "classifiers", "by_file", "expected"),
    [
        ("MIT", (), [], "Expat"),
        ("", ("MIT License",), [], "Expat"),
        ("MIT License", (), ["Apache-2.0"], "Apache-2.0"),  # the file is the grant
        ("Apache", (), ["Apache-2.0"], "Apache-2.0"),
        ("MIT OR Apache-2.0", (), ["Apache-2.0", "Expat"], "Expat or Apache-2.0"),
        ("BSD-2-Clause or Apache-2.0", (), ["Apache-2.0", "BSD-2-clause"], "BSD-2-clause or Apache-2.0"),
        ("MIT AND (Apache-2.0 OR BSD-3-Clause)", (), ["Expat"], "Apache-2.0 or BSD-3-clause, and Expat"),
        ("GPL-3.0-or-later", (), ["GPL-3"], "GPL-3+"),  # the text alone can't say "or later"
        ("", ("GNU General Public License v3 or later (GPLv3+)",), ["GPL-3"], "GPL-3+"),
        ("GPL-3.0-only", (), ["GPL-3"], "GPL-3"),
        ("LGPL-3.0-or-later", (), ["GPL-3", "LGPL-3"], "LGPL-3+"),
        ("MIT", (), ["Apache-2.0", "Expat"], "Expat"),  # of several files, the one that the metadata names
        ("a very long text\nof several lines", (), ["Expat"], "Expat"),
        ("x" * 80, (), [], ""),
        ("GNU GPL version 3 or later", (), [], "GPL-3+"),
        ("", ("Public Domain",), [], "public-domain"),
        ("UNKNOWN", (), [], ""),
        ("Dual License", ("BSD License",), ["BSD-3-clause"], "BSD-3-clause"),
        ("Apache-2.0 WITH LLVM-exception", (), ["Apache-2.0"], "Apache-2.0 with LLVM exception"),
        ("", (), [], ""),
    ],
)
def test_main_licence(declared: str, classifiers: tuple[str, ...], by_file: list[str], expected: str) -> None:
    names = tuple(f"LICENSE.{i}" for i in range(len(by_file)))
    found = scan(*((name, licence, ()) for name, licence in zip(names, by_file, strict=True)))
    assert main_licence(facts(declared, *classifiers, files=names), found) == expected


def test_the_usual_case() -> None:
    found = scan(
        ("LICENSE", "Expat", ("2020, Jane Doe",)),
        ("foo.py", "", ("2022, Jane Doe.",)),
        ("setup.py", "", ()),
    )
    parsed, questions = written(facts("MIT"), found, {"LICENSE": MIT})
    assert questions == []
    assert shape(parsed) == [("*", "2020-2022 Jane Doe", "Expat"), ("debian/*", "2026 Ada <ada@example.org>", "Expat")]
    assert texts_of(parsed) == {"Expat": MIT.strip()}


def test_other_licences_have_paragraphs_of_their_own() -> None:
    found = scan(
        ("LICENSE", "Expat", ("2020, Jane Doe",)),
        ("foo/a b.py", "Apache-2.0", ("2019, Example Inc.",)),
        ("foo/c.py", "Apache-2.0", ("2021, Example Inc.",)),
        ("foo/named.py", "GPL-2+", ()),
        ("foo/z.py", "BSD-3-clause", ("2001, Regents",)),
    )
    parsed, questions = written(facts("MIT"), found, {"LICENSE": MIT})
    assert shape(parsed)[1:3] == [
        ("foo/a?b.py foo/c.py", "2019-2021 Example Inc.", "Apache-2.0"),
        ("foo/z.py", "2001 Regents", "BSD-3-clause"),
    ]
    assert questions == []
    # the only licence file is the text of no other licence: that has the standard words
    assert "Neither the name of the copyright holder" in texts_of(parsed)["BSD-3-clause"]
    assert "/usr/share/common-licenses/Apache-2.0" in texts_of(parsed)["Apache-2.0"]
    assert parsed.header
    assert "foo/named.py names GPL-2+ without a copyright notice" in str(parsed.header.comment)
    assert "GPL-2+" not in texts_of(parsed)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("GPL-2", ["version 2 of the License.", "GNU General Public License", "common-licenses/GPL-2."]),
        ("GPL-3+", ["version 3 of the License, or (at your option) any later", "common-licenses/GPL-3."]),
        ("LGPL-2.1+", ["GNU Lesser General Public License", "version 2.1", "common-licenses/LGPL-2.1."]),
        ("MPL-2.0", ["Mozilla Public License, v. 2.0", "common-licenses/MPL-2.0."]),
    ],
)
def test_licences_that_debian_has_are_referred_to(name: str, words: list[str]) -> None:
    parsed, questions = written(facts(name), scan(("a.py", name, ("2020, X Y",))), {})
    text = " ".join(texts_of(parsed)[name].split())
    assert questions == []
    for word in words:
        assert word in text


def test_the_text_of_the_gpl_names_no_holder() -> None:
    gpl = "                    GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007\n"
    lesser = gpl.replace("GNU", "GNU LESSER")
    fsf = ("2007, Free Software Foundation, Inc. <https://fsf.org/>",)
    about = facts("LGPL-3.0-or-later", files=("COPYING", "COPYING.LESSER"), author="Jane Doe")
    found = scan(("COPYING", "", fsf), ("COPYING.LESSER", "LGPL-3", fsf))
    parsed, questions = written(about, found, {"COPYING": gpl, "COPYING.LESSER": lesser})
    assert shape(parsed)[0] == ("*", "Jane Doe", "LGPL-3+")
    assert questions == []


def test_a_licence_file_that_belongs_to_nothing_is_asked_about() -> None:
    about = facts("Apache-2.0", files=("LICENSE", "LICENSE.other"))
    found = scan(
        ("LICENSE", "Apache-2.0", ()), ("LICENSE.other", "Zlib", ("2001, Somebody",)), ("a.py", "", ("2020, J D",))
    )
    parsed, questions = written(about, found, {"LICENSE": "…", "LICENSE.other": "…"})
    assert questions == ["LICENSE.other is Zlib, which no file is under; say what it covers"]
    assert shape(parsed)[0] == ("*", "2020 J D", "Apache-2.0")  # and its holder is no holder of the whole
    vendored = scan(*((f.path, f.licence, f.copyrights) for f in found.files), ("v.py", "Zlib", ("2001, Somebody",)))
    _, questions = written(about, vendored, {"LICENSE": "…", "LICENSE.other": "the zlib licence"})
    assert questions == []


def test_dual_licences_have_both_texts() -> None:
    about = facts("MIT OR Apache-2.0", files=("LICENSE-APACHE", "LICENSE-MIT"))
    found = scan(("LICENSE-APACHE", "Apache-2.0", ()), ("LICENSE-MIT", "Expat", ("2020, Jane Doe",)))
    parsed, questions = written(about, found, {"LICENSE-APACHE": "Apache", "LICENSE-MIT": MIT})
    assert questions == []
    assert texts_of(parsed)["Expat"] == MIT.strip()
    assert set(texts_of(parsed)) == {"Expat", "Apache-2.0"}


def test_nothing_known_is_asked_for() -> None:
    parsed, questions = written(facts(files=()), scan(("a.py", "", ())), {})
    assert [re.sub(r"[;,].*", "", q) for q in questions] == [
        "no licence was found in the sdist's metadata or files",
        "nobody is named as the holder of the copyright",
        "the text of licence unknown-licence is not in the sdist",
    ]
    assert shape(parsed)[0] == ("*", "unknown holder", "unknown-licence")


def test_holders_are_looked_for_in_the_licence_and_then_the_author() -> None:
    parsed, _ = written(facts("MIT", author="An Author"), scan(("LICENSE", "Expat", ())), {"LICENSE": MIT})
    assert shape(parsed)[0][1] == "2020 Jane Doe"
    parsed, _ = written(facts("MIT", author="An Author"), scan(("LICENSE", "Expat", ())), {"LICENSE": "MIT"})
    assert shape(parsed)[0][1] == "An Author"


def test_lines_of_licences_are_kept_unless_they_are_too_long() -> None:
    text = "Title\n\n  indented\n    more\n\n" + "word " * 60
    parsed, _ = written(facts("Foo"), scan(("LICENSE", "", ())), {"LICENSE": text})
    lines = texts_of(parsed)["Foo"].splitlines()
    assert lines[:5] == ["Title", "", "indented", "  more", ""]
    assert max(map(len, lines)) <= 76


@pytest.mark.parametrize(
    ("lines", "merged"),
    [
        (["2020, Jane", "2023-present, Jane."], ["2020-2023 Jane"]),
        (["2023 present, the Team", "2021, The Team. All rights reserved."], ["2021-2023 the Team"]),
        (["2018, 2020 Jane Doe <j@example.org>", "Someone"], ["2018-2020 Jane Doe <j@example.org>", "Someone"]),
        (["2020", "", "  ,"], []),
        (["1999–2001 Zoë"], ["1999-2001 Zoë"]),
    ],
)
def test_years_are_put_together(lines: list[str], merged: list[str]) -> None:
    assert holder_lines(lines) == merged


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2006-2025, the Pygments team, see AUTHORS.", ["2006-2025 the Pygments team"]),
        ("2013, Jane Doe <jane@example.org>' Comment.Single", ["2013 Jane Doe <jane@example.org>"]),
        ("2008, 280 North, Inc.", ["2008 280 North, Inc."]),
        ("2019, [Encode OSS Ltd](https://example.org/).", ["2019 Encode OSS Ltd."]),
        ("Jane Doe 2015", ["2015 Jane Doe"]),
        ("(c) 2020 by Jane Doe. All rights reserved. See LICENSE", ["2020 Jane Doe"]),
        ("contributors to the vLLM project", ["contributors to the vLLM project"]),
        ("Copyright aio-libs contributors.", ["aio-libs contributors"]),
        ("[yyyy] [name of copyright owner]", []),
        ("notice and this permission notice", []),
        ("2019 the respective authors", []),
        ("the software", []),
        ("(declare (ignore c)) nil)", []),
        ('{{ year }} "{{ holder }}"', []),
    ],
)
def test_holders(line: str, expected: list[str]) -> None:
    assert holder_lines([line]) == expected


def test_an_embedded_copy_has_a_paragraph_of_its_own() -> None:
    found = scan(
        ("LICENSE", "Expat", ("2020, Jane Doe",)),
        ("foo/__init__.py", "", ()),
        ("foo/_vendor/bar/LICENSE", "Apache-2.0", ()),
        ("foo/_vendor/bar/__init__.py", "", ("2019, Bar Inc.",)),
        ("foo/_vendor/bar/old.py", "Zlib", ("2001, Zed",)),
        ("foo/_vendor/baz-1.0.dist-info/LICENSE", "ISC", ("2018, Baz",)),
        ("foo/_vendor/baz/__init__.py", "", ()),
    )
    texts = {"LICENSE": MIT, "foo/_vendor/bar/LICENSE": "Apache", "foo/_vendor/baz-1.0.dist-info/LICENSE": "isc text"}
    found = replace(found, texts=tuple(texts.items()))
    parsed, questions = written(facts("MIT"), found, texts)
    assert questions == []
    assert shape(parsed)[:-1] == [
        ("*", "2020 Jane Doe", "Expat"),
        ("foo/_vendor/bar/*", "2019 Bar Inc.", "Apache-2.0"),
        ("foo/_vendor/baz/* foo/_vendor/baz-1.0.dist-info/*", "2018 Baz", "ISC"),
        ("foo/_vendor/bar/old.py", "2001 Zed", "Zlib"),
    ]
    assert texts_of(parsed)["ISC"] == "isc text"  # the source's own words come before the standard ones
    one = parsed.find_files_paragraph("foo/_vendor/bar/old.py")
    assert one is not None
    assert one.license is not None
    assert str(one.license.synopsis) == "Zlib"  # type: ignore[attr-defined]


def test_a_folder_with_a_copy_of_the_same_licence_is_nothing_special() -> None:
    found = scan(("LICENSE", "Expat", ("2020, Jane Doe",)), ("foo/LICENSE", "Expat", ("2020, Jane Doe",)))
    found = replace(found, texts=(("LICENSE", MIT), ("foo/LICENSE", MIT.replace("\n", "\r\n"))))
    parsed, _ = written(facts("MIT"), found, {"LICENSE": MIT})
    assert [files for files, _, _ in shape(parsed)] == ["*", "debian/*"]


def test_whole_folders_are_written_as_such() -> None:
    other = [(f"c/{name}.c", "Zlib", ("2001, Zed",)) for name in "abcd"]
    parsed, _ = written(facts("MIT"), scan(("LICENSE", "Expat", ()), *other), {"LICENSE": MIT})
    assert shape(parsed)[1][0] == "c/*"
    mixed = scan(("LICENSE", "Expat", ()), *other, ("c/mine.c", "", ()))
    parsed, _ = written(facts("MIT"), mixed, {"LICENSE": MIT})
    assert shape(parsed)[1][0] == "c/a.c c/b.c c/c.c c/d.c"


def test_a_tag_is_a_grant_even_without_a_holder() -> None:
    found = LicenceScan((FileLicence("LICENSE", "Expat", ("2020, J Doe",)),
                         FileLicence("a.md", "Apache-2.0", (), tagged=True)), ())  # fmt: skip
    parsed, _ = written(facts("MIT"), found, {"LICENSE": MIT})
    assert shape(parsed)[1] == ("a.md", "2020 J Doe", "Apache-2.0")


def test_what_is_repacked_away_needs_no_licence() -> None:
    fixmes = Fixmes()
    found = scan(("LICENSE", "Expat", ("2020, Jane Doe",)), ("docs/x/a.js", "Zlib", ("2001, Zed",)))
    text = copyright_file(facts("MIT"), found, {"LICENSE": MIT}, PACKAGER, fixmes, excluded=("docs/x",))
    parsed = Copyright(text.splitlines(keepends=True), strict=True)
    assert [licence for _, _, licence in shape(parsed)] == ["Expat", "Expat"]
    assert "Files-Excluded:\n docs/x\n" in text


def test_only_what_the_suite_has_is_referred_to() -> None:
    for policy, words in (("4.6.2", "DEALINGS"), ("4.7.2", "/usr/share/common-licenses/BSL-1.0")):
        fixmes = Fixmes()
        text = copyright_file(facts("BSL-1.0", author="J Doe"), scan(), {}, PACKAGER, fixmes, policy=policy)
        assert words in text
        assert fixmes.items == []


@pytest.mark.parametrize("name", ["HPND", "Some-Unknown-1.0", "Apache-2.0 WITH Odd-exception", "BSD"])
def test_a_text_that_is_nowhere_is_asked_for(name: str) -> None:
    _, questions = written(facts(name, author="J Doe"), scan(), {})
    assert len(questions) == 1
    assert "is not in the sdist; add it in full" in questions[0]


def test_what_is_not_free_is_asked_about() -> None:
    _, questions = written(facts("CC-BY-NC-4.0", author="J Doe"), scan(), {"LICENSE": "text"})
    assert any("not free" in question for question in questions)


ACCEPTED = f"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2019 Ada
 2020-2021 Bob <bob@example.org>
License: Odd-1.0

License: Odd-1.0
 {"May be used. " * 20}
 .
 The end.

License: Apache-2.0
 See /usr/share/common-licenses/Apache-2.0. {"x" * 200}
"""


def test_what_the_archives_copyright_answers() -> None:
    def answered(licence: str, held: str) -> tuple[Copyright, list[str]]:
        fixmes = Fixmes()
        found = scan(("foo.py", licence, ()))
        text = copyright_file(facts(licence, files=()), found, {}, PACKAGER, fixmes, held=held)
        return Copyright(text.splitlines(keepends=True), strict=True), [fixme.question for fixme in fixmes.items]

    for name in ("Odd-1.0", "odd-1.0", "Odd"):  # the one version of it that is there
        parsed, questions = answered(name, ACCEPTED)
        assert questions == []
        assert shape(parsed)[0] == ("*", "2019 Ada; 2020-2021 Bob <bob@example.org>", name)
        (text,) = texts_of(parsed).values()
        assert text.startswith("May be used. ")
        assert text.endswith("\n\nThe end.")
    _, questions = answered("Odd-2.0", ACCEPTED)
    assert questions == ["the text of licence Odd-2.0 is not in the sdist; add it in full"]
    _, questions = answered("Odd-1.0", ACCEPTED.partition("\n\n")[2])  # of no known form
    assert len(questions) == 2
    _, questions = answered("Odd", ACCEPTED + ACCEPTED.partition("\n\n")[2].replace("Odd-1.0", "Odd-1.1"))
    assert questions == ["the text of licence Odd is not in the sdist; add it in full"]
