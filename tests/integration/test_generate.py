"""Source packages through the real command line: real index and mirror, and made ones for what goes wrong."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from caches import own_cache
from debian.changelog import Changelog
from debian.copyright import Copyright
from debian.deb822 import Dsc

from debgen.archive.mirror import mirror_settings
from debgen.building.changes import listed_files
from debgen.building.chroots import ChrootStore, Flavour
from debgen.run import run
from debgen.sandbox import run_sandboxed
from debgen.upstream.licences import scan_licences
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

NAME = "partial-json-parser"
DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def cache() -> Iterator[Path]:
    """One cache for the module, in which no sdist and no scan of one is."""
    with own_cache("sid") as folder:
        yield folder


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DEBGEN_CACHE": str(cache),
        "DEBGEN_IGNORE_VALID_UNTIL": "1",
        "DEBFULLNAME": "Jane Doe",
        "DEBEMAIL": "jane@debian.example",
        **more,
    }


def debgen(cache: Path, *args: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "debgen", *map(str, args)],
        env=environment(cache, **more), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    return done


def generate(cache: Path, out: Path, *args: str, name: str = NAME, **more: str) -> subprocess.CompletedProcess[str]:
    return debgen(cache, "generate", name, "--for", "", "--dist", "sid", "-o", out, *args, **more)


def failed(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The right exit code, nothing on stdout, and a short message that names what it is about."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "debgen: " in done.stderr
    for word in words:
        assert word in done.stderr


# --- the real index


def contents(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def test_a_real_package_twice_gives_the_same_bytes(cache: Path, tmp_path: Path) -> None:
    first = generate(cache, tmp_path / "one")
    assert first.returncode == 0, first.stderr
    assert "SHA-256 verified" in first.stderr
    (dsc,) = first.stdout.splitlines()
    folder = Path(dsc).parent
    # another time zone, locale, umask and user's name of the machine must not matter
    second = subprocess.run(
        ["sh", "-c", 'umask 077; exec "$@"', "-", sys.executable, "-m", "debgen", "generate", NAME, "--for", "",
         "--dist", "sid", "-o", str(tmp_path / "two")],
        env=environment(cache, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="1", USER="somebody"),
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    again = Path(second.stdout.strip()).parent
    assert contents(folder) == contents(again)
    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".dsc", ".gz", ".xz"}

    told = Dsc((folder / dsc).read_text())
    assert told["Format"] == "3.0 (quilt)"
    changed = Changelog(
        (folder / f"{told['Source']}-{told['Version'].rpartition('-')[0]}/debian/changelog").read_text()
    )
    assert changed.author == "Jane Doe <jane@debian.example>"
    assert told["Maintainer"] != changed.author  # the archive has the package, and its maintainers
    run(["dpkg-source", "--extract", dsc, str(tmp_path / "unpacked")])
    debian = tmp_path / "unpacked" / "debian"
    assert Changelog((debian / "changelog").read_text(), strict=True).version == told["Version"]
    assert os.access(debian / "rules", os.X_OK)
    licences = Copyright((debian / "copyright").read_text().splitlines(keepends=True), strict=True)
    assert licences.find_files_paragraph("src/partial_json_parser/__init__.py")
    for path in debian.rglob("*"):
        assert path.is_dir() or b"FIXME" not in path.read_bytes()
    assert "python3-pdm-backend" in (debian / "control").read_text()


def test_the_generated_package_pleases_lintian(cache: Path, tmp_path: Path) -> None:
    dsc = Path(generate(cache, tmp_path, "--itp", "1099999").stdout.strip())
    store = ChrootStore(cache_directory("chroots"), mirror_settings(ignore_valid_until=True))
    found = store.run_in(
        store.ensure("sid", Flavour.CHECKS),
        ["lintian", "--allow-root", "--fail-on=error", "--tag-display-limit=0", f"/in/{dsc.name}"],
        inputs=[dsc, *(dsc.parent / name for name in listed_files(dsc))],
    )
    assert found.returncode == 0, found.stdout + found.stderr


def test_an_unknown_distribution(cache: Path, tmp_path: Path) -> None:
    done = generate(cache, tmp_path, name="debgen-there-is-no-such-distribution")
    failed(done, 3, "debgen-there-is-no-such-distribution")
    assert os.listdir(tmp_path) == []


def test_an_unknown_release(cache: Path, tmp_path: Path) -> None:
    failed(generate(cache, tmp_path, name=f"{NAME}==99.99"), 3, "99.99")


def test_a_release_without_an_sdist(cache: Path, tmp_path: Path) -> None:
    """NVIDIA publishes wheels only."""
    done = generate(cache, tmp_path, name="nvidia-cuda-runtime-cu12==12.9.79")
    failed(done, 4, "nvidia-cuda-runtime-cu12", "12.9.79")


def test_an_unknown_suite(cache: Path, tmp_path: Path) -> None:
    failed(debgen(cache, "generate", NAME, "--for", "", "--dist", "nosuchsuite", "-o", tmp_path), 5, "nosuchsuite")


def test_a_dead_mirror(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    done = generate(tmp_path / "cache", tmp_path / "out", "--mirror", f"{DEAD}/debian")
    failed(done, 6, DEAD)
    assert not (tmp_path / "out").exists()


def test_a_dead_index(cache: Path, tmp_path: Path) -> None:
    done = generate(cache, tmp_path / "out", "--index-url", f"{DEAD}/simple/")
    failed(done, 6, "127.0.0.1")
    assert not (tmp_path / "out").exists()


def test_missing_tools_are_told_before_any_work(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for tool in ("dpkg-source", "licensecheck"):
        (tmp_path / "bin" / tool).symlink_to(f"/usr/bin/{tool}")
    done = generate(cache, tmp_path / "out", PATH=str(tmp_path / "bin"))
    failed(done, 8, "not installed: debmake, bwrap", "apt install bubblewrap debmake")
    assert "Updating" not in done.stderr


def test_nobody_is_named_as_maintainer(cache: Path, tmp_path: Path) -> None:
    done = generate(cache, tmp_path, "--maintainer", "Jane <x>")
    failed(done, 2, "Jane <x>")


def test_a_broken_recipe(cache: Path, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "recipe.toml").write_text('[[drpo]]\ndistribution = "x"\n')
    done = generate(cache, tmp_path / "out", "--recipes", str(tmp_path))
    failed(done, 10, str(tmp_path / NAME / "recipe.toml"), "did you mean 'drop'?")
    assert not (tmp_path / "out" / "sid").exists() or not any((tmp_path / "out").rglob("*.dsc"))


# --- a made index


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


class Index:
    """An index of sdists on the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self.server.server_port}/simple/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(
        self, name: str, files: dict[str, bytes], *, sha256: str = "", more: tuple[tarfile.TarInfo, ...] = ()
    ) -> None:
        """Publish release 1.0 of ``name`` with ``files`` in its top folder and the members ``more``."""
        stream = io.BytesIO()
        base = {"PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: 1.0\n{SUMMARY}".encode(), **files}
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for path, data in base.items():
                info = tarfile.TarInfo(f"{name}-1.0/{path}")
                info.size, info.mtime = len(data), 1_700_000_000
                archive.addfile(info, io.BytesIO(data))
            for info in more:
                archive.addfile(info)
        data = stream.getvalue()
        page = self.folder / "simple" / name
        page.mkdir(parents=True)
        (page / f"{name}-1.0.tar.gz").write_bytes(data)
        digest = sha256 or hashlib.sha256(data).hexdigest()
        link = f'<a href="{name}-1.0.tar.gz#sha256={digest}">{name}-1.0.tar.gz</a>'
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")


