"""Facts of sdists of all ages, read without running anything."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from debgen.errors import UnsupportedSourceError
from debgen.upstream.facts import EntryPoint, SdistFacts, read_facts
from debgen.upstream.model import Target
from debgen.upstream.testfacts import TestFacts

SID = Target("3.14", "amd64").marker_environment()
INFO = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n"


def sdist(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"PKG-INFO": INFO, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def read(tmp_path: Path, files: dict[str, str]) -> SdistFacts:
    return read_facts(sdist(tmp_path, files))


def test_metadata(tmp_path: Path) -> None:
    info = """\
Metadata-Version: 2.4
Name: Foo_Bar
Version: 1.0
Summary: Früh übt sich
Home-page: UNKNOWN
Project-URL: Source, https://example.org/src
Project-URL: Nonsense, javascript:alert(1)
Author-email: "Örnek, José" <jose@example.org>
License: MIT
License-Expression: Apache-2.0
Classifier: B
Classifier: A
Requires-Python: >=3.9
Requires-Dist: b>=1
Requires-Dist: not a requirement at all
Requires-Dist: a; extra == "Some_Extra" and python_version < "3.12"
Requires-Dist: c; extra == "some-extra"
Requires-Dist: d; sys_platform == "win32"

# Überschrift

Ein Satz.
"""
    found = read(tmp_path, {"PKG-INFO": info})
    assert (found.name, found.normalised, found.version) == ("Foo_Bar", "foo-bar", "1.0")
    assert found.summary == "Früh übt sich"
    assert found.author == '"Örnek, José" <jose@example.org>'
    assert found.description == "# Überschrift\n\nEin Satz."
    assert found.homepage == ""
    assert found.urls == (("Source", "https://example.org/src"),)
    assert found.licence == "Apache-2.0"
    assert found.classifiers == ("A", "B")
    assert [r.name for r in found.base_requirements] == ["b", "d"]
    assert [r.name for r in found.extra_requirements("some.extra", SID)] == ["c"]
    old = Target("3.11", "amd64").marker_environment()
    assert [r.name for r in found.extra_requirements("some.extra", old)] == ["a", "c"]


def test_an_old_description_header_and_a_bom(tmp_path: Path) -> None:
    text = (
        "\ufeff"
        + INFO
        + "Author: None\nMaintainer: Zoë\nDescription: Foo\n        ===\n        \n        Prosa – ja.\n"
    )
    found = read(tmp_path, {"PKG-INFO": text})
    assert [line.strip() for line in found.description.splitlines()] == ["Foo", "===", "", "Prosa – ja."]
    assert found.author == "Zoë"


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "PKG-INFO").write_bytes(INFO.encode() + b"Author: Jos\xe9\n")
    assert read_facts(tmp_path).author == "José"


def test_metadata_in_odd_places(tmp_path: Path) -> None:
    info = "\n" + INFO.replace("\n", "\r\n") + "Summary: a\r\n  folded line\r\nAuthor: None\r\nHome-page: null\r\n"
    place = tmp_path / "src" / "Foo_Bar.egg-info"
    place.mkdir(parents=True)
    (place / "PKG-INFO").write_bytes(info.encode())
    found = read_facts(tmp_path)
    assert (found.name, found.summary, found.author, found.homepage) == ("Foo_Bar", "a folded line", "", "")
    (tmp_path / "other.egg-info").mkdir()
    (tmp_path / "other.egg-info" / "PKG-INFO").write_text("Name: \nVersion: 1\n")
    assert read_facts(tmp_path).name == "Foo_Bar"


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ("Name: foo\nVersion: 1.0-beta-of-sorts\n", "PEP 440"),
        ("Name: foo\nVersion: latest\n", "PEP 440"),
        ("Name: foo bar\nVersion: 1\n", "which is none"),
        ("Name: foo\nVersion: UNKNOWN\n", "no name or no version"),
        ("Version: 1\n", "no name or no version"),
        ("", "no name or no version"),
    ],
)
def test_metadata_that_is_of_no_use(tmp_path: Path, info: str, reason: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=reason) as caught:
        read(tmp_path, {"PKG-INFO": info})
    assert caught.value.hint


@pytest.mark.parametrize("version", ["1.0-1", "1.0.post1", "2024a1", "1!2.0+local", "v1.0"])
def test_versions_that_pep_440_takes(tmp_path: Path, version: str) -> None:
    assert read(tmp_path, {"PKG-INFO": f"Name: foo\nVersion: {version}\n"}).version == version


def test_no_metadata(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSourceError, match="no PKG-INFO"):
        read_facts(tmp_path)


@pytest.mark.parametrize("text", ["[broken", "a = 1\na = 2"])
def test_a_broken_pyproject(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnsupportedSourceError, match=r"pyproject.toml can't be read"):
        read(tmp_path, {"pyproject.toml": text})


@pytest.mark.parametrize(
    "text",
    [
        "project = 5\ntool = 5\nbuild-system = 5\ndependency-groups = 5",
        "[project]\nscripts = 5\n[tool]\nflit = 5\npoetry = []\nhatch = true\npytest = 5",
        "[tool.poetry]\npackages = 5\nscripts = []\n[tool.hatch.build.targets.wheel]\npackages = 'x'",
        "[tool.flit]\nmodule = 1",
        "[dependency-groups]\ntest = 5\ndev = [{ include-group = 'dev' }, { include-group = 'gone' }, 5]",
        "[tool.pytest]\nini_options = 5",
    ],
)
def test_nonsense_in_pyproject_is_survived(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, {"pyproject.toml": text, "foo_bar.py": "", "tests/test_a.py": ""})
    assert found.modules == ("foo_bar",)
    assert found.scripts == ()


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = "import sys\nsys.modules['debgen_was_tricked'] = sys\nraise SystemExit(9)\n"
    files = dict.fromkeys(
        ("setup.py", "conftest.py", "foo_bar/__init__.py", "tests/test_x.py", "sitecustomize.py"), trap
    )
    monkeypatch.chdir(sdist(tmp_path, files))
    monkeypatch.setattr("sys.stdout", io.StringIO())
    read_facts(tmp_path)
    assert "debgen_was_tricked" not in sys.modules


# --- modules


MODULES = {
    "top_level.txt": ({"Foo.egg-info/top_level.txt": "foo\n_foo\n", "other/x.py": ""}, ("_foo", "foo")),
    "top_level.txt in src": ({"src/foo.egg-info/top_level.txt": "foo\n"}, ("foo",)),
    "tests in top_level.txt": ({"foo.egg-info/top_level.txt": "foo\ntests\n"}, ("foo",)),
    "nothing but tests": ({"foo.egg-info/top_level.txt": "tests\n"}, ("tests",)),
    "flat": ({"foo/__init__.py": "", "docs/conf.py": "", "setup.py": "", "noxfile.py": ""}, ("foo",)),
    "src": ({"src/foo/__init__.py": "", "ci/x.py": "", "x.py": ""}, ("foo",)),
    "single module": ({"foo.py": "", "setup.py": "", "tests/test_a.py": "", "conftest.py": ""}, ("foo",)),
    "flit": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'flit_core.buildapi'\n[tool.flit.module]\nname = 'a.b'",
            "a/b.py": "",
            "tool/x.py": "",
        },
        ("a",),
    ),
    "hatch": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'hatchling.build'\n"
            "[tool.hatch.build.targets.wheel]\npackages = ['lib/a', 'b']",
            "lib/a/x.py": "",
            "ci/x.py": "",
            "b/x.py": "",
        },
        ("a", "b"),
    ),
    "poetry": (
        {
            "pyproject.toml": "[build-system]\nbuild-backend = 'poetry.core.masonry.api'\n"
            "[tool.poetry]\npackages = [{include = 'a', from = 'lib'}, {include = 'b.py'}]",
            "c/x.py": "",
            "lib/a/x.py": "",
            "b.py": "",
        },
        ("a", "b"),
    ),
    "the table of another back end": (
        {
            "pyproject.toml": "[tool.hatch.build.targets.wheel]\npackages = ['lib']",
            "lib/x.py": "",
            "foo/__init__.py": "",
        },
        ("foo",),
    ),
    "none": ({"README": ""}, ()),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules(tmp_path: Path, name: str) -> None:
    files, expected = MODULES[name]
    assert read(tmp_path, files).modules == expected


# --- scripts


SCRIPTS = {
    "project": (
        {"pyproject.toml": "[project.scripts]\nFoo = 'foo:main'\nbar = 'foo.bar:main'"},
        ["Foo=foo:main", "bar=foo.bar:main"],
    ),
    "poetry": (
        {"pyproject.toml": "[tool.poetry.scripts]\nfoo = 'foo:main'\nold = {callable = 'x:y'}"},
        ["foo=foo:main"],
    ),
    "entry_points.txt": (
        {"foo.egg-info/entry_points.txt": "[console_scripts]\nFoo = foo:main\n[gui_scripts]\ng = g:main\n"},
        ["Foo=foo:main"],
    ),
    "only plug-ins": ({"foo.egg-info/entry_points.txt": "[pytest11]\nfoo = foo\n"}, []),
    "setup.cfg": (
        {"setup.cfg": "[options.entry_points]\nconsole_scripts =\n    foo = foo:main\n    Bar=bar:main [x]\n"},
        ["Bar=bar:main [x]", "foo=foo:main"],
    ),
    "setup.py": (
        {"setup.py": "setup(entry_points={'other': ['x=y:z'], 'console_scripts': ['foo = foo:main']})"},
        ["foo=foo:main"],
    ),
    "setup.py with code": ({"setup.py": "setup(entry_points={'console_scripts': make()})"}, []),
    "setup.py that is none": ({"setup.py": "(((", "setup.cfg": "no section\n"}, []),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts(tmp_path: Path, name: str) -> None:
    files, expected = SCRIPTS[name]
    assert [f"{s.command}={s.target}" for s in read(tmp_path, files).scripts] == expected
    assert all(isinstance(s, EntryPoint) for s in read(tmp_path, files).scripts)


# --- build system, compiled parts, licences


def test_build_system(tmp_path: Path) -> None:
    legacy = read(tmp_path, {})
    assert legacy.backend == "setuptools.build_meta:__legacy__"
    assert [r.name for r in legacy.build_requirements] == ["setuptools"]
    text = "[build-system]\nrequires = ['hatchling>=1', 'a b']\nbuild-backend = 'hatchling.build'"
    modern = read(tmp_path, {"pyproject.toml": text})
    assert modern.backend == "hatchling.build"
    assert [str(r) for r in modern.build_requirements] == ["hatchling>=1"]


def test_old_requirements(tmp_path: Path) -> None:
    text = 'a>=1\n\n[:python_version < "3"]\nb\n\n[extra]\nc\n\n[extra:sys_platform == "linux"]\nd\n'
    found = read(tmp_path, {"foo.egg-info/requires.txt": text})
    assert [str(r) for r in found.requirements] == [
        "a>=1",
        'b; python_version < "3"',
        'c; extra == "extra"',
        'd; extra == "extra" and sys_platform == "linux"',
    ]
    assert [r.name for r in found.base_requirements] == ["a", "b"]


def test_compiled_parts(tmp_path: Path) -> None:
    sources = dict.fromkeys(("foo/__init__.py", "foo/a.pyx", "foo/b.c", "src/lib.rs", "tests/x.c", "docs/y.cpp"), "")
    stray = read(tmp_path / "stray", sources)
    assert (stray.compiled, stray.extension_modules, stray.architecture) == ((), (), "all")  # nothing builds them
    setup = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('foo.b', ['foo/b.c'])])"
    found = read(tmp_path / "built", {**sources, "setup.py": setup})
    assert found.architecture == "any"
    assert [(e.name, e.language, e.evidence) for e in found.extension_modules] == [("foo.b", "C", "setup.py:2")]
    assert "C (foo/b.c)" in found.compiled


@pytest.mark.parametrize(
    ("condition", "architecture"),
    [
        ("os.environ.get('FAST')", "all"),
        ("'FAST' in os.environ", "all"),
        ("os.getenv('FAST', '0') == '1'", "all"),
        ("bool(int(os.environ.get('FAST', '0')))", "all"),
        ("wanted", "all"),
        ("os.environ.get('PURE') is None", "any"),
        ("not os.environ.get('PURE')", "any"),
        ("os.getenv('FAST', '1') == '1'", "any"),
        ("'PURE' not in os.environ", "any"),
        ("sys.implementation.name == 'cpython'", "any"),
        ("not (os.environ.get('PURE') or pypy())", "any"),
        ("os.environ['FAST'] == '1'", "any"),
    ],
)
def test_extensions_that_only_the_environment_asks_for(tmp_path: Path, condition: str, architecture: str) -> None:
    setup = f"""
