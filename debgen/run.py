"""The one place that starts processes.

Argument lists only, standard input closed unless given, output captured or written to a log, and the child's
process group ended when debgen is interrupted. Functions that need a program take a :class:`Runner`, so that
tests can pass a fake; :func:`run` is the real one.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from debgen.errors import CommandError, MissingToolError, WorkspaceError

#: Debian package that ships a program, where the two differ in name.
PACKAGE_OF_TOOL = {
    "apt-get": "apt",
    "apt-cache": "apt",
    "apt-ftparchive": "apt-utils",
    "apt-config": "apt",
    "apt-helper": "apt",
    "dpkg-source": "dpkg-dev",
    "dpkg-genchanges": "dpkg-dev",
    "dpkg-parsechangelog": "dpkg-dev",
    "bwrap": "bubblewrap",
    "dot": "graphviz",
    "newuidmap": "uidmap",
    "uscan": "devscripts",
    "unshare": "util-linux",
}


#: What runs now, in whatever thread, and whether all of it shall end.
_running: set[subprocess.Popen[str]] = set()
_ending = threading.Event()


@dataclass(frozen=True)
class Completed:
    """What a finished program left behind; ``stdout`` is empty where the output went to a log."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Call signature of :func:`run`."""

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed: ...


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    check: bool = True,
) -> Completed:
    """Run ``argv`` to its end.

    ``env`` is added to the environment of this process. With ``log`` or ``on_line``, stdout and stderr are
    merged, written to the file ``log`` as they come, and each line (without its newline) is passed to
    ``on_line``; otherwise they are captured apart.

    Raises MissingToolError where the program isn't installed, and CommandError (unless ``check`` is false)
    where it exits with anything but 0 (WorkspaceError where it says that the disk is full).
    """
    if _ending.is_set():
        raise KeyboardInterrupt
    words = [os.fspath(a) for a in argv]
    merged = log is not None or on_line is not None
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError as error:
        if error.filename != words[0]:  # the working directory is gone, not the program
            raise
        raise missing_tool(words[0]) from None
    _running.add(process)
    try:
        if _ending.is_set():  # it began between the question above and here
            raise KeyboardInterrupt
        if merged:
            stdout, stderr = _stream(process, stdin, log, on_line), ""
        else:
            stdout, stderr = process.communicate(stdin)
    except BaseException:
        end_group(process)
        raise
    finally:
        _running.discard(process)
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    if _ending.is_set():
        raise KeyboardInterrupt
    result = Completed(tuple(words), process.wait(), stdout if not merged else "", stderr)
    if check and result.returncode != 0:
        output = stdout if merged else (stderr.strip() or stdout)
        if os.strerror(errno.ENOSPC) in output:
            raise WorkspaceError(
                f"the disk is full: {Path(words[0]).name} could not write what it makes",
                hint="Free some space, or put the cache elsewhere with DEBGEN_CACHE, and run the command again.",
            )
        raise CommandError(
            f"{Path(words[0]).name} failed with exit code {result.returncode}: {shlex.join(words)}\n"
            + _last_lines(output, 15),
            hint=f"The whole output is in {log}." if log else "",
            returncode=result.returncode,
            output=output,
        )
    return result


def end_everything() -> None:
    """Ask all that runs to end, and start nothing more: threads that wait for a program are not interrupted else.

    For a signal handler, which raises KeyboardInterrupt afterwards.
    """
    _ending.set()
    for process in tuple(_running):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGINT)


def ending() -> bool:
    """Whether all shall end: for what waits for something else than a program."""
    return _ending.is_set()


def missing_tool(tool: str) -> MissingToolError:
    """The error for a program that isn't there, naming the Debian package that has it."""
    name = Path(tool).name
    package = PACKAGE_OF_TOOL.get(name, name)
    return MissingToolError(
        f"{name} is not installed", hint=f"Run: apt install {package}   (`debgen doctor` checks everything)"
    )


def require_tools(*tools: str) -> None:
    """Raise MissingToolError naming every one of ``tools`` that isn't installed, before any work is begun."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        packages = sorted({PACKAGE_OF_TOOL.get(tool, tool) for tool in missing})
        raise MissingToolError(
            f"not installed: {', '.join(missing)}",
            hint=f"Run: apt install {' '.join(packages)}   (`debgen doctor` checks everything)",
        )


def end_group(process: subprocess.Popen[str]) -> None:
    """End a child started in its own session, with all its children: first politely, then not."""
    for sign, patience in ((signal.SIGINT, 10.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 2.0)):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=patience)
            # What a shell puts in the background ignores SIGINT, and outlives the shell.
            if _group_is_gone(process.pid, patience=2.0):
                return
    process.wait()


def _group_is_gone(group: int, *, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return True
        time.sleep(0.02)
    return False


def _stream(
    process: subprocess.Popen[str],
    stdin: str | None,
    log: Path | None,
    on_line: Callable[[str], None] | None,
) -> str:
    """Copy the child's output line by line; return its last 200 lines for error messages."""
    assert process.stdout is not None  # noqa: S101 - for the type checker; Popen was given a pipe
    if stdin is not None and process.stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
    tail: list[str] = []
    sink = log.open("w", encoding="utf-8") if log else None
    try:
        for line in process.stdout:
            if sink:
                sink.write(line)
                sink.flush()
            tail.append(line)
            del tail[:-200]
            if on_line:
                on_line(line.rstrip("\n"))
    finally:
        if sink:
            sink.close()
    return "".join(tail)


def _last_lines(text: str, count: int) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])
