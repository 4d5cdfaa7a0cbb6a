"""Who the maintainer is, found as devscripts find it (debchange(1), section "ENVIRONMENT")."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from debgen.errors import UsageError

_NAME_AND_MAIL = re.compile(r"\s*(?P<name>.*?)\s*<(?P<mail>[^<>]*)>\s*")
_MAIL = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
_ASSIGNMENT = re.compile(r"""\s*(?:export\s+)?(?P<key>[A-Z_]+)=(?P<quote>["']?)(?P<value>[^"'$`\\]*)(?P=quote)\s*""")
_HINT = "Set DEBFULLNAME and DEBEMAIL, for example: export DEBFULLNAME='Jane Doe' DEBEMAIL=jane@example.org"


@dataclass(frozen=True)
class Identity:
    """The name and mail address that go into debian/changelog and debian/control."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True)
class Account:
    """What the machine itself knows of the user: the last resort of debchange."""

    login: str
    gecos: str
    mailname: str


def devscripts_files(env: Mapping[str, str]) -> tuple[Path, ...]:
    """The configuration files of devscripts; the later one wins."""
    return (Path("/etc/devscripts.conf"), Path(env.get("HOME") or "/") / ".devscripts")


def machine_account() -> Account:
    """The user's entry in passwd, and /etc/mailname."""
    try:
        entry = pwd.getpwuid(os.getuid())
        login, gecos = entry.pw_name, entry.pw_gecos
    except KeyError:
        login, gecos = "", ""
    try:
        mailname = Path("/etc/mailname").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        mailname = ""
    return Account(login, gecos, mailname)


def identity(
    env: Mapping[str, str],
    *,
    name: str | None = None,
    email: str | None = None,
    files: Sequence[Path] | None = None,
    account: Account | None = None,
) -> Identity:
    """Find name and mail: parameters, environment, devscripts' configuration, passwd with /etc/mailname.

    The configuration files are shell scripts; only plain ``KEY=value`` lines are read from them, nothing is
    executed. Raises UsageError where either half can't be found or can't stand in a changelog.
    """
    configured: dict[str, str] = {}
    for path in devscripts_files(env) if files is None else files:
        configured.update(_assignments(path))
    account = machine_account() if account is None else account
    names: list[str] = [name or ""]
    mails: list[str] = []
    if email:
        _add(email, names, mails)
    for source in (env, configured):
        names.append(source.get("DEBFULLNAME", ""))
        for key in ("DEBEMAIL", "EMAIL"):
            _add(source.get(key, ""), names, mails)
        names.append(source.get("NAME", "") if source is env else "")
    names.append(account.gecos.split(",")[0])
    if account.login and account.mailname:
        mails.append(f"{account.login}@{account.mailname}")
    return _checked(next(filter(None, names), ""), next(filter(None, mails), ""))


def _add(text: str, names: list[str], mails: list[str]) -> None:
    """Take "mail" or "Name <mail>" apart."""
    found = _NAME_AND_MAIL.fullmatch(text)
    if found:
        names.append(found["name"])
        mails.append(found["mail"])
    else:
        mails.append(text.strip())


def _checked(name: str, email: str) -> Identity:
    if not name or not email:
        missing = " and ".join(w for w, found in (("name", name), ("mail address", email)) if not found)
        raise UsageError(f"the maintainer's {missing} can't be found", hint=_HINT)
    if re.search(r"[<>\n]", name):
        raise UsageError(f"the maintainer's name can't stand in a changelog: {name!r}", hint=_HINT)
    if not _MAIL.fullmatch(email):
        raise UsageError(f"the maintainer's mail address is not one: {email!r}", hint=_HINT)
    return Identity(name.strip(), email)


def _assignments(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {found["key"]: found["value"] for line in lines if (found := _ASSIGNMENT.fullmatch(line))}
