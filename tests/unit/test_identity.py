"""The maintainer's identity, found in the order of debchange(1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.errors import UsageError
from debgen.identity import Account, Identity, identity

NOBODY = Account("", "", "")
JOE = Account("joe", "Joe Gecos,Room 1,,", "example.net")


def find(
    env: dict[str, str] | None = None, account: Account = NOBODY, files: tuple[Path, ...] = (), **options: str
) -> Identity:
    return identity(env or {}, files=files, account=account, name=options.get("name"), email=options.get("email"))


@pytest.mark.parametrize(
    ("env", "found"),
    [
        ({"DEBFULLNAME": "A B", "DEBEMAIL": "a@b"}, "A B <a@b>"),
        ({"DEBEMAIL": "A B <a@b>"}, "A B <a@b>"),
        ({"DEBFULLNAME": "C D", "DEBEMAIL": "A B <a@b>"}, "C D <a@b>"),
        ({"DEBFULLNAME": "A B", "EMAIL": "a@b"}, "A B <a@b>"),
        ({"NAME": "A B", "EMAIL": "a@b"}, "A B <a@b>"),
        ({"EMAIL": "A B <a@b>", "NAME": "C D"}, "A B <a@b>"),
        ({"DEBEMAIL": "x@y", "EMAIL": "A B <a@b>"}, "A B <x@y>"),
        ({"DEBEMAIL": "", "DEBFULLNAME": "", "EMAIL": "a@b", "NAME": "A B"}, "A B <a@b>"),
        ({"DEBFULLNAME": "Łukasz Ünal", "DEBEMAIL": "l@u"}, "Łukasz Ünal <l@u>"),
    ],
)
def test_the_environment(env: dict[str, str], found: str) -> None:
    assert str(find(env)) == found


def test_parameters_win() -> None:
    env = {"DEBFULLNAME": "A B", "DEBEMAIL": "a@b"}
    assert find(env, name="C D", email="c@d") == Identity("C D", "c@d")
    assert find(env, email="C D <c@d>") == Identity("C D", "c@d")
    assert find(env, name="E F", email="C D <c@d>") == Identity("E F", "c@d")


def test_passwd_and_mailname_are_the_last_resort() -> None:
    assert find({}, JOE) == Identity("Joe Gecos", "joe@example.net")
    assert find({"DEBEMAIL": "a@b"}, JOE) == Identity("Joe Gecos", "a@b")


def test_configuration_files_are_read_and_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    first, second = tmp_path / "devscripts.conf", tmp_path / ".devscripts"
    first.write_text("DEBEMAIL=first@x\nDEBFULLNAME='First One'\n")
    second.write_text(
        '# DEBEMAIL=no@x\nexport DEBEMAIL="second@x"\n'
        f"DEBFULLNAME=$(touch {trap})\nDEBFULLNAME=`touch {trap}`\ntouch {trap}\n"
    )
    assert find({}, JOE, (first, second)) == Identity("First One", "second@x")
    assert find({"DEBEMAIL": "env@x"}, JOE, (first, second)).email == "env@x"
    assert not trap.exists()


@pytest.mark.parametrize(
    ("env", "account", "missing"),
    [
        ({}, NOBODY, "name and mail address"),
        ({"DEBEMAIL": "a@b"}, NOBODY, "name can't"),
        ({"DEBFULLNAME": "A B"}, Account("joe", "Joe", ""), "mail address"),
    ],
)
def test_what_cannot_be_found_is_asked_for(env: dict[str, str], account: Account, missing: str) -> None:
    with pytest.raises(UsageError, match=missing) as caught:
        find(env, account)
    assert "DEBFULLNAME" in caught.value.hint


@pytest.mark.parametrize(
    "env",
    [
        {"DEBFULLNAME": "A B", "DEBEMAIL": "nonsense"},
        {"DEBFULLNAME": "A B", "DEBEMAIL": "a b@c"},
        {"DEBFULLNAME": "A <B>", "DEBEMAIL": "a@b"},
        {"DEBFULLNAME": "A\nB", "DEBEMAIL": "a@b"},
    ],
)
def test_what_would_break_a_changelog_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="maintainer's"):
        find(env)
