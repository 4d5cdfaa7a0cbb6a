"""What test files say of themselves, read from their syntax trees: imports, fixtures, marks, kinds of tests."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path

from debgen.upstream.testdevices import compiles_for_torch, takes_accelerator
from debgen.upstream.testinstalls import installing
from debgen.upstream.testpaths import climbed, wanted_variables

#: Syntax trees are made of this much source; of what lies beyond only the imports are read, line by line.
_BUDGET = 6 << 20
_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))", re.M)
_OPTION = re.compile(r"""addoption\(\s*(?:["'](-[\w-]+)["']\s*,\s*)?["'](-{1,2}[\w-]+)["']""")
_FLAG = re.compile(r"""addoption\(\s*(?:["']-\w["']\s*,\s*)?["'](--[\w-]+)["'][^)]{0,300}?store_true""")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{3,}")
_PROXY = re.compile(r"(?:https?|all|no)_proxy\b|getproxies", re.I)
#: How many components of a dotted name can tell distributions apart: google.cloud.storage.
_DEPTH = 3


class How(IntEnum):
    """When a module is imported, the weightiest first."""

    #: With the file; without the module nothing in it can run.
    TOP = 0
    #: In a function; without the module that fails.
    INNER = 1
    #: Where its absence is caught, asked about, or a condition stands before it.
    GUARDED = 2


@dataclass(frozen=True, slots=True)
class Used:
    """A name that a test file uses - a module, a fixture or a mark - and where, as ``path:line``."""

    name: str
    places: tuple[str, ...]
    how: How = How.TOP
    #: The files that can't be loaded without it.
    loading: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The files of ``places``."""
        return tuple(dict.fromkeys(place.rpartition(":")[0] for place in self.places))


@dataclass
class Read:
    """What was read of one file."""

    path: str
    is_test: bool
    #: (module, line, how)
    imports: list[tuple[str, int, How]] = field(default_factory=list)
    asks_fixtures: list[tuple[str, int]] = field(default_factory=list)
    defines: set[str] = field(default_factory=set)
    marks: list[tuple[str, int]] = field(default_factory=list)
    options: set[str] = field(default_factory=set)
    #: Functions named test_* at the top or in a class that is no TestCase: only pytest runs those.
    pytest_tests: bool = False
    unittest_tests: bool = False
    main_guard: bool = False
    #: The most dots that a relative import in the file has.
    dots: int = 0
    #: Whether a relative import is among what the file does when it is imported.
    relative: bool = False
    #: The sibling that a relative import names, with the dots before it; and all words of import statements.
    siblings: set[str] = field(default_factory=set)
    mentions: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    #: Names that are joined to a path, such as "data" in ``ROOT / "data"``.
    joined: set[str] = field(default_factory=set)
    #: Whether it names itself, and how many folders up from there it looks at most; 1 is the folder that it is in.
    names_itself: bool = False
    climbs: int = 0
    #: Variables of the environment that it asks for; and those without which it raises an exception: the line, and
    #: the names of the functions that come to it, none where it comes to it when it is imported.
    variables: set[str] = field(default_factory=set)
    wants: list[tuple[str, int, frozenset[str]]] = field(default_factory=list)
    #: Options that take no value, among those that a conftest.py defines; and the marks that it declares.
    flags: set[str] = field(default_factory=set)
    declares_marks: list[str] = field(default_factory=list)
    #: The line at which importing it fails without an accelerator; 0 where it doesn't.
    accelerator: int = 0
    #: Whether it has torch compile functions.
    compiles: bool = False
    #: Tests that install from a package index, as pytest selects them below the file, with the line.
    installs: tuple[tuple[str, int], ...] = ()
    loopback: bool = False
    proxies: bool = False
    words: set[str] = field(default_factory=set)
    empty: bool = False

    @property
    def has_tests(self) -> bool:
        """Whether a runner would find something in it; some make their tests while they are imported."""
        return self.pytest_tests or self.unittest_tests or (self.is_test and not self.empty)


def read_files(root: Path, paths: list[Path], patterns: tuple[str, ...]) -> list[Read]:
    """Read the Python files ``paths`` below ``root``; ``patterns`` are the names that pytest takes for tests."""
    left = _BUDGET
    found = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        text = path.read_text("utf-8-sig", "replace")
        read = Read(name, any(fnmatchcase(path.name, p.rpartition("/")[2]) for p in patterns))
        read.loopback = "127.0.0.1" in text
        read.compiles = compiles_for_torch(text)
        read.proxies = bool(_PROXY.search(text))
        read.words = set(re.findall(r"[a-z][a-z0-9]+", text.lower()))
        read.empty = not text.strip()
        read.names_itself = "__file__" in text
        read.options = {option for pair in _OPTION.findall(text) for option in pair if option}
        left -= len(text)
        tree = _parse(text) if left > 0 else None
        if tree is not None:
            _Reader(read).visit(tree)
            if "environ" in text or "getenv" in text:
                read.variables = {said for said in read.strings if _VARIABLE.fullmatch(said)}
                read.wants = list(wanted_variables(tree))
            if "pip" in text and "install" in text:
                read.installs = installing(tree)
            if "torch" in text:
                read.accelerator = takes_accelerator(tree)
            read.flags = {option for option in _FLAG.findall(text) if option in read.options}
        elif left <= 0:
            for match in _IMPORT.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                for module in (match[1] or match[2]).split(","):
                    words = module.split()
                    if words and not words[0].startswith("."):
                        read.imports.append((words[0], line, How.INNER))
            read.pytest_tests = bool(re.search(r"^(?:async )?def test", text, re.M))
            read.unittest_tests = "TestCase)" in text
        found.append(read)
    return found


def _parse(text: str) -> ast.Module | None:
    collecting = gc.isenabled()
    gc.disable()  # a tree has no cycles, and looking for some in it takes as long as making it
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    finally:
        if collecting:
            gc.enable()


_HOLDS_NOTHING = (ast.expr_context, ast.Name, ast.operator, ast.unaryop, ast.boolop)


class _Reader(ast.NodeVisitor):
    """Collects into a Read; keeps track of whether it is in a function, in a class, or behind a condition."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.how = How.TOP
        self.classes: list[bool] = []  # whether each is a TestCase
        self.parameters: set[str] = set()
        self.bound: dict[str, ast.expr] = {}  # what names stand for, as they were bound last

    def generic_visit(self, node: ast.AST) -> None:
        """Visit what may hold something: big test suites have a million nodes, most of them names and contexts."""
        for name in node._fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(value, ast.AST) and not isinstance(value, _HOLDS_NOTHING):
                self.visit(value)

    def _within(self, nodes: list[ast.stmt], how: How) -> None:
        before, self.how = self.how, max(self.how, how)
        for node in nodes:
            self.visit(node)
        self.how = before

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if "TYPE_CHECKING" in test:
            self._within(node.orelse, self.how)
            return
        if "__name__" in test and "__main__" in test:
            self.read.main_guard = True
        self.visit(node.test)
        self._within([*node.body, *node.orelse], How.GUARDED)

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(
            handler.type is None
            or re.search(r"ImportError|ModuleNotFound|Exception$|Exception\W", ast.unparse(handler.type))
            for handler in node.handlers
        )
        self._within(node.body, How.GUARDED if caught else self.how)
        for handler in node.handlers:
            self._within(handler.body, How.GUARDED)
        self._within([*node.orelse, *node.finalbody], How.GUARDED if caught else self.how)

    def visit_With(self, node: ast.With) -> None:
        guarded = any("suppress" in ast.unparse(item.context_expr) for item in node.items)
        for item in node.items:
            self.visit(item)
        self._within(node.body, How.GUARDED if guarded else self.how)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.read.mentions |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
        if node.level:
            self.read.dots = max(self.read.dots, node.level)
            if self.how is How.TOP:
                self.read.relative = True
                names = [node.module] if node.module else [alias.name for alias in node.names]
                self.read.siblings |= {"." * node.level + name for name in names}
            return
        for alias in node.names:
            deep = f"{node.module}.{alias.name}" if alias.name != "*" else str(node.module)
            self._import(deep, node.lineno)

    def _import(self, module: str, line: int) -> None:
        self.read.mentions |= set(module.split("."))
        self.read.imports.append((".".join(module.split(".")[:_DEPTH]), line, self.how))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = [ast.unparse(base) for base in node.bases]
        case = any(re.search(r"Test|Case|Base|Mixin", base) for base in bases) and any("Test" in base for base in bases)
        has_tests = any(
            isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) and f.name.startswith("test") for f in node.body
        )
        if case and has_tests:
            self.read.unittest_tests = True
        elif has_tests and node.name.startswith("Test"):
            self.read.pytest_tests = True
        for decorator in node.decorator_list:
            self.visit(decorator)
        self.classes.append(case)
        for child in node.body:
            self.visit(child)
        self.classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        is_test = node.name.startswith("test")
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        is_fixture = any("fixture" in decorator for decorator in decorators)
        if is_fixture:
            self.read.defines.add(node.name)
            for decorator in decorators:
                self.read.defines |= set(re.findall(r"name=['\"](\w+)['\"]", decorator))
        if is_test and not self.classes and self.how is not How.INNER:
            self.read.pytest_tests = True
        if (is_test or is_fixture) and not (self.classes and self.classes[-1]):
            # What parametrize passes is no fixture.
            given = {name for decorator in node.decorator_list for name in _parameters(decorator)}
            patched = sum("patch" in decorator and "new" not in decorator for decorator in decorators)
            names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            names = [name for name in names if name not in ("self", "cls")]
            for name in names[patched:] if patched else names:
                if name not in given:
                    self.read.asks_fixtures.append((name, node.lineno))
        for expression in node.decorator_list:
            self.visit(expression)
        self._within(node.body, How.INNER)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._climb(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "mark":
            self.read.marks.append((node.attr, node.lineno))
        self.generic_visit(node)

    def _climb(self, node: ast.expr) -> None:
        if self.read.names_itself:
            self.read.climbs = max(self.read.climbs, climbed(node, self.bound) or 0)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._climb(node)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.Div):
            self.read.joined |= set(_literal([node.right]))
            self.read.strings.add("/".join(_steps(node)))
            self._climb(node)
        self.generic_visit(node)

    def visit_List(self, node: ast.List) -> None:
        """A command line that starts a module: ``[sys.executable, "-m", "coverage", ...]``."""
        said = [e.value if isinstance(e, ast.Constant) else None for e in node.elts]
        python = "-m" in said and ("executable" in ast.unparse(node.elts[0]) or str(said[0]).startswith("python"))
        for option, module in pairwise(said) if python else ():
            if option == "-m" and isinstance(module, str) and re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)*", module):
                self.read.imports.append((module, node.lineno, max(self.how, How.INNER)))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.bound[target.id] = node.value
            if isinstance(target, ast.Name) and self.how is How.TOP and not self.classes:
                self.read.defines.add(target.id)
                if target.id == "pytest_plugins":
                    for name in ast.walk(node.value):
                        if isinstance(name, ast.Constant) and isinstance(name.value, str):
                            self._import(name.value, node.lineno)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if name == "joinpath" or (name == "join" and len(node.args) > 1):
            self.read.joined |= set(_literal(node.args))
            self.read.strings.add("/".join(_literal(node.args)))
        self._climb(node)
        if isinstance(first, str):
            if name.endswith("importorskip"):
                self.read.imports.append((first, node.lineno, How.GUARDED))
            elif name == "addinivalue_line" and first == "markers":
                self.read.declares_marks += _literal(node.args[1:])
            elif name.endswith("usefixtures"):
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        self.read.asks_fixtures.append((argument.value, node.lineno))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and 0 < len(node.value) < 200 and "\n" not in node.value:
            self.read.strings.add(node.value)


