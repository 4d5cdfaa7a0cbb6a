"""What an sdist installs, for every back end, by its files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from debgen.upstream.facts import SdistFacts, read_facts

BACKENDS = {
    "setuptools": "setuptools.build_meta", "flit": "flit_core.buildapi", "poetry": "poetry.core.masonry.api",
    "hatch": "hatchling.build", "pdm": "pdm.backend", "uv": "uv_build", "maturin": "maturin", "meson": "mesonpy",
    "scikit": "scikit_build_core.build",
}  # fmt: skip
NAMESPACE = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
SETUP = "from setuptools import *\nsetup({})\n"


def facts(root: Path, files: dict[str, str], name: str = "Foo-Bar", backend: str = "") -> SdistFacts:
    given = {"PKG-INFO": f"Name: {name}\nVersion: 1\n", **files}
    if backend:
        head = f"[build-system]\nrequires = []\nbuild-backend = '{BACKENDS[backend]}'\n"
        given["pyproject.toml"] = head + given.get("pyproject.toml", "")
    for path, text in given.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return read_facts(root)


def files(*names: str, **texts: str) -> dict[str, str]:
    return dict.fromkeys(names, "") | {name.replace("__dot__", "."): text for name, text in texts.items()}


def setup(arguments: str, *names: str, before: str = "") -> dict[str, str]:
    return {"setup.py": before + SETUP.format(arguments), **dict.fromkeys(names, "")}


def project(text: str, *names: str) -> dict[str, str]:
    return {"pyproject.toml": text, **dict.fromkeys(names, "")}


# --- the paths below dist-packages


CASES: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "packages": (
        "",
        setup("packages=['a', 'a.b']", "a/__init__.py", "a/b/x.py", "a/c/y.py", "z.py"),
        {"a/__init__.py", "a/b/x.py"},
    ),
    "find_packages": (
        "",
        setup(
            "packages=find_packages(exclude=['tests', 'tests.*'])",
            "a/__init__.py",
            "a/b/__init__.py",
            "a/c/y.py",
            "tests/__init__.py",
        ),
        {"a/__init__.py", "a/b/__init__.py"},
    ),
    "find_packages, where": (
        "",
        setup(
            "packages=find_packages('lib', include=['a*']), package_dir={'': 'lib'}",
            "lib/a/__init__.py",
            "lib/b/__init__.py",
            "a/x.py",
        ),
        {"a/__init__.py"},
    ),
    "find_namespace_packages": (
        "",
        setup("packages=find_namespace_packages(include=['n.*'])", "n/a/x.py", "docs/conf.py"),
        {"n/a/x.py"},
    ),
    "package_dir": (
        "",
        setup(
            "packages=['a', 'a.b'], package_dir={'a': 'py', 'a.b': 'other/b'}", "py/x.py", "py/b/no.py", "other/b/y.py"
        ),
        {"a/x.py", "a/b/y.py"},
    ),
    "py_modules": (
        "",
        setup("py_modules=['one', 'two'], package_dir={'': 'src'}", "src/one.py", "src/two.py", "src/three.py"),
        {"one.py", "two.py"},
    ),
    "names": (
        "",
        setup("packages=PACKAGES + ['b']", "a/x.py", "b/y.py", before="NAME = 'a'\nPACKAGES = [NAME]\n"),
        {"a/x.py", "b/y.py"},
    ),
    "a comprehension": (
        "",
        setup(
            "packages=['a'] + ['a.' + p for p in find_packages('a') if not p.startswith('t')]",
            "a/__init__.py",
            "a/b/__init__.py",
            "a/tests/__init__.py",
        ),
        {"a/__init__.py", "a/b/__init__.py"},
    ),
    "keywords in a dict": (
        "",
        setup("**kw", "a/x.py", "b/y.py", before="kw = dict(packages=['a'])\nkw['py_modules'] = ['m']\n"),
        {"a/x.py"},
    ),
    "computed, so top_level.txt": (
        "",
        {**setup("packages=whatever()", "a/x.py", "b/y.py"), "foo_bar.egg-info/top_level.txt": "b\n"},
        {"b/y.py"},
    ),
    "computed, so by name": ("", setup("packages=whatever()", "foo_bar/x.py", "b/y.py"), {"foo_bar/x.py"}),
    "data beside modules": (
        "",
        setup("packages=['a']", "a/__init__.py", "a/data/x.json", "a/py.typed"),
        {"a/__init__.py", "a/data/x.json", "a/py.typed"},
    ),
    "setup.cfg": (
        "",
        {
            "setup.cfg": "[options]\npackages = find:\npackage_dir =\n    = src\n"
            "[options.packages.find]\nwhere = src\nexclude =\n    b\n",
            "src/a/__init__.py": "",
            "src/b/__init__.py": "",
        },
        {"a/__init__.py"},
    ),
    "setup.cfg, pbr": (
        "",
        {
            "setup.cfg": "[metadata]\nname = a\n[files]\npackages =\n    a\n",
            "a/__init__.py": "",
            "a/b/__init__.py": "",
            "c/__init__.py": "",
        },
        {"a/__init__.py", "a/b/__init__.py"},
    ),
    "tool.setuptools": (
        "setuptools",
        project(
            "[tool.setuptools]\npackages = ['a']\npy-modules = ['m']\npackage-dir = {a = 'x/y'}", "x/y/z.py", "m.py"
        ),
        {"a/z.py", "m.py"},
    ),
    "tool.setuptools, find": (
        "setuptools",
        project("[tool.setuptools.packages.find]\nwhere = ['x']\ninclude = ['a*']", "x/a/b/c.py", "x/d/e.py"),
        {"a/b/c.py"},
    ),
    "discovery, src": ("setuptools", files("src/a/b/c.py", "src/m.py", "other/x.py"), {"a/b/c.py", "m.py"}),
    "discovery, flat": (
        "setuptools",
        files("a/__init__.py", "tests/x.py", "docs/y.py", "setup.py", "noxfile.py"),
        {"a/__init__.py"},
    ),
    "discovery, one module": ("setuptools", files("one.py", "tests/x.py", "conftest.py", "_private.py"), {"one.py"}),
    "flit": ("flit", project("[project]\nname = 'Foo-Bar'", "src/Foo_Bar/x.py", "other/y.py"), {"Foo_Bar/x.py"}),
    "flit, one module": ("flit", project("[tool.flit.metadata]\nmodule = 'baz'", "baz.py", "x.py"), {"baz.py"}),
    "poetry": (
        "poetry",
        project("[tool.poetry]\nname = 'foo-bar'", "src/foo_bar/x.py", "tests/y.py"),
        {"foo_bar/x.py"},
    ),
    "poetry, packages": (
        "poetry",
        project(
            "[tool.poetry]\npackages = [{include='a', from='lib'}, {include='b', to='c'}, {include='d/**/*.py'}, "
            "{include='e', format='sdist'}]",
            "lib/a/x.py",
            "b/y.py",
            "d/z/w.py",
            "d/no.txt",
            "e/v.py",
        ),
        {"a/x.py", "c/b/y.py", "d/z/w.py"},
    ),
    "hatch, by name": (
        "hatch",
        project("[project]\nname = 'Foo-Bar'", "src/foo_bar/x.py", "src/foo_bar/__init__.py", "tests/y.py"),
        {"foo_bar/__init__.py", "foo_bar/x.py"},
    ),
    "hatch, namespace by name": (
        "hatch",
        project("[project]\nname = 'Foo-Bar'", "n/foo_bar/__init__.py", "tests/y.py"),
        {"n/foo_bar/__init__.py"},
    ),
    "hatch, only-include": (
        "hatch",
        project(
            "[tool.hatch.build.targets.wheel]\nonly-include = ['src/a', 'b.py']\nsources = ['src']",
            "src/a/x.py",
            "b.py",
            "c.py",
        ),
        {"a/x.py", "b.py"},
    ),
    "hatch, include and exclude": (
        "hatch",
        project(
            "[tool.hatch.build]\ninclude = ['/a', '*.toml']\nexclude = ['tests', '*.c']",
            "a/x.py",
            "a/tests/y.py",
            "a/z.c",
            "b/w.py",
            "b/c.toml",
        ),
        {"a/x.py", "b/c.toml", "pyproject.toml"},
    ),
    "hatch, rewritten sources": (
        "hatch",
        project(
            "[tool.hatch.build.targets.wheel]\npackages = ['lib']\n"
            "[tool.hatch.build.targets.wheel.sources]\n'lib' = 'a'",
            "lib/x.py",
        ),
        {"a/x.py"},
    ),
    "hatch, force-include": (
        "hatch",
        project(
            "[tool.hatch.build.targets.wheel]\npackages = ['a']\nforce-include = {'x/y.txt' = 'a/y.txt', 'x/z' = 'b'}",
            "a/x.py",
            "x/y.txt",
            "x/z/w.py",
        ),
        {"a/x.py", "a/y.txt", "b/w.py"},
    ),
    "pdm": ("pdm", files("src/a/__init__.py", "src/b/x.py", "tests/__init__.py"), {"a/__init__.py"}),
    "pdm, flat": ("pdm", files("a/__init__.py", "tests/__init__.py", "m.py"), {"a/__init__.py"}),
    "pdm, includes": (
        "pdm",
        project("[tool.pdm.build]\nincludes = ['a', 'm.py']\nexcludes = ['a/b']", "a/x.py", "a/b/y.py", "m.py", "n.py"),
        {"a/x.py", "m.py"},
    ),
    "uv": ("uv", files("src/foo_bar/__init__.py", "foo_bar/no.py"), {"foo_bar/__init__.py"}),
    "uv, names": (
        "uv",
        project(
            "[tool.uv.build-backend]\nmodule-name = ['a.b', 'c']\nmodule-root = ''", "a/b/x.py", "c/y.py", "d/z.py"
        ),
        {"a/b/x.py", "c/y.py"},
    ),
    "maturin": (
        "maturin",
        project("[tool.maturin]\npython-source = 'py'\nmodule-name = 'a._b'", "py/a/x.py", "a/no.py", "Cargo.toml"),
        {"a/x.py"},
    ),
    "meson": (
        "meson",
        {
            "meson.build": "subdir('a')\n",
            "a/meson.build": "py.install_sources(['__init__.py', 'x.py'], subdir: 'a')\n",
            "a/__init__.py": "",
            "a/x.py": "",
        },
        {"a/__init__.py", "a/meson.build", "a/x.py"},
    ),
    "meson, one module in a variable": (
        "meson",
        {"meson.build": "sources = [\n'm.py',\n'n.pyi']\npy.install_sources(sources)\n", "m.py": "", "o.py": ""},
        {"m.py"},
    ),
    "scikit": (
        "scikit",
        project("[tool.scikit-build]\nwheel.packages = ['python/a']", "python/a/x.py", "b/y.py", "CMakeLists.txt"),
        {"a/x.py"},
    ),
    "scikit, renamed": (
        "scikit",
        project("[tool.scikit-build.wheel.packages]\na = 'python'", "python/x.py", "CMakeLists.txt"),
        {"a/x.py"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_installed_files(tmp_path: Path, name: str) -> None:
    backend, given, expected = CASES[name]
    assert {target for target, _ in facts(tmp_path, given, backend=backend).installed} == expected


def test_paths_in_the_tree(tmp_path: Path) -> None:
    found = facts(tmp_path, files("src/a/x.py", "src/a/__init__.py"), backend="setuptools")
    assert dict(found.installed) == {"a/__init__.py": "src/a/__init__.py", "a/x.py": "src/a/x.py"}


# --- namespaces


@pytest.mark.parametrize(
    ("given", "name", "namespaces", "own"),
    [
        (files("src/n/a/__init__.py"), "n-a", ("n",), ("n.a",)),
        (files("src/g/c/s/__init__.py", "src/g/c/t/__init__.py"), "g-c-s", ("g",), ("g.c.s", "g.c.t")),
        ({"src/n/__init__.py": NAMESPACE, "src/n/a/__init__.py": ""}, "n.a", ("n",), ("n.a",)),
        (
            {"src/n/__init__.py": "__import__('pkg_resources').declare_namespace(__name__)", "src/n/a.py": ""},
            "n.a",
            ("n",),
            ("n.a",),
        ),
        ({"src/n/__init__.py": f"{NAMESPACE}from .a import x\n", "src/n/a.py": ""}, "n.py", (), ("n",)),
        (files("src/a/x.py", "src/a/y.py"), "A", (), ("a",)),  # its own, though without __init__.py
        (files("src/a/__init__.py", "src/b.py"), "x", (), ("a", "b")),
        (files("src/n/a/b/__init__.py", "src/n/a/data.txt"), "x", ("n",), ("n.a.b",)),
    ],
)
def test_namespaces(
    tmp_path: Path, given: dict[str, str], name: str, namespaces: tuple[str, ...], own: tuple[str, ...]
) -> None:
    found = facts(tmp_path, given, name, "setuptools")
    assert (found.namespaces, found.own_modules) == (namespaces, own)


def test_a_namespace_whose_files_are_nowhere(tmp_path: Path) -> None:
    found = facts(tmp_path, {**setup("packages=f()"), "n.a.egg-info/top_level.txt": "n\n"}, "n.a")
    assert (found.modules, found.namespaces, found.own_modules) == (("n",), ("n",), ("n.a",))


# --- what has no business in dist-packages


def test_generic_names_are_unwanted(tmp_path: Path) -> None:
    arguments = "packages=find_packages(), py_modules=['setup', 'm']"
    given = setup(arguments, "a/__init__.py", "tests/__init__.py", "m.py", "docs/__init__.py")
    found = facts(tmp_path, given)
    assert found.modules == ("a", "m")
    assert found.unwanted_modules == ("docs", "setup.py", "tests")


def test_files_that_are_no_modules_are_unwanted(tmp_path: Path) -> None:
    text = (
        "[tool.poetry]\npackages = [{include='a'}]\ninclude = [{path='LICENSE', format=['sdist', 'wheel']}, 'README']"
    )
    found = facts(tmp_path, project(text, "a/__init__.py", "LICENSE", "README"), backend="poetry")
    assert found.unwanted_modules == ("LICENSE",)


def test_a_generic_name_that_is_needed(tmp_path: Path) -> None:
    given = {
        **setup("packages=find_packages()", "utils/__init__.py", "tools/__init__.py"),
        "a/__init__.py": "import utils.x",
    }
    found = facts(tmp_path, given)
    assert (found.modules, found.unwanted_modules, found.needed_generic) == (("a", "utils"), ("tools",), ("utils",))


@pytest.mark.parametrize(("name", "package"), [("build", "build"), ("thing", "tests")])
def test_a_generic_name_that_is_the_distribution(tmp_path: Path, name: str, package: str) -> None:
    found = facts(tmp_path, setup(f"packages=['{package}']", f"{package}/__init__.py"), name)
    assert (found.modules, found.unwanted_modules) == ((package,), ())


def test_stubs_typing_and_paths(tmp_path: Path) -> None:
    text = "[tool.hatch.build.targets.wheel]\npackages = ['a-stubs', 'a', 'a.pth']"
    found = facts(
        tmp_path, project(text, "a-stubs/__init__.pyi", "a/__init__.py", "a/py.typed", "a.pth"), backend="hatch"
    )
    assert (found.modules, found.stubs, found.typed, found.pth) == (("a",), ("a-stubs",), True, ("a.pth",))


def test_metadata_of_another_distribution(tmp_path: Path) -> None:
    given = {
        **setup("packages=f()", "a/__init__.py", "foo_bar/__init__.py"),
        "another.egg-info/top_level.txt": "a\n",
        "Foo_Bar.egg-info/top_level.txt": "foo_bar\n",
        "another.egg-info/entry_points.txt": "[console_scripts]\nx = a:x\n",
    }
    found = facts(tmp_path, given)
    assert (found.modules, found.scripts) == (("foo_bar",), ())


# --- extension modules


EXTENSIONS: dict[str, tuple[str, dict[str, str], list[tuple[str, str]]]] = {
    "setuptools": (
        "",
        setup(
            "ext_modules=[Extension('a._x', sources=['x.cpp']), Extension(name='_y', sources=S)]",
            "a/__init__.py",
            before="S = ['y.c']\n",
        ),
        [("_y", "C"), ("a._x", "C++")],
    ),
    "cythonize": (
        "",
        setup(
            "packages=['a'], package_dir={'': 'src'}, ext_modules=cythonize('src/a/*.pyx')",
            "src/a/__init__.py",
            "src/a/f.pyx",
        ),
        [("a.f", "Cython")],
    ),
    "ext_package": (
        "",
        setup("ext_package='a', packages=['a'], ext_modules=[Extension('_x', ['x.c'])]", "a/__init__.py"),
        [("a._x", "C")],
    ),
    "an extension that top_level.txt takes for a module": (
        "",
        {
            **setup("ext_package='a', packages=['a'], ext_modules=[Extension('_x', ['x.c'])]", "a/__init__.py"),
            "foo_bar.egg-info/top_level.txt": "_x\na\n",
        },
        [("a._x", "C")],
    ),
    "a back end in the tree": (
        "",
        {
            "pyproject.toml": "[build-system]\nrequires = ['x']\nbackend-path = ['b']\nbuild-backend = 'own'",
            "b/own.py": "from setuptools.build_meta import *\n",
            "a/__init__.py": "",
            "a/f.pyx": "",
        },
        [("a.f", "Cython")],
    ),
    "cffi": (
        "",
        {
            **setup("packages=['a'], cffi_modules=['build_x.py:ffi']", "a/__init__.py"),
            "build_x.py": "ffi = FFI()\nffi.set_source('a._c', 'int x;')\n",
        },
        [("a._c", "C")],
    ),
    "cffi without a compiler": (
        "",
        {
            **setup("packages=['a'], cffi_modules=['build_x.py:ffi']", "a/__init__.py"),
            "build_x.py": "ffi = FFI()\nffi.set_source('a._c', None)\n",
        },
        [],
    ),
    "rust": ("", setup("packages=['a'], rust_extensions=[RustExtension('a._r')]", "a/__init__.py"), [("a._r", "Rust")]),
    "rust in pyproject": (
        "setuptools",
        project("[[tool.setuptools-rust.ext-modules]]\ntarget = 'a._r'", "a/__init__.py"),
        [("a._r", "Rust")],
    ),
    "maturin": ("maturin", {"Cargo.toml": "[package]\nname = 'x-y'", "src/lib.rs": ""}, [("x_y", "Rust")]),
    "maturin, a program": ("maturin", project("[tool.maturin]\nbindings = 'bin'", "Cargo.toml", "a/__init__.py"), []),
    "meson": (
        "meson",
        {
            "meson.build": "subdir('a')",
            "a/meson.build": "py.extension_module('_m', 'm.pyx', subdir: 'a' / 'b', install: true)",
        },
        [("a.b._m", "Cython")],
    ),
    "cmake": (
        "scikit",
        {
            "CMakeLists.txt": "project(x)\npybind11_add_module(_core m.cpp)\n"
            "install(TARGETS _core DESTINATION ${SKBUILD_PROJECT_NAME})",
            "m.cpp": "",
        },
        [("Foo_Bar._core", "C++")],
    ),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extension_modules(tmp_path: Path, name: str) -> None:
    backend, given, expected = EXTENSIONS[name]
    found = facts(tmp_path, given, backend=backend)
    assert [(e.name, e.language) for e in found.extension_modules] == expected
    assert {e.name.partition(".")[0] for e in found.extension_modules} <= set(found.modules)
    assert "_x" not in found.modules


# --- scripts, plug-ins and data


def test_scripts_plugins_and_data(tmp_path: Path) -> None:
    given = setup(
        "packages=['a'], scripts=['bin/run'], data_files=[('share/man/man1', ['a.1']), ('/etc/a', glob('etc/*.conf'))],"
        "entry_points='''[console_scripts]\nc = a:c\n[pytest11]\np = a.p\n[gui_scripts]\ng = a:g\n'''",
        "a/__init__.py", "bin/run", "a.1", "etc/x.conf", "etc/y.conf",
    )  # fmt: skip
    found = facts(tmp_path, given)
    assert [s.command for s in found.scripts] == ["c"]
    assert [s.target for s in found.gui_scripts] == ["a:g"]
    assert [(p.group, p.name, p.target) for p in found.plugins] == [("pytest11", "p", "a.p")]
    assert found.script_files == ("bin/run",)
    assert [(d.target, d.source) for d in found.data_files] == [
        ("/etc/a/x.conf", "etc/x.conf"), ("/etc/a/y.conf", "etc/y.conf"), ("share/man/man1/a.1", "a.1"),
    ]  # fmt: skip


def test_shared_data_of_hatch(tmp_path: Path) -> None:
    text = """