SUMMARY = """\
Summary: thing that is only here for a test
License-Expression: Apache-2.0

This thing is only here for a test, and does nothing at all that anybody could find useful.
"""
GOOD = {"thing.py": b"# Copyright 2020 Jane Doe\n", "pyproject.toml": b"[build-system]\nrequires = ['setuptools']\n"}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "index")
    yield made
    made.server.shutdown()
    made.server.server_close()


def from_index(cache: Path, index: Index, out: Path, name: str = "thing") -> subprocess.CompletedProcess[str]:
    return generate(cache, out, "--index-url", index.url, name=f"{name}==1.0")


def test_the_made_index_works(cache: Path, index: Index, tmp_path: Path) -> None:
    index.add("thing", GOOD)
    done = from_index(cache, index, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    debian = next((tmp_path / "out").rglob("debian"))
    assert "Copyright: 2020 Jane Doe" in (debian / "copyright").read_text()
    assert "00:00:00 +0000" in (debian / "changelog").read_text()  # the day of the suite's index: upstream's is older


def test_a_wrong_hash(cache: Path, index: Index, tmp_path: Path) -> None:
    index.add("thing", GOOD, sha256="0" * 64)
    failed(from_index(cache, index, tmp_path / "out"), 7, "thing-1.0.tar.gz")
    assert not (tmp_path / "out").exists()
    assert not list((cache / "sdists" / ("0" * 64)).rglob("*")), "the file must not stay in the cache"


def test_a_hostile_sdist(cache: Path, index: Index, tmp_path: Path) -> None:
    link = tarfile.TarInfo("thing-1.0/LICENSE")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    index.add("thing", GOOD, more=(link,))
    failed(from_index(cache, index, tmp_path / "out"), 15, "thing-1.0.tar.gz", "/etc/passwd")
    assert not (tmp_path / "out").exists()


def test_an_sdist_of_something_else(cache: Path, index: Index, tmp_path: Path) -> None:
    index.add("thing", {**GOOD, "PKG-INFO": b"Metadata-Version: 2.2\nName: other\nVersion: 1.0\n"})
    failed(from_index(cache, index, tmp_path / "out"), 1, "other 1.0")


def test_an_extension_module(cache: Path, index: Index, tmp_path: Path) -> None:
    setup = b"from setuptools import Extension, setup\nsetup(ext_modules=[Extension('_thing', ['_thing.c'])])\n"
    legacy = {name: data for name, data in GOOD.items() if name != "pyproject.toml"}
    index.add("thing", {**legacy, "setup.py": setup, "_thing.c": b"int x;\n"})
    done = from_index(cache, index, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    control = next((tmp_path / "out").rglob("debian/control")).read_text()
    assert "\nArchitecture: any\n" in control
    assert " python3-all-dev," in control


def test_a_module_in_rust(cache: Path, index: Index, tmp_path: Path) -> None:
    build = b"[build-system]\nrequires = ['maturin>=1']\nbuild-backend = 'maturin'\n"
    crate = b"[package]\nname = 'thing'\nversion = '1.0.0'\n[lib]\ncrate-type = ['cdylib']\n"
    crate += b"[dependencies]\nitoa = '1'\n"
    files = {**GOOD, "pyproject.toml": build, "Cargo.toml": crate, "src/lib.rs": b"fn x() {}\n"}
    index.add("thing", files)
    done = from_index(cache, index, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    control = next((tmp_path / "out").rglob("debian/control")).read_text()
    assert " librust-itoa-1+default-dev," in control
    assert "Static-Built-Using: ${cargo:Static-Built-Using}" in control


def test_a_crate_that_the_suite_lacks(cache: Path, index: Index, tmp_path: Path) -> None:
    build = b"[build-system]\nrequires = ['maturin>=1']\nbuild-backend = 'maturin'\n"
    crate = b"[package]\nname = 'thing'\nversion = '1.0.0'\n[dependencies]\nno-such-crate-anywhere = '3'\n"
    index.add("thing", {**GOOD, "pyproject.toml": build, "Cargo.toml": crate, "src/lib.rs": b"fn x() {}\n"})
    failed(from_index(cache, index, tmp_path / "out"), 18, "no-such-crate-anywhere")


def test_what_the_suite_lacks(cache: Path, index: Index, tmp_path: Path) -> None:
    info = f"Metadata-Version: 2.2\nName: thing\nVersion: 1.0\nRequires-Dist: no-such-thing-anywhere>=3\n{SUMMARY}"
    index.add("thing", {**GOOD, "PKG-INFO": info.encode()})
    failed(from_index(cache, index, tmp_path / "out"), 18, "no-such-thing-anywhere>=3: the suite has no package of it")


def test_a_failure_leaves_the_earlier_result(cache: Path, index: Index, tmp_path: Path) -> None:
    index.add("thing", GOOD)
    done = from_index(cache, index, tmp_path / "out")
    before = contents(Path(done.stdout.strip()).parent)
    (tmp_path / "recipes" / "thing").mkdir(parents=True)
    (tmp_path / "recipes" / "thing" / "recipe.toml").write_text(
        '[[drop]]\ndistribution = "absent"\nreason = "out of date"\n'
    )
    recipes = ("--recipes", str(tmp_path / "recipes"))
    failed(generate(cache, tmp_path / "out", "--index-url", index.url, *recipes, name="thing==1.0"), 10, "absent")
    assert contents(Path(done.stdout.strip()).parent) == before


def left_over(mark: str) -> list[str]:
    """Processes that were started with ``mark`` in their environment and still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_in_the_middle(cache: Path, index: Index, tmp_path: Path, sign: signal.Signals) -> None:
    """The scan of many files takes long; then comes Ctrl-C."""
    index.add("thing", {**GOOD, **{f"thing/{i}.py": b"# Copyright 2020 Jane Doe\n" * 100 for i in range(3000)}})
    mark = uuid.uuid4().hex
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "debgen", "generate", "thing==1.0", "--for", "", "--dist", "sid",
         "--index-url", index.url, "-o", str(tmp_path / "out")],
        env=environment(cache, MARK=mark, TMPDIR=str(scratch)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not any("licensecheck" in line for line in left_over(mark)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1].startswith("debgen: interrupted")
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists() or not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert list(scratch.iterdir()) == []
    time.sleep(0.5)
    assert left_over(mark) == []


# --- the fence around the scanners


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "pkg").mkdir(parents=True)
    (root / "pkg/a.py").write_text("# Copyright 2023-present, the Example Inc. team.\n# SPDX-License-Identifier: MIT\n")
    (root / "pkg/b c.py").write_text(
        "# SPDX-FileCopyrightText: 2020 José Ñandú\n# SPDX-License-Identifier: BSD-3-Clause\n"
    )
    (root / "pkg/plain.py").write_text("x = 1\n")
    return root


def sandboxed(script: str, folder: Path) -> str:
    return run_sandboxed(["sh", "-c", script], folder, run).stdout


def test_the_fence_keeps_the_users_files_away(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Path.home() / f".debgen-test-{uuid.uuid4().hex}"
    monkeypatch.setenv("SECRET", "secret")
    try:
        secret.write_text("secret")
        places = "/home /root /var /etc/shadow /etc/ssl /source"
        script = f"cat {secret} 2>&1; ls {places} 2>&1; env; cat /etc/passwd; ls /tmp /proc 2>&1"
        seen = sandboxed(f"{script}; true", tree)
    finally:
        secret.unlink()
    assert "secret" not in seen.replace(str(secret), "")
    assert "SECRET" not in seen
    assert "pkg" in seen
    for place in (str(secret), "/home", "/root", "/var", "/etc/shadow", "/etc/ssl"):
        assert f"{place}': No such file" in seen or f"{place}: No such file" in seen
    assert sorted(line.split(":")[0] for line in seen.splitlines() if ":x:" in line) == ["nobody", "root"]


def test_the_fence_can_only_write_inside(tree: Path) -> None:
    name = f"debgen-test-{uuid.uuid4().hex}"
    folders = ("/usr", "/usr/bin", "/bin", "/etc", "/tmp", "/dev", "/", str(tree.parent))  # noqa: S108
    script = f"for p in {' '.join(folders)}; do touch $p/{name}; done 2>/dev/null; touch /source/{name}"
    sandboxed(script, tree)
    assert [folder for folder in folders if Path(folder, name).exists()] == []
    assert (tree / name).exists()


def test_the_fence_keeps_the_network_away(tree: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        outside = run(["python3", "-c", program], check=False)
        server.accept()[0].close()
        inside = run_sandboxed(["sh", "-c", f'python3 -c "{program}" 2>&1; true'], tree, run).stdout
        with pytest.raises(TimeoutError):
            server.accept()
    assert outside.returncode == 0
    assert "refused" in inside or "unreachable" in inside


def test_the_real_scanners_in_the_fence(tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "cache"))
    before = sorted(tree.rglob("*"))
    scan = scan_licences(tree, "key")
    found = {file.path: (file.licence, file.copyrights) for file in scan.files}
    assert found["pkg/b c.py"] == ("BSD-3-Clause", ("2020 José Ñandú",))
    assert found["pkg/plain.py"] == ("", ())
    licence, holders = found["pkg/a.py"]
    assert licence == "MIT"
    assert "Example Inc. team" in " ".join(holders)
    assert sorted(tree.rglob("*")) == before  # debmake worked on a copy
    assert scan_licences(tree, "key") == scan
