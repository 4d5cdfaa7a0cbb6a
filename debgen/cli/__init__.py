"""The command line: one module per verb, errors as one message on stderr, and an exit code per meaning."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

from debgen import __version__
from debgen.errors import INTERRUPTED, BuildError, DebgenError, WorkspaceError
from debgen.run import end_everything
from debgen.workspace import cache_directory

_DESCRIPTION = """\
Turn a Python project and its dependency tree into Debian packages.

  debgen plan vllm --dist sid              what of vLLM's tree sid has, and what has to be packaged
  debgen why click                         who asks for click there, and which requirement decides
  debgen matrix vllm --dist sid,trixie     which release fits which suite best
  debgen check plan.json                   what has changed since a plan was saved
  debgen inspect vllm==0.27.1              what a source tree is, without running it
  debgen generate huggingface-hub          write a source package with a complete debian/
  debgen build huggingface-hub --dist sid  build, check with lintian, install and test it in clean chroots
  debgen review huggingface-hub            the dossier for whoever sponsors it: why each line is there, what is left
  debgen update huggingface-hub            move your package to another release, with all that you changed
  debgen itp lm-format-enforcer            the mail that announces a new package to Debian
  debgen repo serve --dist sid             let apt on another machine install what was built
"""
_EPILOG = """\
The Debian mirror is the one in this machine's apt configuration, the package index the one that uv or pip are
configured with. Results go to stdout, narration to stderr. Exit codes are listed in README.md.
"""


#: Each has a module of its own here, with ``add_parser`` and ``run_verb``.
VERBS = (
    "plan",
    "why",
    "matrix",
    "check",
    "envs",
    "inspect",
    "generate",
    "build",
    "review",
    "update",
    "itp",
    "repo",
    "chroot",
    "doctor",
)


def parser(verb: str = "") -> argparse.ArgumentParser:
    """The parser of one verb, since reading what all of them need takes half a second; of all where it isn't one."""
    top = argparse.ArgumentParser(
        prog="debgen", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"debgen {__version__}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name in (verb,) if verb in VERBS else VERBS:
        import_module(f"{__name__}.{name}").add_parser(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; every failure becomes a message and an exit code here, and nowhere else."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as above
    words = sys.argv[1:] if argv is None else argv
    args = parser(next(iter(words), "")).parse_args(words)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _terminated)
    try:
        code = args.func(args)
        sys.stdout.flush()
        return int(code)
    except DebgenError as error:
        _report(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("debgen: interrupted; nothing half-written is left behind", file=sys.stderr)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the reader of stdout left; rich makes a SystemExit of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "Free some space and run the command again." if full else "Check the path and its permissions."
        _report(WorkspaceError(f"{error.strerror or error}: {error.filename or 'the disk'}", hint=hint))
        return WorkspaceError.exit_code
    except Exception:
        log = cache_directory("crashes") / f"{os.getpid()}.txt"
        log.write_text(traceback.format_exc(), encoding="utf-8")
        print(f"debgen: internal error, which is a bug; please report it with {log}", file=sys.stderr)
        return 1


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    end_everything()
    raise KeyboardInterrupt


def _report(error: DebgenError) -> None:
    print(f"debgen: {error}", file=sys.stderr)
    if isinstance(error, BuildError) and error.log and str(error.log) not in str(error) + error.hint:
        print(f"Log: {error.log}", file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)
