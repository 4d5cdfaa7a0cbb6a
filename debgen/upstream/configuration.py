"""Which package index to use and how to reach it, from the configuration that uv and pip have already.

Nothing here names a host. The order is: the caller's choice, the environment (``UV_DEFAULT_INDEX``,
``UV_INDEX_URL``, ``PIP_INDEX_URL``), uv's configuration files, pip's, and last uv's own default.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import uv

from debgen.errors import UsageError
from debgen.run import Runner, run

_NAMED_INDEX = re.compile(r"[A-Za-z0-9._-]+=(?=[a-z+]+://)")
_UV_DEFAULT = re.compile(r"\(by\s+default:\s+<(https?://[^>\s]+)>\)")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """``url`` ends in a slash and holds no credentials; ``ca_file`` None means the system's certificates."""

    url: str
    username: str = ""
    password: str = ""
    ca_file: str | None = None

    def __repr__(self) -> str:
        """Leave the credentials out: a repr ends in tracebacks and logs."""
        return f"IndexSettings(url={self.url!r}, ca_file={self.ca_file!r})"


def index_settings(
    url: str | None = None, *, environ: Mapping[str, str] = os.environ, run: Runner = run
) -> IndexSettings:
    """Find the index: ``url`` if given, else as the machine is configured.

    UsageError where the configuration can't be read or isn't an http(s) URL.
    """
    pip = _pip_options(environ)
    chosen = (
        url
        or environ.get("UV_DEFAULT_INDEX")
        or environ.get("UV_INDEX_URL")
        or environ.get("PIP_INDEX_URL")
        or _uv_index(environ)
        or pip.get("index-url")
        or _library_default(run)
    )
    address, username, password = _split_credentials(_NAMED_INDEX.sub("", chosen.strip(), count=1))
    ca_file = (
        environ.get("SSL_CERT_FILE") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("PIP_CERT") or pip.get("cert")
    )
    return IndexSettings(address, username, password, ca_file or None)


def _split_credentials(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError(
            "the package index is not an http or https URL",
            hint="Set UV_DEFAULT_INDEX to the URL of an index, or mend index-url in uv.toml or pip.conf.",
        )
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port else ""
    path = quote(parts.path.rstrip("/"), safe="/%+~@:") + "/"
    return (
        urlunsplit((parts.scheme, netloc, path, "", "")),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def _config_directories(environ: Mapping[str, str]) -> tuple[Path, list[Path]]:
    """The user's configuration folder, and the system's, the most important first (XDG)."""
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    system = [Path(part) for part in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if part]
    return user, system


def _uv_index(environ: Mapping[str, str]) -> str | None:
    user, system = _config_directories(environ)
    if environ.get("UV_CONFIG_FILE"):
        paths = [Path(environ["UV_CONFIG_FILE"])]
    else:
        paths = [user / "uv/uv.toml", *(folder / "uv/uv.toml" for folder in system), Path("/etc/uv/uv.toml")]
    for path in paths:
        for candidate in _uv_candidates(_read_toml(path)):
            if isinstance(candidate, str) and candidate:
                return candidate
    return None


def _uv_candidates(options: Mapping[str, object]) -> Iterator[object]:
    indexes = options.get("index")
    for index in indexes if isinstance(indexes, list) else []:
        if isinstance(index, dict) and index.get("default") is True:
            yield index.get("url")
    yield options.get("index-url")
    pip = options.get("pip")
    if isinstance(pip, dict):
        yield pip.get("index-url")


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"uv's configuration {path} can't be read: {error}", hint="Mend that file.") from None


def _pip_options(environ: Mapping[str, str]) -> dict[str, str]:
    """``index-url`` and ``cert`` of pip's configuration files; a later file wins, as pip documents it."""
    user, system = _config_directories(environ)
    home = Path(environ.get("HOME") or Path.home())
    chosen = environ.get("PIP_CONFIG_FILE", "")
    paths = [] if chosen == os.devnull else [folder / "pip/pip.conf" for folder in reversed(system)]
    if chosen != os.devnull:
        paths += [Path("/etc/pip.conf"), home / ".pip/pip.conf", user / "pip/pip.conf"]
        paths += [Path(sys.prefix) / "pip.conf"]
    if chosen and chosen != os.devnull:
        paths.append(Path(chosen))
    found: dict[str, str] = {}
    for path in paths:
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise UsageError(f"pip's configuration {path} can't be read: {error}", hint="Mend that file.") from None
        for section in ("global", "install"):
            for key in ("index-url", "cert"):
                if parser.has_option(section, key):
                    found[key] = parser.get(section, key).strip()
    return found


def _library_default(run: Runner) -> str:
    """The index that uv uses when nobody chose one, as its help tells it; that way no host is named here."""
    text = run([uv.find_uv_bin(), "pip", "compile", "--help", "--color", "never"], check=False).stdout
    match = _UV_DEFAULT.search(text)
    if match is None:
        raise UsageError("no package index is configured", hint="Set UV_DEFAULT_INDEX to the URL of a PEP 503 index.")
    return match.group(1)
