"""``debgen build NAME --triage``: build, read why tests fail, propose what to skip, and show that the rest passes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from debgen.building.result import ExerciseReport
from debgen.building.testlog import ran
from debgen.building.triage import Proposal, Real, Surroundings, snippet, triage
from debgen.data import data_directory
from debgen.errors import BuildError, CheckError
from debgen.narrate import say
from debgen.pipeline import Settings, Written, generate
from debgen.planner import Workbench
from debgen.upstream.facts import SdistFacts, read_facts
from debgen.workspace import write_atomically

SCHEMA = 1
#: Files that can't be imported keep pytest from running any test, so the next run can show more.
_ROUNDS = 4

#: Builds a source package into a folder: the summary as plain data, and what became of its tests.
Builder = Callable[[Written, Path], tuple[dict[str, Any], ExerciseReport]]


@dataclass
class _State:
    """What was found so far."""

    proposals: dict[str, Proposal] = field(default_factory=dict)
    real: tuple[Real, ...] = ()
    log: Path | None = None
    summary: dict[str, Any] | None = None


def run_triage(
    name: str, version: str, bench: Workbench, settings: Settings, out: Path, builder: Builder, as_json: bool
) -> int:
    """Build into ``out``, again with what is proposed as long as that shows more, and print the findings.

    The proposals are written to ``out/triage.toml``. BuildError where a failure is real, and where the package does
    not build for another reason than its tests; CheckError where it is built and isn't fit for upload all the same.
    """
    state = _State()
    for number in range(_ROUNDS):
        folder = out if number == 0 else out / "triage"
        with _recipe_with(name, settings, state.proposals.values()) as recipes:
            written = generate(name, version, bench, replace(settings, recipes=recipes), folder / "source")
        say(f"source package: {written.dsc}")
        failed = _attempt(written, folder / "result", builder, state)
        if failed is None:
            break
        text = failed.read_text(encoding="utf-8", errors="replace")
        kept = out / f"triage-{number + 1}.log"
        write_atomically(kept, text.encode())
        found = triage(text.splitlines(), _surroundings(written, bench))
        new = {p.select: p for p in found.proposals if p.select not in state.proposals}
        state.proposals |= {select: replace(p, evidence=p.evidence) for select, p in new.items()}
        state.real, state.log = found.real, kept
        for proposal in new.values():
            say(f"{proposal.select}: {proposal.reason}")
        if found.real or not new:
            break
    return _tell(name, version, state, out, as_json)


def _attempt(written: Written, result: Path, builder: Builder, state: _State) -> Path | None:
    """Build once; the log in which tests fail, or None where none does. Raises what is no matter of tests."""
    try:
        state.summary, exercise = builder(written, result)
    except BuildError as error:
        log = error.log
        if log is None or not log.is_file() or not ran(log.read_text("utf-8", "replace").splitlines()):
            raise
        return log
    return None if exercise.passed else exercise.log


def _surroundings(written: Written, bench: Workbench) -> Surroundings:
    facts = read_facts(written.tree)
    files = [p.relative_to(written.tree).as_posix() for p in written.tree.rglob("*") if p.is_file()]

    def package_of(module: str) -> str:
        top = module.partition(".")[0]
        for wanted in (module, top):
            match = bench.lookup(str(canonicalize_name(wanted)))
            named = bench.index.binary(f"python3-{wanted.lower().replace('_', '-')}")
            if match is not None or named is not None:
                return match.package if match is not None else str(named and named.name)
        return ""

    return Surroundings(
        suite=bench.index.codename,
        files=[name for name in files if not name.startswith("debian/")],
        modules=facts.modules,
        locate=lambda test: locate(facts, test),
        package_of=package_of,
    )


def locate(facts: SdistFacts, test: str) -> str:
    """The name of a test as it ran, with the path that its file has in the sdist."""
    path, colons, rest = test.partition("::")
    for folder in ("dist-packages/", "/build/"):
        path = path.rpartition(folder)[2]
    here = next((found for place in facts.tests.places if (found := place.sdist_path(path))), path)
    return f"{here}{colons}{rest}"


@contextmanager
def _recipe_with(name: str, settings: Settings, proposals: Any) -> Iterator[tuple[Path, ...]]:
    """Folders of recipes, the first of which has the distribution's own with the proposals added."""
    added = snippet(proposals, "log")
    if not added:
        yield settings.recipes
        return
    with tempfile.TemporaryDirectory(prefix="debgen-triage-") as scratch:
        folder = Path(scratch) / name
        roots = (*settings.recipes, data_directory("recipes"))
        own = next((root / name for root in roots if (root / name).is_dir()), None)
        if own is not None:
            shutil.copytree(own, folder)
        folder.mkdir(exist_ok=True)
        recipe = folder / "recipe.toml"
        before = recipe.read_text(encoding="utf-8") if recipe.is_file() else ""
        recipe.write_text(f"{before.rstrip()}\n\n{added}".lstrip(), encoding="utf-8")
        yield (Path(scratch), *settings.recipes)


def _tell(name: str, version: str, state: _State, out: Path, as_json: bool) -> int:
    proposals = tuple(state.proposals.values())
    passes = state.summary is not None and not state.real
    text = snippet(proposals, state.log.name if state.log else "log") if proposals else ""
    path = out / "triage.toml"
    if text:
        write_atomically(path, text.encode())
    document = {
        "schema": SCHEMA,
        "name": name,
        "version": version,
        "proposals": [{**asdict(p), "cause": p.cause.value} for p in proposals],
        "real": [asdict(failure) for failure in state.real],
        "passes": passes,
        "snippet": str(path) if text else None,
        "log": str(state.log) if state.log else None,
        "build": state.summary,
    }
    print(json.dumps(document, indent=2) if as_json else _as_text(document, text))
    if not passes:
        raise BuildError(
            f"{name} {version}: {len(state.real)} tests fail for reasons that no skip would explain"
            if state.real
            else f"{name} {version}: tests still fail, and the log doesn't say which",
            hint=f"The whole log is {state.log}; a real failure is mended by a patch, or explained by a person.",
            log=state.log,
        )
    if state.summary is not None and not state.summary["good"]:
        raise CheckError(
            f"{name} {version} is built, but not fit for upload", hint="`debgen build` without --triage tells more."
        )
    return 0


def _as_text(document: Mapping[str, Any], text: str) -> str:
    """The findings for people; the snippet can be copied as it stands."""
    lines = [text.rstrip(), ""] if text else []
    head = f"{document['name']} {document['version']}"
    if document["proposals"]:
        verdict = "the rest passes" if document["passes"] else "the rest does not pass"
        lines.append(f"# {head}: {len(document['proposals'])} proposals, and {verdict} with them")
        lines.append(f"# {document['snippet']}")
    elif document["passes"]:
        lines.append(f"# {head}: no test fails, so there is nothing to skip")
    for failure in document["real"]:
        lines.append(f"# real failure: {failure['test']}")
        lines.append(f"#   line {failure['line']}: {failure['evidence']}")
        lines += [f"#   {failure['hint']}"] if failure["hint"] else []
    return "\n".join(lines)
