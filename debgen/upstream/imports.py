"""What a source tree imports at run time, read from its syntax trees; nothing is imported or run.

Imports for type checkers only are left out. The others differ in weight: what is imported together with the package
must be there; what a function imports, or an import that is ready for an ImportError, need not be.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import sys
import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from debgen.upstream.facts import EntryPoint, read_facts
from debgen.upstream.index import IndexClient
from debgen.upstream.sdist import unpack
from debgen.workspace import cache_directory, write_atomically

#: To be raised when what is found changes, so that kept answers are made anew.
_FORMAT = 1
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
_FOLDERS = ("src", "", "python", "lib")
_SOURCE_LIMIT = 4 << 20
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
#: A module, or something in it as registries and entry points write it: ``package.module.Class``, ``…:Class``.
_NAMING = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+(?::[\w.]+)?")


class How(StrEnum):
    """When a module is imported, the weightiest first."""

    UNCONDITIONALLY = "unconditionally"
    """Whoever imports the package, or runs one of its commands, imports it."""
    ON_DEMAND = "on demand"
    """Unconditionally by a module of the package that is loaded only when it is needed."""
    LAZILY = "lazily"
    """In a function, under a condition, or where its absence is caught."""
    UNREACHED = "unreached"
    """By a module of the package that no other of its modules is seen to import."""


@dataclass(frozen=True, slots=True)
class Import:
    """A module of somebody else, as far as the import names it, and where: ``path:line``, the weightiest first."""

    module: str
    how: How
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The Python files of the packages that a release installs, by dotted module name.

    ``main`` are the top-level names, ``entries`` the modules behind its commands.
    """

    main: tuple[str, ...]
    entries: tuple[str, ...]
    files: Mapping[str, tuple[str, str]]
    """Path and text of each module; a package is the text of its ``__init__.py``."""
    packages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scan:
    """The imports of a source, sorted by module, and the files that can't be read."""

    imports: tuple[Import, ...]
    unreadable: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What one module refers to: (module, line), apart for what happens when it is imported and what later."""

    at_import: list[tuple[str, int]] = field(default_factory=list)
    later: list[tuple[str, int]] = field(default_factory=list)


def imports_of(client: IndexClient, name: str, version: str) -> Scan:
    """The imports in the sdist of a release, which are kept for good: those of a large project take half a minute.

    Raises what :meth:`IndexClient.sdist_of`, :func:`unpack` and :func:`read_facts` raise.
    """
    file = client.sdist_of(name, version)
    key = json.dumps([_FORMAT, sys.version_info[:2], file.sha256 or file.url])
    kept = cache_directory("imports") / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        return _from_json(json.loads(kept.read_bytes()))
    archive = client.download(file, cache_directory("sdists") / (file.sha256 or "unhashed") / file.filename)
    with tempfile.TemporaryDirectory(prefix="debgen-imports-") as folder:
        tree = Path(folder) / "source"
        unpack(archive, tree)
        facts = read_facts(tree)
        found = scan(read_source(tree, facts.modules, facts.scripts))
    write_atomically(kept, json.dumps(asdict(found)).encode())
    return found


def _from_json(document: Mapping[str, Any]) -> Scan:
    imports = (Import(i["module"], How(i["how"]), tuple(i["places"])) for i in document["imports"])
    return Scan(tuple(imports), tuple(document["unreadable"]))


def read_source(tree: Path, modules: Iterable[str], scripts: Iterable[EntryPoint] = ()) -> Source:
    """Read the Python files of the top-level ``modules`` that the sdist unpacked at ``tree`` installs."""
    files: dict[str, tuple[str, str]] = {}
    packages: set[str] = set()
    main = tuple(sorted(set(modules)))
    for name in main:
        base = next(
            (tree / f for f in _FOLDERS if (tree / f / name).is_dir() or (tree / f / f"{name}.py").is_file()), tree
        )
        paths = [base / f"{name}.py", *sorted((base / name).rglob("*.py"))]
        for path in paths:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _SOURCE_LIMIT:
                continue
            parts = path.relative_to(base).with_suffix("").parts
            if not all(part.isidentifier() for part in parts):
                continue
            dotted = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            shown = path.relative_to(tree).as_posix()
            files[dotted] = (shown, path.read_text("utf-8-sig", "replace"))
            packages |= {".".join(parts[:end]) for end in range(1, len(parts))}
    entries = {script.target.partition(":")[0].strip() for script in scripts}
    return Source(main, tuple(sorted(entries & files.keys())), files, frozenset(packages))


def scan(source: Source) -> Scan:
    """Find the imports of everything that isn't the source's own; the standard library is among them."""
    own = source.files.keys() | source.packages
    seen: dict[str, _Seen] = {}
    unreadable: list[str] = []
    for module, (path, text) in source.files.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
            seen[module] = _read(tree, module, module in source.packages, own)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            unreadable.append(path)
    loaded = _reach(_roots(source), seen, own, later=False)
    reached = _reach(loaded, seen, own, later=True)
    found: dict[str, dict[How, list[tuple[str, int]]]] = {}
    for module, refers in seen.items():
        path = source.files[module][0]
        weight = How.UNCONDITIONALLY if module in loaded else How.ON_DEMAND if module in reached else How.UNREACHED
        tests = weight is How.UNREACHED and _is_test(path)
        late = How.UNREACHED if weight is How.UNREACHED else How.LAZILY
        for how, references in ((weight, refers.at_import), (late, refers.later)):
            for name, line in references if not tests else ():
                if name.partition(".")[0] not in source.main:
                    found.setdefault(name, {}).setdefault(how, []).append((path, line))
    return Scan(tuple(_merged(name, found[name]) for name in sorted(found)), tuple(sorted(unreadable)))


def _merged(module: str, places: Mapping[How, list[tuple[str, int]]]) -> Import:
    ranked = [how for how in How if how in places]
    ordered = dict.fromkeys(f"{path}:{line}" for how in ranked for path, line in sorted(places[how]))
    return Import(module, ranked[0], tuple(ordered))


def _is_test(path: str) -> bool:
    """Whether it is a test that lies inside the package."""
    parts = PurePosixPath(path).parts
    return any(part in ("tests", "test", "testing") for part in parts) or parts[-1].startswith(("test_", "conftest"))


def _roots(source: Source) -> set[str]:
    """What users start from: the packages themselves, their ``__main__``, and the modules behind commands."""
    roots = set(source.entries)
    for name in source.main:
        if name in source.files:
            roots.add(name)
        else:  # a namespace package (PEP 420) has no code of its own; what is directly below it is the package
            roots |= {module for module in source.files if module.rpartition(".")[0] == name}
        roots |= {f"{name}.__main__"} & source.files.keys()
    return roots


def _reach(start: Collection[str], seen: Mapping[str, _Seen], own: Collection[str], *, later: bool) -> set[str]:
    """The own modules that get imported from ``start``; importing a.b.c imports a and a.b too."""
    reached: set[str] = set()
    waiting = set(start)
    while waiting:
        module = waiting.pop()
        reached.add(module)
        refers = seen.get(module, _Seen())
        for name, _ in (*refers.at_import, *(refers.later if later else ())):
            parts = name.split(".")
            prefixes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
            waiting |= {prefix for prefix in prefixes if prefix in own and prefix not in reached}
    return reached


def _read(tree: ast.Module, module: str, is_package: bool, own: Collection[str]) -> _Seen:
    seen = _Seen()
    package = module if is_package else module.rpartition(".")[0]
    for statement, later in _statements(tree.body, False):
        references = seen.later if later else seen.at_import
        match statement:
            case ast.Import():
                references += [(alias.name, statement.lineno) for alias in statement.names]
            case ast.ImportFrom():
                references += _imported_from(statement, package)
    # Names of own modules in texts are what importlib and registries of classes load later.
    seen.later += _named_in_texts(tree, own)
    return seen


def _imported_from(statement: ast.ImportFrom, package: str) -> Iterator[tuple[str, int]]:
    base = statement.module or ""
    if statement.level:
        parts = package.split(".")
        kept = parts[: len(parts) - statement.level + 1]
        if not kept:  # it would leave the top-level package, which fails when it is run
            return
        base = ".".join([*kept, base] if base else kept)
    for alias in statement.names:
        # What is imported may be a submodule: where it isn't, no distribution is named so, and the prefix counts.
        yield base if alias.name == "*" else f"{base}.{alias.name}", statement.lineno


def _statements(body: Iterable[ast.stmt], later: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement that may run, and whether it runs later than the import of the module, or perhaps not."""
    for statement in body:
        yield statement, later
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _statements(statement.body, True)
            case ast.ClassDef() | ast.For() | ast.While() | ast.AsyncFor():
                yield from _statements(statement.body, later)
                yield from _statements(getattr(statement, "orelse", ()), later)
            case ast.With() | ast.AsyncWith():
                yield from _statements(statement.body, later or any(_suppresses(i) for i in statement.items))
            case ast.If():
                yield from _branches(statement, later)
            case ast.Try() | ast.TryStar():
                guarded = later or any(_catches(handler.type) for handler in statement.handlers)
                yield from _statements(statement.body, guarded)
                yield from _statements(statement.orelse, guarded)
                yield from _statements((s for h in statement.handlers for s in h.body), True)
                yield from _statements(statement.finalbody, later)
            case ast.Match():
                yield from _statements((s for case in statement.cases for s in case.body), True)