import os, sys
from setuptools import Extension, setup
wanted = os.environ.get("FAST", "no") in ("yes", "true")
extensions = []
if {condition}:
    extensions = [Extension("foo._fast", ["foo/fast.c"])]
setup(packages=["foo"], ext_modules=extensions)
"""
    found = read(tmp_path, {"setup.py": setup, "foo/__init__.py": "", "foo/fast.c": ""})
    assert found.architecture == architecture


def test_a_setup_script_whose_names_go_in_circles(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(60)]
    lines = [f"{name} = {' + '.join(names)}" for name in names]
    lines += [f"m{i} = [{', '.join([f'm{i + 1}'] * 9)}]" for i in range(30)]
    lines += [f"o{i} = {' or '.join([f'o{i + 1}'] * 5)} or os.getenv('X') == k" for i in range(30)]
    lines += ["if o0:\n    pass"]
    lines += [f"if {' or '.join(names)} or os.environ.get('X'):\n    {name} = 1" for name in names]
    setup = "\n".join(["import os", *lines, "setup(packages=n0, py_modules=n1 + n2, scripts=m0)"])
    assert read(tmp_path, {"setup.py": setup, "foo_bar/__init__.py": ""}).modules == ("foo_bar",)


def test_licence_files(tmp_path: Path) -> None:
    found = read(
        tmp_path, dict.fromkeys(("LICENSE.txt", "copying", "NOTICE", "LICENCE", "foo/LICENSE", "licenses/MIT"), "")
    )
    assert found.licence_files == ("LICENCE", "LICENSE.txt", "NOTICE", "copying")


# --- tests


def what_tests(tmp_path: Path, files: dict[str, str]) -> TestFacts:
    return read(tmp_path, files).tests


def test_no_tests(tmp_path: Path) -> None:
    assert what_tests(tmp_path, {"tests/data.json": "", "foo_bar.py": ""}).directory == ""


@pytest.mark.parametrize(
    ("files", "directory", "runner"),
    [
        ({"tests/test_a.py": "import pytest"}, "tests", "pytest"),
        ({"test/test_a.py": "import unittest", "test/__init__.py": ""}, "test", "unittest"),
        ({"tests/test_a.py": "from unittest import TestCase"}, "tests", "pytest"),  # unittest would find nothing
        ({"tests/__init__.py": "", "tests/test_a.py": "import unittest", "pytest.ini": ""}, "tests", "pytest"),
        (
            {"tests/__init__.py": "", "tests/test_a.py": "import unittest", "setup.cfg": "[tool:pytest]\n"},
            "tests",
            "pytest",
        ),
        (
            {"tests/__init__.py": "", "tests/test_a.py": "import unittest", "pyproject.toml": "[tool.pytest]"},
            "tests",
            "pytest",
        ),
        ({"tests/__init__.py": "", "tests/test_a.py": "def test_a(): ..."}, "tests", "pytest"),
    ],
)
def test_runner(tmp_path: Path, files: dict[str, str], directory: str, runner: str) -> None:
    found = what_tests(tmp_path, files)
    assert (found.directory, found.runner) == (directory, runner)


def test_imports_and_unimportable_files(tmp_path: Path) -> None:
    found = what_tests(
        tmp_path,
        {
            "tests/test_a.py": "import numpy.linalg\nfrom jedi import x\ndef f():\n    import lazy\n",
            "tests/test_b.py": "from .helpers import x\nimport counted\n",
            "tests/b_test.py": "from . import helpers\n",
            "tests/test_gone.py": "from .gone import x\nimport never\n",
            "tests/helpers.py": "from .other import x\nimport helping\n",
            "tests/unused.py": "import unneeded\n",
            "tests/sub/__init__.py": "",
            "tests/sub/test_c.py": "from ..helpers import y\nfrom helpers import z\n",
            "tests/test_broken.py": "((",
            "tests/test_local.py": "def f():\n    from .helpers import x\nSERVER = '127.0.0.1'\n",
        },
    )
    assert [(u.path, u.reason) for u in found.unimportable] == [
        ("tests/test_gone.py", "imports its sibling .gone, which the sdist lacks")
    ]
    assert found.unpackaged == ("tests/b_test.py", "tests/test_b.py")
    assert found.imports == ("counted", "helping", "jedi", "lazy", "numpy")
    assert found.loopback
    assert not what_tests(tmp_path / "other", {"tests/test_a.py": ""}).loopback


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-ra --cov=x'"}, "-ra --cov=x"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['-ra', '-n4']"}, "-ra -n4"),
        ({"pyproject.toml": "[tool.pytest]\naddopts = ['-ra']"}, "-ra"),
        ({"setup.cfg": "[tool:pytest]\naddopts =\n  -q\n  %(x)s\n"}, "-q %(x)s"),
        ({"pytest.ini": "[pytest]\naddopts = -n 4\n"}, "-n 4"),
        ({"pytest.ini": "addopts = no section\n"}, ""),
        ({}, ""),
    ],
)
def test_addopts(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    assert what_tests(tmp_path, {"tests/test_a.py": "", **files}).addopts == expected
