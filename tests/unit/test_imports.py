from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

from debgen.archive.model import Binary, MetadataKind, Shipped
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.facts import EntryPoint
from debgen.upstream.imports import How, Import, Scan, imports_of, read_source, scan
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile
from debgen.upstream.modules import Undeclared, modules_in_record, undeclared


def scanned(tmp_path: Path, files: Mapping[str, str], *scripts: EntryPoint, main: str = "app") -> dict[str, Import]:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = scan(read_source(tmp_path, [main], scripts))
    assert found.unreadable == ()
    return {one.module: one for one in found.imports}


STATEMENTS = """\
import plain.sub as p, second
from typing import TYPE_CHECKING
import typing as t
if TYPE_CHECKING:
    import checked
else:
    import unchecked
if not t.TYPE_CHECKING:
    import alsoreal
if False:
    import never
try:
    import guarded
except (ValueError, ImportError):
    import fallback
else:
    import inelse
finally:
    import infinally
try:
    import unguarded
except KeyError:
    pass
with contextlib.suppress(ModuleNotFoundError):
    import suppressed
with open("x"):
    import withopen
if sys.platform == "win32":
    import conditional
elif other:
    import inelif
class Thing:
    import inclass
    def method(self):
        import inmethod
async def later():
    from infunction import name
match x:
    case 1:
        import inmatch
importlib.import_module("byname.sub")
importlib.import_module(name)
from star import *
"""
UNCONDITIONAL = {
    "plain.sub", "second", "typing", "typing.TYPE_CHECKING", "unchecked", "alsoreal", "infinally", "unguarded",
    "withopen", "inclass", "star",
}  # fmt: skip
LAZY = {
    "guarded", "fallback", "inelse", "suppressed", "conditional", "inelif", "inmethod", "infunction.name", "inmatch",
    "byname.sub",
}  # fmt: skip


def test_when_each_kind_of_statement_imports(tmp_path: Path) -> None:
    found = scanned(tmp_path, {"app/__init__.py": STATEMENTS})
    assert {m for m, one in found.items() if one.how is How.UNCONDITIONALLY} == UNCONDITIONAL
    assert {m for m, one in found.items() if one.how is How.LAZILY} == LAZY
    assert found["unguarded"].places == ("app/__init__.py:21",)


PACKAGE = {
    "app/__init__.py": "from .core import run\nimport app.plugins\n",
    "app/core.py": "import atstart\nfrom . import helper\ndef run():\n    from app.late import x\n",
    "app/helper.py": "import alsoatstart\n",
    "app/late.py": "import ondemand\n",
    "app/plugins/__init__.py": 'load(f"app.plugins.{name}")\nKINDS = {"a": "app.registry.made:Class"}\n',
    "app/plugins/one.py": "import plugged\ndef f():\n    import deep\n",
    "app/registry/__init__.py": "",
    "app/registry/made.py": "import registered\n",
    "app/stray.py": "import strayed\n",
    "app/tests/test_it.py": "import pytest\n",
    "app/cmd.py": "import commanded\n",
    "setup.py": "import setuptools\n",
}


def test_what_is_loaded_with_the_package_weighs_more_than_what_is_loaded_on_demand(tmp_path: Path) -> None:
    found = scanned(tmp_path, PACKAGE, EntryPoint("app", "app.cmd:main"))
    assert {module: one.how for module, one in found.items()} == {
        "atstart": How.UNCONDITIONALLY,
        "alsoatstart": How.UNCONDITIONALLY,
        "commanded": How.UNCONDITIONALLY,
        "ondemand": How.ON_DEMAND,
        "plugged": How.ON_DEMAND,
        "registered": How.ON_DEMAND,
        "deep": How.LAZILY,
        "strayed": How.UNREACHED,
    }


def test_the_weightiest_place_comes_first(tmp_path: Path) -> None:
    found = scanned(
        tmp_path, {"src/app/__init__.py": "def f():\n    import dep\nimport app.b\n", "src/app/b.py": "\nimport dep\n"}
    )
    assert found["dep"] == Import("dep", How.UNCONDITIONALLY, ("src/app/b.py:2", "src/app/__init__.py:2"))


def test_a_namespace_package_starts_one_level_down(tmp_path: Path) -> None:
    found = scanned(tmp_path, {"space/inner/__init__.py": "import first\nimport space.other.x\n"}, main="space")
    assert {m: one.how for m, one in found.items()} == {"first": How.UNCONDITIONALLY}


def test_what_can_not_be_parsed_is_told(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import first\nprint 'two'\n")
    found = scan(read_source(tmp_path, ["app"]))
    assert (found.imports, found.unreadable) == ((), ("app.py",))


@pytest.mark.parametrize("text", ["'\\d'\nimport dep\n", "\ufeffimport dep\n", "from ...... import x\nimport dep\n"])
def test_odd_sources(tmp_path: Path, text: str) -> None:
    assert "dep" in scanned(tmp_path, {"app.py": text})


class Client(IndexClient):
    """An index with one sdist; counts how often it is downloaded."""

    def __init__(self, archive: bytes) -> None:
        super().__init__(IndexSettings("https://x.example/simple/"))
        self.archive = archive
        self.downloads = 0

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        digest = hashlib.sha256(self.archive).hexdigest()
        return (ReleaseFile("app-1.tar.gz", "https://x.example/app", "1", FileKind.SDIST, digest),)

    def download(self, file: ReleaseFile, target: Path) -> Path:
        self.downloads += 1
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.archive)
        return target