def _steps(node: ast.expr) -> list[str]:
    """The literal parts at the end of a path: those of ``ROOT / "src" / "foo"``."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return []
    step = list(_literal([node.right]))
    return [*_steps(node.left), *step] if step else []


def _literal(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.strip("/")


def _parameters(decorator: ast.expr) -> Iterator[str]:
    """The names that ``@pytest.mark.parametrize`` gives to a test."""
    if isinstance(decorator, ast.Call) and "parametrize" in ast.unparse(decorator.func) and decorator.args:
        for node in ast.walk(decorator.args[0]):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"\w+", node.value)


def gathered(found: Iterator[tuple[str, str, How]]) -> tuple[Used, ...]:
    """The uses of each name joined, sorted by name; the weightiest way of each decides."""
    groups: dict[str, list[tuple[How, str]]] = {}
    guarded = set()
    for name, where, how in found:
        file = where.rpartition(":")[0]
        if how is How.GUARDED:
            guarded.add((name, file))
        # What a file skips itself for the lack of, its functions don't need.
        groups.setdefault(name, []).append(
            (How.GUARDED if how is How.INNER and (name, file) in guarded else how, where)
        )
    return tuple(
        Used(
            name,
            tuple(dict.fromkeys(where for _, where in sorted(uses, key=lambda use: use[0]))),
            min(uses)[0],
            tuple(dict.fromkeys(where.rpartition(":")[0] for how, where in uses if how is How.TOP)),
        )
        for name, uses in sorted(groups.items())
    )