[tool.hatch.build.targets.wheel]
packages = ['a']
[tool.hatch.build.targets.wheel.shared-data]
'data' = 'share/a'
'one.1' = 'share/man/man1/one.1'
"""
    found = facts(tmp_path, project(text, "a/__init__.py", "data/x/y.json", "one.1"), backend="hatch")
    assert [(d.target, d.source) for d in found.data_files] == [
        ("share/a/x/y.json", "data/x/y.json"), ("share/man/man1/one.1", "one.1"),
    ]  # fmt: skip


# --- documentation


def test_documentation(tmp_path: Path) -> None:
    conf = """
extensions = ["sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
extensions.append("myst_parser")
extensions += ["sphinx_copybutton"]
html_theme = "furo"
intersphinx_mapping = {"python": ("https://docs.example.org", None)}
"""
    given = {"docs/source/conf.py": conf, "docs/source/index.rst": "x", "foo_bar/__init__.py": ""}
    docs = facts(tmp_path, given).docs
    assert docs is not None
    assert (docs.folder, docs.builder, docs.theme, docs.complete) == ("docs/source", "sphinx", "furo", True)
    assert docs.extensions == ("sphinx.ext.autodoc", "sphinx.ext.intersphinx", "myst_parser", "sphinx_copybutton")
    assert docs.online
    computed = facts(tmp_path / "2", {"doc/conf.py": "extensions = find()\n", "doc/index.md": "x"}).docs
    assert computed is not None
    assert not computed.complete
    assert facts(tmp_path / "3", {"docs/conf.py": ""}).docs is None


def test_mkdocs(tmp_path: Path) -> None:
    text = """
site_name: x
theme:
  features:
    - a
  name: material
plugins:
  - search
  - mkdocstrings:
      handlers:
        - x
nav:
  - index.md
"""
    docs = facts(tmp_path, {"mkdocs.yml": text, "docs/index.md": "x"}).docs
    assert docs is not None
    assert (docs.folder, docs.builder, docs.theme, docs.extensions) == (
        "docs",
        "mkdocs",
        "material",
        ("search", "mkdocstrings"),
    )


# --- the version


@pytest.mark.parametrize(
    ("backend", "text", "variables"),
    [
        ("setuptools", "[tool.setuptools_scm]", ["SETUPTOOLS_SCM_PRETEND_VERSION_FOR_FOO_BAR"]),
        ("hatch", "[tool.hatch.version]\nsource = 'vcs'", []),
        ("hatch", "[tool.hatch.version]\nsource = 'uv-dynamic-versioning'", []),
        ("pdm", "[tool.pdm.version]\nsource = 'scm'", []),
        (
            "scikit",
            "[tool.scikit-build.metadata.version]\nprovider = 'scikit_build_core.metadata.setuptools_scm'",
            ["SETUPTOOLS_SCM_PRETEND_VERSION_FOR_FOO_BAR"],
        ),
        ("setuptools", "[project]\nversion = '1'", []),
    ],
)
def test_variables_for_the_version(tmp_path: Path, backend: str, text: str, variables: list[str]) -> None:
    found = facts(tmp_path, project(text, "foo_bar/__init__.py"), backend=backend)
    assert [name for name, _ in found.version_environment] == variables


def test_a_version_without_pkg_info_at_the_top(tmp_path: Path) -> None:
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = foo\n")
    (tmp_path / "setup.py").write_text("import setuptools\nsetuptools.setup(setup_requires=['pbr'], pbr=True)\n")
    (tmp_path / "foo.egg-info").mkdir()
    (tmp_path / "foo.egg-info" / "PKG-INFO").write_text("Name: foo\nVersion: 1\n")
    assert [name for name, _ in read_facts(tmp_path).version_environment] == ["PBR_VERSION"]


# --- files without their source


def test_odd_files(tmp_path: Path) -> None:
    elf = "\x7fELF\x02\x01\x01" + "\0" * 20
    long = "x" * 25_000
    given = {
        "foo_bar/__init__.py": "", "foo_bar/lib.so": elf, "tests/data/hello": elf, "win/cli.exe": elf,
        "foo_bar/app.min.js": long, "docs/jquery.min.js": long, "docs/a.min.js": long, "docs/a.js": "a",
    }  # fmt: skip
    found = facts(tmp_path, given)
    assert {f.path: f.fate.value for f in found.odd_files} == {
        "foo_bar/lib.so": "remove", "win/cli.exe": "remove", "tests/data/hello": "keep",
        "foo_bar/app.min.js": "ask", "docs/jquery.min.js": "remove", "docs/a.min.js": "keep",
    }  # fmt: skip
    assert found.prebuilt == ("foo_bar/lib.so", "win/cli.exe", "docs/jquery.min.js")
    assert all(f.reason for f in found.odd_files)
