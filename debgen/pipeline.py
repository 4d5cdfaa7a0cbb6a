"""From a requirement to a source package on disk: the effects around the pure middle, in the order of the data.

Both ``generate`` and ``build`` go through here.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from debgen.debianize.model import Inputs, SourcePackage, Team, Unmet
from debgen.debianize.package import debianize
from debgen.debianize.requirements import judge_requirements
from debgen.debianize.suite import suite_facts
from debgen.debianize.templates import Templates
from debgen.errors import BlockedError, DebgenError, NoSdistError, ResolutionError, UsageError, WorkspaceError
from debgen.identity import Identity
from debgen.narrate import say
from debgen.planner import Workbench
from debgen.planning.choice import Choice, allowed_versions, choose
from debgen.planning.model import Decision, Kind, Plan
from debgen.recipes import Recipe, load_recipe
from debgen.run import Runner, run
from debgen.upstream.facts import SdistFacts, read_facts
from debgen.upstream.index import IndexClient
from debgen.upstream.licences import scan_licences
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.proxy import Releases
from debgen.upstream.requirements import is_requirement
from debgen.upstream.sdist import unpack
from debgen.workspace import cache_directory, fresh_directory

#: Programs that writing a source package takes.
GENERATING_TOOLS = ("dpkg-source", "licensecheck", "debmake", "bwrap")
#: How many releases to look at before giving up on finding one that the suite can carry.
_CANDIDATES = 40
#: Files of the sdist that the generator reads as text, besides licences and tests' paths.
_READ = ("pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", "tox.ini", "conftest.py")


@dataclass(frozen=True)
class Settings:
    """What the command line says about every source package of a run."""

    identity: Identity
    team: Team = field(default_factory=Team)
    itp: int | None = None
    variant: str = ""
    recipes: tuple[Path, ...] = ()
    templates: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Written:
    """A source package on disk."""

    package: SourcePackage
    dsc: Path
    tree: Path


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
    of ``root`` (if that plan has the distribution) and whose own run-time requirements the suite can meet.
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
        bounds &= _bounds_in(plan, name)
    candidates = _packageable(name, allowed_versions(versions, bounds), index.python_version, client)[:_CANDIDATES]
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


def _packageable(name: str, versions: list[str], python: str, client: IndexClient) -> list[str]:
    """Those of ``versions`` that run on the suite's Python and have an sdist.

    NoSdistError where they would run, but none has an sdist.
    """
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
    if edited := edited_files(out):
        raise WorkspaceError(
            f"these files of {out} were edited since debgen wrote them: {', '.join(edited)}",
            hint="Move your changes into a recipe's debian/ folder, or give another folder with -o.",
        )
    index, client = bench.index, bench.client
    file = client.sdist_of(name, version)
    archive = client.download(file, cache_directory("sdists") / (file.sha256 or "unhashed") / file.filename)
    say(f"{file.filename}: fetched, SHA-256 {'verified' if file.sha256 else 'not in the index'}")
    with tempfile.TemporaryDirectory(prefix="debgen-source-") as scratch:
        tree = Path(scratch) / "tree"
        unpack(archive, tree)
        facts = read_facts(tree)
        _check_identity(facts, name, version)
        scan = scan_licences(tree, file.sha256 or f"{name}-{version}", run)
        for line in scan.disagreements:
            say(f"licence scan: {line}")
        environment = bench.target.marker_environment()
        inputs = Inputs(
            facts=facts, scan=scan, texts=_texts(tree, facts), sdist_name=file.filename,
            suite=suite_facts(index), lookup=bench.lookup,
            taken=lambda p: bool(index.binary(p) or index.source_binaries(p)), marker_environment=environment,
            recipe=_recipe(name, bench, settings), identity=settings.identity,
            team=settings.team, date=_date(file, tree), itp=settings.itp,
        )  # fmt: skip
        package = debianize(inputs, Templates(settings.templates))
        for note in package.notes:
            say(note)
        _refuse_unready(package, index.codename)
        return _write(package, archive, tree, inputs.date, out, run)


def edited_files(out: Path) -> list[str]:
    """Files of an earlier run's debian/ that are not as they were packed into the .debian.tar.xz beside them."""
    edited: set[str] = set()
    for packed in out.glob("*.debian.tar.xz"):
        with tarfile.open(packed) as tar:
            then = {m.name: f.read() for m in tar if m.isreg() and (f := tar.extractfile(m)) is not None}
        for tree in (path.parent for path in out.glob("*/debian")):
            files = (path for path in (tree / "debian").rglob("*") if path.is_file())
            now = {path.relative_to(tree).as_posix(): path.read_bytes() for path in files}
            edited |= {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
    return sorted(edited)


def _check_identity(facts: SdistFacts, name: str, version: str) -> None:
    """An sdist that calls itself something else is not what was asked for."""
    if facts.normalised != name or SpecifierSet(f"=={version}").contains(facts.version, prereleases=True) is False:
        raise DebgenError(
            f"the sdist of {name} {version} says that it is {facts.name} {facts.version}",
            hint="Something is wrong upstream or on the way; don't package it.",
        )


def _texts(tree: Path, facts: SdistFacts) -> dict[str, str]:
    """Texts by path; the tests' files are there by name only, so that recipes can be checked against them."""
    texts = {
        path: (tree / path).read_text("utf-8", "replace")
        for path in (*_READ, *facts.licence_files)
        if (tree / path).is_file()
    }
    if facts.tests.directory:
        for path in sorted((tree / facts.tests.directory).rglob("*.py")):
            texts.setdefault(path.relative_to(tree).as_posix(), "")
    return texts


def _date(file: ReleaseFile, tree: Path) -> datetime:
    """The changelog's date: SOURCE_DATE_EPOCH, or when upstream released; never the clock, so bytes repeat."""
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        try:
            return datetime.fromtimestamp(int(epoch), UTC)
        except (ValueError, OverflowError):
            raise UsageError(f"SOURCE_DATE_EPOCH={epoch!r} is no number of seconds", hint="Unset it.") from None
    if file.uploaded:
        return datetime.fromisoformat(file.uploaded).astimezone(UTC).replace(microsecond=0)
    newest = max(int(path.stat().st_mtime) for path in tree.rglob("*") if path.is_file())
    return datetime.fromtimestamp(newest, UTC)


def _refuse_unready(package: SourcePackage, suite: str) -> None:
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


def _write(package: SourcePackage, archive: Path, tree: Path, date: datetime, out: Path, run: Runner) -> Written:
    """Lay out ``<source>-<version>/`` and the orig tarball in ``out``, and let dpkg-source make the .dsc."""
    upstream = package.upstream_version
    with fresh_directory(out) as work:
        folder = work / f"{package.source}-{upstream}"
        shutil.copytree(tree, folder, symlinks=True)
        shutil.rmtree(folder / "debian", ignore_errors=True)  # 3.0 (quilt) drops upstream's own as well
        for path, text in package.files.items():
            target = folder / "debian" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            target.chmod(0o755 if path in package.executable else 0o644)
        for directory in (folder / "debian", *(folder / "debian").rglob("*/")):
            directory.chmod(0o755)  # whatever the umask; modes are part of the tarball
        shutil.copyfile(archive, work / f"{package.source}_{upstream}.orig{_extension(archive)}")
        _dpkg_source(folder, date, run)
    dsc = next(out.glob("*.dsc"))
    return Written(package, dsc, out / folder.name)


def _extension(archive: Path) -> str:
    for extension in (".tar.gz", ".tar.xz", ".tar.bz2"):
        if archive.name.endswith(extension):
            return extension
    raise NoSdistError(
        f"{archive.name} is no tarball that dpkg-source takes",
        hint="It has to be repacked, which this version of debgen does not do.",
    )


def _dpkg_source(folder: Path, date: datetime, run: Runner) -> None:
    epoch = str(int(date.timestamp()))
    argv: Sequence[str] = ("dpkg-source", "--build", folder.name)
    run(argv, cwd=folder.parent, env={"SOURCE_DATE_EPOCH": epoch, "LC_ALL": "C.UTF-8", "TZ": "UTC"})
