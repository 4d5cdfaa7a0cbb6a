"""The ways that upstream gives to build with the system's libraries instead of its copies of them; nothing is run.

Policy 4.13 wants no copies of what the archive has, and many a setup.py can do without them once it is asked to: by a
variable of the environment (``USE_SYSTEM_X=1``), by an option of build_ext (``--use-system-x``) or by a word that it
looks for in ``sys.argv``. What the variable or option is for is told by its name; which libraries it takes by the
lines that only run where it is set.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from debgen.upstream.builders import BuildFiles
from debgen.upstream.buildlibraries import setup_libraries
from debgen.upstream.buildsetup import Script, dotted

#: Variables that ask for the system's libraries, by the whole words of their names.
_SYSTEM = re.compile(
    r"(?:^|_)(?:SYSTEM(?:WIDE)?(?:_LIBS?|_DEPS)?|LINK_(?:DYNAMIC|SHARED|SO)|NO_(?:BUNDLED?|VENDOR(?:ED)?|EMBED(?:DED)?))"
    r"(?:_|$)"
)
_REFUSING = re.compile(r"(?:^|_)(?:NO|NOT|DISABLE|WITHOUT|IGNORE|AVOID)_(?:USE_)?SYSTEM")
_OPTION = re.compile(r"(?:(?:use|with|force|link)-)?system(?:-[a-z0-9-]+)?|link-(?:dynamic|shared)")
#: Commands that a build of a wheel runs, in the words of setuptools.
_COMMANDS = ("build_ext", "build_clib", "build_py", "build")
_FALSE = {"", "0", "false", "no", "off", "n", "none"}


@dataclass(frozen=True, slots=True, order=True)
class SystemSwitch:
    """One such way.

    Either ``variable`` is the name of a variable of the environment and ``value`` what it is to be, or ``option`` has
    the words that setup.py's command line is to have. ``libraries`` are the names of the libraries that it takes, as
    build files name them. ``evidence`` is the file and line.
    """

    variable: str
    value: str
    option: str
    libraries: tuple[str, ...]
    evidence: str


@dataclass(frozen=True)
class _Asked:
    """Where a script asks: the expression, the variable or option, what it is compared with, and the line."""

    node: ast.expr
    variable: str
    option: str
    default: object
    evidence: str


def system_switches(files: BuildFiles) -> tuple[SystemSwitch, ...]:
    """Those of the scripts of the build that name a library which is in a condition on them, sorted.

    Those that hold anyway are left out, as there is nothing to ask for.
    """
    if not files.effective_backend.startswith("setuptools"):
        return ()
    named: dict[str, list[str]] = {}
    for library in setup_libraries(files):
        named.setdefault(library.evidence, []).append(library.name)
    found: dict[tuple[str, tuple[str, ...]], SystemSwitch] = {}
    readers = {name for script in files.scripts for name in _readers(script)}
    for asked in (a for script in files.scripts for a in _asked(script, readers)):
        if asked.default is not None and str(asked.default).lower() not in _FALSE:
            continue
        words = _depending(files, asked)
        lines = set(_lines(files, asked, words))
        libraries = tuple(sorted({name for line in lines for name in named.get(line, ())}))
        if libraries:
            switch = SystemSwitch(asked.variable, _value(files, asked), asked.option, libraries, asked.evidence)
            # several variables that are read in one place do the same, the first of them before the others
            place = asked.evidence if asked.variable else asked.option
            found.setdefault((place, libraries), switch)
    return tuple(sorted(found.values()))


def _asked(script: Script, readers: Collection[str]) -> Iterator[_Asked]:
    """Every place where the script asks for a variable or an option of the kind."""
    for node in ast.walk(script.tree):
        evidence = f"{script.path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(args=[ast.Constant(value=str(name)), *rest]) if _reads(dotted(node.func), readers):
                default = rest[0].value if rest and isinstance(rest[0], ast.Constant) else None
                if _named(name):
                    yield _Asked(node, name, "", default, evidence)
            case ast.Subscript(slice=ast.Constant(value=str(name))) if dotted(node.value).endswith("environ"):
                if _named(name):
                    yield _Asked(node, name, "", None, evidence)
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In()], comparators=[where]):
                if dotted(where).endswith("environ") and _named(name):
                    yield _Asked(node, name, "", None, evidence)
                elif dotted(where) in ("sys.argv", "argv") and name.startswith("--") and _OPTION.fullmatch(name[2:]):
                    yield _Asked(node, "", name, None, evidence)
            case ast.ClassDef():
                yield from _options(script, node)


def _named(name: str) -> bool:
    return bool(_SYSTEM.search(name.upper())) and not _REFUSING.search(name.upper())


def _reads(function: str, readers: Collection[str]) -> bool:
    return function.endswith(("environ.get", "getenv")) or function in readers


def _readers(script: Script) -> Iterator[str]:
    """The script's own functions that read the variable which their first argument names."""
    for node in ast.walk(script.tree):
        if isinstance(node, ast.FunctionDef) and node.args.args:
            first = node.args.args[0].arg
            for part in ast.walk(node):
                asks = isinstance(part, ast.Call) and _reads(dotted(part.func), ()) and part.args
                inside = isinstance(part, ast.Subscript) and dotted(part.value).endswith("environ")
                key = part.args[0] if asks else part.slice if inside else None  # type: ignore[attr-defined]
                if isinstance(key, ast.Name) and key.id == first:
                    yield node.name


