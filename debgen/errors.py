"""One error tree; each leaf is one meaning with one exit code.

Code below the command line raises these and never exits. ``debgen.cli`` prints ``str(error)`` and the hint
on stderr and exits with ``exit_code``. The table of codes in README.md is checked against this module by a
test.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar


class DebgenError(Exception):
    """Base of every failure a user can meet; ``hint`` says what to do next, and may be empty."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(DebgenError):
    """An argument or a setting that makes no sense."""

    exit_code = 2


class UnknownDistributionError(DebgenError):
    """The index has no such distribution, or no such release of it."""

    exit_code = 3


class NoSdistError(DebgenError):
    """The release exists but has no source distribution, so there is nothing to package from."""

    exit_code = 4


class UnknownSuiteError(DebgenError):
    """The mirror has no such suite."""

    exit_code = 5


class NetworkError(DebgenError):
    """The package index or the Debian mirror can't be reached, or answers with a failure."""

    exit_code = 6


class IntegrityError(DebgenError):
    """A hash or a signature doesn't match, or a Release file has expired."""

    exit_code = 7


class MissingToolError(DebgenError):
    """A program that debgen needs isn't installed on this machine."""

    exit_code = 8


class BuildError(DebgenError):
    """The package did not build; the log is kept at ``log``."""

    exit_code = 9

    def __init__(self, message: str, *, hint: str = "", log: Path | None = None) -> None:
        super().__init__(message, hint=hint)
        self.log = log


class RecipeError(DebgenError):
    """A recipe can't be read, has an unknown key, or says something that no longer applies."""

    exit_code = 10


class ResolutionError(DebgenError):
    """No set of releases satisfies the requirements."""

    exit_code = 11


class CheckError(DebgenError):
    """The package built, but lintian or its own tests found something."""

    exit_code = 12


class WorkspaceError(DebgenError):
    """The disk is full, a directory can't be written, or another run holds it."""

    exit_code = 13


class ChrootError(DebgenError):
    """A chroot can't be made, refreshed or entered."""

    exit_code = 14


class HostileArchiveError(DebgenError):
    """An upstream archive is malformed, or would write outside its directory, or is absurdly large."""

    exit_code = 15


class UnsupportedSourceError(DebgenError):
    """The source needs something this version of debgen can't package."""

    exit_code = 16


class CommandError(DebgenError):
    """A program failed in a way that no caller gave a meaning to; a caller that can, raises its own error."""

    exit_code = 17

    def __init__(self, message: str, *, hint: str = "", returncode: int, output: str) -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode
        self.output = output


class BlockedError(DebgenError):
    """The suite lacks what the package needs, or a question is open that only a human can answer."""

    exit_code = 18


class DriftError(DebgenError):
    """A saved plan no longer holds, or what is installed does not fit together."""

    exit_code = 19


class PatchError(DebgenError):
    """Patches no longer apply to the source; the message names them and what of them failed."""

    exit_code = 20


CONFLICTS = 21
"""Exit code of an update after which something stands as the human had it, and should be looked at."""
INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as shells have it."""
