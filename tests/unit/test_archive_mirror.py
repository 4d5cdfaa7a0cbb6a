"""Reading the machine's apt configuration, from what apt's programs print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from debgen.archive import mirror
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.errors import MissingToolError, UsageError
from debgen.run import Completed

DUMP = """\
APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CAInfo "/etc/ssl/own.pem";
Acquire::Retries "5";
Acquire::Languages:: "none";
Acquire::Changelogs::URI::Origin::Debian "https://changelogs.example/@CHANGEPATH@";
Dir::Cache::pkgcache "pkgcache.bin";
"""
TARGETS = """\
http://other.example/apt|Other|Debian
http://security.example/debian-security/|Debian|Debian-Security
http://backports.example/debian/|Debian|Debian Backports
http://mirror.example/debian/|Debian|Debian
http://second.example/debian/|Debian|Debian
"""
URIS = """\
'http://other.example/apt/dists/stable/InRelease' other.example_apt_dists_stable_InRelease 0
'http://security.example/debian-security/dists/x-security/InRelease' security_InRelease 0
'http://mirror.example/pub/debian/dists/bookworm/InRelease' mirror_InRelease 0
'http://mirror.example/pub/debian/dists/bookworm/main/binary-amd64/Packages.xz' mirror_Packages 0
"""


class Apt:
    """Stands for apt's programs; answers by the words of the command."""

    def __init__(self, dump: str = DUMP, targets: str = TARGETS, uris: str = URIS) -> None:
        self.answers = {
            ("apt-config", "dump"): dump,
            ("apt-config", "shell"): "PARTS='/nonexistent/auth.conf.d/'\n",
            ("apt-get", "indextargets"): targets,
            ("apt-get", "update"): uris,
            ("dpkg", "--print-architecture"): "arm64\n",
        }
        self.calls: list[tuple[str, ...]] = []

    def __call__(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        log: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        words = tuple(map(str, argv))
        self.calls.append(words)
        return Completed(words, 0, self.answers[words[0], words[1]], "")


@pytest.fixture(autouse=True)
def keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "archive.gpg"
    path.touch()
    monkeypatch.setattr(mirror, "KEYRINGS", (tmp_path / "absent.gpg", path))
    for variable in ("DEBGEN_MIRROR", "DEBGEN_IGNORE_VALID_UNTIL"):
        monkeypatch.delenv(variable, raising=False)
    return path


def test_the_source_that_calls_itself_debian(keyring: Path) -> None:
    assert mirror_settings(run=Apt()) == MirrorSettings(
        uri="http://mirror.example/debian",
        ignore_valid_until=False,
        acquire=(
            ("Acquire::http::Proxy", "http://proxy.example:3128"),
            ("Acquire::https::CAInfo", "/etc/ssl/own.pem"),
            ("Acquire::Retries", "5"),
        ),
        auth=(),
        keyring=keyring,
        architecture="arm64",
    )


def test_the_source_that_looks_like_it_where_no_list_was_fetched() -> None:
    assert mirror_settings(run=Apt(targets="")).uri == "http://mirror.example/pub/debian"


def test_apts_passwords_are_used_where_they_are(tmp_path: Path) -> None:
    netrc = tmp_path / "auth.conf"
    netrc.touch()
    apt = Apt()
    apt.answers["apt-config", "shell"] = f"FILE='{netrc}'\nPARTS='{tmp_path}/none/'\n"
    assert mirror_settings(run=apt).auth == (("Dir::Etc::netrc", str(netrc)),)


def test_apt_is_given_a_cache_where_the_machine_has_none() -> None:
    without = Apt(dump="")
    mirror_settings(run=without)
    assert any("Dir::Cache::pkgcache" in word for call in without.calls for word in call)
    usual = Apt()
    mirror_settings(run=usual)
    assert not any("Dir::Cache::pkgcache" in word for call in usual.calls for word in call)


def test_no_debian_mirror() -> None:
    with pytest.raises(UsageError, match="no Debian mirror") as caught:
        mirror_settings(run=Apt(targets="", uris=""))
    assert "--mirror" in caught.value.hint
    assert "DEBGEN_MIRROR" in caught.value.hint


def test_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBGEN_MIRROR", "https://env.example/debian/")
    assert mirror_settings(run=Apt()).uri == "https://env.example/debian"
    assert mirror_settings(mirror="file:///srv/debian", run=Apt()).uri == "file:///srv/debian"


@pytest.mark.parametrize(
    ("dump", "variable", "parameter", "ignored"),
    [
        ("", None, None, False),
        ('Acquire::Check-Valid-Until "false";', None, None, True),
        ('Acquire::Check-Valid-Until "0";', None, None, True),
        ('Acquire::Check-Valid-Until "true";', None, None, False),
        ('Acquire::Check-Date "no";', None, None, True),
        ('Acquire::Check-Valid-Until "false";', "0", None, False),
        ("", "1", None, True),
        ("", "1", False, False),
        ('Acquire::Check-Valid-Until "false";', None, False, False),
    ],
)
def test_expired_release_files(
    dump: str, variable: str | None, parameter: bool | None, ignored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is not None:
        monkeypatch.setenv("DEBGEN_IGNORE_VALID_UNTIL", variable)
    settings = mirror_settings(ignore_valid_until=parameter, run=Apt(dump=dump))
    assert settings.ignore_valid_until is ignored
    assert settings.acquire == (), "checks of dates are debgen's own setting, never inherited beside it"


@pytest.mark.parametrize(
    "uri", ["cdrom:[Debian]", "ftp://x.example/debian", "copy:/srv", "debian", "http://", "http://a b/", "file:"]
)
def test_mirrors_that_cant_be_used(uri: str) -> None:
    with pytest.raises(UsageError):
        mirror_settings(mirror=uri, run=Apt())


def test_a_list_of_mirrors(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("# mirrors\n\nhttps://one.example/debian\tpriority:1\nhttps://two.example/debian\n")
    assert mirror_settings(mirror=f"mirror+file:{listing}", run=Apt()).uri == "https://one.example/debian"
    uris = (
        f"'mirror+file:{tmp_path}/debian-security.list/dists/x/InRelease' x 0\n"
        f"'mirror+file:{listing}/dists/x/InRelease' x 0\n"
    )
    assert mirror_settings(run=Apt(targets="", uris=uris)).uri == "https://one.example/debian"
    listing.write_text("# none\n")
    with pytest.raises(UsageError, match="is empty"):
        mirror_settings(mirror=f"mirror+file:{listing}", run=Apt())
    with pytest.raises(UsageError, match="can't read"):
        mirror_settings(mirror=f"mirror+file:{tmp_path}/none", run=Apt())


def test_keyrings(tmp_path: Path, keyring: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.gpg"
    with pytest.raises(UsageError, match="no keyring"):
        mirror_settings(keyring=own, run=Apt())
    own.touch()
    assert mirror_settings(keyring=own, run=Apt()).keyring == own
    keyring.unlink()
    with pytest.raises(MissingToolError) as caught:
        mirror_settings(run=Apt())
    assert "apt install debian-archive-keyring" in caught.value.hint
