"""A small package built, checked and installed for real, in real chroots of real suites."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace as with_changes
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from clock import cpu_seconds
from debian.deb822 import Changes

from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.building.autopkgtest import run_tests
from debgen.building.changes import listed_files
from debgen.building.checked import Verdict
from debgen.building.chroots import ChrootStore, Flavour
from debgen.building.lintian import check
from debgen.building.result import BuildResult, Outcome, Severity
from debgen.building.sbuild import build
from debgen.building.scratch import GIB, scratch_base
from debgen.checks import blhc, install, lintian, reproducible, watch
from debgen.checks.all import check_all
from debgen.checks.all import tests_of as exercise_of
from debgen.checks.subject import Subject
from debgen.errors import BuildError, NetworkError, UnknownSuiteError
from debgen.host import check_host
from debgen.run import run
from debgen.workspace import cache_directory

pytestmark = pytest.mark.integration

PACKAGE = Path(__file__).parent / "data" / "hello-tiny"
DEB = "python3-hello-tiny_1.0-1_all.deb"


@pytest.fixture(scope="module")
def mirror() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def store(mirror: MirrorSettings) -> ChrootStore:
    """The user's own chroots: tests make what is missing, and leave it for the next run."""
    return ChrootStore(cache_directory("chroots"), mirror)


def source(folder: Path, distribution: str = "unstable", change: Callable[[Path], object] | None = None) -> Path:
    """The .dsc of the test's package, after ``change`` has been made to its tree."""
    tree = folder / "hello-tiny-1.0"
    shutil.copytree(PACKAGE, tree)
    changelog = tree / "debian/changelog"
    changelog.write_text(changelog.read_text().replace("UNRELEASED", distribution))
    if change:
        change(tree)
    with tarfile.open(folder / "hello-tiny_1.0.orig.tar.gz", "w:gz") as archive:
        archive.add(tree, tree.name, filter=lambda m: None if "/debian" in m.name else m)
    run(["dpkg-source", "--build", tree.name], cwd=folder)
    return folder / "hello-tiny_1.0-1.dsc"


def replace(path: str, old: str, new: str) -> Callable[[Path], object]:
    def change(tree: Path) -> None:
        text = (tree / path).read_text()
        assert old in text
        (tree / path).write_text(text.replace(old, new))

    return change


@pytest.fixture(scope="module", autouse=True)
def scratch_folder() -> Iterator[Path]:
    """Where these tests unpack chroots, so that what other runs leave or use doesn't count."""
    with tempfile.TemporaryDirectory(prefix="debgen-tests-", dir=scratch_base(6 * GIB)) as folder:
        Path(folder).chmod(0o711)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", folder)
            yield Path(folder)


@pytest.fixture(autouse=True)
def nothing_is_left(scratch_folder: Path) -> Iterator[None]:
    yield
    assert list(scratch_folder.iterdir()) == []


