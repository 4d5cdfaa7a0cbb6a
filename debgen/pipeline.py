"""From a requirement to a source package on disk: the effects around the pure middle, in the order of the data.

Both ``generate`` and ``build`` go through here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from debgen.archive.held import held_source
from debgen.archive.model import Match, Origin
from debgen.archive.origtarballs import fetch_orig
from debgen.archive.pythons import is_for_default_only
from debgen.archive.sources import open_sources
from debgen.debianize.continued import Continued, continue_source, date_after
from debgen.debianize.model import Inputs, SourcePackage, Team, Unmet
from debgen.debianize.names import section_of
from debgen.debianize.origs import ArchiveOrig, Orig
from debgen.debianize.package import debianize
from debgen.debianize.requirements import judge_requirements
from debgen.debianize.source_files import entry_date
from debgen.debianize.suite import suite_facts
from debgen.debianize.templates import Templates
from debgen.errors import BlockedError, ResolutionError, UsageError
from debgen.fetching import fetched, release_date
from debgen.gitrepo import create, import_of
from debgen.identity import Identity
from debgen.libraries import build_libraries
from debgen.narrate import say
from debgen.overlays import last_generated, refuse_edited, with_edits, write_debian, write_hints, write_state
from debgen.patched import patched_texts, with_cargo_texts
from debgen.planner import Workbench
from debgen.planning.build_needs import relations_for_crate
from debgen.planning.choice import Choice, allowed_versions, choose
from debgen.planning.model import Decision, Kind, Plan
from debgen.recipes import Recipe, load_recipe
from debgen.run import Runner, run
from debgen.sourcetexts import source_texts, test_programs
from debgen.upstream.facts import SdistFacts
from debgen.upstream.licences import scan_licences
from debgen.upstream.model import FileKind
from debgen.upstream.proxy import Releases
from debgen.upstream.requirements import is_requirement
from debgen.upstream.vendored import FOLDER, refuse_stale
from debgen.vendoring import add_vendored
from debgen.workspace import fresh_directory

#: Programs that writing a source package takes.
GENERATING_TOOLS = ("dpkg-source", "licensecheck", "debmake", "bwrap")
#: How many releases to look at before giving up on finding one that the suite can carry.
_CANDIDATES = 40


@dataclass(frozen=True)
class Settings:
    """What the command line says about every source package of a run."""

    identity: Identity
    team: Team = field(default_factory=Team)
    itp: int | None = None
    variant: str = ""
    recipes: tuple[Path, ...] = ()
    templates: tuple[Path, ...] = ()
    #: Whether a human's changes in earlier results are put together with what is generated now.
    keep_edits: bool = False
    #: Whether the human takes over a package that the archive has.
    adopt: bool = False


@dataclass(frozen=True)
class Prepared:
    """A generated package that is not written yet, and what goes into it."""

    package: SourcePackage
    archive: Path
    tree: Path
    facts: SdistFacts
    date: datetime
    orig: Orig
    #: The tarball with the crates that are vendored.
    component: Path | None = None


@dataclass(frozen=True)
class Written:
    """A source package on disk."""

    package: SourcePackage
    dsc: Path
    tree: Path
    date: datetime
    orig: Orig = field(default_factory=Orig)
    #: The top-level modules of the distribution.
    modules: tuple[str, ...] = ()


def parse_name(text: str) -> tuple[str, SpecifierSet]:
    """``NAME`` or ``NAME==VERSION`` (or any specifier): the normalised name and the bounds."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise UsageError(
            f"{text!r} is neither NAME nor NAME==VERSION", hint="For example: huggingface-hub==1.33.0"
        ) from None
    if requirement.extras or requirement.marker or requirement.url:
        raise UsageError(f"{text!r}: extras, markers and URLs have no meaning here", hint="Give NAME or NAME==VERSION.")
    return str(canonicalize_name(requirement.name)), requirement.specifier


