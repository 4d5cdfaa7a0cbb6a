"""The real archive through the real apt: what Debian has, and what apt refuses."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from caches import own_cache
from clock import cpu_seconds

from debgen.archive.aptroot import COMPONENTS, AptRoot
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.model import Origin
from debgen.archive.names import aliases, find
from debgen.errors import IntegrityError, NetworkError, UnknownSuiteError
from debgen.run import run

pytestmark = pytest.mark.integration

PYTHON = {"sid": "3.14", "trixie": "3.13", "bookworm": "3.11"}


@pytest.fixture(scope="module", autouse=True)
def cache() -> Iterator[Path]:
    """A folder for the module, with its cache; bookworm is read from nothing."""
    with own_cache("sid", "trixie") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBGEN_CACHE", str(folder))
        yield folder.parent


@pytest.fixture(scope="module")
def settings() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def suites(settings: MirrorSettings) -> Iterator[dict[str, SuiteIndex]]:
    opened = {suite: open_suite(suite, settings) for suite in PYTHON}
    yield opened
    for index in opened.values():
        index.close()


def package(index: SuiteIndex, name: str) -> str | None:
    found = find(index, name)
    return found[0].package if found else None


def test_heads(suites: dict[str, SuiteIndex]) -> None:
    assert {suite: index.python_version for suite, index in suites.items()} == PYTHON
    assert {index.codename for index in suites.values()} == set(PYTHON)
    assert suites["bookworm"].glibc == "2.36"
    assert suites["sid"].binary("apt-nonexistent") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requests", "python3-requests"),
        ("numpy", "python3-numpy"),
        ("regex", "python3-regex"),
        ("pyyaml", "python3-yaml"),
        ("pyjwt", "python3-jwt"),
        ("attrs", "python3-attr"),
        ("protobuf", "python3-protobuf"),
        ("pillow", "python3-pil"),
        ("py-cpuinfo", "python3-cpuinfo"),
        ("grpcio", "python3-grpcio"),
        ("pyzmq", "python3-zmq"),
        ("ninja", "ninja-build"),
        ("opencv-python-headless", "python3-opencv"),
        ("z3-solver", "python3-z3"),
    ],
)
def test_what_every_suite_has(suites: dict[str, SuiteIndex], name: str, expected: str) -> None:
    assert {suite: package(index, name) for suite, index in suites.items()} == dict.fromkeys(PYTHON, expected)


@pytest.mark.parametrize("name", ["huggingface-hub", "tokenizers", "transformers"])
def test_what_came_after_trixie(suites: dict[str, SuiteIndex], name: str) -> None:
    match = find(suites["sid"], name)[0]
    assert (match.package, match.origin) == (f"python3-{name}", Origin.CONTENTS)
    assert find(suites["trixie"], name) == ()
    assert find(suites["bookworm"], name) == ()


def test_two_distributions_that_are_easily_confused(suites: dict[str, SuiteIndex]) -> None:
    assert package(suites["sid"], "python-multipart") == "python3-python-multipart"
    assert package(suites["sid"], "multipart") == "python3-multipart"
    assert package(suites["bookworm"], "python-multipart") == "python3-multipart"
    assert package(suites["bookworm"], "multipart") is None


def test_versions_are_upstreams(suites: dict[str, SuiteIndex]) -> None:
    regex = find(suites["trixie"], "regex")[0]
    assert regex.debian_version.startswith("0.1.2024")
    assert regex.upstream_version.startswith("2024.")
    assert find(suites["bookworm"], "protobuf")[0].upstream_version.startswith("4.21.")


@pytest.mark.parametrize("name", sorted(aliases()))
def test_every_alias_is_needed_and_leads_somewhere(suites: dict[str, SuiteIndex], name: str) -> None:
    assert find(suites["sid"], name, table={}) == ()
    assert find(suites["sid"], name)[0].origin is Origin.ALIAS


def test_an_alias_of_a_suite(settings: MirrorSettings, suites: dict[str, SuiteIndex]) -> None:
    with open_suite("unstable", settings) as index:
        assert (index.codename, index.date) == ("sid", suites["sid"].date)


def test_opening_again_takes_no_time(settings: MirrorSettings, suites: dict[str, SuiteIndex]) -> None:
    start = cpu_seconds()
    open_suite("sid", settings).close()
    assert cpu_seconds() - start < 0.5, "an index that is there was fetched or built again"
    assert suites


def test_the_root_serves_apts_own_solver(settings: MirrorSettings, suites: dict[str, SuiteIndex]) -> None:
    root = AptRoot("trixie", settings)
    argv = ["apt-get", "--simulate", "--no-install-recommends", "install", "python3-yaml"]
    assert f"Inst python3-yaml ({suites['trixie'].version_of('python3-yaml')} " in run(argv, env=root.apt_env()).stdout
    missing = run(["apt-get", "-s", "install", "python3-huggingface-hub"], env=root.apt_env(), check=False)
    assert missing.returncode != 0


def test_an_unknown_suite(settings: MirrorSettings) -> None:
    with pytest.raises(UnknownSuiteError) as caught:
        open_suite("bookwrm", settings)
    assert "bookworm" in caught.value.hint or not Path("/usr/share/distro-info/debian.csv").exists()


def test_a_dead_mirror_and_an_unknown_host(settings: MirrorSettings) -> None:
    for uri in ("http://127.0.0.1:9/debian", "http://nonexistent.invalid/debian"):
        with pytest.raises(NetworkError, match="can't be reached"):
            open_suite("forky", replace(settings, uri=uri))


def test_an_expired_release(settings: MirrorSettings, suites: dict[str, SuiteIndex]) -> None:
    text = AptRoot("sid", settings).release_file().read_text()
    until = re.search(r"^Valid-Until: (.+)$", text, re.MULTILINE)
    if not until or parsedate_to_datetime(until[1]).timestamp() > time.time():
        pytest.skip("this mirror's sid has not expired")
    with pytest.raises(IntegrityError, match="has expired") as caught:
        open_suite("sid", replace(settings, ignore_valid_until=False))
    assert "--ignore-valid-until" in caught.value.hint
    with open_suite("sid", settings) as index:
        assert index.python_version == suites["sid"].python_version


@pytest.fixture(scope="module")
def snapshot(settings: MirrorSettings, cache: Path) -> Path:
    """A small mirror on disk: what of bookworm an index is made from, as it stands on the real one."""
    packages = f"binary-{settings.architecture}/Packages.xz"
    contents = [f"Contents-{name}.gz" for name in ("all", settings.architecture)]
    lists = [f"{component}/{name}" for component in COMPONENTS for name in (packages, *contents)]
    for place in ("InRelease", *lists):
        target = cache / "snapshot/dists/bookworm" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"{settings.uri}/dists/bookworm/{place}", timeout=60) as answer:  # noqa: S310
            target.write_bytes(answer.read())
    return cache / "snapshot"


@pytest.fixture
def local(
    settings: MirrorSettings, snapshot: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MirrorSettings]:
    """A mirror that a test may spoil, and a cache of its own."""
    mirror = cache / "mirror"
    shutil.copytree(snapshot, mirror, copy_function=os.link)
    monkeypatch.setenv("DEBGEN_CACHE", str(cache / "other"))
    yield replace(settings, uri=f"file://{mirror}")
    shutil.rmtree(mirror)
    shutil.rmtree(cache / "other")


def spoil(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.unlink()
    path.write_bytes(data.replace(old, new, 1))


def test_a_changed_release_file_is_refused(local: MirrorSettings, cache: Path) -> None:
    spoil(cache / "mirror/dists/bookworm/InRelease", b"Codename: bookworm", b"Codename: bookw0rm")
    with pytest.raises(IntegrityError, match="does not verify"):
        open_suite("bookworm", local)
    assert not (AptRoot("bookworm", local).directory / "lists").exists()


def test_keys_other_than_debians_are_refused(local: MirrorSettings, cache: Path) -> None:
    keyring = cache / "empty.gpg"
    keyring.touch()
    with pytest.raises(IntegrityError, match="does not verify"):
        open_suite("bookworm", replace(local, keyring=keyring))


def test_a_mirror_on_disk_is_refused_while_one_of_its_lists_is_changed(
    local: MirrorSettings, cache: Path, snapshot: Path
) -> None:
    for name in ("contrib/binary-{}/Packages.xz", "main/Contents-all.gz"):
        place = "dists/bookworm/" + name.format(local.architecture)
        good = (snapshot / place).read_bytes()
        spoil(cache / "mirror" / place, good[1000:1010], bytes(10))
        with pytest.raises(IntegrityError):
            open_suite("bookworm", local)
        assert not (AptRoot("bookworm", local).directory / "lists").exists()
        (cache / "mirror" / place).write_bytes(good)
    with open_suite("bookworm", local) as index:
        assert index.python_version == "3.11"
        assert package(index, "pyyaml") == "python3-yaml"
    assert AptRoot("bookworm", local).update(refresh=True)


def test_ctrl_c_leaves_nothing_half(settings: MirrorSettings) -> None:
    code = (
        "from debgen.archive.index import open_suite; from debgen.archive.mirror import mirror_settings;"
        "open_suite('forky', mirror_settings(ignore_valid_until=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    root = AptRoot("forky", settings)
    while process.poll() is None and not list(root.directory.glob(".lists.*/partial/*Contents*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    assert not list(root.directory.glob(".lists.*"))
    assert not (root.directory / "lists").exists()
    with open_suite("forky", settings) as index:
        assert index.codename == "forky"
