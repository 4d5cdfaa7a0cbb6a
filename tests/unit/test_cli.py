"""Errors at the command line: one message, one exit code, no traceback."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import pytest

from debgen import __version__, errors
from debgen.cli import main, plan
from debgen.errors import BuildError, CommandError, DebgenError, UsageError
from debgen.narrate import say

Outcome = Callable[[BaseException | int], tuple[int, str, str]]


def leaves() -> list[type[DebgenError]]:
    return [kind for kind in DebgenError.__subclasses__() if kind.__module__ == errors.__name__]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Outcome:
    """Run a verb that raises or returns what is given; exit code, stdout, stderr."""

    def run(thing: BaseException | int) -> tuple[int, str, str]:
        def verb(args: argparse.Namespace) -> int:
            if isinstance(thing, BaseException):
                raise thing
            return thing

        monkeypatch.setattr(plan, "run_verb", verb)
        code = main(["plan", "x"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_success(outcome: Outcome) -> None:
    assert outcome(0) == (0, "", "")


def test_exit_codes_are_all_different() -> None:
    codes = [kind.exit_code for kind in leaves()] + [errors.INTERRUPTED]
    assert len(set(codes)) == len(codes)
    assert all(2 <= code <= 125 for code in codes[:-1])


@pytest.mark.parametrize("kind", leaves(), ids=lambda kind: kind.__name__)
def test_every_error_is_a_message_a_hint_and_a_code(outcome: Outcome, kind: type[DebgenError]) -> None:
    more = {"returncode": 3, "output": ""} if issubclass(kind, CommandError) else {}
    code, out, err = outcome(kind("what went wrong", hint="what to do", **more))
    assert (code, out, err) == (kind.exit_code, "", "debgen: what went wrong\nwhat to do\n")


def test_the_log_of_a_failed_build_is_named_once(outcome: Outcome) -> None:
    log = Path("/var/log/x")
    assert outcome(BuildError("no", log=log))[2] == "debgen: no\nLog: /var/log/x\n"
    assert outcome(BuildError("no", log=log, hint="see /var/log/x"))[2].count("/var/log/x") == 1


def test_interrupted(outcome: Outcome) -> None:
    code, out, err = outcome(KeyboardInterrupt())
    assert (code, out) == (130, "")
    assert err.startswith("debgen: interrupted")
    assert "Traceback" not in err


def test_a_termination_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def verb(args: argparse.Namespace) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 1)
        return 0

    monkeypatch.setattr(plan, "run_verb", verb)
    assert main(["plan", "x"]) == 130


def test_a_full_disk(outcome: Outcome) -> None:
    code, _, err = outcome(OSError(28, "No space left on device", "/x"))
    assert (code, "No space left on device: /x" in err) == (13, True)


def test_a_bug_keeps_its_traceback_in_a_file(outcome: Outcome) -> None:
    code, _, err = outcome(ZeroDivisionError("oops"))
    assert code == 1
    assert "Traceback" not in err
    log = Path(err.split()[-1])
    assert "ZeroDivisionError: oops" in log.read_text()


def test_a_reader_that_left(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "dup2", lambda a, b: moved.append((a, b)))
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 99, raising=False)
    assert outcome(BrokenPipeError()) == (1, "", "")
    assert moved[0][1] == 99


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["plan"],
        ["plan", "x", "--nonsense"],
        ["generate", "x", "--itp", "many"],
        ["build", "x", "--itp", "0"],
        ["chroot"],
        ["chroot", "create"],
        ["plan", "x", "--json", "--dot"],
        ["why"],
        ["matrix"],
        ["check", "x", "--ignore", "nonsense"],
        ["check", "--installed", "--python", "x"],
        ["envs"],
        ["envs", "create"],
        ["envs", "remove"],
        ["inspect"],
    ],
)
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == UsageError.exit_code
    assert "usage: debgen" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["check"], "nothing to check"),
        (["check", "plan.json", "--installed"], "at once"),
        (["check", "--installed", "--imports"], "saved plans"),
        (["check", "/nonexistent/plan.json"], "/nonexistent/plan.json"),
        (["matrix", "x", "--versions", "newest"], "'newest'"),
        (["matrix", "x", "--variant", "cpu,tpu"], "'tpu'"),
        (["envs", "create", "1.0", "--python", "3.12"], "--install"),
        (["envs", "info", "1.0"], "no environment"),
        (["inspect", "./nonexistent"], "./nonexistent"),
        (["build", "x", "--checks", ","], "names no check"),
        (["build", "x", "--checks", "lintain"], "lintain"),
        (["build", "x", "--jobs", "-1"], "--jobs -1"),
        (["build", "x", "y", "--git", "./g"], "--git is about one package"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_told_before_anything_is_done(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEBGEN_DATA", str(tmp_path))
    assert main(argv) == UsageError.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err.splitlines()[0]
    assert len(err.splitlines()) > 1  # what to do


@pytest.mark.parametrize(
    "verb", ["plan", "why", "matrix", "check", "envs", "inspect", "generate", "build", "chroot", "doctor"]
)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], [verb, "--help"]):
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 0
        assert verb in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"debgen {__version__}\n"


def test_a_closed_stderr_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "run_verb", lambda args: say("told to nobody") or 0)  # type: ignore[func-returns-value]
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["plan", "x"]) == 0
    cast(IO[str], sys.stderr).close()