@pytest.fixture(scope="module", params=["sid", "trixie"])
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def built(suite: str, store: ChrootStore, tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    folder = tmp_path_factory.mktemp(suite)
    dsc = source(folder, "unstable" if suite == "sid" else suite)
    return build(dsc, store.ensure(suite), folder / "out")


def test_the_package_is_built_with_its_tests(suite: str, built: BuildResult) -> None:
    log = built.log.read_text()
    assert "1 passed" in log
    assert [deb.name for deb in built.debs] == [DEB]
    content = Changes(built.changes.read_text())
    assert content["Distribution"] == ("unstable" if suite == "sid" else suite)
    assert set(content["Architecture"].split()) == {"source", "all"}
    entries: list[dict[str, str]] = list(content["Checksums-Sha256"])
    assert {entry["name"] for entry in entries} == {
        path.name for path in built.changes.parent.iterdir() if path not in (built.changes, built.log)
    }
    for entry in entries:
        data = (built.changes.parent / entry["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_the_suites_own_lintian_sees_source_and_binary(suite: str, built: BuildResult, store: ChrootStore) -> None:
    chroot = store.ensure(suite, Flavour.CHECKS)
    report = check(built.changes, store, chroot)
    inside = store.run_in(chroot, ["dpkg-query", "--show", "--showformat=${Version}", "lintian"]).stdout
    assert inside.startswith(report.version)
    assert report.of(Severity.ERROR) == ()
    tags = {(tag.package, tag.tag) for tag in report.tags}
    assert ("python3-hello-tiny", "no-manual-page") in tags
    assert ("hello-tiny source", "debian-watch-file-is-missing") in tags


@pytest.fixture(scope="module")
def index(suite: str, mirror: MirrorSettings) -> Iterator[SuiteIndex]:
    with open_suite(suite, mirror) as opened:
        yield opened


def test_the_checks_find_nothing_wrong_and_are_not_made_twice(
    built: BuildResult, store: ChrootStore, index: SuiteIndex
) -> None:
    subject = Subject(built, built.changes.parent.parent / "hello-tiny-1.0", store, index)
    kept = built.changes.parent / "checks"
    kept.mkdir()
    wanted = ("install", "autopkgtest", "blhc", "debdiff", "area")
    checks = check_all(subject, wanted, kept=kept, say=lambda text: None)
    verdicts = {check.name: check.verdict for check in checks}
    assert verdicts == {
        "install": Verdict.PASS,
        "autopkgtest": Verdict.PASS,
        "blhc": Verdict.SKIP,
        "debdiff": Verdict.SKIP,
        "area": Verdict.PASS,
    }, checks
    report = exercise_of(checks)
    assert (report.passed, report.tested) == (True, True)
    assert "Hello" in report.log.read_text()
    began = cpu_seconds()
    assert check_all(subject, wanted, kept=kept, say=lambda text: None) == checks
    assert cpu_seconds() - began < 1


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def changes_of(dsc: Path, deb: Path) -> Path:
    """A .changes that lists ``dsc`` and ``deb``, which is copied beside it."""
    if deb.parent != dsc.parent:
        shutil.copy(deb, dsc.parent)
    sources = [dsc.parent / name for name in listed_files(dsc)]
    lines = [f" {md5(f)} {f.stat().st_size} python optional {f.name}" for f in (dsc, *sources, dsc.parent / deb.name)]
    path = dsc.parent / "hello-tiny_1.0-1_amd64.changes"
    path.write_text("Format: 1.8\nSource: hello-tiny\nArchitecture: source all\nFiles:\n" + "\n".join(lines) + "\n")
    return path


def test_failing_and_superficial_tests_are_told_apart(
    tmp_path: Path, built: BuildResult, suite: str, store: ChrootStore
) -> None:
    if suite != "sid":
        pytest.skip("one suite shows it")

    def tests(tree: Path) -> None:
        (tree / "debian/tests/control").write_text(
            "Test-Command: python3 -c 'import hello_tiny'\nDepends: @\nRestrictions: superficial\n"
            "Features: test-name=import\n\n"
            "Test-Command: echo something is broken; false\nDepends: @\nFeatures: test-name=broken\n\n"
            "Test-Command: true\nDepends: @\nRestrictions: isolation-machine\nFeatures: test-name=machine\n"
        )

    changes = changes_of(source(tmp_path, change=tests), built.debs[0])
    found = {test.name: test for test in run_tests(changes, store.ensure(suite, Flavour.CLEAN))}
    assert found["import"].outcome is Outcome.SUPERFICIAL
    assert found["machine"].outcome is Outcome.SKIP
    assert found["broken"].outcome is Outcome.FAIL
    assert "something is broken" in found["broken"].detail


def subject_of(deb: Path, dsc: Path, store: ChrootStore, mirror: MirrorSettings, tree: Path) -> Subject:
    """What checks look at, where nothing was built by sbuild."""
    changes = changes_of(dsc, deb)
    built = BuildResult(changes, dsc, (dsc.parent / deb.name,), dsc, dsc, 0.0)
    return Subject(built, tree, store, open_suite("sid", mirror))


def packed(folder: Path, *, depends: str = "", postinst: str = "") -> Path:
    """A .deb that nothing has built."""
    tree = folder / "deb"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/hello-tiny").mkdir(parents=True)
    (tree / "usr/share/hello-tiny/greeting").write_text("Hello\n")
    (tree / "DEBIAN/control").write_text(
        "Package: python3-hello-tiny\nVersion: 1.0-1\nArchitecture: all\nMaintainer: Test <t@example.org>\n"
        + (f"Depends: {depends}\n" if depends else "")
        + "Description: greeting\n"
    )
    if postinst:
        (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
    run(["dpkg-deb", "--build", "--root-owner-group", tree, folder / DEB])
    return folder / DEB


@pytest.mark.parametrize(
    ("control", "verdict", "told"),
    [
        ({}, Verdict.PASS, ""),
        ({"depends": "python3-no-such-thing (>= 3)"}, Verdict.FAIL, "python3-no-such-thing"),
        ({"postinst": "mkdir -p /var/lib/hello; echo x > /var/lib/hello/left"}, Verdict.FAIL, "/var/lib/hello/left"),
        ({"postinst": "echo no luck >&2; exit 3"}, Verdict.FAIL, "no luck"),
    ],
)
def test_what_does_not_install_or_leaves_things_behind_fails_and_says_why(
    tmp_path: Path, store: ChrootStore, mirror: MirrorSettings, control: dict[str, str], verdict: Verdict, told: str
) -> None:
    (tmp_path / "source").mkdir()
    dsc = source(tmp_path / "source")
    subject = subject_of(packed(tmp_path, **control), dsc, store, mirror, tmp_path)
    with subject.index:
        result = install.check(subject)
    assert result.verdict is verdict, result
    assert told in "\n".join(result.findings)


def test_what_the_archive_rejects_is_told_apart(tmp_path: Path, store: ChrootStore, mirror: MirrorSettings) -> None:
    (tmp_path / "source").mkdir()
    subject = subject_of(packed(tmp_path), source(tmp_path / "source"), store, mirror, tmp_path)
    with subject.index:
        result = lintian.check(subject)
    assert result.verdict is Verdict.FAIL
    rejects = {tag.split(": ")[2].split()[0] for tag in result.details["rejects"]}
    assert "required-field" in rejects  # of the .changes, which is a poor one
    assert "upstream-metadata-file-is-missing" in {tag["tag"] for tag in result.details["tags"]} - rejects
    assert result.findings[0].startswith("the archive rejects: ")


def test_a_compiler_without_its_flags_is_found(
    tmp_path: Path, built: BuildResult, suite: str, store: ChrootStore, index: SuiteIndex
) -> None:
    log = tmp_path / "x.log"
    flags = "-g -O2 -fstack-protector-strong -fcf-protection -Wformat -Werror=format-security"
    log.write_text(
        f"dpkg-buildpackage: info: source package hello-tiny\ndpkg-buildpackage: info: source version 1.0-1\n"
        f"dpkg-buildpackage: info: host architecture {index.architecture}\n debian/rules build\n"
        f"gcc {flags} -Wdate-time -c a.c -o a.o\n"
    )
    tree = built.changes.parent.parent / "hello-tiny-1.0"
    subject = Subject(with_changes(built, log=log, changes=tmp_path / "x.changes"), tree, store, index)
    subject.__dict__["packages"] = tuple(with_changes(deb, architecture="any") for deb in subject.packages)
    result = blhc.check(subject)
    assert result.verdict is Verdict.WARN, result
    assert any("-D_FORTIFY_SOURCE=2" in line for line in result.findings)


def test_uscan_is_asked_for_the_version_that_is_packaged(
    tmp_path: Path, store: ChrootStore, mirror: MirrorSettings
) -> None:
    site = tmp_path / "site"
    site.mkdir()

    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        page = f"http://127.0.0.1:{http.server_address[1]}/"

        def watched(tree: Path) -> None:
            (tree / "debian/watch").write_text(f"version=4\n{page} hello-tiny-(\\d\\S*)\\.tar\\.gz\n")

        (tmp_path / "source").mkdir()
        dsc = source(tmp_path / "source", change=watched)
        tree = tmp_path / "source/hello-tiny-1.0"

        def asked(*releases: str) -> Verdict:
            (site / "index.html").write_text("".join(f'<a href="hello-tiny-{v}.tar.gz">x</a>\n' for v in releases))
            return watch.check(subject).verdict

        subject = subject_of(packed(tmp_path), dsc, store, mirror, tree)
        with subject.index:
            assert asked("0.9", "1.0") is Verdict.PASS
            assert asked("1.0", "2.0") is Verdict.WARN
            assert asked("2.0") is Verdict.FAIL
            assert asked("0.9") is Verdict.FAIL
            http.shutdown()
            http.server_close()
            assert watch.check(subject).verdict is Verdict.SKIP


def test_a_package_that_holds_the_time_of_its_build_is_told_from_one_that_does_not(
    tmp_path: Path, built: BuildResult, suite: str, store: ChrootStore, index: SuiteIndex
) -> None:
    if suite != "sid":
        pytest.skip("one suite shows it")
    rules = "execute_before_dh_auto_build:\n\techo \"WHEN = '$$(date +%s%Z)'\" >> hello_tiny/__init__.py\n\n%:"
    dsc = source(tmp_path, change=replace("debian/rules", "%:", rules))
    first = build(dsc, store.ensure(suite), tmp_path / "out")
    result = reproducible.check(Subject(first, tmp_path, store, index))
    assert result.verdict is Verdict.WARN
    (line,) = [line for line in result.findings if line.startswith("  +WHEN")]
    assert "GMT" in line  # the second build is in another time zone
    assert any("hello_tiny/__init__.py" in line for line in result.findings)
    assert "WHEN" in result.log.read_text() if result.log else False


def test_a_failed_build_names_the_error_the_log_and_the_source(tmp_path: Path, store: ChrootStore) -> None:
    """The test of upstream that fails here is one that wants the network, which no build has."""
    dsc = source(
        tmp_path,
        change=replace(
            "tests/test_hello.py",
            "    assert",
            "    import socket\n    socket.create_connection(('192.0.2.1', 80), timeout=20)\n    assert",
        ),
    )
    with pytest.raises(BuildError) as caught:
        build(dsc, store.ensure("sid"), tmp_path / "out")
    assert "Network is unreachable" in str(caught.value)
    assert "FAILED tests/test_hello.py::test_greeting" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 16
    assert str(dsc) in caught.value.hint
    assert caught.value.log is not None
    assert "Fail-Stage: build" in caught.value.log.read_text()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [caught.value.log.name]


def processes_with(word: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in words and path.parent.name != str(os.getpid()):
            found.append(words)
    return found


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_ends_everything_below_it(
    tmp_path: Path, store: ChrootStore, scratch_folder: Path, sign: signal.Signals
) -> None:
    marker = str(600000 + os.getpid())
    dsc = source(
        tmp_path,
        change=replace("debian/rules", "%:", f"execute_before_dh_auto_build:\n\techo now asleep; sleep {marker}\n\n%:"),
    )
    chroot = store.ensure("sid")
    script = (
        "import sys; from pathlib import Path; from debgen.building.sbuild import build;"
        "from debgen.building.chroots import Chroot, Flavour;"
        "c = Chroot('sid', Flavour.BUILD, sys.argv[3], Path(sys.argv[2]), 0.0, '', (), 1, '', '');"
        "build(Path(sys.argv[1]), c, Path(sys.argv[4]))"
    )
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", script, dsc, chroot.path, chroot.architecture, out])
    try:
        log = out / f"hello-tiny_1.0-1_{chroot.architecture}.build.log"
        deadline = time.monotonic() + 300
        while not (log.is_file() and "\nnow asleep" in log.read_text(errors="replace")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert processes_with(f"sleep {marker}")
    finally:
        process.send_signal(sign)
        process.wait(60)
    deadline = time.monotonic() + 60
    while processes_with(f"sleep {marker}"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert [path.name for path in out.iterdir()] == [log.name]
    # After SIGKILL nobody is left to clean up: the next run does, when sbuild has noticed and ended.
    while sign is signal.SIGKILL and list(scratch_folder.iterdir()):
        assert time.monotonic() < deadline
        store.run_in(store.ensure("sid", Flavour.CLEAN), ["true"])


@pytest.fixture
def secret(scratch_folder: Path) -> Iterator[Path]:
    """A file that everybody on this machine can read."""
    path = scratch_folder / "secret.txt"
    path.write_text("secret")
    path.chmod(0o644)
    yield path
    path.unlink()


def test_inside_a_chroot_nothing_of_the_host_is_to_be_seen(secret: Path, tmp_path: Path, store: ChrootStore) -> None:
    given = tmp_path / "given.txt"
    given.write_text("given")
    chroot = store.ensure("sid", Flavour.BUILD)

    def inside(*argv: str, network: bool = False) -> tuple[int, str]:
        result = store.run_in(chroot, argv, inputs=[given], network=network)
        return result.returncode, result.stdout

    assert inside("cat", "/in/given.txt") == (0, "given")
    assert inside("sh", "-c", "id -u; ls /home; exit 7") == (7, "0\n")
    assert inside("cat", str(secret))[0] != 0
    # The way out of an ordinary chroot, and the one through other processes.
    out_of_it = "mkdir '/x'; opendir(D, '/'); chroot '/x'; chdir D; chdir '..' for 1..50; chroot '.'; "
    assert inside("perl", "-e", out_of_it + f"print -e '{secret}' ? 'out' : 'in'") == (0, "in")
    assert inside("sh", "-c", f"cat /proc/[0-9]*/root{secret} /proc/[0-9]*/cwd{secret} 2>/dev/null")[1] == ""
    # Writing what only the real root may.
    assert inside("sh", "-c", "echo h > /proc/sysrq-trigger")[0] != 0
    # Without network there is no way out, with it there is one to the mirror.
    assert (
        inside(
            "perl",
            "-MSocket",
            "-e",
            "socket(S, PF_INET, SOCK_STREAM, 0); exit !connect(S, pack_sockaddr_in(80, inet_aton('192.0.2.1')))",
        )[0]
        != 0
    )
    assert inside("sh", "-c", "grep -c : /proc/net/dev")[1].strip() == "1"
    assert inside("apt-get", "update", "--error-on=any", network=True)[0] == 0


def test_chroots_are_made_once_and_made_anew(tmp_path: Path, mirror: MirrorSettings) -> None:
    now = [time.time()]
    store = ChrootStore(tmp_path / "chroots", mirror, clock=lambda: now[0])
    first = store.ensure("sid", Flavour.CLEAN)
    assert store.ensure("sid", Flavour.CLEAN) == first
    assert first.packages > 40
    sources = store.run_in(
        first, ["sh", "-c", "cat /etc/apt/sources.list /etc/apt/sources.list.d/*; apt-config dump"]
    ).stdout
    assert f"deb {mirror.uri} sid main" in sources
    assert 'Acquire::Check-Valid-Until "false"' in sources
    now[0] += 8 * 86400
    second = store.ensure("sid", Flavour.CLEAN)
    assert second.made > first.made
    assert second.packages_hash == first.packages_hash  # the same archive gives the same chroot


def test_a_suite_that_is_not_there_leaves_nothing(tmp_path: Path, mirror: MirrorSettings) -> None:
    store = ChrootStore(tmp_path / "chroots", mirror)
    with pytest.raises(UnknownSuiteError, match="nosuch"):
        store.create("nosuch")
    assert [p.name for p in (tmp_path / "chroots").iterdir() if not p.name.endswith(".lock")] == []


def test_a_mirror_that_is_not_there_is_told_from_a_missing_suite(tmp_path: Path, mirror: MirrorSettings) -> None:
    store = ChrootStore(tmp_path / "chroots", with_changes(mirror, uri="http://127.0.0.1:9/debian", acquire=()))
    with pytest.raises(NetworkError):
        store.create("sid")


def test_the_doctor_finds_this_machine_fit() -> None:
    checks = check_host(cache_directory("chroots"))
    assert [check for check in checks if not check.ok] == []