def test_the_imports_of_a_release_are_read_once() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in {"PKG-INFO": "Name: app\nVersion: 1\n", "app/__init__.py": "import dep\n"}.items():
            info = tarfile.TarInfo(f"app-1/{name}")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    client = Client(packed.getvalue())
    first = imports_of(client, "app", "1")
    assert first == Scan((Import("dep", How.UNCONDITIONALLY, ("app/__init__.py:1",)),), ())
    assert imports_of(client, "app", "1") == first
    assert client.downloads == 1
    for path in Path(os.environ["DEBGEN_CACHE"]).glob("imports/*"):
        path.write_text("{}")
    assert imports_of(client, "app", "1") == first
    assert client.downloads == 2


# --- which distribution it is


class Suite:
    """python3-yaml ships pyyaml, python3-two ships two distributions."""

    def __init__(self) -> None:
        self.has = {"python3-yaml": ["pyyaml"], "python3-two": ["two-a", "two-b"], "python3-extern": ["extern"]}

    def binary(self, name: str) -> Binary | None:
        return Binary(name, *("x",) * 9) if name in self.has else None

    def shipped_by(self, package: str) -> tuple[Shipped, ...]:
        return tuple(Shipped(name, "1", package, MetadataKind.DIST_INFO, "p") for name in self.has[package])


class Wheels:
    def __init__(self, modules: Mapping[str, Collection[str]]) -> None:
        self.modules = modules
        self.asked: list[list[str]] = []

    def __call__(self, names: Iterable[str]) -> Mapping[str, Collection[str]]:
        self.asked.append(sorted(names))
        return {name: self.modules.get(name, ()) for name in self.asked[-1]}


def found(
    modules: Mapping[str, How],
    declared: Collection[str] = (),
    parents: Mapping[str, tuple[str, ...]] | None = None,
    extras: Mapping[str, tuple[str, ...]] | None = None,
    wheels: Wheels | None = None,
) -> tuple[Undeclared, ...]:
    imports = [Import(module, how, (f"{module}.py:1",)) for module, how in sorted(modules.items())]
    known = {**dict.fromkeys(declared, ("root",)), **(parents or {})}
    return undeclared(imports, declared, known, extras or {}, Suite(), wheels or Wheels({}))


def test_declared_under_another_name_is_declared() -> None:
    now = How.UNCONDITIONALLY
    wheels = Wheels({"protobuf": {"google", "google.protobuf"}, "google-auth": {"google", "google.auth"}})
    declared = ["pyyaml", "protobuf", "google-auth", "huggingface-hub", "zope-interface"]
    modules = ("yaml.nodes", "google.protobuf.any_pb2", "google.auth", "huggingface_hub.utils", "zope.interface", "os")
    assert found(dict.fromkeys(modules, now), declared, wheels=wheels) == ()
    assert wheels.asked == [["protobuf"]]  # the only one whose modules have no name like it


def test_not_declared() -> None:
    rows = found(
        {"torchvision.transforms": How.ON_DEMAND, "yaml": How.UNCONDITIONALLY, "sound": How.LAZILY,
         "extern.a": How.LAZILY, "extern.b": How.UNCONDITIONALLY, "two": How.LAZILY, "dark.x": How.LAZILY},
        ["torch"],
        {"torchvision": ("timm",), "sound": ()},
        {"sound": ("audio",)},
    )  # fmt: skip
    assert [(r.distribution or "?", r.module, r.how, r.parents, r.extras) for r in rows] == [
        ("extern", "extern", How.UNCONDITIONALLY, (), ()),
        ("pyyaml", "yaml", How.UNCONDITIONALLY, (), ()),
        ("torchvision", "torchvision", How.ON_DEMAND, ("timm",), ()),
        ("sound", "sound", How.LAZILY, (), ("audio",)),
        ("?", "dark", How.LAZILY, (), ()),
        ("?", "two", How.LAZILY, (), ()),
    ]
    assert rows[0].places == ("extern.b.py:1",)
    assert rows[1].evidence == "python3-yaml ships pyyaml"


def test_the_rest_of_the_tree_is_searched_only_for_what_is_needed_to_start() -> None:
    wheels = Wheels({"opencv": {"cv2"}})
    tree = {"opencv": ("mistral",), "mistral": ("root",)}
    assert [r.distribution for r in found({"cv2": How.LAZILY}, ["mistral"], tree, wheels=wheels)] == [""]
    rows = found({"cv2": How.UNCONDITIONALLY}, ["mistral"], tree, wheels=wheels)
    assert [(r.distribution, r.parents) for r in rows] == [("opencv", ("mistral",))]


def test_modules_in_a_record() -> None:
    text = (
        "attr/__init__.py,sha256=x,1\nattrs-1.dist-info/RECORD,,\n../../bin/run.py,,\nyaml/_yaml.cpython-311-x.so,,\n"
        'a/b/c/d.py,,\n"odd,name.py",,\n/abs.py,,\nsingle.py,,\ndata/file.txt,,\n\n'
    )
    assert modules_in_record(text) == {"attr", "yaml", "yaml._yaml", "a", "a.b", "a.b.c", "single"}


def test_a_broken_record_tells_what_stands_before() -> None:
    assert modules_in_record("a/__init__.py,,\n" + "x" * 200_000 + ".py,,\nb.py,,\n") == {"a"}
