"""What changes from one release to the next."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from debian.changelog import Changelog
from packaging.requirements import Requirement

from debgen.debianize.updates import as_diff, changelog_lines, entry, requirement_changes

GENERATED = """\
foo (2.0-1) unstable; urgency=medium

  * Team upload.
  * New upstream release.

 -- Jane Doe <jane@example.org>  Mon, 05 Jan 2026 12:00:00 +0000

foo (1.0-1) unstable; urgency=medium

  * Initial release.

 -- Max Roe <max@example.org>  Mon, 05 Jan 2025 12:00:00 +0000
"""
CONTROL = """\
Source: foo
Build-Depends:
 debhelper-compat (= 13),
 python3-a (>= 1~),
 python3-b,
Standards-Version: 4.7.0

Package: python3-foo
Architecture: all
Suggests: python3-x
Description: a foo
"""


def facts(requirements: list[str], build: list[str], python: str = ">=3.9") -> Any:
    return SimpleNamespace(
        requires_python=python,
        requirements=tuple(map(Requirement, requirements)),
        build_requirements=tuple(map(Requirement, build)),
    )


def test_requirements_as_a_diff() -> None:
    old = facts(["a>=1", "B", "same", "x; extra == 'more'"], ["setuptools>=60", "wheel"])
    new = facts(
        ["a>=2", "c[y]", "same", "x>3; extra == 'more'", "z; python_version<'3.12'"], ["setuptools>=77"], ">=3.10"
    )
    changes = requirement_changes(old, new)
    assert as_diff(changes).splitlines() == [
        "@@ Python @@", "->=3.9", "+>=3.10",
        "@@ run time @@", "-a>=1", "+a>=2", "-B", "+c[y]", '+z; python_version < "3.12"',
        "@@ extra more @@", "-x", "+x>3",
        "@@ build @@", "-setuptools>=60", "+setuptools>=77", "-wheel",
    ]  # fmt: skip


def test_the_same_requirements_are_no_change() -> None:
    assert as_diff(requirement_changes(facts(["a>=1,<2"], []), facts(["A<2, >=1".lower()], []))) == ""


def test_what_changed_in_debian() -> None:
    before = {
        "control": CONTROL,
        "rules": "1",
        "old": "",
        "changelog": "a",
        "patches/p.patch": "1",
        "patches/q.patch": "",
    }
    control = CONTROL.replace("python3-a (>= 1~)", "python3-a (>= 2~)").replace(" python3-b,\n", " python3-c,\n")
    control = control.replace("4.7.0", "4.7.4").replace("Suggests: python3-x\n", "").replace("a foo", "the foo")
    after = {"control": control, "rules": "2", "new": "", "patches/p.patch": "2"}
    assert changelog_lines(before, after, refreshed=["p.patch"], dropped=["q.patch"]) == [
        "Build-Depends: add python3-c; drop python3-b; now python3-a (>= 2~).",
        "Standards-Version: 4.7.4.",
        "Suggests of python3-foo: drop python3-x.",
        "Update Description of python3-foo in debian/control.",
        "Refresh p.patch.",
        "Drop q.patch, which the release has.",
        "Add debian/new.",
        "Remove debian/old.",
        "Update debian/rules.",
    ]
    assert changelog_lines(before, {**before, "changelog": "b"}) == []


def test_the_entry() -> None:
    text = entry(
        GENERATED, ["New upstream release.", "word " * 30], version="1:2.0+ds-1", date="Tue, 06 Jan 2026 00:00:00 +0000"
    )
    block, *more = Changelog(text, strict=True)
    assert (str(block.version), block.distributions, block.author, more) == (
        "1:2.0+ds-1", "unstable", "Jane Doe <jane@example.org>", [],
    )  # fmt: skip
    assert [line for line in text.splitlines() if line.startswith("  * ")][:2] == [
        "  * Team upload.", "  * New upstream release.",
    ]  # fmt: skip
    assert max(map(len, text.splitlines())) < 80
    assert text.endswith("Tue, 06 Jan 2026 00:00:00 +0000\n")