def _branches(statement: ast.If, later: bool) -> Iterator[tuple[ast.stmt, bool]]:
    checking = _type_checking(statement.test)
    if checking is not True:
        yield from _statements(statement.body, later if checking is False else True)
    if checking is not False:
        yield from _statements(statement.orelse, later if checking is True else True)


def _type_checking(test: ast.expr) -> bool | None:
    """True for ``TYPE_CHECKING``, False for ``not TYPE_CHECKING``, None for any other condition."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _type_checking(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.Constant):  # `if False:` is an older way to say the same
        return not test.value
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return True if name == "TYPE_CHECKING" else None


def _catches(kind: ast.expr | None) -> bool:
    match kind:
        case None:
            return True
        case ast.Tuple():
            return any(_catches(part) for part in kind.elts)
        case ast.Name():
            return kind.id in _IMPORT_ERRORS
        case ast.Attribute():
            return kind.attr in _IMPORT_ERRORS
    return False


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    if not isinstance(call, ast.Call):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "suppress" and any(_catches(argument) for argument in call.args)


def _named_in_texts(tree: ast.Module, own: Collection[str]) -> Iterator[tuple[str, int]]:
    """Modules that importlib is asked for, own ones that a text names, and those below one that an f-string begins."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                if node.args and isinstance(node.args[0], ast.Constant) and _DOTTED.fullmatch(str(node.args[0].value)):
                    yield str(node.args[0].value), node.lineno
            case ast.Constant(value=str(text)) if "." in text and _NAMING.fullmatch(text):
                name = text.partition(":")[0]
                while "." in name and name not in own:
                    name = name.rpartition(".")[0]
                if "." in name:
                    yield name, node.lineno
            case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if text.endswith(".") and text[:-1] in own:
                yield from ((other, node.lineno) for other in own if other.rpartition(".")[0] == text[:-1])
