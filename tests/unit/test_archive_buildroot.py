"""The apt root of builds that borrow: its lists follow those of the suites' own roots."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.archive.aptroot import AptRoot
from debgen.archive.borrow import Borrow, preferences
from debgen.archive.buildroot import BuildRoot
from debgen.archive.mirror import MirrorSettings

SETTINGS = MirrorSettings("https://mirror.example/debian", True, (), (), Path("/keyring.gpg"), "amd64")
BORROW = Borrow("forky", ("librust-*",))


def root_of(suite: str, content: str = "1") -> AptRoot:
    """The suite's own root, as an update leaves it."""
    root = AptRoot(suite, SETTINGS)
    lists = root.directory / "lists"
    lists.mkdir(exist_ok=True)
    for name in ("InRelease", "main_binary-amd64_Packages", "main_Contents-all.gz"):
        path = lists / f"mirror.example_debian_dists_{suite}_{name}"
        path.unlink(missing_ok=True)
        path.write_text(f"{name} {content}")
    return root


@pytest.fixture
def root() -> BuildRoot:
    return BuildRoot(root_of("sid"), (BORROW,), (root_of("forky"),))


def listed(root: BuildRoot) -> dict[str, str]:
    return {path.name.partition("_dists_")[2]: path.read_text() for path in (root.directory / "lists").iterdir()}


def test_it_has_both_suites_and_the_preferences(root: BuildRoot) -> None:
    with root.locked():
        pass
    assert listed(root) == {
        "sid_InRelease": "InRelease 1", "sid_main_binary-amd64_Packages": "main_binary-amd64_Packages 1",
        "forky_InRelease": "InRelease 1", "forky_main_binary-amd64_Packages": "main_binary-amd64_Packages 1",
    }  # fmt: skip
    assert (root.directory / "preferences/debgen").read_text() == preferences([BORROW])
    own, lent = (root.directory / "sources/debgen.sources").read_text().split("\n\n")
    assert "Suites: sid\nComponents: main contrib" in own
    assert "Suites: forky\nComponents: main\nSigned-By: /keyring.gpg" in lent
    conf = Path(root.apt_env()["APT_CONFIG"]).read_text()
    assert f'Dir::State::lists "{root.directory}/lists";' in conf
    assert str(root.target.directory) not in conf


def test_it_follows_what_the_suites_roots_fetch(root: BuildRoot) -> None:
    with root.locked():
        first = root.state()
    path = root.directory / "lists" / "mirror.example_debian_dists_sid_InRelease"
    before = path.stat().st_ino
    with root.locked():
        assert path.stat().st_ino == before
    root_of("forky", "2")
    assert root.state() != first
    with root.locked():
        assert listed(root)["forky_InRelease"] == "InRelease 2"
        assert listed(root)["sid_InRelease"] == "InRelease 1"


def test_what_is_borrowed_otherwise_has_a_root_of_its_own(root: BuildRoot) -> None:
    other = BuildRoot(root.target, (Borrow("forky", ("librust-a*",)),), root.lenders)
    assert other.directory != root.directory
    assert other.state() != root.state()
    assert root.target.directory not in (root.directory, *root.directory.parents)
