"""What goes wrong for users of plan, why, matrix, envs, inspect and check: a message, the right code, nothing left."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

VERBS = {
    "plan": ("plan", "{}", "--quick"),
    "why": ("why", "click", "--for", "{}", "--quick"),
    "matrix": ("matrix", "{}"),
    "envs": ("envs", "create", "{}"),
}
#: Nothing listens there.
DEAD = "http://127.0.0.1:9"


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    (tmp_path / "tmp").mkdir(exist_ok=True)
    return {
        **os.environ, "DEBGEN_IGNORE_VALID_UNTIL": "1", "DEBGEN_VARIANT": "cpu", "DEBGEN_DATA": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path / "tmp"), **more,
    }  # fmt: skip


def debgen(tmp_path: Path, *args: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "debgen", *map(str, args)],
        env=environment(tmp_path, **more), capture_output=True, text=True, check=False,
    )  # fmt: skip


def fails(done: subprocess.CompletedProcess[str], code: int, *told: str) -> None:
    """It ended with ``code``, a message that says all of ``told``, and nothing on stdout."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    for part in told:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def nothing_left(tmp_path: Path) -> None:
    assert [path.name for path in (tmp_path / "tmp").iterdir() if path.name.startswith("debgen")] == []
    assert [path for path in (tmp_path / "data").rglob("*") if path.name.endswith((".json", ".lock"))] == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_the_index_does_not_have(tmp_path: Path, verb: str) -> None:
    words = [word.format("no-such-distribution-anywhere") for word in VERBS[verb]]
    fails(debgen(tmp_path, *words), 3, "has no distribution named no-such-distribution-anywhere", "spelling")
    nothing_left(tmp_path)


@pytest.mark.parametrize("verb", VERBS)
def test_suites_and_variants_that_there_are_not(tmp_path: Path, verb: str) -> None:
    words = [word.format("click") for word in VERBS[verb]]
    fails(debgen(tmp_path, *words, "--variant", "tpu"), 2, "there is no variant 'tpu'", "cpu, cuda, rocm")
    fails(debgen(tmp_path, *words, "--dist", "../sid"), 5, "../sid")
    nothing_left(tmp_path)


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(text)
    return folder.parent


@pytest.mark.parametrize("verb", VERBS)
def test_broken_recipes(tmp_path: Path, verb: str) -> None:
    words = [word.format("click") for word in VERBS[verb]]
    broken = write(tmp_path / "broken" / "other", "[variant.cpu]\nrelaxx = []\n")
    fails(debgen(tmp_path, *words, "--recipes", broken), 10, str(broken), "variant.cpu.relaxx", "did you mean 'relax'?")
    fails(debgen(tmp_path, *words, "--recipes", tmp_path / "missing"), 10, str(tmp_path / "missing"))
    nothing_left(tmp_path)


@pytest.mark.parametrize("verb", VERBS)
def test_an_index_that_does_not_answer(tmp_path: Path, verb: str) -> None:
    words = [word.format("click") for word in VERBS[verb]]
    fails(debgen(tmp_path, *words, "--index-url", f"{DEAD}/simple/"), 6, "can't fetch from 127.0.0.1", "index URL")
    nothing_left(tmp_path)


@pytest.mark.parametrize("verb", ["plan", "matrix", "envs"])
def test_a_mirror_that_does_not_answer(tmp_path: Path, verb: str) -> None:
    words = [word.format("click") for word in VERBS[verb]]
    done = debgen(tmp_path, *words, "--mirror", f"{DEAD}/debian", DEBGEN_CACHE=str(tmp_path / "cache"))
    fails(done, 6, f"the mirror {DEAD}/debian can't be reached", "--mirror")
    assert not list((tmp_path / "cache").rglob("index.sqlite"))


@pytest.mark.parametrize("verb", ["plan", "matrix"])
def test_a_full_disk(tmp_path: Path, verb: str) -> None:
    full = tmp_path / "full"
    full.mkdir()
    script = f"mount -t tmpfs -o size=64k debgen-test {full} && exec {sys.executable} -m debgen {verb} click"
    # Root needs no user namespace to mount, and in one apt couldn't become the user that it downloads as.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", script],
        env=environment(tmp_path, DEBGEN_CACHE=str(full)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    fails(done, 13, "the disk is full", "Free some space")


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for option in ("--save", "--html"):
        done = debgen(tmp_path, "plan", "click==8.1.8", "--quick", option, tmp_path / "file" / "plan")
        fails(done, 13, "can't write")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "tmp"]


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    script = f"{sys.executable} -m debgen plan click==8.1.8 --quick --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert int(done.stdout) in (0, 1)
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


