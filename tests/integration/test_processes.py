"""The one spawner, with real processes: output, failures, and what is left of them after an interruption."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from debgen.errors import CommandError, MissingToolError, WorkspaceError
from debgen.run import run

pytestmark = pytest.mark.integration


def test_output_and_input(tmp_path: Path) -> None:
    done = run(["sh", "-c", "cat; echo err >&2; pwd; echo $WORD"], stdin="in\n", cwd=tmp_path, env={"WORD": "é"})
    assert (done.stdout, done.stderr, done.returncode) == (f"in\n{tmp_path}\né\n", "err\n", 0)
    assert run(["cat"]).stdout == ""  # standard input is closed, never the user's
    assert run(["printf", r"\377"]).stdout == "\ufffd"


def test_arguments_are_no_shell() -> None:
    assert run(["printf", "%s", "$(id) ; `id` > x"]).stdout == "$(id) ; `id` > x"


def test_failures(tmp_path: Path) -> None:
    script = "for i in $(seq 50); do echo line $i >&2; done; exit 3"
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", script])
    assert caught.value.returncode == 3
    assert "sh failed with exit code 3" in str(caught.value)
    assert "line 50" in str(caught.value)
    assert "line 35\n" not in str(caught.value)  # the last lines, not all
    assert "line 1\n" in caught.value.output
    assert run(["sh", "-c", "exit 3"], check=False).returncode == 3
    with pytest.raises(MissingToolError):
        run(["debgen-no-such-program"])
    with pytest.raises(FileNotFoundError):
        run(["true"], cwd=tmp_path / "absent")  # the program is there


def test_logs_grow_while_the_program_runs(tmp_path: Path) -> None:
    log, seen = tmp_path / "log", []

    def on_line(line: str) -> None:
        seen.append((line, log.read_text()))

    done = run(["sh", "-c", "echo one; echo two >&2; printf three"], log=log, on_line=on_line)
    assert seen == [("one", "one\n"), ("two", "one\ntwo\n"), ("three", "one\ntwo\nthree")]
    assert done.stdout == ""
    with pytest.raises(CommandError) as caught:
        run(["sh", "-c", "echo last words; exit 1"], log=log)
    assert "last words" in str(caught.value)
    assert str(log) in caught.value.hint


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("logged", [True, False])
def test_an_interruption_ends_the_children_too(tmp_path: Path, logged: bool) -> None:
    pids = tmp_path / "pids"

    def interrupt() -> None:
        while not pids.exists() or len(pids.read_text().split()) < 2:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    script = f"sleep 60 & echo $! >> {pids}; echo $$ >> {pids}; wait"
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", script], log=tmp_path / "log" if logged else None)
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_an_error_while_reading_output_ends_the_program(tmp_path: Path) -> None:
    def on_line(line: str) -> None:
        (tmp_path / "pid").write_text(line)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        run(["sh", "-c", "echo $$; exec sleep 60"], on_line=on_line)
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_program_that_finds_the_disk_full() -> None:
    with pytest.raises(WorkspaceError, match="the disk is full: sh could"):
        run(["sh", "-c", "exec cat /proc/version > /dev/full"])
