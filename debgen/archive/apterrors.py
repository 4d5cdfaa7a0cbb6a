"""What apt's failures mean, and which suites there are."""

from __future__ import annotations

import csv
import difflib
import re
from pathlib import Path

from debgen.errors import (
    CommandError,
    DebgenError,
    IntegrityError,
    NetworkError,
    UnknownSuiteError,
    WorkspaceError,
)

DISTRO_INFO = Path("/usr/share/distro-info/debian.csv")
ALIASES = frozenset({"unstable", "testing", "stable", "oldstable", "oldoldstable"})
"""Names that stand for another suite, which changes over time."""

_EXPIRED = re.compile(r"Release file for \S+ is expired")
_EARLY = re.compile(r"Release file for \S+ is not valid yet")
_DISK = re.compile(r"No space left on device|enough free space|Disk quota exceeded")
_INTEGRITY = re.compile(
    r"GPG error|is not signed|NO_PUBKEY|BADSIG|EXPKEYSIG|Hash Sum mismatch|unexpected size"
    r"|Clearsigned file|isn't valid|signature(?:s)? (?:couldn't be|could not be) verified|weak security"
)
_NO_RELEASE = re.compile(r"does not have a Release file|404\s+Not Found|File not found")
_NETWORK = re.compile(
    r"resolving|resolve|[Cc]onnect|timed out|[Tt]imeout|Network is unreachable|No route to host|TLS|SSL"
    r"|certificate|Failed to fetch|proxy"
)


def check_suite_name(name: str) -> None:
    """Refuse, with an UnknownSuiteError, what can't be a suite's name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(?:[+.-][a-z0-9]+)*", name) or len(name) > 60:
        raise _unknown_suite(name, f"{name!r} is not a suite's name")


def known_suites() -> tuple[str, ...]:
    """Debian's suites, newest first, from distro-info-data where it is installed, and the aliases."""
    names: list[str] = []
    if DISTRO_INFO.is_file():
        with DISTRO_INFO.open(encoding="utf-8", newline="") as stream:
            names = [row["series"] for row in csv.DictReader(stream)]
    return (*reversed(names), *sorted(ALIASES))


def update_error(suite: str, uri: str, error: CommandError) -> DebgenError:
    """The meaning of a failed ``apt-get update`` of ``suite``; ``error`` itself where it has none of ours."""
    lines = [line for line in error.output.splitlines() if re.match(r"(?:E|W|Err)[: ]|\s+\S", line)]
    told = "\n".join(lines) or error.output
    shown = _first_message(error.output)
    if _DISK.search(told):
        return WorkspaceError(
            f"the disk is full while fetching the index of {suite}",
            hint="Free some space and run the command again.",
        )
    if _EXPIRED.search(told):
        return IntegrityError(
            f"the Release file of {suite} on {uri} has expired: {shown}",
            hint="If this mirror is a snapshot or frozen, run the command again with --ignore-valid-until.",
        )
    if _EARLY.search(told):
        return IntegrityError(
            f"the Release file of {suite} on {uri} is from the future: {shown}",
            hint="Check this machine's clock (timedatectl).",
        )
    if re.search(r"does not have a Release file", told) and not _is_unreachable(told):
        return _unknown_suite(suite, f"the mirror {uri} has no suite “{suite}”")
    if _INTEGRITY.search(told):
        return IntegrityError(
            f"the index of {suite} from {uri} does not verify: {shown}",
            hint="A mirror in the middle of an update mends itself: try again later. A missing key comes "
            "with a newer debian-archive-keyring.",
        )
    if _NETWORK.search(told):
        return NetworkError(
            f"the mirror {uri} can't be reached: {shown}",
            hint="Check the network and apt's proxy settings, or name another mirror with --mirror.",
        )
    return error


def _is_unreachable(told: str) -> bool:
    return bool(re.search(r"resolving|[Cc]ould not connect|timed out|unreachable|No route", told))


def _first_message(output: str) -> str:
    """The first error of apt, or else its first warning, as one line."""
    for mark in ("E: ", "W: "):
        for line in output.splitlines():
            if line.startswith(mark) and "Some index files failed to download" not in line:
                return line.removeprefix(mark).strip()
    return " ".join(output.split())[:200]


def _unknown_suite(name: str, message: str) -> UnknownSuiteError:
    if name in known_suites():
        return UnknownSuiteError(message, hint="Check the mirror's URI, or name another with --mirror.")
    near = difflib.get_close_matches(name.lower(), known_suites(), n=3, cutoff=0.6)
    if near:
        return UnknownSuiteError(message, hint=f"Did you mean {' or '.join(near)}?")
    return UnknownSuiteError(message, hint="Suites are named like sid, testing or trixie.")
