"""Moving a package to another release, with everything that a human did to it.

What was generated for the release before, what is generated now, and what stands in debian/ are merged file by file;
patches are tried on the new tree; the changelog gets an entry. Nothing of it is written here until all of it is known.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path

from debgen.archive.relation import compare
from debgen.archive.versions import split_debian
from debgen.debianize.continued import Upload, changelog_with, date_after, next_version
from debgen.debianize.merging import Conflict, merge_files
from debgen.debianize.model import SourcePackage
from debgen.debianize.updates import changelog_lines, entry
from debgen.errors import CommandError, PatchError, UsageError
from debgen.gitrepo import (
    GENERATED,
    PRISTINE,
    UPSTREAM,
    Import,
    Repository,
    debian_branch,
    import_debian,
    import_upstream,
    keep_generated,
    tag_of,
)
from debgen.identity import Identity
from debgen.overlays import last_generated, read_debian, source_tree
from debgen.refresh import Fate, Refreshed, refresh
from debgen.run import Runner, run

_ENTRY = re.compile(r"(?P<source>[a-z0-9][a-z0-9.+-]+) \((?P<version>[^)\s]+)\)")


@dataclass(frozen=True)
class Place:
    """Where a package is: the folder with its debian/, and the results it is part of or the repository that it is.

    ``source`` and ``version`` are those of its changelog's first entry.
    """

    tree: Path
    source: str
    version: str
    out: Path | None

    @property
    def is_repository(self) -> bool:
        """Whether it is a git repository."""
        return self.out is None


@dataclass(frozen=True)
class Updated:
    """The package for the new release, and what a human has to know of it."""

    package: SourcePackage
    conflicts: tuple[Conflict, ...]
    patches: tuple[Refreshed, ...]
    lines: tuple[str, ...]
    date: datetime


def find_place(folder: Path, results: Path, name: str) -> Place:
    """The package in ``folder``, or else the newest one of ``name`` in ``results``, debgen's results for one suite.

    UsageError where there is none, or ``folder`` has one that debgen didn't make.
    """
    if (folder / "debian/changelog").is_file():
        out = None if (folder / ".git").exists() else folder.parent
        return _place(folder, out)
    found = [
        _place(tree, out)
        for out in results.glob(f"{name}-*/source")
        if (tree := source_tree(out)) is not None and (tree / "debian/changelog").is_file()
    ]
    newest: Place | None = None
    for place in found:
        if newest is None or compare(place.version, newest.version) > 0:
            newest = place
    if newest is None:
        raise UsageError(
            f"there is no package of {name} in {folder} or in {results}",
            hint="Run it in a packaging repository, name that with -C, or name debgen's results with -o. "
            f"`debgen generate {name}` makes a new package.",
        )
    return newest


def _place(tree: Path, out: Path | None) -> Place:
    first = (tree / "debian/changelog").read_text("utf-8", "replace").partition("\n")[0]
    if (found := _ENTRY.match(first)) is None:
        raise UsageError(f"{tree}/debian/changelog begins with no entry: {first!r}", hint="Mend its first line.")
    if out is not None and last_generated(out) is None:
        raise UsageError(
            f"{tree} is neither a git repository nor a result of debgen",
            hint="Make it a repository, with upstream/latest and debian/latest as `debgen generate --git` has them.",
        )
    return Place(tree, found["source"], found["version"], out)


def generated_before(place: Place, repository: Repository | None) -> Mapping[str, str] | None:
    """debian/ as debgen generated it for the release that ``place`` has; None where nothing remembers it."""
    if place.out is not None:
        return last_generated(place.out)
    if repository is None or not repository.resolve(GENERATED):
        return None
    with tempfile.TemporaryDirectory(prefix="debgen-before-") as scratch:
        index = Path(scratch) / "index"
        repository.git("read-tree", GENERATED, index=index)
        repository.git("checkout-index", "--all", f"--prefix={scratch}/debian/", index=index)
        return read_debian(Path(scratch) / "debian").files


def update(
    place: Place,
    package: SourcePackage,
    before: Mapping[str, str],
    upstream: Path,
    date: datetime,
    *,
    without_failing: bool = False,
    run: Runner = run,
) -> Updated:
    """Put together what ``package``, as generated for the new release, and a human's work on the old one make.

    ``before`` is debian/ as generated for the old one, ``upstream`` the new release's tree, ``date`` its date. Raises
    UsageError for another source, or a release that is not newer, and PatchError where patches fail, unless
    ``without_failing`` has them taken out of series.
    """
    if package.source != place.source:
        raise UsageError(
            f"{place.tree} has {place.source}, but {package.source} would be generated",
            hint="Name the distribution that it is of.",
        )
    own = read_debian(place.tree / "debian")
    older = own.files["changelog"]
    merged = merge_files(*(_without_changelog(files) for files in (before, own.files, package.files)))
    patches = refresh(merged.files, upstream, run)
    failing = [patch for patch in patches if patch.fate is Fate.FAILED]
    if failing and not without_failing:
        raise PatchError(
            f"{len(failing)} of {len(patches)} patches fail on {package.upstream_version}:\n"
            + "\n".join(f"  {patch}" for patch in failing),
            hint="Nothing was changed. Mend them in debian/patches, or take them out of series with "
            "--without-failing-patches and mend them then.",
        )
    files = _with_patches(merged.files, patches)
    version = _version(package, place)
    refreshed = [patch.name for patch in patches if patch.fate is Fate.REFRESHED]
    dropped = [patch.name for patch in patches if patch.fate is Fate.UPSTREAM]
    lines = ["New upstream release.", *changelog_lines(own.files, files, refreshed=refreshed, dropped=dropped)]
    lines += [f"Leave out {patch.name}, which does not apply to this release." for patch in failing]
    date = date_after(older, date)
    top = entry(package.files["changelog"], lines, version=version, date=format_datetime(date))
    files["changelog"] = changelog_with(top, older)
    executable = {path for path in files if path in own.executable or path in package.executable}
    moved = replace(package, version=version, files=dict(sorted(files.items())), executable=frozenset(executable))
    return Updated(moved, merged.conflicts, patches, tuple(lines), date)


def _without_changelog(files: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if path != "changelog"}


def _version(package: SourcePackage, place: Place) -> str:
    """The generated version, where that is above the one that ``place`` has."""
    if compare(package.upstream_version, split_debian(place.version)[1].rpartition("+really")[2]) < 0:
        raise UsageError(
            f"{place.tree} has {place.version}, which is newer than {package.upstream_version}",
            hint="Give a newer release with --to.",
        )
    if compare(package.version, place.version) > 0:
        return package.version
    suffix = re.search(r"~bpo\d+\+\d+$", package.version)
    nmu = Upload.NMU.value in package.files["changelog"].partition("\n -- ")[0]
    return next_version(place.version, package.upstream_version, suffix=suffix[0] if suffix else "", nmu=nmu)


def _with_patches(files: Mapping[str, str], patches: Sequence[Refreshed]) -> dict[str, str]:
    """The files with the patches rewritten; those that the release has go, those that fail leave series only."""
    result = dict(files)
    lines = result.get("patches/series", "").splitlines(keepends=True)
    for patch in patches:
        place = next(n for n, line in enumerate(lines) if line.split("#")[0].split()[:1] == [patch.name])
        if patch.fate is Fate.UPSTREAM:
            del result[f"patches/{patch.name}"], lines[place]
        elif patch.fate is Fate.FAILED:
            lines[place] = f"# does not apply: {patch.name}\n"
        else:
            result[f"patches/{patch.name}"] = patch.text
    if any(line.strip() for line in lines):
        result["patches/series"] = "".join(lines)
    else:
        result.pop("patches/series", None)
    return result


def open_repository(place: Place, identity: Identity, date: datetime, run: Runner = run) -> Repository:
    """The repository at ``place``, which is on the branch of the packaging and has nothing uncommitted.

    UsageError where it isn't so. The branch is the one that debian/gbp.conf names.
    """
    settings = place.tree / "debian/gbp.conf"
    wanted = debian_branch(settings.read_text("utf-8", "replace") if settings.is_file() else "")
    repository = Repository(place.tree, identity, date, run, wanted)
    branch = ""
    with suppress(CommandError):
        branch = repository.git("symbolic-ref", "--quiet", "--short", "HEAD")
    if branch != wanted or not repository.resolve(f"refs/heads/{UPSTREAM}"):
        raise UsageError(
            f"{place.tree} is on {branch or 'no branch'}, not on {wanted} beside {UPSTREAM} (DEP-14)",
            hint=f"Check out {wanted}, or rename the branches.",
        )
    if changed := repository.git("status", "--porcelain", "--untracked-files=no"):
        raise UsageError(f"{place.tree} has uncommitted changes:\n{changed}", hint="Commit them first.")
    words = ("diff", "--name-only", f"refs/heads/{UPSTREAM}", "HEAD", "--", ".", ":(exclude)debian")
    if foreign := repository.git(*words):
        raise UsageError(
            f"{wanted} differs from {UPSTREAM} outside of debian/:\n{foreign}",
            hint="Make a patch in debian/patches of these changes, so that they aren't lost.",
        )
    return repository


def move_repository(repository: Repository, told: Import, generated: Mapping[str, str], message: str) -> None:
    """Bring the source package ``told`` into the repository, all of it or nothing.

    ``generated`` is debian/ as the generator alone has it. It is done in a clone; the branches follow at the end.
    """
    with tempfile.TemporaryDirectory(prefix="debgen-clone-") as folder:
        clone = replace(repository, path=Path(folder) / "clone")
        repository.git("clone", "--quiet", "--mirror", repository.path, clone.path / ".git")
        clone.git("config", "core.bare", "false")
        clone.defuse_attributes()
        upstream = import_upstream(clone, told)
        head = clone.resolve(f"refs/heads/{clone.branch}")
        commit = import_debian(clone, told, upstream, parents=(head, upstream), message=message)
        clone.git("update-ref", f"refs/heads/{clone.branch}", commit)
        keep_generated(clone, generated, told.version)
        repository.defuse_attributes()
        repository.git(
            "fetch", "--quiet", "--no-tags", clone.path / ".git", f"+refs/heads/{clone.branch}:refs/debgen/new"
        )
        try:
            # The only step that a file in the way can stop; what follows moves names only.
            repository.git("merge", "--quiet", "--ff-only", "refs/debgen/new", work=repository.path)
        except CommandError as error:
            raise UsageError(
                f"git can't move {repository.path} to the new release: {error.output.strip()}",
                hint="Nothing was changed. Move the files away that git names.",
            ) from None
        finally:
            repository.git("update-ref", "-d", "refs/debgen/new")
        tag = f"refs/tags/{tag_of(told.upstream)}"
        names = (f"refs/heads/{UPSTREAM}", f"refs/heads/{PRISTINE}", tag)
        repository.git(
            "fetch", "--quiet", "--no-tags", "--atomic", clone.path / ".git",
            *(f"{name}:{name}" for name in names), f"+{GENERATED}:{GENERATED}",
        )  # fmt: skip
