"""Names of licences: SPDX, classifiers and free text, in the form of DEP-5."""

from __future__ import annotations

import pytest

from debgen.debianize.licencenames import classified, parts, short_name
from debgen.debianize.licencetexts import common_licences, header_text, identified, licence_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT", "Expat"),
        ("The MIT License (MIT)", "Expat"),
        ("MIT/X11", "Expat"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("BSD", "BSD"),  # vague, and left so
        ("BSD (3-clause)", "BSD-3-clause"),
        ("3-Clause BSD License", "BSD-3-clause"),
        ("BSD-2-Clause-Views", "BSD-2-clause-Views"),
        ("GPL-3.0-or-later", "GPL-3+"),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", "LGPL-2+"),
        ("LGPLv2.1+", "LGPL-2.1+"),
        ("AGPL-3.0", "AGPL-3"),
        ("MPL 2.0", "MPL-2.0"),
        ("MIT OR Apache-2.0", "Expat or Apache-2.0"),
        ("Apache-2.0/MIT", "Apache-2.0 or Expat"),
        ("GPL v3 or later and MIT", "GPL-3+ and Expat"),
        ("MIT AND (Apache-2.0 OR BSD-3-Clause)", "Apache-2.0 or BSD-3-clause, and Expat"),
        ("(MIT AND ISC) OR Zlib", "Expat and ISC or Zlib"),
        ("A OR (B AND (C OR D))", "A or B and C or B and D"),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 with LLVM exception"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2+ with Classpath exception"),
        ("LicenseRef-Foo", "LicenseRef-Foo"),
        ("UNKNOWN", ""),
        ("None", ""),
        ("see LICENSE file", ""),
        ("Dual License", ""),
        ("(MIT", ""),
        ("Permission is hereby granted " * 20, ""),
    ],
)
def test_short_names(text: str, expected: str) -> None:
    assert short_name(text) == expected
    assert short_name(short_name(text)) == expected or "," in expected  # what is in the form stays so


def test_classifiers() -> None:
    assert classified(
        (
            "License :: OSI Approved :: MIT License",
            "License :: OSI Approved :: GNU General Public License v2 or later (GPLv2+)",
            "License :: OSI Approved",
            "Topic :: License :: MIT License",
        )
    ) == ["Expat", "GPL-2+"]


def test_parts() -> None:
    assert parts("A or B, and C with X exception") == ["A", "B", "C with X exception"]
    assert parts("") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GNU LESSER\n  GENERAL PUBLIC LICENSE\n Version 3, 29 June", "LGPL-3"),
        ("# Apache License\n\nVersion 2.0, January 2004", "Apache-2.0"),
        ("Permission is hereby granted, free of charge, to any person obtaining a … shall be included in", "Expat"),
        ("Redistributions of source code must … Redistributions in binary form must … ", "BSD-2-clause"),
        ("Redistributions of source code must … Neither the name of X … endorse", "BSD-3-clause"),
        ("All rights reserved.", ""),
    ],
)
def test_texts_are_known_by_their_own_words(text: str, expected: str) -> None:
    assert identified(text) == expected


def test_headers() -> None:
    excerpt = "# Copyright 2020 X\n#\n# Permission to use this is\n#  given " + "to all " * 30 + "\n"
    told = header_text("Odd", excerpt)
    assert told.startswith("Permission to use this is\n given to all")
    assert "Copyright" not in told
    assert header_text("Odd", "# Licensed under Odd, see LICENSE\n") == ""  # a pointer is no text
    assert header_text("Expat", excerpt) == ""  # the standard words say it better


def test_what_a_suite_has_is_referred_to() -> None:
    for name in ("GPL-2+", "LGPL-2.1", "GFDL-1.3+", "MPL-1.1", "CC0-1.0", "Artistic"):
        text = licence_text(name, "own", common_licences("4.6.2"))
        assert "/usr/share/common-licenses/" + name.removesuffix("+") in text
    assert "AGPL-3.0." in licence_text("AGPL-3+", "", common_licences("4.7.4"))
    assert licence_text("AGPL-3+", "own", common_licences("4.6.2")) == "own"
    assert "common-licenses/BSD" not in licence_text("BSD-3-clause", "", common_licences("4.7.4"))
    assert licence_text("GPL-2+ with X exception", "", common_licences("4.7.4")) == ""
    assert licence_text("GPL-2+ with X exception", "words", common_licences("4.7.4")).endswith("\n\nwords")
    for name in ("Bootloader", "Classpath"):
        mention = f"This is under the GPL, with the {name} exception."
        text = licence_text(f"GPL-2+ with {name} exception", mention, common_licences("4.7.4"))
        assert "common-licenses/GPL-2" in text
        assert "permission to link" in text
        assert mention not in text
    own = "As a special exception, you have permission to link this with anything."
    assert licence_text("GPL-2+ with Classpath exception", own, common_licences("4.7.4")).endswith(own)