def choose_release(text: str, root: str, bench: Workbench, settings: Settings) -> tuple[str, str]:
    """The name and version to package.

    An exact version is taken as it is. Else it is the newest release that satisfies every bound in the plan
    of ``root`` (if that plan has the distribution) and whose own run-time requirements the suite can meet; of ``root``
    itself it is the plan's.
    """
    name, bounds = parse_name(text)
    index, client = bench.index, bench.client
    versions = client.versions(name)  # an unknown distribution ends here, before any resolution
    exact = [s.version for s in bounds if s.operator in ("==", "===") and not s.version.endswith(".*")]
    if exact:
        return name, client.sdist_of(name, exact[0]).version
    if root:
        variant = bench.variant(root, settings.variant)
        say(f"variant: {variant.name} ({variant.reason})")
        plan = bench.plan(root, variant, read_sdists=False, ask_apt=False)
        planned = plan.node(plan.root)
        if planned and plan.root == name and bounds.contains(planned.version, prereleases=True):
            say(f"{name}: packaging {planned.version}, as its plan has it")  # a newer one may not resolve
            return name, planned.version
        bounds &= _bounds_in(plan, name)
    candidates = releases_of(name, bounds, bench)[:_CANDIDATES]
    recipe = _recipe(name, bench, settings)
    choice = choose(candidates, _unmet_of(name, recipe, bench, Releases(client, bench.target)))
    if choice is None:
        raise ResolutionError(
            f"no release of {name} satisfies {bounds}", hint=f"The newest releases are {', '.join(versions[:5])}."
        )
    _narrate_choice(name, index.codename, choice)
    return name, choice.version


def _recipe(name: str, bench: Workbench, settings: Settings) -> Recipe:
    variant = settings.variant or "cpu"
    return load_recipe(name, bench.index.codename, variant=variant, directories=settings.recipes)


def _bounds_in(plan: Plan, name: str) -> SpecifierSet:
    """Every bound that a plan puts on a distribution: those that count, or all where none does."""
    node, root = plan.node(name), plan.node(plan.root)
    bounds = SpecifierSet()
    if node is None or root is None:
        return bounds
    for asked in node.asked:
        if asked.kind is Kind.RUN and (asked.counts or not node.needed) and asked.decision is not Decision.DROP:
            bounds &= SpecifierSet(asked.specifier)
    say(f"{name}: the plan of {root.name} {root.version} asks for {bounds or 'any version'}")
    return bounds


def releases_of(name: str, bounds: SpecifierSet, bench: Workbench) -> list[str]:
    """The releases within ``bounds`` that run on the suite's Python and have an sdist, newest first.

    NoSdistError where some would run, but none of these has an sdist.
    """
    python, client = bench.index.python_version, bench.client
    versions = allowed_versions(client.versions(name), bounds)
    runs: set[str] = set()
    sources: set[str] = set()
    for file in client.files(name):
        with suppress(InvalidSpecifier):  # nonsense says nothing against a release
            if file.requires_python and not SpecifierSet(file.requires_python).contains(python, prereleases=True):
                continue
        runs.add(file.version)
        if file.kind is FileKind.SDIST:
            sources.add(file.version)
    running = [version for version in versions if version in runs]
    found = [version for version in running if version in sources]
    if running and not found:
        client.sdist_of(name, running[0])
    return found


def _unmet_of(name: str, recipe: Recipe, bench: Workbench, releases: Releases) -> Callable[[str], tuple[Unmet, ...]]:
    environment = bench.target.marker_environment()

    def unmet_of(version: str) -> tuple[Unmet, ...]:
        lines = releases.metadata(name, version).requires_dist
        requirements = [Requirement(line) for line in lines if is_requirement(line)]
        return judge_requirements(requirements, bench.lookup, recipe, environment).unmet

    return unmet_of


