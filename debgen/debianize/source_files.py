"""The files of debian/ that follow from facts alone: watch, upstream/metadata, tests, changelog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import format_datetime

from debian.changelog import Changelog, ChangelogParseError

from debgen.debianize.model import Inputs
from debgen.debianize.templates import Templates
from debgen.errors import UsageError
from debgen.upstream.facts import SdistFacts

_FORGES = re.compile(r"^https?://(?:www\.)?(?:github\.com|gitlab\.com|codeberg\.org|bitbucket\.org)/[^/]+/[^/#?]+")


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


def watch(inputs: Inputs, templates: Templates) -> str:
    """debian/watch: the Pypi template of uscan where the suite's uscan has it (version 5), else version 4."""
    stem = inputs.sdist_name
    version = re.escape(inputs.facts.version)
    match = re.match(rf"^(?P<dist>.+)-{version}(?P<ext>\.tar\.gz|\.tar\.bz2|\.tar\.xz|\.zip)$", stem)
    dist = match["dist"] if match else inputs.facts.name
    usual = match is None or match["ext"] == ".tar.gz"
    extension = "" if match is None else match["ext"]
    pattern = "" if usual else f"{dist}-@ANY_VERSION@{re.escape(extension)}"
    return templates.render(f"watch-{inputs.suite.watch_version}.j2", dist=dist, matching_pattern=pattern)


def upstream_metadata(facts: SdistFacts, templates: Templates) -> str:
    """debian/upstream/metadata (DEP-12), or an empty string where nothing is known."""
    fields = dict(_metadata_fields(facts))
    return templates.render("upstream-metadata.j2", fields=sorted(fields.items())) if fields else ""


def _metadata_fields(facts: SdistFacts) -> Iterator[tuple[str, str]]:
    forge = repository(facts)
    if forge:
        yield "Repository", f"{forge}.git"
        yield "Repository-Browse", forge
        if "//github.com/" in forge or "//codeberg.org/" in forge:
            yield "Bug-Database", f"{forge}/issues"
            yield "Bug-Submit", f"{forge}/issues/new"
    for label, url in facts.urls:
        word = label.casefold()
        if re.search(r"\bdocs?\b|documentation", word):
            yield "Documentation", url
        elif "change" in word or "release notes" in word or "history" in word:
            yield "Changelog", url
        elif ("issue" in word or "bug" in word or "tracker" in word) and url.startswith("https://"):
            yield "Bug-Database", url


def changelog(inputs: Inputs, source: str, version: str, templates: Templates) -> str:
    """The first entry of debian/changelog; an ITP is closed only where its number was given."""
    closes = f" (Closes: #{inputs.itp})" if inputs.itp else ""
    text = templates.render(
        "changelog.j2",
        source=source,
        version=version,
        distribution=inputs.suite.changelog_distribution,
        lines=[
            f"New upstream release.{closes}" if inputs.lookup(inputs.facts.normalised) else f"Initial release.{closes}"
        ],
        identity=str(inputs.identity),
        date=format_datetime(inputs.date),
    )
    try:
        Changelog(text, strict=True)
    except ChangelogParseError as error:
        raise UsageError(
            f"the changelog entry is malformed: {error}", hint="Check the name and mail address."
        ) from None
    return text
