"""A real environment of a lock: uv installs wheels into it. Nothing of upstream is built or run.

uv asks the new environment's Python about itself while it is still empty; afterwards nothing starts it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import uv

from debgen.errors import DebgenError, IntegrityError, MissingToolError, NetworkError, ResolutionError, WorkspaceError
from debgen.narrate import say
from debgen.run import Completed, Runner, run
from debgen.upstream.configuration import IndexSettings
from debgen.workspace import cache_directory

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s\\]+)", re.MULTILINE)
_NO_WHEEL = re.compile(r"no wheels?|building source distributions is disabled|no source distribution", re.IGNORECASE)
_LINES = 20


class Installer:
    """uv with the machine's index and without the user's own settings for it."""

    def __init__(self, settings: IndexSettings, run: Runner = run) -> None:
        self._settings = settings
        self._run = run

    def python(self, wanted: str, series: str) -> tuple[str, str]:
        """The interpreter to use and its version: ``wanted``, else one of ``series``, else the one debgen runs on.

        ``wanted`` is a version or a path, as uv takes it. MissingToolError where it isn't there.
        """
        found = self._find(wanted or series)
        if not found and wanted:
            raise MissingToolError(
                f"there is no Python {wanted} on this machine", hint="Name another one with --python, or install it."
            )
        chosen = found or sys.executable
        return chosen, self._find(chosen, "--show-version")

    def _find(self, python: str, *options: str) -> str:
        done = self._uv("python", "find", "--no-project", *options, python, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def relock(self, requirement: str, lock: Path, python: str, overrides: Collection[str] = ()) -> str:
        """The lock of ``requirement`` for another Python, near ``lock`` where that is possible.

        ``overrides`` are requirements that count instead of what any release says of the same distribution.
        ResolutionError where no wheels fit, NetworkError where uv can't reach the index.
        """
        work = lock.with_suffix(".new")
        work.write_text(lock.read_text(encoding="utf-8"), encoding="utf-8")
        instead = lock.with_suffix(".overrides")
        instead.write_text("".join(f"{line}\n" for line in overrides), encoding="utf-8")
        try:
            done = self._uv(
                *("pip", "compile", "-", "--quiet", "--no-build", "--generate-hashes", "--no-header", "--no-annotate"),
                *("--python", python, "--output-file", work, "--override", instead),
                stdin=f"{requirement}\n",
                check=False,
            )
            if done.returncode != 0:
                raise _failure(f"the wheels of {requirement}", done)
            return work.read_text(encoding="utf-8")
        finally:
            work.unlink(missing_ok=True)
            instead.unlink(missing_ok=True)

    def install(self, lock: Path, target: Path, python: str) -> None:
        """Make the environment ``target`` with what ``lock`` names; it may be moved afterwards.

        ResolutionError where a release has no wheel for that Python, NetworkError where uv can't fetch one.
        """
        self._uv("venv", "--quiet", "--no-project", "--relocatable", "--python", python, target)
        done = self._uv(
            *("pip", "install", "--quiet", "--no-build", "--no-deps", "--require-hashes", "--no-compile-bytecode"),
            *("--python", target / "bin/python", "--requirement", lock),
            check=False,
        )
        if done.returncode != 0:
            raise _failure("the environment", done)

    def _uv(self, *argv: str | Path, stdin: str | None = None, check: bool = True) -> Completed:
        own = {
            # In the environment, so that the password is not among the arguments, which every user can read.
            "UV_DEFAULT_INDEX": _with_credentials(self._settings),
            "UV_CACHE_DIR": str(cache_directory("uv")),
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if self._settings.ca_file:
            own["SSL_CERT_FILE"] = self._settings.ca_file
        else:
            own |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}  # the latter is the older name
        foreign = [f"--unset={name}" for name in sorted(os.environ) if name.startswith("UV_") and name not in own]
        command = ["env", *foreign, uv.find_uv_bin(), "--no-config", "--color", "never", "--no-progress", *argv]
        return self._run(command, env=own, stdin=stdin, check=check)


def pins_of(lock: str) -> Mapping[str, str]:
    """Name and version in the text of a lock."""
    return dict(_PIN.findall(lock))


def tell_difference(before: str, after: str, python: str) -> None:
    """Say how a lock that was resolved anew differs."""
    old, new = pins_of(before), pins_of(after)
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    shown = ", ".join(f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}" for name in changed[:8])
    more = f" and {len(changed) - 8} more" if len(changed) > 8 else ""
    say(f"locked anew for Python {python}: " + (f"{len(changed)} differ: {shown}{more}" if changed else "the same"))


def _with_credentials(settings: IndexSettings) -> str:
    if not settings.username:
        return settings.url
    parts = urlsplit(settings.url)
    user = quote(settings.username, safe="") + (f":{quote(settings.password, safe='')}" if settings.password else "")
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))


def _failure(what: str, done: Completed) -> DebgenError:
    lines = [line.strip(" \t×╰─▶│├") for line in done.stderr.splitlines()]
    text = "\n".join([line for line in lines if line and not line.startswith("warning:")][:_LINES])
    if _NO_WHEEL.search(text) or "unsatisfiable" in text or "No solution found" in text:
        return ResolutionError(
            f"{what} can't be installed from wheels:\n{text}",
            hint="Name another Python with --python; nothing is built from source here.",
        )
    if "hash mismatch" in text.lower():
        return IntegrityError(
            f"{what} can't be installed: the index sends other files than the lock names\n{text}",
            hint="Give --refresh to lock anew; if it stays so, the index is broken or what it sends is changed.",
        )
    if os.strerror(errno.ENOSPC) in text:
        return WorkspaceError(f"the disk is full: {what} needs more space", hint="Free some space and try again.")
    return NetworkError(
        f"uv could not fetch what it takes:\n{text}", hint="Try again; if it stays so, check the index URL."
    )
