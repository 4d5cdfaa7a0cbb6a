"""What the headers of patches to Cargo.toml say (DEP-3), and what a human is told to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from debgen.archive.crates import crate_version
from debgen.cargo.semver import Requirement, Semver
from debgen.errors import UnsupportedSourceError
from debgen.planning.model import BuildNeed

NO_DEVELOPMENT = (
    "Don't ask for what only upstream's tests in Rust need",
    "Cargo resolves dev-dependencies too when it makes Cargo.lock anew, and the build has no network. The build "
    "makes the Python module, and that is what is tested, so their crates are not among the Build-Depends.",
)
FOREIGN = (
    "Don't ask for crates of other systems",
    "Cargo resolves the dependencies of all targets when it makes Cargo.lock anew, and the build has no network. "
    "These are for systems that Debian isn't.",
)
OFF = (
    "Don't ask for what only features ask for that are off",
    "Cargo resolves with all features when it makes Cargo.lock anew, and the build has no network. Those that the "
    "Python module is built with don't take these crates, and these features of crates.",
)
WORKSPACE = (
    "Build only those members of the workspace that the module needs",
    "Cargo resolves what all members of a workspace ask for, and the build has no network.",
)
#: What the sentences begin with that a human has to read.
_MARK = "NEEDS A LOOK: "
UNBUILT = "Build without a part of the workspace"


@dataclass(frozen=True)
class Told:
    """Title and text of a patch's header; ``look`` is the remark for the human where the code needs a look."""

    title: str
    reason: str
    look: str = ""


def relaxed(needs: Sequence[BuildNeed], suite: str, *, tested: bool, git: bool = False, vendored: bool = False) -> Told:
    """What is said of loosened bounds on one crate; ``needs`` are its requirements, not empty.

    ``tested`` where upstream's tests run in the build, ``git`` where upstream takes the crate from a repository,
    ``vendored`` where it comes with the source.
    """
    first = needs[0]
    version = crate_version(first.version)
    shown = str(version or first.version)
    whose = f"{first.borrowed}, which lends it to the build," if first.borrowed else suite
    has = f"the source comes with {shown}" if vendored else f"{whose} has {shown} ({first.package} {first.version})"
    lines = [f"Upstream wants {' and '.join(_wanted(need) for need in needs)}; {has}."]
    if git:
        lines.append("Upstream takes it from a repository; Debian builds with the released crate.")
    looks = list(_looks(needs, version))
    lines += looks
    if not vendored and all(_is_met_pin(need, version) for need in needs):
        lines.append("The exact bound would shut out the crate's next upload, compatible as it is by Cargo's rules.")
        title = f"Don't pin {first.name}"
    else:
        title = f"Build with {first.name} {shown}"
    if tested:
        lines.append(f"Upstream's tests passed with {shown}: the build runs them, and ends where one fails.")
    else:
        lines.append(
            f"Upstream has no tests that the build could run; the smoke test of its modules passed with {shown}."
        )
    open_ = [line.removeprefix(_MARK) for line in looks if line.startswith(_MARK)]
    look = f"relax-crate-{first.name}.patch needs a look: {' '.join(open_)}" if open_ else ""
    return Told(title, "\n".join(lines), look)


def _wanted(need: BuildNeed) -> str:
    locked = f" (its Cargo.lock has {need.locked})" if need.locked else ""
    return f"{need.name} {need.requirement}".rstrip() + locked


def _looks(needs: Sequence[BuildNeed], version: Semver | None) -> Iterator[str]:
    """Why the code has to be looked at, one sentence each."""
    for need in needs:
        wanted = _series(need.requirement)
        if version and wanted and need.loosened and wanted != version.series:
            yield (
                _MARK + f"by Cargo's rules {'.'.join(map(str, version.series))} is not compatible with"
                f" {'.'.join(map(str, wanted))}, so the code may mean another thing than it did."
            )
    replaced = {old: new for need in needs for old, new in need.replaced}
    for old, new in sorted(replaced.items()):
        if old == "default":
            yield _MARK + f"{needs[0].package} lacks some of the crate's default features."
        elif new:
            yield f"The feature {old}, which {needs[0].package} hasn't, becomes {new}."
    if lost := sorted(old for old, new in replaced.items() if old != "default" and not new):
        some = f"features {', '.join(lost)}, which are" if len(lost) > 1 else f"feature {lost[0]}, which is"
        yield _MARK + f"{needs[0].package} doesn't have the {some} left out."


def _is_met_pin(need: BuildNeed, version: Semver | None) -> bool:
    """Whether upstream pins the version that is there."""
    with suppress(UnsupportedSourceError):
        requirement = Requirement.parse(need.requirement)
        return version is not None and requirement.is_pin and requirement.matches(version)
    return False


def _series(requirement: str) -> tuple[int, ...]:
    with suppress(UnsupportedSourceError):
        return Requirement.parse(requirement).lower.series
    return ()