def _narrate_choice(name: str, suite: str, choice: Choice) -> None:
    for passed in choice.passed[:3]:
        say(f"{name} {passed.version} is newer, but {suite} can't carry it: {'; '.join(map(str, passed.unmet))}")
    if len(choice.passed) > 3:
        say(f"… and so {len(choice.passed) - 3} more releases")
    say(f"{name}: packaging {choice.version}")


def generate(name: str, version: str, bench: Workbench, settings: Settings, out: Path, run: Runner = run) -> Written:
    """Fetch the sdist, read it, and write the source package into the folder ``out``, which it replaces.

    BlockedError where the suite can't meet a run-time requirement or something is left for a human to answer,
    WorkspaceError where somebody has edited the debian/ that stands there.
    """
    refuse_edited(out, keep_edits=settings.keep_edits)
    with prepare(name, version, bench, settings, run) as prepared:
        refuse_unready(prepared.package, bench.index.codename)
        package, conflicts, kept = with_edits(prepared.package, out)
        if kept:
            say(f"kept your changes in {', '.join(f'debian/{path}' for path in kept)}")
        for conflict in conflicts:
            say(f"changed by you and by the generator; yours stands: {conflict}")
        return write(prepared, package, out, prepared.date, run)


@contextmanager
def prepare(name: str, version: str, bench: Workbench, settings: Settings, run: Runner = run) -> Iterator[Prepared]:
    """Generate a package without writing it."""
    index = bench.index
    existing = bench.lookup(name)
    continued = _continued(existing, bench, settings, run)

    def take(orig: ArchiveOrig) -> Path:
        mirror = bench.apt_root.settings
        return fetch_orig(index.codename, mirror, orig.source, orig.version, orig.name, orig.sha256, run=run)

    with fetched(name, version, bench.client, continued, take) as source:
        file, tree, facts, recipe = source.file, source.tree, source.facts, _recipe(name, bench, settings)
        build = bench.reader.read(file)
        component = add_vendored(recipe.layer.vendor, bench.client, tree, tree.parent, beside=source.archive)
        texts = source_texts(tree, facts)
        refuse_stale(recipe.layer, with_cargo_texts(build, texts).cargo.texts, f"{name} {version}")
        scan = scan_licences(tree, component.key(source.key), run)
        for line in scan.disagreements:
            say(f"licence scan: {line}")
        environment = bench.target.marker_environment()
        texts = patched_texts(recipe, tree, texts, run)
        build = bench.as_debian_builds(name, with_cargo_texts(build, texts), settings.variant or "cpu")
        date = release_date(file, tree)
        if "SOURCE_DATE_EPOCH" not in os.environ:
            date = entry_date(date, index.date)
        inputs = Inputs(
            facts=facts, scan=scan, texts=texts, sdist_name=file.filename,
            suite=suite_facts(index, _policy(bench, run)), lookup=bench.lookup,
            taken=lambda p: bool(index.binary(p) or index.source_binaries(p)), marker_environment=environment,
            recipe=recipe, vendored=component.crates, identity=settings.identity,
            team=settings.team, date=date_after(continued.held.changelog, date) if continued else date,
            itp=settings.itp, build=build, crates=bench.crate_needs(name, build, settings.variant or "cpu"),
            crate_relations=lambda need: relations_for_crate(bench.packages, need),
            beyond=bench.beyond, siblings=bench.siblings,
            derived=lambda wanted: bench.pydist.packages.get(wanted, f"python3-{wanted}"),
            default_only=lambda package: is_for_default_only(index, package),
            test_programs=test_programs(tree, facts, index, existing),
            has=lambda path: (tree / path).is_file(),
            libraries=build_libraries(tree, facts, build, index),
            section=section_of(index.binary(existing.package) if existing else None),
            continued=continued, repack=source.repack,
        )  # fmt: skip
        package = debianize(inputs, Templates(settings.templates))
        for note in package.notes:
            say(note)
        yield Prepared(package, source.archive, tree, facts, inputs.date, source.orig, component.archive)


