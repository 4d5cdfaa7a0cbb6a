"""Continuing a source of the archive's: versions, whose upload it is, the changelog, and what the archive's has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from debian.changelog import Changelog

from debgen.archive.held import HeldBinary, HeldSource
from debgen.archive.relation import compare
from debgen.debianize.continued import (
    Upload,
    changelog_with,
    continue_source,
    date_after,
    first_lines,
    is_same_release,
    is_team,
    next_version,
)
from debgen.debianize.lacking import lacking
from debgen.errors import UsageError
from debgen.identity import Identity

JANE = Identity("Jane Doe", "jane@example.org")
TEAM = "Debian Python Team <team+python@tracker.debian.org>"
OLDER = """\
foo (1.0-1) unstable; urgency=medium

  * Initial release.

 -- Max Roe <max@example.org>  Mon, 05 Jan 2026 12:00:00 +0200
"""
BINARY = HeldBinary(
    name="python3-foo", version="1.0-1", architecture="all", section="contrib/python", maintainer=TEAM, homepage="",
    multi_arch="", synopsis="a foo", size=1, relations={"Depends": "python3:any, python3-bar, git, libc6"},
)  # fmt: skip
HELD = HeldSource("foo", "1.0-1", "main", "python3-foo", (BINARY,), OLDER)


@dataclass(frozen=True)
class Record:
    version: str = "1.0-1"
    maintainer: str = TEAM
    uploaders: str = "Max Roe <max@example.org>"
    vcs_git: str = "https://vcs.example/foo.git"
    vcs_browser: str = "https://vcs.example/foo"
    build_depends: str = "debhelper-compat (= 13), dh-python, python3-all-dev, python3-foo <!nocheck>, git"
    build_depends_indep: str = ""
    build_depends_arch: str = "libz-dev"
    testsuite: str = "autopkgtest-pkg-pybuild"
    checksums_sha256: str = ""


@pytest.mark.parametrize(
    ("held", "upstream", "version"),
    [
        ("1.0-1", "1.0", "1.0-2"),
        ("1.0-1", "1.1", "1.1-1"),
        ("1.0-1.1", "1.0", "1.0-2"),
        ("2:1.0-3", "1.1", "2:1.1-1"),
        ("1.0+dfsg1-2", "1.0", "1.0+dfsg1-3"),
        ("1.0+ds-2", "1.0.0", "1.0+ds-3"),
        ("1.0~rc1-1", "1.0~rc1", "1.0~rc1-2"),
        ("1.0~rc1-1", "1.0", "1.0-1"),
        ("1.0~git20260101.abcdef-1", "1.0", "1.0-1"),
        ("1.0+git20260101.abcdef-1", "1.0", "1.0+git20260101.abcdef+really1.0-1"),
        ("1.0-1~exp1", "1.0", "1.0-1"),
        ("1.0", "1.0", "1.0-1"),
        ("1.0-1", "0.9", "1.0+really0.9-1"),
        ("2.0+really1.5-1", "1.6", "2.0+really1.6-1"),
        ("1.0.post1-1", "1.0.post1", "1.0.post1-2"),
        ("3:1.0-1", "1:0.5", "3:1.0+really0.5-1"),
        ("1.0-1", "1:0.5", "1:0.5-1"),
    ],
)
def test_versions_are_above_the_archive_s(held: str, upstream: str, version: str) -> None:
    assert next_version(held, upstream) == version
    assert compare(version, held) > 0


def test_versions_of_other_uploads() -> None:
    assert next_version("1.0-1", "1.0", nmu=True) == "1.0-1.1"
    assert next_version("1.0-1.1", "1.0", nmu=True) == "1.0-1.2"
    assert next_version("1.0-1", "1.1", nmu=True) == "1.1-0.1"
    assert next_version("1.0+dfsg-1", "1.1", repack="+dfsg") == "1.1+dfsg-1"
    assert next_version("1.0-1", "1.1", suffix="~bpo13+1") == "1.1-1~bpo13+1"
    assert next_version("1.0-1+deb13u1", "1.0", suffix="~bpo13+1") == "1.0-2~bpo13+1"
    assert next_version("1.0-1", "1.1", suffix="~bpo13+1", nmu=True) == "1.1-1~bpo13+1"
    with pytest.raises(UsageError, match=r"lower than the archive's 2\.0"):
        next_version("2.0+really1.5-1", "1.4")


@pytest.mark.parametrize(
    ("held", "upstream", "same"),
    [("1.0-1", "1.0", True), ("1:1.0+ds2-1", "1.0.0", True), ("1.0-1", "1.1", False), ("1.0+git2026-1", "1.0", False)],
)
def test_the_same_release(held: str, upstream: str, same: bool) -> None:
    assert is_same_release(held, upstream) is same


@pytest.mark.parametrize(
    ("maintainer", "uploaders", "upload"),
    [
        (TEAM, "Max Roe <max@example.org>", Upload.TEAM),
        (TEAM, "Max Roe <max@example.org>, Jane Doe <jane@EXAMPLE.org>", Upload.MAINTAINER),
        (TEAM, "Doe, Jane <jane@example.org>", Upload.TEAM),
        ("Jane Doe <jane@example.org>", "", Upload.MAINTAINER),
        ("Max Roe <max@example.org>", "", Upload.NMU),
        ("Debian QA Group <packages@qa.debian.org>", "", Upload.QA),
    ],
)
def test_whose_upload_it_is(maintainer: str, uploaders: str, upload: Upload) -> None:
    found = continue_source(HELD, Record(maintainer=maintainer, uploaders=uploaders), JANE)
    assert found.upload is upload
    assert (found.maintainer, found.uploaders) == (maintainer, uploaders)
    assert found.vcs_git == "https://vcs.example/foo.git"
    assert any("talk over" in note for note in found.notes) is (upload is not Upload.MAINTAINER)


def test_a_team_without_a_human_gets_one() -> None:
    found = continue_source(HELD, Record(maintainer=TEAM, uploaders=""), JANE)
    assert (found.upload, found.maintainer, found.uploaders) == (Upload.JOINED, TEAM, str(JANE))
    assert any("doesn't allow" in note for note in found.notes)


def test_a_source_whose_packages_are_not_built_yet_counts() -> None:
    found = continue_source(HELD, Record(version="1.1+ds-1"), JANE)
    assert (found.version, found.repack_suffix) == ("1.1+ds-1", "+ds")
    assert any("at 1.1+ds-1 already" in note for note in found.notes)
    older = continue_source(HELD, Record(version="0.9-1"), JANE)
    assert older.version == HELD.version == "1.0-1"
    assert not any("already" in note for note in older.notes)


def test_teams_by_name_or_mail_host() -> None:
    assert is_team("Some Maintainers <x@example.org>")
    assert is_team("X <debian-ai@lists.debian.org>")
    assert not is_team("Max Teamster <max@example.org>")


def test_without_the_sources_what_is_not_known_is_said() -> None:
    found = continue_source(HELD, None, JANE)
    assert (found.maintainer, found.uploaders, found.vcs_git) == (TEAM, "", "")
    assert any("Uploaders and Vcs" in note for note in found.notes)
    assert any(
        "begins anew: no network" in n for n in continue_source(replace(HELD, note="no network"), None, JANE).notes
    )


def test_an_adoption_is_the_human_s_own_doing() -> None:
    found = continue_source(HELD, Record(), JANE, adopt_as=("New Team <new@lists.example.org>", str(JANE)))
    assert (found.maintainer, found.uploaders) == ("New Team <new@lists.example.org>", str(JANE))
    assert found.upload is Upload.ADOPTION
    assert any(TEAM in note for note in found.notes)


def test_what_the_archive_decides() -> None:
    text = "Format: x\nFiles-Excluded: docs/_static\n vendor/*\n\nFiles: *\n"
    found = continue_source(replace(HELD, version="1.0+dfsg1-1", copyright=text), Record(), JANE)
    assert found.files_excluded == ("docs/_static", "vendor/*")
    assert found.repack_suffix == "+dfsg"
    assert found.section("python3-foo") == "contrib/python"
    plain = continue_source(HELD, Record(), JANE)
    assert (plain.files_excluded, plain.repack_suffix, plain.section("other")) == ((), "", "")


def test_the_changelog_goes_on() -> None:
    date = date_after(OLDER, datetime(2026, 1, 5, 10, tzinfo=UTC))
    assert date == datetime(2026, 1, 5, 10, 0, 1, tzinfo=UTC)
    later = datetime(2026, 2, 1, tzinfo=UTC)
    assert date_after(OLDER, later) == date_after("", later) == date_after(" -- x <y>  nonsense\n", later) == later
    entry = OLDER.replace("1.0-1", "1.0-2").replace("Initial", "Next")
    found = Changelog(changelog_with(entry, OLDER), strict=True)
    assert [str(block.version) for block in found] == ["1.0-2", "1.0-1"]
    assert changelog_with(entry, OLDER).endswith(OLDER)
    assert changelog_with(entry, "") == entry


def test_first_lines() -> None:
    assert first_lines(Upload.TEAM, new_release=True, closes=" (Closes: #1)") == [
        "Team upload.",
        "New upstream release. (Closes: #1)",
    ]
    assert len(first_lines(Upload.MAINTAINER, new_release=False)) == 1


CONTROL = """\
Source: foo
Section: python
Build-Depends:
 debhelper-compat (= 14),
 dh-sequence-python3,
 python3-all,
 python3-foo,

