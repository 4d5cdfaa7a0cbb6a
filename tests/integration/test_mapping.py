"""Names and versions against the real archive, each checked with what others say of it: Contents, dpkg, apt."""

from __future__ import annotations

import gzip
import random
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from caches import own_cache
from debian.debian_support import NativeVersion

from debgen.archive.aptroot import AptRoot
from debgen.archive.extras import Pull, brought_along
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.model import Origin
from debgen.archive.names import find
from debgen.archive.pydist import pydist_table
from debgen.archive.versions import debian_upstream, relations
from debgen.run import run

pytestmark = pytest.mark.integration

SUITES = ("sid", "trixie")
TABLE = Path(__file__).parent / "data" / "known-mappings.tsv"
SAMPLE = 200


@pytest.fixture(scope="module", autouse=True)
def cache_folder() -> Iterator[Path]:
    """One cache for the module, in which no table of names is."""
    with own_cache(*SUITES) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBGEN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def settings() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def suites(settings: MirrorSettings) -> Iterator[dict[str, SuiteIndex]]:
    opened = {suite: open_suite(suite, settings) for suite in SUITES}
    yield opened
    for index in opened.values():
        index.close()


@dataclass(frozen=True)
class Known:
    """A line of the table; an empty package is a dash there."""

    distribution: str
    suite: str
    package: str
    debian_version: str
    upstream_version: str
    file: str


@cache
def known() -> tuple[Known, ...]:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [line.replace("\t-", "\t").split("\t") for line in lines if not line.startswith("#")]
    return tuple(Known(*row) for row in rows)


