"""What a smoke test can show of a package without tests: its modules, its public names and its commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from debgen.debianize.model import Inputs
from debgen.debianize.requirements import applies
from debgen.upstream.sourcefiles import SourceFile
from debgen.upstream.stdlib import is_standard

#: Parts of dotted names of what isn't made for being imported.
_UNUSUAL = re.compile(
    r"(?:^|\.)(?:_.*|tests?|testing|conftest|setup|examples?|samples?|demos?|benchmarks?|docs?|scripts?|vendor"
    r"|migrations|templates?|noxfile|gui|windows|win32|macos|darwin|compat.*|.*_?pb2.*)(?:\.|$)"
)
#: What makes a command understand --help.
_PARSERS = {
    "argparse", "optparse", "click", "typer", "docopt", "fire", "absl", "cyclopts", "tyro", "rich_click", "cleo",
    "plac", "configargparse", "jsonargparse", "simple_parsing", "clize", "cloup", "asyncclick",
}  # fmt: skip
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
#: More submodules than a smoke test need import one by one.
_LIMIT = 60


@dataclass(frozen=True)
class Command:
    """A console script: ``module:function``, whether that loads, and whether it is known to understand ``--help``."""

    name: str
    target: str
    loads: bool
    helps: bool


@dataclass(frozen=True)
class Smoke:
    """What the smoke test tries. ``superficial`` where that is no more than to import the modules."""

    modules: tuple[str, ...]
    commands: tuple[Command, ...]
    distribution: str

    @property
    def superficial(self) -> bool:
        """Whether nothing is run but imports (autopkgtest's word for such a test)."""
        return not any(command.helps for command in self.commands)


def smoke(inputs: Inputs) -> Smoke:
    """The smoke test of a package: all its public modules that can be imported with its requirements alone."""
    facts = inputs.facts
    top = tuple(name for name in facts.modules if name not in facts.namespaces and _DOTTED.fullmatch(name))
    files = {name: file for file in facts.tests.own if (name := _dotted(file.path, facts.modules))}
    loadable = _loadable(files, top, _requirement_names(inputs))
    chosen = sorted(name for name in loadable if name not in top and not _UNUSUAL.search(name))
    commands = []
    for script in facts.scripts:
        module, _, function = (part.strip() for part in script.target.split("[")[0].partition(":"))
        if _DOTTED.fullmatch(module) and (not function or _DOTTED.fullmatch(function)):
            file = files.get(module)
            reached = {name.split(".")[0] for name in (file.anywhere if file else ())}
            loads = module in loadable
            helps = loads and bool(reached & _PARSERS)
            commands.append(Command(script.command, f"{module}:{function}", loads, helps))
    return Smoke((*top, *chosen[:_LIMIT]), tuple(commands), facts.name)


def _dotted(path: str, modules: Iterable[str]) -> str:
    """The dotted name of a source file, from the first part that is one of the distribution's top-level modules."""
    parts = path.removesuffix(".py").split("/")
    at = next((i for i, part in enumerate(parts) if part in modules and i < 3), None)
    if at is None or not all(part.isidentifier() for part in parts[at:]):
        return ""
    return ".".join(parts[at:]).removesuffix(".__init__")


def _loadable(files: Mapping[str, SourceFile], top: Iterable[str], known: set[str]) -> set[str]:
    """The modules of ``files`` that load where only ``known`` distributions are there.

    What the top-level packages import is taken to be there: without it nothing would work.
    """
    inside = {name: set(_imported(name, file, files)) for name, file in files.items()}
    foreign = {name: set(_foreign(file, files)) for name, file in files.items()}
    reached: set[str] = set()
    todo = [name for name in top if name in files]
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += inside[name]
    given = {module.partition(".")[0] for name in reached for module in foreign[name]}
    loading = {
        name for name in files
        if all(m.partition(".")[0] in given or known & set(_canonical_prefixes(m)) for m in foreign[name])
    }  # fmt: skip
    while True:  # a module that imports one that doesn't load doesn't either
        failing = {name for name in loading if not inside[name] <= loading | reached}
        if not failing:
            return loading | (reached & set(top))
        loading -= failing


def _imported(name: str, file: SourceFile, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """The modules of ``files`` that one of them loads: its parents, and what it imports at its top level."""
    parts = name.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts)) if ".".join(parts[:end]) in files)
    package = parts if file.path.endswith("/__init__.py") else parts[:-1]
    for module in file.top:
        rest = module.lstrip(".")
        dots = len(module) - len(rest)
        target = rest.split(".") if not dots else [*package[: len(package) - dots + 1], *filter(None, rest.split("."))]
        for end in range(len(target), 0, -1):
            if (dotted := ".".join(target[:end])) in files and dotted != name:
                yield dotted
                break


def _foreign(file: SourceFile, files: Mapping[str, SourceFile]) -> Iterator[str]:
    for module in file.top:
        top = module.partition(".")[0]
        own = top in files or any(name.startswith(f"{top}.") for name in files)
        if top and not own and not is_standard(module):
            yield module


def _canonical_prefixes(module: str) -> list[str]:
    parts = module.split(".")
    return [str(canonicalize_name(".".join(parts[:end]))) for end in range(1, len(parts) + 1)]


def _requirement_names(inputs: Inputs) -> set[str]:
    """Names that modules of the run-time requirements have: the distribution's, or the package's without python3-."""
    found: set[str] = set()
    environment = inputs.marker_environment
    commanded = (requirement for requirement, _ in inputs.facts.command_requirements(environment))
    for requirement in (*(r for r in inputs.facts.base_requirements if applies(r, environment)), *commanded):
        name = str(canonicalize_name(requirement.name))
        found.add(name)
        if (match := inputs.lookup(name)) is not None:
            found.add(match.package.removeprefix("python3-"))
    return found