Package: python3-foo
Architecture: all
Depends:
 ${python3:Depends},
"""


def test_nothing_lacks_in_a_like_package() -> None:
    held = replace(
        HELD, binaries=(replace(BINARY, section="python", relations={"Depends": "python3:any, python3-bar"}),)
    )
    record = Record(build_depends="debhelper (>= 13), dh-python, python3-all-dev", build_depends_arch="")
    files = {"control": CONTROL.replace("Section: python", "Section: python\nTestsuite: autopkgtest-pkg-pybuild")}
    assert lacking(held, record, files, derived=["python3-bar"]) == ()
    assert lacking(held, None, files) == ("python3-foo: the archive's has Depends: python3-bar",)


def test_a_crates_series_and_features_are_the_crate() -> None:
    held = replace(HELD, binaries=(replace(BINARY, section="python", relations={}),))
    record = Record(build_depends="librust-serde-dev (>= 1), librust-sha-1-dev, librust-rand-core-dev")
    own = " librust-serde-1+derive-dev, librust-rand-0.9+std-rng-dev,"
    control = CONTROL.replace("Build-Depends:", f"Build-Depends:{own}")
    (told,) = (line for line in lacking(held, record, {"control": control}) if "Build-Depends" in line)
    assert "serde" not in told
    assert "librust-rand-core-dev" in told


def test_all_that_lacks_is_named() -> None:
    relations = {**BINARY.relations, "Breaks": "python-foo (<< 1)", "Suggests": "python-foo-doc, python3-bar"}
    doc = HeldBinary("python-foo-doc", "1.0-1", "all", "doc", TEAM, "", "foreign", "its documentation", 1)
    held = replace(
        HELD,
        binaries=(replace(BINARY, relations=relations, multi_arch="foreign"), doc),
        files=(
            "usr/bin/foo", "usr/bin/bar", "usr/share/man/man1/foo.1.gz", "usr/share/doc/python3-foo/copyright",
            "usr/share/doc/python3-foo/changelog.Debian.gz", "usr/lib/python3/dist-packages/foo.py",
            *(f"usr/share/foo/{n}" for n in range(8)),
        ),
    )  # fmt: skip
    assert lacking(held, Record(), {"control": CONTROL}, derived=["python3-bar"], commands=["foo"]) == (
        "python3-foo: the archive's section is contrib/python, not python",
        "python3-foo: the archive's has Multi-Arch: foreign",
        "python3-foo: the archive's has Depends: git, libc6",
        "python3-foo: the archive's has Suggests: python-foo-doc",
        "python3-foo: the archive's has Breaks: python-foo (<< 1)",
        "the archive's foo also builds python-foo-doc (its documentation)",
        "the archive's source has Build-Depends: git, libz-dev",
        "the archive's source has Testsuite: autopkgtest-pkg-pybuild",
        "python3-foo: the archive's has the files /usr/bin/bar",
        "python3-foo: the archive's has the files "
        + ", ".join(f"/usr/share/foo/{n}" for n in range(6))
        + " and 2 more",
    )