@cache
def contents(root: AptRoot) -> tuple[tuple[str, list[str]], ...]:
    """Path and packages of lines of the suite's Contents files, read without debgen's own reader.

    They are all lines of Python's metadata, and of what the table names.
    """
    files = {row.file for row in known()}
    folders = tuple(f"{file}/" for file in files)
    found = []
    for path in sorted((root.directory / "lists").glob("*_Contents-*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if (
                    "-info" in line
                    or line.split(" ", 1)[0] in files
                    or (line.startswith("usr/share/doc/") and line.startswith(folders))
                ):
                    file, _, packages = line.rstrip("\n").rpartition(" ")
                    found.append((file.rstrip(), [package.rpartition("/")[2] for package in packages.split(",")]))
    return tuple(found)


def test_the_table_is_large_and_has_each_pair_once() -> None:
    pairs = [(row.distribution, row.suite) for row in known()]
    assert len(set(pairs)) == len(pairs)
    assert len({row.distribution for row in known() if row.package}) >= 170
    assert {row.suite for row in known()} == set(SUITES)


@pytest.mark.parametrize("suite", SUITES)
def test_known_pairs(suites: dict[str, SuiteIndex], suite: str) -> None:
    index = suites[suite]
    wrong, compared = [], 0
    for row in known():
        if row.suite != suite:
            continue
        match = next(iter(find(index, row.distribution)), None)
        if (match.package if match else "") != row.package:
            wrong.append(f"{row.distribution}: {match and match.package} instead of {row.package or 'none'}")
        elif match and match.debian_version == row.debian_version:
            compared += 1
            if match.upstream_version != row.upstream_version:
                wrong.append(f"{row.distribution}: {match.upstream_version} instead of {row.upstream_version}")
    assert wrong == []
    if suite == "trixie":  # a released suite changes little
        assert compared > 150


@pytest.mark.parametrize("suite", SUITES)
def test_the_known_pairs_are_what_contents_says(
    suites: dict[str, SuiteIndex], settings: MirrorSettings, suite: str
) -> None:
    """The table itself is true of the archive: each package has the file that its line names."""
    claimed = defaultdict(set)
    for row in known():
        if row.suite == suite and row.package and suites[suite].version_of(row.package) == row.debian_version:
            claimed[row.file].add(row.package)
    folder = re.compile(r"(.+?-info|usr/share/doc/[^/]+)/")
    for path, packages in contents(AptRoot(suites[suite].codename, settings)):
        if path in claimed:
            claimed[path] -= set(packages)
        if (found := folder.match(path)) and found[1] in claimed:
            claimed[found[1]] -= set(packages)
    assert {file: packages for file, packages in claimed.items() if packages} == {}


@pytest.mark.parametrize("suite", SUITES)
def test_a_sample_of_all_distributions(suites: dict[str, SuiteIndex], settings: MirrorSettings, suite: str) -> None:
    """Each is found, in a package that has its metadata where Python looks for it, and of that version."""
    index = suites[suite]
    places = "|".join(("python3", re.escape(f"python{index.python_version}")))
    metadata = re.compile(rf"usr/lib/(?:{places})/dist-packages/([^/]+)\.(?:dist|egg)-info(?:/|$)")
    shipped: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path, packages in contents(AptRoot(index.codename, settings)):
        if found := metadata.match(path):
            stem = re.sub(r"-py3(\.\d+)?$", "", found[1])
            name, _, version = stem.rpartition("-") if re.search(r"-\d[^-]*$", stem) else (stem, "", "")
            for package in packages:
                shipped[re.sub(r"[-_.]+", "-", name).lower()][package].add(version)
    assert len(shipped) > 5000
    wrong = []
    for name in random.Random(f"{suite} 3").sample(sorted(shipped), SAMPLE):  # noqa: S311
        match = next(iter(find(index, name)), None)
        if match is None or match.package not in shipped[name] or match.origin is not Origin.CONTENTS:
            wrong.append(f"{name}: {match} instead of one of {sorted(shipped[name])}")
    assert wrong == []


@pytest.mark.parametrize("suite", SUITES)
def test_dh_pythons_table(suites: dict[str, SuiteIndex], settings: MirrorSettings, suite: str) -> None:
    index = suites[suite]
    root = AptRoot(index.codename, settings)
    table = pydist_table(root, index.version_of("dh-python"))
    assert table.note == ""
    assert len(table.packages) > 5000
    assert table.packages["pyyaml"] == "python3-yaml"
    assert find(index, "argparse", pydist=table.packages)[0].package == "python3"
    assert pydist_table(root, "0~none").note.startswith("dh-python's table of names was not used: apt can't fetch")
    # What Contents knows is the same with the table and without it.
    for row in known():
        if row.suite == suite:
            assert find(index, row.distribution, pydist=table.packages)[:1] == find(index, row.distribution)[:1]


def test_what_dpkg_says_of_versions_is_what_the_unit_tests_take_it_to_say() -> None:
    chance = random.Random(440)  # noqa: S311
    upstream = ["1", "1.0", "1.0.1", "1.0rc1", "1.0a1.dev2", "1.0.dev3", "1.0.post1", "1.2.3", "1!0.9", "1.0+cu118"]
    suffixes = ["-1", "-1~bpo13+1", "+dfsg-1", "~ds-1", "-1+b2", "+really0.9-1", "+git20240102-1"]
    bounds = [
        relation.partition("= ")[2].rstrip(")")
        for one in upstream
        for relation in relations("p", f">={without_local(one)}")
    ]
    versions = [debian_upstream(one) + suffix for one in upstream for suffix in suffixes] + bounds
    for _ in range(150):
        left, right = chance.choice(versions), chance.choice(versions)
        answer = subprocess.run(["dpkg", "--compare-versions", left, "lt", right], check=False)
        assert (answer.returncode == 0) == bool(NativeVersion(left) < NativeVersion(right)), (left, right)


def without_local(text: str) -> str:
    return text.partition("+")[0]


@pytest.mark.parametrize("suite", SUITES)
def test_what_fastapi_brings_along_is_what_apt_would_install(
    suites: dict[str, SuiteIndex], settings: MirrorSettings, suite: str
) -> None:
    index = suites[suite]
    root = AptRoot(index.codename, settings)

    def installed(*options: str) -> set[str]:
        argv = ["apt-get", "--simulate", *options, "install", "python3-fastapi"]
        lines = run(argv, env=root.apt_env()).stdout.splitlines()
        return {line.split()[1] for line in lines if line.startswith("Inst ")}

    found = brought_along(index, "python3-fastapi")
    least, most = installed("--no-install-recommends"), installed("--install-recommends")
    firmly = {name for name, pull in found.items() if pull is Pull.DEPENDS}
    python = {name for name in least if name.startswith("python3-")}
    assert python <= firmly
    assert {name for name in firmly if name.startswith("python3-")} == python
    assert found["python3-uvicorn"] is Pull.DEPENDS
    assert found["python3-jinja2"] is Pull.RECOMMENDS
    assert "python3-jinja2" in most - least
    assert "python3-watchfiles" not in found
    assert "python3-watchfiles" not in most
