"""How mmdebstrap is told about the machine's mirror, and what its failures mean."""

from __future__ import annotations

import shlex
from pathlib import Path

from debgen.archive.apterrors import update_error
from debgen.archive.mirror import KEYRINGS, MirrorSettings
from debgen.building.scratch import NOT_FOUND
from debgen.errors import ChrootError, CommandError, DebgenError
from debgen.run import missing_tool

_CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def mirror_options(mirror: MirrorSettings) -> tuple[str, ...]:
    """Options of mmdebstrap that give a chroot the machine's way to its mirror.

    apt options go into the chroot's apt.conf.d as well, so that apt inside copies behaves as apt outside.
    """
    settings = dict(mirror.acquire)
    settings.setdefault("Acquire::Retries", "3")
    settings["Acquire::Languages"] = "none"
    if "Acquire::http::Proxy" in settings:  # it would look for the local repository on its own machine
        settings.setdefault("Acquire::http::Proxy::127.0.0.1", "DIRECT")
    if mirror.ignore_valid_until:
        settings["Acquire::Check-Valid-Until"] = "false"
    options = [f'--aptopt={key} "{value}"' for key, value in sorted(settings.items())]
    if mirror.keyring not in KEYRINGS:
        options += _copy("setup", mirror.keyring, f"/etc/apt/trusted.gpg.d/debgen-mirror{mirror.keyring.suffix}")
    for option, place in mirror.auth:
        if option == "Dir::Etc::netrc":
            options += _copy("setup", Path(place), "/etc/apt/auth.conf")
        else:
            for part in sorted(Path(place).glob("*.conf")):
                options += _copy("setup", part, f"/etc/apt/auth.conf.d/{part.name}")
    bundle = Path(settings.get("Acquire::https::CaInfo") or _CA_BUNDLE)
    if mirror.uri.startswith("https:") and bundle.is_file():
        options.append("--include=ca-certificates")
        options += _copy("customize", bundle, str(bundle))
    return tuple(options)


def creation_error(suite: str, uri: str, error: CommandError) -> DebgenError:
    """What a failure of mmdebstrap means, with what to do about it."""
    if error.returncode == NOT_FOUND:
        return missing_tool("mmdebstrap")
    if "/etc/subuid" in error.output or "newuidmap" in error.output or "newgidmap" in error.output:
        return ChrootError(
            "this user has no subordinate user and group ids, so no chroot can be made",
            hint="`debgen doctor` prints the command that grants them.",
        )
    if "user namespace" in error.output or ("unshare" in error.output and "not permitted" in error.output):
        return ChrootError(
            "this machine doesn't let ordinary users make user namespaces, so no chroot can be made",
            hint="`debgen doctor` prints the setting that allows it.",
        )
    meaning = update_error(suite, uri, error)
    if meaning is not error:
        return meaning
    lines = [line for line in error.output.splitlines() if not line.startswith("I: ")]
    return ChrootError(
        f"mmdebstrap can't make a chroot of {suite}:\n" + "\n".join(lines[-15:]),
        hint="`debgen doctor` checks what chroots need.",
    )


def _copy(moment: str, outside: Path, inside: str) -> tuple[str, str]:
    """Hooks of mmdebstrap that put a file of this machine into the chroot."""
    folder = inside.rpartition("/")[0]
    return (
        f'--{moment}-hook=mkdir -p "$1"{shlex.quote(folder)}',
        f"--{moment}-hook=upload {shlex.quote(str(outside))} {shlex.quote(inside)}",
    )
