"""The files of debian/ that follow from facts alone: watch, upstream/metadata, tests, changelog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from debian.changelog import Changelog, ChangelogParseError

from debgen.archive.versions import debian_upstream
from debgen.debianize.continued import changelog_with, first_lines, is_same_release
from debgen.debianize.model import Inputs
from debgen.debianize.templates import Templates
from debgen.debianize.vendor_notes import watch_comment
from debgen.errors import UsageError
from debgen.upstream.facts import SdistFacts

_FORGES = re.compile(r"^https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org|bitbucket\.org)/[^/]+/[^/#?]+")

#: What uscan makes of upstream's version, so that pre-releases sort as PEP 440 has them: 1.1rc1 is 1.1~rc1, 1.1.dev3
#: is 1.1~dev3. The Pypi template's own rule takes a .dev release for one after the final.
_UVERSION_MANGLE = r"s/[-_.]?(a|b|c|rc|dev)(?:lpha|eta)?[-_.]?(\d)/~$1$2/g"


def repository(facts: SdistFacts) -> str:
    """The web address of upstream's repository on a known forge, or an empty string."""
    labels = ("source", "repository", "code", "github", "homepage", "home")
    by_label = sorted(
        facts.urls, key=lambda u: next((i for i, word in enumerate(labels) if word in u[0].casefold()), 9)
    )
    for url in (*(url for _, url in by_label), facts.homepage):
        if match := _FORGES.match(url):
            return "https:" + match[0].partition(":")[2].removesuffix(".git").rstrip("/")
    return ""


def homepage(facts: SdistFacts) -> str:
    """The project's own page: its Home-page, a URL labelled so, or its repository; never the index's page."""
    labelled = [url for label, url in facts.urls if re.sub(r"\W", "", label).casefold() in ("homepage", "home")]
    candidates = [facts.homepage, *labelled, repository(facts), *(url for _, url in facts.urls)]
    return next((url for url in candidates if url and "/project/" not in url), "")


def watch(inputs: Inputs, templates: Templates, *, repack_suffix: str = "") -> str:
    """debian/watch: the Pypi template of uscan where the suite's uscan has it (version 5), else version 4.

    ``repack_suffix`` is what the Debian version has more than upstream's, such as ``+dfsg``, which uscan has to ignore.
    """
    version = re.escape(inputs.facts.version)
    match = re.match(rf"^(?P<dist>.+)-{version}(?P<ext>\.tar\.gz|\.tgz|\.tar\.bz2|\.tar\.xz|\.zip)$", inputs.sdist_name)
    dist = match["dist"] if match else re.sub(r"-\d.*$", "", re.sub(r"\.(?:tar\.\w+|tgz|zip)$", "", inputs.sdist_name))
    extension = match["ext"] if match else ".tar.gz"
    return watch_comment(inputs.vendored) + templates.render(
        f"watch-{inputs.suite.watch_version}.j2",
        dist=dist,
        matching_pattern="" if extension == ".tar.gz" else f"{dist}-@ANY_VERSION@{re.escape(extension)}",
        repack_suffix=repack_suffix,
        uversion_mangle=_UVERSION_MANGLE,
    )


def upstream_metadata(facts: SdistFacts, templates: Templates, texts: Mapping[str, str] | None = None) -> str:
    """debian/upstream/metadata (DEP-12), or an empty string where nothing is known.

    ``texts`` may have the sdist's files by path; only their names count, such as that of a security policy.
    """
    fields = dict(_metadata_fields(facts, texts or {}))
    quoted = sorted((key, _yaml(value)) for key, value in fields.items())
    return templates.render("upstream-metadata.j2", fields=quoted) if quoted else ""


def _metadata_fields(facts: SdistFacts, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    forge = repository(facts)
    if forge:
        yield "Repository", f"{forge}.git"
        yield "Repository-Browse", forge
        if "//github.com/" in forge or "//codeberg.org/" in forge:
            yield "Bug-Database", f"{forge}/issues"
            yield "Bug-Submit", f"{forge}/issues/new"
        elif "//gitlab.com/" in forge:
            yield "Bug-Database", f"{forge}/-/issues"
            yield "Bug-Submit", f"{forge}/-/issues/new"
        if "//github.com/" in forge and any(
            re.fullmatch(r"(?i)(?:\.github/)?SECURITY\.(?:md|rst|txt)", p) for p in texts
        ):
            yield "Security-Contact", f"{forge}/security/policy"
    for label, url in facts.urls:
        word = label.casefold()
        if re.search(r"\bdocs?\b|documentation", word):
            yield "Documentation", url
        elif re.search(r"change|release notes|history|what's new", word):
            yield "Changelog", url
        elif re.search(r"issue|bug|tracker", word) and url.startswith("https://"):
            yield "Bug-Database", url
        elif re.search(r"donat|sponsor|funding", word):
            yield "Donation", url
        elif "security" in word:
            yield "Security-Contact", url


def _yaml(value: str) -> str:
    """A string as YAML has it: plain where that can't be misread, else in double quotes."""
    if re.fullmatch(r"[A-Za-z][\w./:@?=&%+~,-]*[\w/]", value) and ": " not in value:
        return value
    return json.dumps(value, ensure_ascii=False)


def entry_date(released: datetime, suite_date: datetime) -> datetime:
    """The date of a changelog entry: upstream's release, or the day of the suite's index where that is later.

    An entry older than the Standards-Version that it follows is a contradiction (timewarp-standards-version). The
    index counts by its day (UTC), so that the same inputs give the same bytes.
    """
    day = suite_date.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(released.astimezone(UTC).replace(microsecond=0), day)


def changelog(inputs: Inputs, source: str, version: str, templates: Templates) -> str:
    """The first entry of debian/changelog; an ITP is closed only where its number was given."""
    closes = f" (Closes: #{inputs.itp})" if inputs.itp else ""
    text = templates.render(
        "changelog.j2",
        source=source,
        version=version,
        distribution=inputs.suite.changelog_distribution,
        lines=_changelog_lines(inputs, closes),
        identity=str(inputs.identity),
        date=format_datetime(inputs.date),
    )
    try:
        Changelog(text, strict=True)
    except ChangelogParseError as error:
        raise UsageError(
            f"the changelog entry is malformed: {error}", hint="Check the name and mail address."
        ) from None
    return changelog_with(text, inputs.continued.held.changelog) if inputs.continued else text


def _changelog_lines(inputs: Inputs, closes: str) -> list[str]:
    if (continued := inputs.continued) is None:
        known = inputs.lookup(inputs.facts.normalised)
        return [f"New upstream release.{closes}" if known else f"Initial release.{closes}"]
    same = is_same_release(continued.version, debian_upstream(inputs.facts.version))
    return first_lines(continued.upload, new_release=not same, closes=closes)
