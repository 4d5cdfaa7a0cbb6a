"""The ITP mail, and the manual pages for commands that can't tell their help."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_string, policy

import pytest

from debgen.debianize.itp import Itp, itp_mail, itp_of
from debgen.debianize.manpages import fallback_pages, make_quoted
from debgen.debianize.model import SourcePackage, Team
from debgen.debianize.templates import Templates
from debgen.identity import Identity
from debgen.upstream.facts import SdistFacts
from debgen.upstream.testfacts import TestFacts

FACTS = SdistFacts(
    name="foo", version="1.0", summary="", description="", homepage="https://foo.example.org", urls=(),
    author="Zoë Doe", licence="MIT", classifiers=(), requires_python="", requirements=(), backend="",
    build_requirements=(), modules=("foo",), namespaces=(), scripts=(), compiled=("C++ (src/x.cpp)",), prebuilt=(),
    licence_files=(), tests=TestFacts(),
)  # fmt: skip
CONTROL = """\
Source: foo
Homepage: https://foo.example.org

Package: python3-foo
Description: frobnicator of things
 Foo frobnicates.
 .
  * one thing
"""
COPYRIGHT = "Format: x\n\nFiles: *\nCopyright: 2020 Z\nLicense: Expat or Apache-2.0\n\nLicense: Expat\n text\n"
PACKAGE = SourcePackage(
    source="foo", version="1.0-1", distribution="unstable", binary="python3-foo",
    files={"control": CONTROL, "copyright": COPYRIGHT}, executable=frozenset(), fixmes=(), notes=(), unmet=(),
)  # fmt: skip
JANE = Identity("Jane Doe", "jane@example.org")


def itp(*chain: str, team: str = "") -> Itp:
    return itp_of(PACKAGE, FACTS, JANE, Team(team), chain)


def test_what_the_mail_says_is_what_the_package_says() -> None:
    mail = message_from_string(itp_mail(itp("vllm", "bar", "foo"), Templates()), policy=policy.default)
    assert mail["To"] == "submit@bugs.debian.org"
    assert mail["Subject"] == "ITP: foo -- frobnicator of things"
    assert "debian-devel@lists.debian.org" in mail["X-Debbugs-Cc"]
    body = mail.get_payload()
    assert isinstance(body, str)
    head, _, rest = body.partition("\n\n")
    assert head.splitlines() == ["Package: wnpp", "Severity: wishlist", "Owner: Jane Doe <jane@example.org>"]
    for line in (
        "* Package name    : foo",
        "  Version         : 1.0",
        "  Upstream Author : Zoë Doe",
        "* URL             : https://foo.example.org",
        "* License         : Expat or Apache-2.0",
        "  Programming Lang: Python, C++",
        "  Description     : frobnicator of things",
        "Foo frobnicates.",
        " * one thing",
    ):
        assert line in rest.splitlines()
    assert "\n .\n" not in rest
    assert "dependency of bar, which is needed for packaging vllm" in " ".join(rest.split())
    assert "sponsor" in rest


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ((), "not in Debian yet"),
        (("foo",), "not in Debian yet"),
        (("vllm", "foo"), "It is a dependency of vllm, which"),
    ],
)
def test_why_it_is_packaged(chain: tuple[str, ...], words: str) -> None:
    assert words in itp_mail(itp(*chain), Templates())


def test_the_team_is_named() -> None:
    mail = itp_mail(itp(team="A Team <team@example.org>"), Templates())
    assert "in the team A Team <team@example.org>" in " ".join(mail.split())
    assert "myself" not in mail


def test_a_subject_that_is_not_ascii_is_encoded() -> None:
    mail = itp_mail(replace(itp(), synopsis="größer"), Templates())
    assert message_from_string(mail, policy=policy.default)["Subject"] == "ITP: foo -- größer"
    assert next(line for line in mail.splitlines() if line.startswith("Subject:")).isascii()


def test_manual_pages() -> None:
    lines = ["Foo has a-b and \\n.", "It goes on.", ".", " * one", "   thing", " * two", ".", "last"]
    date = datetime(2026, 10, 1, tzinfo=UTC)
    pages = fallback_pages(FACTS, ["foo-run", "x"], ("frob-nicator", lines), date, Templates())
    assert sorted(pages) == ["manpages/foo-run.1", "manpages/x.1"]
    page = pages["manpages/foo-run.1"].splitlines()
    assert page[0] == '.TH FOO\\-RUN "1" "October 2026" "foo\\-run 1.0" "User Commands"'
    assert page[page.index(".SH NAME") + 1] == "foo\\-run \\- frob\\-nicator"
    assert "Foo has a\\-b and \\en. It goes on." in page
    assert "* one thing" in page
    assert "* two" in page
    assert "last" not in page
    assert not any(line.startswith(" ") or not line for line in page)  # groff would break lines there


def test_quoting_for_make() -> None:
    assert make_quoted("it's $HOME # all\nof it") == "'it'\"'\"'s $$HOME \\# all of it'"
