"""The local repository with real apt-ftparchive, gpg and apt: whole at every moment, and of use to builds and tests."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from repositories import whole

from debgen.archive.mirror import mirror_settings
from debgen.building.autopkgtest import run_tests
from debgen.building.chroots import ChrootStore, Flavour
from debgen.building.repository import Repository
from debgen.building.result import Outcome
from debgen.building.sbuild import build
from debgen.building.serving import served
from debgen.building.sourceonly import source_changes
from debgen.errors import WorkspaceError
from debgen.run import run
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parent / "data" / "hello-tiny"
_ADD = (
    "import sys; from pathlib import Path; from debgen.building.repository import Repository;"
    "Repository(Path(sys.argv[1]), 'sid', 'amd64').add(map(Path, sys.argv[2:]))"
)


def changes(folder: Path, name: str, version: str = "1.0-1") -> Path:
    """A .changes with one small package."""
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n"
    )
    deb = folder / f"{name}_{version.rpartition(':')[2]}_all.deb"
    run(["dpkg-deb", "--build", "--root-owner-group", tree, deb])
    shutil.rmtree(tree)
    size = deb.stat().st_size
    path = deb.with_suffix(".changes")
    path.write_text(
        f"Format: 1.8\nSource: {name}\nVersion: {version}\nArchitecture: all\n"
        f"Checksums-Sha256:\n {hashlib.sha256(deb.read_bytes()).hexdigest()} {size} {deb.name}\n"
        f"Files:\n {hashlib.md5(deb.read_bytes(), usedforsecurity=False).hexdigest()} {size} misc optional {deb.name}\n"
    )
    return path


def test_a_process_killed_at_any_moment_leaves_it_whole(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", "sid", "amd64")
    repository.add([changes(tmp_path, "first")])
    before = repository.current
    second = [changes(tmp_path, "second", "2:1.0-1"), changes(tmp_path, "first", "1.1-1")]
    random.seed(7)
    for _ in range(25):
        process = subprocess.Popen([sys.executable, "-c", _ADD, repository.directory, *second])
        time.sleep(random.uniform(0.15, 1.0))  # noqa: S311 - no secret
        process.kill()
        process.wait()
        found = whole(repository)
        assert found in ({"first": "1.0-1"}, {"first": "1.1-1", "second": "2:1.0-1"})
    repository.add(second)
    assert whole(repository) == {"first": "1.1-1", "second": "2:1.0-1"} == repository.contents()
    assert repository.current != before
    assert repository.has(second[0])
    assert len(list((repository.directory / "states").iterdir())) <= 3
    assert {path.name for path in repository.directory.iterdir()} == {"current", "states", "key.secret", ".lock"}


def test_two_processes_add_in_turns_and_a_moved_folder_goes_on(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", "sid", "amd64")
    listed = [changes(tmp_path, f"package{number}") for number in range(4)]
    processes = [subprocess.Popen([sys.executable, "-c", _ADD, repository.directory, path]) for path in listed]
    assert [process.wait() for process in processes] == [0] * 4
    assert set(whole(repository)) == {f"package{number}" for number in range(4)}
    (tmp_path / "other").mkdir()
    shutil.copytree(repository.directory, tmp_path / "other/repository", symlinks=True)
    shutil.rmtree(repository.directory)
    moved = Repository(tmp_path / "other/repository", "sid", "amd64")
    key = moved.key.read_bytes()
    moved.add([changes(tmp_path, "late")])
    assert moved.key.read_bytes() == key
    (moved.directory / "key.secret").write_text("no key")  # then a new one is made, and each state has its own
    moved.remove(["package0", "nothing"])
    assert moved.key.read_bytes() != key
    assert set(whole(moved)) == {"package1", "package2", "package3", "late"}


def test_a_full_disk_leaves_it_as_it_was(tmp_path: Path) -> None:
    """In a file system of half a megabyte, with a package that doesn't fit."""
    big = tmp_path / "big"
    (big / "DEBIAN").mkdir(parents=True)
    path = changes(tmp_path, "small")
    rest = tmp_path / "small.bin"
    rest.write_bytes(os.urandom(2 << 20))
    text = path.read_text()
    size = rest.stat().st_size
    text = text.replace("Files:", f" {hashlib.sha256(rest.read_bytes()).hexdigest()} {size} small.bin\nFiles:")
    large = tmp_path / "large.changes"
    large.write_text(text + f" {'0' * 32} {size} misc optional small.bin\n")
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    script = (
        "import sys; from pathlib import Path; from debgen.building.repository import Repository;"
        "from debgen.errors import WorkspaceError;"
        "small, large = map(Path, sys.argv[2:]); r = Repository(Path(sys.argv[1]) / 'r', 'sid', 'amd64');"
        "first = r.add([small]);\n"
        "try: r.add([large])\n"
        "except WorkspaceError as error: print(error)\n"
        "print(r.current == first, r.contents(), len(list((r.directory / 'states').iterdir())))"
    )
    inside = 'mount -t tmpfs -o size=512k none "$1" && exec "$0" -c "$2" "$1" "$3" "$4"'
    result = run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", inside, sys.executable, mounted, script, path, large]
    )
    assert "the disk is full" in result.stdout
    assert "True {'small': '1.0-1'} 1" in result.stdout