def _continued(existing: Match | None, bench: Workbench, settings: Settings, run: Runner) -> Continued | None:
    """The archive's source of the distribution, where its own metadata says that it is one."""
    if existing is None or existing.origin not in (Origin.CONTENTS, Origin.PROVIDES):
        return None
    held = held_source(bench.index, bench.apt_root, existing.package, run=run)
    if held is None:
        return None
    with open_sources(bench.index.codename, bench.apt_root.settings, run=run) as sources:
        record = sources.record(held.source)
    me = str(settings.identity)
    adopt_as = (settings.team.maintainer or me, me if settings.team.maintainer else "") if settings.adopt else None
    return continue_source(held, record, settings.identity, adopt_as=adopt_as)


def _policy(bench: Workbench, run: Runner) -> str:
    """The version of policy that the suite's lintian itself follows, where the suite has no package of policy."""
    index = bench.index
    if index.version_of("debian-policy"):
        return ""
    with open_sources(index.codename, bench.apt_root.settings, run=run) as sources:
        lintian = sources.record("lintian")
    return lintian.standards_version if lintian else ""


def refuse_unready(package: SourcePackage, suite: str) -> None:
    if package.unmet:
        lines = "\n".join(f"  {unmet}" for unmet in package.unmet)
        raise BlockedError(
            f"{package.source} {package.version} can't be installed in {suite}, which doesn't have:\n{lines}",
            hint="Package those first, ask for an older release, or relax or drop them in a recipe with a reason.",
        )
    if package.fixmes:
        lines = "\n".join(f"  {fixme.file}: {fixme.question}" for fixme in package.fixmes)
        raise BlockedError(
            f"{package.source} {package.version} has open questions that only a human can answer:\n{lines}",
            hint="Answer them in a recipe (its debian/ folder wins over generated files).",
        )


def write(prepared: Prepared, package: SourcePackage, out: Path, date: datetime, run: Runner = run) -> Written:
    """Lay out ``<source>-<version>/`` and the orig tarball in ``out``, and let dpkg-source make the .dsc.

    ``package`` is the prepared one, perhaps with a human's changes; ``date`` is that of its changelog entry.
    """
    upstream = package.upstream_version
    with fresh_directory(out) as work:
        folder = work / f"{package.source}-{upstream}"
        shutil.copytree(prepared.tree, folder, symlinks=True)
        shutil.rmtree(folder / "debian", ignore_errors=True)  # 3.0 (quilt) drops upstream's own as well
        write_debian(folder / "debian", package.files, package.executable)
        archive = prepared.archive
        shutil.copyfile(archive, work / f"{package.source}_{upstream}.orig{_extension(archive)}")
        if component := prepared.component:
            shutil.copyfile(component, work / f"{package.source}_{upstream}.orig-{FOLDER}{_extension(component)}")
        _dpkg_source(folder, date, run)
        write_state(work, prepared.package.files, prepared.package.provenance)
        write_hints(work, package.replaced, package.files)
    dsc = next(out.glob("*.dsc"))
    return Written(package, dsc, out / folder.name, date, prepared.orig, prepared.facts.modules)


def create_repository(written: Written, target: Path, settings: Settings, run: Runner = run) -> None:
    """Make a packaging repository of the source package in the new folder ``target``."""
    generated = last_generated(written.dsc.parent) or {}
    told = import_of(written.dsc, written.package.version)
    create(target, told, generated, settings.identity, written.date, run)


def _extension(archive: Path) -> str:
    """What the orig tarball's name ends in; the archive is one that dpkg-source takes."""
    if archive.name.endswith(".tgz"):
        return ".tar.gz"
    return "".join(archive.suffixes[-2:])


def _dpkg_source(folder: Path, date: datetime, run: Runner) -> None:
    epoch = str(int(date.timestamp()))
    argv: Sequence[str] = ("dpkg-source", "--build", folder.name)
    run(argv, cwd=folder.parent, env={"SOURCE_DATE_EPOCH": epoch, "LC_ALL": "C.UTF-8", "TZ": "UTC"})
