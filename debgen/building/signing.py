"""The key of a local repository, and signing with it: gpg with a home of its own, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from debgen.errors import CommandError
from debgen.narrate import say
from debgen.run import Runner
from debgen.workspace import disk_errors, held_open, is_held

_KEY_NAME = "debgen local repository"
#: apt refuses what was signed later than its own clock says, so signatures are dated back by what clocks may differ.
CLOCKS_DIFFER = timedelta(hours=1)
_OLDER = timedelta(days=1)
_HOME = "debgen-gpg-"
#: Seconds in which a new home may not be held yet.
_YOUNG = 60.0


@dataclass(frozen=True)
class Signer:
    """A gpg that has the repository's key; ``public`` is its public half, ASCII-armoured."""

    home: Path
    run: Runner
    moment: datetime
    public: str

    def sign(self, release: Path) -> None:
        """Write ``InRelease`` and ``Release.gpg`` beside the file ``release``."""
        for how, name in (("--clearsign", "InRelease"), ("--detach-sign", "Release.gpg")):
            output = release.with_name(name)
            _gpg(self.home, self.run, [how, "--armor", "--output", str(output), str(release)], self.moment)


@contextmanager
def signer(secret: Path, now: datetime, run: Runner) -> Iterator[Signer]:
    """A signer with the key in the file ``secret``, which is made where it isn't there or can't be read as one.

    Whoever calls it sees to it that no other process does so at the same time.
    """
    with _fresh_home() as home:
        try:
            public = _imported(secret, home, run) or _made(secret, home, now - _OLDER, run)
            yield Signer(home, run, now - CLOCKS_DIFFER, public)
        finally:
            with suppress(Exception):  # an agent that isn't there needs no end
                run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@contextmanager
def _fresh_home() -> Iterator[Path]:
    """A home for gpg; those that processes left which were killed go, as they hold the key (and their agents end)."""
    base = Path(tempfile.gettempdir())  # a short path, for the socket of gpg's agent
    for old in base.glob(f"{_HOME}*"):
        with suppress(OSError):
            if old.stat().st_uid == os.getuid() and old.stat().st_mtime < time.time() - _YOUNG and not is_held(old):
                shutil.rmtree(old, ignore_errors=True)
    with disk_errors(base):
        home = Path(tempfile.mkdtemp(prefix=_HOME, dir=base))
    with held_open(home):
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)


def _imported(secret: Path, home: Path, run: Runner) -> str:
    """The public half of the key in ``secret``, which gpg knows then; empty where there is no key in it."""
    try:
        text = secret.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return ""
    with suppress(CommandError):
        _gpg(home, run, ["--import"], stdin=text)
        if _gpg(home, run, ["--with-colons", "--list-secret-keys"]).strip():
            return _gpg(home, run, ["--armor", "--export"])
    say(f"{secret} holds no key: a new one is made, and who installs from the repository has to fetch it again")
    return ""


def _made(secret: Path, home: Path, moment: datetime, run: Runner) -> str:
    """A new key in ``secret``, which only this user can read; its public half."""
    _gpg(home, run, ["--quick-generate-key", _KEY_NAME, "ed25519", "sign", "never"], moment)
    private = _gpg(home, run, ["--armor", "--export-secret-keys"])
    with disk_errors(secret):
        handle, name = tempfile.mkstemp(prefix=f".{secret.name}.", dir=secret.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write(private)
            os.replace(name, secret)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return _gpg(home, run, ["--armor", "--export"])


def _gpg(home: Path, run: Runner, arguments: list[str], moment: datetime | None = None, stdin: str = "") -> str:
    words = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode=loopback", "--passphrase="]
    if moment:
        words.append(f"--faked-system-time={moment.astimezone(UTC):%Y%m%dT%H%M%S}")
    return run([*words, *arguments], stdin=stdin or None).stdout