def test_what_changes_under_us_is_refused(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repository", "sid", "amd64")
    path = changes(tmp_path, "first")
    repository.add([path])
    (tmp_path / "first_1.0-1_all.deb").unlink()
    with pytest.raises(WorkspaceError, match=r"first_1\.0-1_all\.deb, which isn't beside it"):
        repository.add([path])
    assert whole(repository) == {"first": "1.0-1"}


def test_a_build_its_installation_and_its_tests_use_what_was_built_before(tmp_path: Path) -> None:
    """The second package build-depends on the first, which only the local repository has, and depends on it."""
    store = ChrootStore(cache_directory("chroots"), mirror_settings(ignore_valid_until=True))
    repository = Repository(tmp_path / "repository", "sid", store.mirror.architecture)
    repository.add([changes(tmp_path, "debgen-only-here")])
    repository.add([changes(tmp_path, "debgen-not-asked-for")])
    tree = tmp_path / "hello-tiny-1.0"
    shutil.copytree(PACKAGE, tree)
    control = tree / "debian/control"
    control.write_text(
        control.read_text()
        .replace(" python3-setuptools,\n", " python3-setuptools,\n debgen-only-here (>= 1.0),\n")
        .replace("${python3:Depends}", "${python3:Depends}, debgen-only-here")
    )
    with tarfile.open(tmp_path / "hello-tiny_1.0.orig.tar.gz", "w:gz") as archive:
        archive.add(tree, tree.name, filter=lambda member: None if "/debian" in member.name else member)
    run(["dpkg-source", "--build", tree.name], cwd=tmp_path)
    dsc = tmp_path / "hello-tiny_1.0-1.dsc"
    with repository.only(["debgen-only-here"]) as view, served(view) as source:
        assert view.contents() == {"debgen-only-here": "1.0-1"}
        result = build(dsc, store.ensure("sid"), tmp_path / "out", source=source)
    assert "debgen-only-here" in result.log.read_text()
    repository.add([result.changes])
    with served(repository) as source:
        inside = "apt-get update && apt-get install --yes python3-hello-tiny && hello-tiny"
        told = store.run_in(
            store.ensure("sid", Flavour.CLEAN), ["sh", "-c", inside], network=True, source=source
        )  # fmt: skip
        assert told.stdout.splitlines()[-1].startswith("Hello")
        tests = run_tests(result.changes, store.ensure("sid", Flavour.CLEAN), source=source)
    assert [test.outcome for test in tests] == [Outcome.PASS]
    listed = source_changes(dsc)
    assert listed.name == "hello-tiny_1.0-1_source.changes"
    assert "hello-tiny_1.0.orig.tar.gz" in listed.read_text()