def _options(script: Script, node: ast.ClassDef) -> Iterator[_Asked]:
    """The options without a value in the ``user_options`` of a command's class."""
    command = next((end for base in node.bases if (end := dotted(base).rpartition(".")[2]) in _COMMANDS), "")
    for statement in node.body if command else ():
        if not isinstance(statement, ast.Assign) or [dotted(t) for t in statement.targets] != ["user_options"]:
            continue
        for entry in ast.walk(statement.value):
            match entry:
                case ast.Tuple(elts=[ast.Constant(value=str(name)), *_]) if _OPTION.fullmatch(name):
                    attribute = ast.Name(id=name.replace("-", "_"))
                    yield _Asked(attribute, "", f"{command} --{name}", None, f"{script.path}:{entry.lineno}")


def _depending(files: BuildFiles, asked: _Asked) -> set[str]:
    """The names and attributes that have the answer, directly or by other names and by keyword arguments."""
    found = {asked.node.id} if isinstance(asked.node, ast.Name) else set()
    places: list[tuple[str, ast.expr]] = []
    for script in files.scripts:
        for node in ast.walk(script.tree):
            if isinstance(node, ast.Assign) and not isinstance(node.value, ast.List | ast.Dict | ast.Tuple):
                places += [(name.rpartition(".")[2], node.value) for t in node.targets if (name := dotted(t))]
            elif isinstance(node, ast.If) and _concerns(node.test, asked, ()):
                # `if "--system-x" in sys.argv: SYSTEM_X = True`
                places += [
                    (name, node.test)
                    for s in node.body
                    if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant) and s.value.value is True
                    for t in s.targets
                    if (name := dotted(t))
                ]
            elif isinstance(node, ast.Call):
                places += [(k.arg, k.value) for k in node.keywords if k.arg and isinstance(k.value, ast.Name)]
    while more := {name for name, value in places if name not in found and _plain(value, asked, found)}:
        found |= more
    return found


def _plain(value: ast.expr, asked: _Asked, names: Collection[str]) -> bool:
    """Whether an expression is the answer itself, maybe compared or converted, and not something built by it."""
    return _concerns(value, asked, names) and not any(isinstance(p, ast.IfExp | ast.Lambda) for p in ast.walk(value))


def _concerns(node: ast.AST, asked: _Asked, names: Collection[str]) -> bool:
    for part in ast.walk(node):
        if part is asked.node or (isinstance(part, ast.Name) and part.id in names):
            return True
        if isinstance(part, ast.Attribute) and part.attr in names:
            return True
    return False


def _lines(files: BuildFiles, asked: _Asked, names: Collection[str]) -> Iterator[str]:
    """``path:line`` of all that runs only where the switch is set."""
    for script in files.scripts:
        for node in ast.walk(script.tree):
            if not isinstance(node, ast.If | ast.IfExp) or not _concerns(node.test, asked, names):
                continue
            branch = node.orelse if _negated(node.test) else node.body
            for part in branch if isinstance(branch, list) else [branch]:
                end = part.end_lineno or part.lineno
                yield from (f"{script.path}:{line}" for line in range(part.lineno, end + 1))


def _negated(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp):
        return all(_negated(value) for value in test.values)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        other = test.comparators[0]
        off = isinstance(other, ast.Constant) and str(other.value).lower() in _FALSE
        return isinstance(test.ops[0], ast.NotEq | ast.NotIn | ast.IsNot) is not off
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) and not _negated(test.operand)


def _value(files: BuildFiles, asked: _Asked) -> str:
    """What the variable has to be: 1, or the first word for yes that it is compared with."""
    if not asked.variable:
        return ""
    words: list[str] = []
    names = _depending(files, asked)
    for script in files.scripts:
        for node in ast.walk(script.tree):
            if isinstance(node, ast.Compare) and node.left is not asked.node and not _concerns(node.left, asked, names):
                continue
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
                words += [
                    part.value
                    for part in ast.walk(node.comparators[0])
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
    yes = [word for word in words if word.lower() not in _FALSE]
    return yes[0] if yes and "1" not in yes else "1"
