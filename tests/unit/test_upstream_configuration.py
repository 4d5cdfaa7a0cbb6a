from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from debgen.errors import UsageError
from debgen.run import Completed
from debgen.upstream.configuration import index_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any configuration but what a test writes; sys.prefix and /etc are left out."""
    monkeypatch.setattr("debgen.upstream.configuration.sys.prefix", str(tmp_path / "prefix"))

    def path(first: Any = ".", *more: Any) -> Path:
        text = os.fspath(first)
        return Path(tmp_path / "root" / text[1:] if text.startswith("/etc/") else first, *more)

    monkeypatch.setattr("debgen.upstream.configuration.Path", path)
    return tmp_path


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "xdg"), **more}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def uv_help(*args: Any, **kwargs: Any) -> Completed:
    text = "  --default-index <DEFAULT_INDEX>\n     (by default:\n     <https://library.example/simple>) [env: X]\n"
    return Completed((), 0, text, "")


def found(home: Path, *, url: str | None = None, **more: str) -> str:
    return index_settings(url, environ=environ(home, **more), run=uv_help).url


def test_each_source_gives_way_to_the_one_before(home: Path) -> None:
    assert found(home) == "https://library.example/simple/"
    write(home / "root/etc/pip.conf", "[global]\nindex-url = https://etc-pip.example/\n")
    assert found(home) == "https://etc-pip.example/"
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://pip.example/simple\n")
    assert found(home) == "https://pip.example/simple/"
    write(home / "root/etc/uv/uv.toml", 'index-url = "https://etc-uv.example/simple"\n')
    assert found(home) == "https://etc-uv.example/simple/"
    write(
        home / ".config/uv/uv.toml",
        '[[index]]\nurl = "https://extra.example/"\n[[index]]\nurl = "https://uv.example/"\ndefault = true\n',
    )
    assert found(home) == "https://uv.example/"
    more = {"PIP_INDEX_URL": "https://env-pip.example"}
    assert found(home, **more) == "https://env-pip.example/"
    more["UV_INDEX_URL"] = "https://env-old.example"
    assert found(home, **more) == "https://env-old.example/"
    more["UV_DEFAULT_INDEX"] = "company=https://env-new.example/root/simple/"
    assert found(home, **more) == "https://env-new.example/root/simple/"
    assert found(home, url="https://option.example", **more) == "https://option.example/"


def test_extra_indexes_are_no_default(home: Path) -> None:
    write(home / ".config/uv/uv.toml", '[[index]]\nurl = "https://extra.example/"\n')
    write(home / ".config/pip/pip.conf", "[global]\nextra-index-url = https://extra.example/\n")
    assert found(home) == "https://library.example/simple/"


def test_pip_config_file_wins_or_switches_all_off(home: Path) -> None:
    write(home / ".config/pip/pip.conf", "[global]\nindex-url = https://pip.example/\n")
    write(home / "own.conf", "[install]\nindex-url = https://own.example/%(x)s/\n")
    assert found(home, PIP_CONFIG_FILE=str(home / "own.conf")).startswith("https://own.example/%")
    assert found(home, PIP_CONFIG_FILE=os.devnull) == "https://library.example/simple/"


def test_credentials_are_taken_out_of_the_url_and_never_shown(home: Path) -> None:
    settings = index_settings("https://me:p%40ss@private.example:8443/simple", environ=environ(home), run=uv_help)
    assert settings.url == "https://private.example:8443/simple/"
    assert (settings.username, settings.password) == ("me", "p@ss")
    assert "p@ss" not in repr(settings)
    assert "me" not in repr(settings).replace("Settings", "")


def test_certificates_come_from_the_environment_or_pip(home: Path) -> None:
    write(home / ".config/pip/pip.conf", "[global]\ncert = /pip.pem\n")
    assert index_settings(environ=environ(home), run=uv_help).ca_file == "/pip.pem"
    assert index_settings(environ=environ(home, SSL_CERT_FILE="/own.pem"), run=uv_help).ca_file == "/own.pem"


@pytest.mark.parametrize("url", ["ftp://x/simple", "file:///srv/simple", "simple", "https://user:pw@/", "http://[x/"])
def test_urls_that_are_none_are_refused_without_showing_them(home: Path, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        index_settings(url, environ=environ(home), run=uv_help)
    assert url not in str(caught.value)


def test_broken_files_are_named(home: Path) -> None:
    write(home / ".config/uv/uv.toml", "index-url = \n")
    with pytest.raises(UsageError, match=r"uv\.toml"):
        found(home)
    (home / ".config/uv/uv.toml").unlink()
    write(home / ".config/pip/pip.conf", "index-url = x\n")
    with pytest.raises(UsageError, match=r"pip\.conf"):
        found(home)


def test_no_index_at_all(home: Path) -> None:
    with pytest.raises(UsageError, match="no package index"):
        index_settings(environ=environ(home), run=lambda *a, **k: Completed((), 0, "help of another uv", ""))
