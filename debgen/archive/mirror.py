"""Which Debian mirror this machine uses, and with which settings: asked of apt itself.

apt reads one-line and deb822 sources alike, so nothing here parses sources.list.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from debgen.errors import MissingToolError, UsageError
from debgen.run import Runner, run
from debgen.workspace import cache_directory

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
"""The Debian archive's keys, as the package debian-archive-keyring installs them."""

_INHERITED = re.compile(
    r"Acquire::https?::.*|Acquire::(?:Retries|ForceIPv[46]|By-Hash|(?:Min|Max)-ValidTime.*)",
    re.IGNORECASE,
)
_HINT = "Name one with --mirror URI or in the environment variable DEBGEN_MIRROR."
_FALSE = frozenset({"", "0", "no", "false", "off", "without", "disable"})


@dataclass(frozen=True)
class MirrorSettings:
    """How to reach the Debian archive.

    ``uri`` has no slash at its end and is of scheme http, https or file. ``acquire`` holds the machine's
    settings of apt's Acquire group (proxies, timeouts, certificates), ``auth`` where its passwords for
    mirrors are kept; both are pairs of an apt.conf option and its value. ``ignore_valid_until`` accepts a
    Release file that has expired.
    """

    uri: str
    ignore_valid_until: bool
    acquire: tuple[tuple[str, str], ...]
    auth: tuple[tuple[str, str], ...]
    keyring: Path
    architecture: str


def mirror_settings(
    *,
    mirror: str | None = None,
    ignore_valid_until: bool | None = None,
    keyring: Path | None = None,
    run: Runner = run,
) -> MirrorSettings:
    """The settings to use: parameters first, then DEBGEN_MIRROR and DEBGEN_IGNORE_VALID_UNTIL, then apt's.

    Raises UsageError where no usable Debian mirror is configured, and MissingToolError where apt, dpkg or the
    archive's keyring is missing.
    """
    configuration = _configuration(run)
    if ignore_valid_until is None:
        chosen = os.environ.get("DEBGEN_IGNORE_VALID_UNTIL")
        ignore_valid_until = _off(configuration) if chosen is None else chosen.lower() not in _FALSE
    uri = mirror or os.environ.get("DEBGEN_MIRROR") or _configured_mirror(dict(configuration), run)
    return MirrorSettings(
        uri=_checked(uri),
        ignore_valid_until=ignore_valid_until,
        acquire=tuple(pair for pair in configuration if _INHERITED.fullmatch(pair[0]) and pair[1]),
        auth=_authentication(run),
        keyring=_keyring(keyring),
        architecture=run(["dpkg", "--print-architecture"]).stdout.strip(),
    )


def _configuration(run: Runner) -> tuple[tuple[str, str], ...]:
    dump = run(["apt-config", "dump", "--no-empty"]).stdout
    return tuple((found[1], found[2]) for line in dump.splitlines() if (found := re.fullmatch(r'(\S+) "(.*)";', line)))


def _off(configuration: tuple[tuple[str, str], ...]) -> bool:
    """Whether the machine's apt takes expired files; without Check-Date, it has no Check-Valid-Until."""
    checks = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")
    return any(option in checks and value.lower() in _FALSE for option, value in configuration)


def _authentication(run: Runner) -> tuple[tuple[str, str], ...]:
    words = shlex.split(
        run(["apt-config", "shell", "FILE", "Dir::Etc::netrc/f", "PARTS", "Dir::Etc::netrcparts/d"]).stdout
    )
    paths = dict(word.split("=", 1) for word in words)
    options = (("Dir::Etc::netrc", paths.get("FILE", "")), ("Dir::Etc::netrcparts", paths.get("PARTS", "")))
    return tuple((option, path) for option, path in options if path and Path(path).exists())


def _configured_mirror(configuration: dict[str, str], run: Runner) -> str:
    """The first source that calls itself Debian, or that looks like it where no list was ever fetched."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)|$(ORIGIN)|$(LABEL)"]
    if not configuration.get("Dir::Cache::pkgcache"):  # as in containers; apt would need 0.3 s each time
        argv += ["-o", f"Dir::Cache::pkgcache={cache_directory('host') / 'pkgcache.bin'}"]
    for line in run(argv).stdout.splitlines():
        uri, _, name = line.partition("|")
        if name == "Debian|Debian":
            return uri
    listing = run(["apt-get", "update", "--print-uris"], check=False).stdout
    for uri in re.findall(r"^'([^']+?)/+dists/[^']+/InRelease'", listing, re.MULTILINE):
        last = uri.rpartition("/")[2]
        if last == "debian" or (uri.startswith("mirror+file:") and "security" not in last):
            return str(uri)
    raise UsageError("apt is configured with no Debian mirror on this machine", hint=_HINT)


def _checked(uri: str) -> str:
    if uri.startswith("mirror+file:"):
        uri = _first_of_list(Path(urlsplit(uri).path))
    uri = uri.strip().rstrip("/")
    parts = urlsplit(uri)
    if not re.fullmatch(r"[!-~]+", uri) or not (parts.netloc or (parts.scheme == "file" and parts.path)):
        raise UsageError(f"not a mirror's URI: {uri!r}", hint=_HINT)
    if parts.scheme not in ("http", "https", "file"):
        raise UsageError(
            f"a mirror of the kind “{parts.scheme}:” can't be used: {uri}",
            hint=f"http, https and file work. {_HINT}",
        )
    return uri


def _first_of_list(path: Path) -> str:
    """The first mirror of a list as apt-transport-mirror(1) has it."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"can't read the list of mirrors {path}: {error.strerror}", hint=_HINT) from None
    for line in lines:
        words = line.split()
        if words and not words[0].startswith("#"):
            return words[0]
    raise UsageError(f"the list of mirrors {path} is empty", hint=_HINT)


def _keyring(chosen: Path | None) -> Path:
    for path in (chosen,) if chosen else KEYRINGS:
        if path.is_file():
            return path.absolute()
    if chosen:
        raise UsageError(f"there is no keyring {chosen}")
    raise MissingToolError(
        "the Debian archive's keyring is not installed", hint="Run: apt install debian-archive-keyring"
    )