# --- interruptions


class Slow(ThreadingHTTPServer):
    """An index with two releases of "app", which ask for something whose page never comes."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reached = threading.Event()
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Slow

    def do_GET(self) -> None:
        match self.path.strip("/").split("/"):
            case ["simple", "app"]:
                files = [
                    {"filename": name, "url": f"/files/{name}", "hashes": {}, "core-metadata": name.endswith(".whl")}
                    for version in ("1.0", "2.0")
                    for name in (f"app-{version}-py3-none-any.whl", f"app-{version}.tar.gz")
                ]
                self._answer(json.dumps({"meta": {"api-version": "1.0"}, "name": "app", "files": files}).encode())
            case ["files", name] if name.endswith(".metadata"):
                version = name.split("-")[1]
                self._answer(f"Metadata-Version: 2.1\nName: app\nVersion: {version}\nRequires-Dist: slow\n".encode())
            case ["simple", "slow"]:
                self.server.reached.set()
                self.server.over.wait(60)
            case _:
                self.send_error(404)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Say nothing."""


@pytest.fixture
def slow() -> Iterator[Slow]:
    server = Slow()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def descendants(pid: int) -> set[int]:
    """The processes that ``pid`` has started, and those that they have."""
    rows = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = [tuple(map(int, row.split())) for row in rows]
    found = {pid}
    while more := {child for child, parent in pairs if parent in found} - found:
        found |= more
    return found - {pid}


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie, which is for its parent to bury: here whoever adopts orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (("plan", "app"), signal.SIGINT),
        (("plan", "app"), signal.SIGTERM),
        (("envs", "create", "app==1.0"), signal.SIGINT),
        (("matrix", "app"), signal.SIGINT),
    ],
    ids=["plan-int", "plan-term", "envs", "matrix"],
)
def test_an_interruption_ends_everything_soon(
    tmp_path: Path, slow: Slow, words: tuple[str, ...], number: signal.Signals
) -> None:
    index = f"http://127.0.0.1:{slow.server_address[1]}/simple/"
    process = subprocess.Popen(
        [sys.executable, "-m", "debgen", *words, "--index-url", index],
        env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert slow.reached.wait(120)
        children = descendants(process.pid)
        assert children  # uv, which waits for the page
        began = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert time.monotonic() - began < 10
    assert (process.returncode, out) == (130, "")
    assert err.endswith("debgen: interrupted; nothing half-written is left behind\n")
    assert "Traceback" not in err
    assert not [pid for pid in children if runs(pid)]
    nothing_left(tmp_path)


# --- sources


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "notes.tar.gz").write_text("no archive")
    fails(debgen(tmp_path, "inspect", tmp_path / "missing"), 2, "doesn't exist")
    fails(debgen(tmp_path, "inspect", tmp_path / "notes.tar.gz"), 15, "notes.tar.gz is not a sound archive")
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("evil-1/../../escaped")
        archive.addfile(member, io.BytesIO())
    fails(debgen(tmp_path, "inspect", tmp_path / "evil.tar.gz"), 15, "would leave its folder")
    assert not (tmp_path.parent / "escaped").exists()
    fails(debgen(tmp_path, "inspect", "click==99"), 3, "click has no release 99")
    nothing_left(tmp_path)


def test_saved_plans_that_are_none(tmp_path: Path) -> None:
    for name, text in (("other", '{"schema": 99}'), ("cut", '{"schema": 2')):
        (tmp_path / name).write_text(text)
        fails(debgen(tmp_path, "check", tmp_path / name), 2, str(tmp_path / name), "debgen plan")
    fails(debgen(tmp_path, "check", tmp_path / "missing"), 2, "can't read")
    fails(debgen(tmp_path, "check", "--python", tmp_path), 2, str(tmp_path))


# --- two at once


def test_two_comparisons_at_once_keep_what_both_have_planned(tmp_path: Path) -> None:
    recipes = write(tmp_path / "recipes" / "something-else", "")  # a state of recipes that nothing is kept for
    words = ["matrix", "click", "--recipes", str(recipes), "--json", "--versions"]
    ranges = [">=8.1,<8.1.4", ">=8.1.4,<8.1.8"]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "debgen", *words, versions],
            env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for versions in ranges
    ]  # fmt: skip
    answers = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    alone = [{c["release"]: c for c in json.loads(out)["fits"][0]["cells"]} for out, _ in answers]
    both = debgen(tmp_path, *words, ">=8.1,<8.1.8")
    assert {c["release"]: c for c in json.loads(both.stdout)["fits"][0]["cells"]} == alone[0] | alone[1]
    assert "releases planned" not in both.stderr
