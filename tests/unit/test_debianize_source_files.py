"""watch, upstream/metadata and the date of the changelog's entry."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from test_debianize_package import FACTS, SUITE, inputs

from debgen.archive.versions import debian_upstream
from debgen.debianize.source_files import entry_date, upstream_metadata, watch
from debgen.debianize.templates import Templates

FORGE = replace(FACTS, urls=(("Source", "https://github.com/x/foo"),))


def test_repacked_versions_are_compared_without_their_suffix() -> None:
    new = watch(inputs(), Templates(), repack_suffix="+dfsg")
    assert "\nDist: foo\n" in new
    assert new.endswith("\nDversion-Mangle: auto\nRepack-Suffix: +dfsg\n")
    old = watch(replace(inputs(), suite=replace(SUITE, watch_version=4)), Templates(), repack_suffix="+ds")
    assert ',dversionmangle=auto,repacksuffix=+ds"' in old
    assert "mangle=auto" not in watch(inputs(), Templates())


@pytest.mark.parametrize(
    "version",
    ["1.0", "1.1rc1", "1.0a1.dev2", "1.0.dev3", "1.0.post1", "1.0b2", "1.0.post1.dev2", "1.0-rc1", "1.0alpha1",
     "1.0.beta2"],
)  # fmt: skip
def test_uscan_spells_versions_as_the_changelog_does(version: str) -> None:
    line = next(line for line in watch(inputs(), Templates()).splitlines() if line.startswith("Uversion-Mangle: "))
    expression, replacement, flags = line.partition(" s/")[2].split("/")
    assert flags == "g"
    assert re.sub(expression, replacement.replace("$", "\\"), version) == debian_upstream(version)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        (("Docs", "https://foo.example.org/?a: b"), 'Documentation: "https://foo.example.org/?a: b"'),
        (("Docs", "https://foo.example.org/#x"), 'Documentation: "https://foo.example.org/#x"'),
        (("What's New", "https://foo.example.org/new"), "Changelog: https://foo.example.org/new"),
        (("Sponsor", "https://foo.example.org/s"), "Donation: https://foo.example.org/s"),
        (("Bug Tracker", "https://foo.example.org/bugs"), "Bug-Database: https://foo.example.org/bugs"),
    ],
)
def test_metadata_is_yaml(url: tuple[str, str], line: str) -> None:
    text = upstream_metadata(replace(FORGE, urls=(*FORGE.urls, url)), Templates())
    assert line in text.splitlines()
    assert "Repository: https://github.com/x/foo.git" in text


def test_a_security_policy_is_where_to_report() -> None:
    assert "Security-Contact" not in upstream_metadata(FORGE, Templates())
    told = upstream_metadata(FORGE, Templates(), {".github/SECURITY.md": ""})
    assert "Security-Contact: https://github.com/x/foo/security/policy" in told
    gitlab = replace(FORGE, urls=(("Source", "https://gitlab.com/x/foo"),))
    assert "Bug-Database: https://gitlab.com/x/foo/-/issues\n" in upstream_metadata(gitlab, Templates())


def test_an_entry_is_not_older_than_its_policy() -> None:
    suite = datetime(2026, 10, 30, 14, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    old, new = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 5, 1, 2, 3, 4, tzinfo=UTC)
    assert entry_date(old, suite) == datetime(2026, 10, 30, tzinfo=UTC)
    assert entry_date(old, suite) == entry_date(old, suite + timedelta(hours=3))  # the day counts
    assert entry_date(new, suite) == datetime(2026, 11, 5, 1, 2, 3, tzinfo=UTC)
