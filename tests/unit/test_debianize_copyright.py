"""debian/copyright: which licence, whose, under which name, and with which text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from debian.copyright import Copyright

from debgen.debianize.copyright_file import Holder, _merge_years, copyright_file, main_licence
from debgen.debianize.fixmes import Fixmes
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
        ("MIT AND (Apache-2.0 OR BSD-3-Clause)", (), ["Expat"], "Expat and Apache-2.0 or BSD-3-clause"),
        ("GPL-3.0-or-later", (), ["GPL-3"], "GPL-3+"),  # the text alone can't say "or later"
        ("", ("GNU General Public License v3 or later (GPLv3+)",), ["GPL-3"], "GPL-3+"),
        ("GPL-3.0-only", (), ["GPL-3"], "GPL-3"),
        ("LGPL-3.0-or-later", (), ["GPL-3", "LGPL-3"], "LGPL-3+"),
        ("MIT", (), ["Apache-2.0", "Expat"], "Expat"),  # of several files, the one that the metadata names
        ("a very long text\nof several lines", (), ["Expat"], "Expat"),
        ("x" * 80, (), [], ""),
        ("GNU GPL version 3 or later", (), [], "GNU-GPL-version-3-or-later"),
        ("", ("Public Domain",), [], ""),
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
        ("foo/a?b.py foo/c.py", "2019-2021 Example Inc", "Apache-2.0"),
        ("foo/z.py", "2001 Regents", "BSD-3-clause"),
    ]
    # the only licence file is the text of no other licence
    assert questions == ["the text of licence BSD-3-clause is not in the sdist; add it in full"]
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
    assert _merge_years(lines) == merged
