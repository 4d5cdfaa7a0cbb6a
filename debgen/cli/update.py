"""``debgen update NAME``: move a package to another release, with everything that a human did to it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from debgen.archive.versions import upstream_version
from debgen.cli.options import SubParsers, add_suite_options, index_client, mirror_settings, suite_index
from debgen.cli.source_options import add_source_options, source_settings
from debgen.debianize.updates import as_diff, requirement_changes
from debgen.errors import CONFLICTS
from debgen.fetching import fetched
from debgen.gitrepo import GIT_TOOLS, import_of
from debgen.narrate import say
from debgen.overlays import refuse_edited
from debgen.pipeline import GENERATING_TOOLS, Settings, choose_release, prepare, refuse_unready, write
from debgen.planner import Workbench
from debgen.refresh import Fate
from debgen.run import require_tools
from debgen.updating import (
    Place,
    Updated,
    find_place,
    generated_before,
    move_repository,
    open_repository,
    update,
)
from debgen.upstream.facts import SdistFacts


def add_parser(verbs: SubParsers) -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "update",
        help="move a package to another release, and keep what you changed",
        description="Move a package to another release: what was generated for the release before, what is generated "
        "now and what stands in debian/ are merged, patches are refreshed, and the changelog gets an entry. The "
        "package is that of the current folder, or the newest one in debgen's results.",
    )
    add_source_options(parser, again=False)
    parser.add_argument("--to", metavar="VERSION", default="", help="the release (default: as `debgen generate` does)")
    parser.add_argument(
        "-C", dest="folder", type=Path, metavar="DIR", default=Path(),
        help="packaging repository or source tree, with a folder debian/ (default: the current folder)",
    )  # fmt: skip
    parser.add_argument(
        "--without-failing-patches", action="store_true", help="take patches that fail out of series, and go on"
    )
    add_suite_options(parser)
    parser.set_defaults(func=run_verb)


def run_verb(args: argparse.Namespace) -> int:
    """Do it, and print where the result is. CONFLICTS where something was left as the human had it."""
    settings = source_settings(args)
    require_tools(*GENERATING_TOOLS, "patch")
    client, mirror = index_client(args), mirror_settings(args)
    with suite_index(args, mirror) as index:
        bench = Workbench(index, client, mirror, settings.recipes)
        results = args.output.absolute() / index.codename
        wanted = f"{args.name}=={args.to}" if args.to else args.name
        name, version = choose_release(wanted, args.root, bench, settings)
        place = find_place(args.folder.absolute(), results, name)
        if place.is_repository:
            require_tools(*GIT_TOOLS)
        old_version = client.sdist_of(name, upstream_version(place.version)).version
        if old_version == version:
            say(f"{place.tree} is at {name} {version} already; nothing to do")
            print(place.tree)
            return 0
        out = results / f"{name}-{version}" / "source"
        if place.out is not None:
            refuse_edited(out, keep_edits=False)
        return _move(place, name, (old_version, version), bench, settings, out, args.without_failing_patches)


def _move(
    place: Place,
    name: str,
    versions: tuple[str, str],
    bench: Workbench,
    settings: Settings,
    out: Path,
    without_failing: bool,
) -> int:
    old, new = versions
    with prepare(name, new, bench, settings) as prepared:
        refuse_unready(prepared.package, bench.index.codename)
        repository = open_repository(place, settings.identity, prepared.date) if place.is_repository else None
        before = generated_before(place, repository)
        with fetched(name, old, bench.client) as former:
            _tell_requirements(former.facts, prepared.facts)
        if before is None:
            say(f"what was generated for {old} is generated again, as nothing here remembers it")
            with prepare(name, old, bench, settings) as again:
                before = again.package.files
        updated = update(place, prepared.package, before, prepared.tree, prepared.date, without_failing=without_failing)
        generated = prepared.package.files
        if repository is None:
            written = write(prepared, updated.package, out, updated.date)
            print(written.dsc)
        else:
            with tempfile.TemporaryDirectory(prefix="debgen-update-") as scratch:
                written = write(prepared, updated.package, Path(scratch) / "source", updated.date)
                told = import_of(written.dsc, updated.package.version)
                message = f"Update to {updated.package.version}\n\n" + "\n".join(f"* {line}" for line in updated.lines)
                move_repository(repository, told, generated, message)
            print(place.tree)
    return _report(updated)


def _tell_requirements(old: SdistFacts, new: SdistFacts) -> None:
    """Print what upstream asks for otherwise than before, as a diff."""
    diff = as_diff(requirement_changes(old, new))
    say(f"requirements of {old.version} and of {new.version}{': the same' if not diff else ':'}")
    if diff:
        print(f"--- {old.name} {old.version}\n+++ {new.name} {new.version}\n{diff}", end="")


def _report(updated: Updated) -> int:
    for patch in updated.patches:
        if patch.fate is not Fate.CLEAN:
            say(f"patch {patch}")
    for line in updated.lines:
        say(f"changelog: {line}")
    if not updated.conflicts:
        return 0
    say(f"{len(updated.conflicts)} places were changed by you and by the generator; yours stand, so look at them:")
    for conflict in updated.conflicts:
        say(f"  {conflict}")
    return CONFLICTS
