"""Pages of the simple repository API: PEP 503 (HTML), 592 (yanked), 658/714 (metadata), 691 and 700 (JSON).

Pages come from outside: what can't be understood is left out, and the work is bounded by the page's length.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, urljoin, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from debgen.errors import NetworkError
from debgen.upstream.model import FileKind, ReleaseFile

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
_JSON = re.compile(r"application/(vnd\.pypi\.simple\.v1\+)?json", re.IGNORECASE)
_HTML = re.compile(r"(text/html|application/vnd\.pypi\.simple\.v1\+html)", re.IGNORECASE)
# Lengths are bounded and repeats possessive, so that a hostile page can't make the search quadratic.
_ANCHOR = re.compile(r"""<a\s((?:[^<>"']{1,2000}+|"[^"]{0,4000}+"|'[^']{0,4000}+'){1,50}+)>""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]{1,40}+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?+""", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SDIST_ENDS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_WHEEL_TAGS = 3


def parse_page(name: str, url: str, content_type: str, body: bytes) -> list[ReleaseFile]:
    """The sdists and wheels of project ``name`` that the page at ``url`` lists, in the page's order.

    NetworkError where the page is neither of the formats: the URL is then not that of an index.
    """
    if _JSON.match(content_type):
        entries = _json_entries(name, url, body)
    elif _HTML.match(content_type):
        entries = _html_entries(name, url, body.decode("utf-8", "replace"))
    else:
        raise _not_an_index(url, f"answers with {content_type[:60] or 'no content type'!r}")
    return [file for file in entries if file is not None]


def file_version(name: str, filename: str) -> tuple[FileKind, str] | None:
    """Kind and normal version of a file of project ``name`` (in normal form), or None where it has none.

    Knowing the project's name settles where the version begins, in legacy names such as ``foo-bar-1.0-1.zip``
    too.
    """
    if filename.endswith(".whl"):
        parts = filename[: -len(".whl")].split("-")
        if len(parts) not in (_WHEEL_TAGS + 2, _WHEEL_TAGS + 3) or _normal_name(parts[0]) != name:
            return None
        version = normal_version(parts[1])
        return (FileKind.WHEEL, version) if version else None
    for end in _SDIST_ENDS:
        if filename.endswith(end):
            stem = filename[: -len(end)]
            for match in re.finditer("-", stem[:300]):
                if _normal_name(stem[: match.start()]) == name:
                    version = normal_version(stem[match.end() :])
                    if version:
                        return FileKind.SDIST, version
    return None


@lru_cache(maxsize=1 << 16)
def normal_version(text: str) -> str:
    """PEP 440's normal form of a version, or '' where it isn't one."""
    try:
        return str(Version(text.replace("_", "-")))
    except InvalidVersion:
        return ""


@lru_cache(maxsize=1 << 16)
def parsed(version: str) -> Version:
    """A version that is known to be one, for comparing."""
    return Version(version)


@lru_cache(maxsize=1 << 14)
def _normal_name(text: str) -> str:
    return canonicalize_name(text)


def _release_file(
    name: str,
    filename: str,
    url: str,
    sha256: str,
    requires_python: str,
    yanked: bool,
    core_metadata: bool,
    uploaded: str,
) -> ReleaseFile | None:
    """What a page says of one file, if it is a file of a release that can be fetched."""
    known = file_version(name, filename)
    if known is None or "/" in filename or not url.startswith(("https://", "http://")):
        return None
    digest = sha256.lower()
    return ReleaseFile(
        filename,
        url,
        known[1],
        known[0],
        digest if _SHA256.fullmatch(digest) else None,
        requires_python,
        yanked,
        core_metadata,
        uploaded if _TIME.fullmatch(uploaded) else "",
    )


def _html_entries(name: str, url: str, text: str) -> Iterator[ReleaseFile | None]:
    for anchor in _ANCHOR.finditer(text):
        found = {
            key.lower(): _unescape(double or single or bare)
            for key, double, single, bare in _ATTRIBUTE.findall(anchor[1])
        }
        link = found.get("href", "")
        if not link:
            continue
        address, _, fragment = _join(url, link).partition("#")
        yield _release_file(
            name,
            _unquote(address.partition("?")[0].rpartition("/")[2]),
            address,
            fragment[len("sha256=") :] if fragment.startswith("sha256=") else "",
            found.get("data-requires-python", ""),
            "data-yanked" in found,
            found.get("data-core-metadata", found.get("data-dist-info-metadata", "false")) != "false",
            found.get("data-upload-time", ""),
        )


def _json_entries(name: str, url: str, body: bytes) -> Iterator[ReleaseFile | None]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        raise _not_an_index(url, "sends broken JSON") from None
    files = page.get("files") if isinstance(page, dict) else None
    for file in files if isinstance(files, list) else []:
        if not isinstance(file, dict):
            continue
        filename, link, hashes = file.get("filename"), file.get("url"), file.get("hashes")
        if not isinstance(filename, str) or not isinstance(link, str) or not link:
            continue
        digest = hashes.get("sha256") if isinstance(hashes, dict) else None
        python, uploaded = file.get("requires-python"), file.get("upload-time")
        yield _release_file(
            name,
            filename,
            _join(url, link).partition("#")[0],
            digest if isinstance(digest, str) else "",
            python if isinstance(python, str) else "",
            file.get("yanked", False) is not False,
            bool(file.get("core-metadata", file.get("dist-info-metadata", False))),
            uploaded if isinstance(uploaded, str) else "",
        )


def _join(base: str, link: str) -> str:
    if link.startswith(("https://", "http://")):
        return link
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _unquote(text: str) -> str:
    return unquote(text) if "%" in text else text


@lru_cache(maxsize=1 << 10)
def _unescape_entities(text: str) -> str:
    return html.unescape(text)


def _unescape(text: str) -> str:
    return _unescape_entities(text) if "&" in text else text


def _not_an_index(url: str, what: str) -> NetworkError:
    return NetworkError(
        f"{urlsplit(url).hostname} is not a package index: it {what}",
        hint="Check the index URL; it usually ends in /simple/.",
    )
