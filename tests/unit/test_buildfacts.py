"""What a build takes, from build files as upstreams write them."""

from __future__ import annotations

import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debgen.errors import HostileArchiveError
from debgen.upstream.buildfacts import BuildReader, build_facts, from_json, wanted
from debgen.upstream.buildmodel import BuildFacts, LibraryKind
from debgen.upstream.cargolock import Lock
from debgen.upstream.index import IndexClient
from debgen.upstream.model import FileKind, ReleaseFile

MATURIN = "[build-system]\nrequires = ['maturin>=1,<2']\nbuild-backend = 'maturin'\n"
SKBUILD = "[build-system]\nrequires = ['scikit-build-core']\nbuild-backend = 'scikit_build_core.build'\n"
MESON = "[build-system]\nrequires = ['meson-python']\nbuild-backend = 'mesonpy'\n"
RUST = "from setuptools_rust import RustExtension\nsetup(rust_extensions=[RustExtension('a', path='r/Cargo.toml')])"


def facts(files: dict[str, str], *more: str) -> BuildFacts:
    return build_facts([*files, *more], files)


def crates(files: dict[str, str]) -> dict[str, Any]:
    found = facts(files)
    assert not found.notes
    return {crate.name: crate for crate in found.crates}


def libraries(files: dict[str, str]) -> dict[str, tuple[str, str, bool]]:
    return {lib.name: (lib.kind.value, lib.evidence, lib.required) for lib in facts(files).libraries}


# --- requirements


def test_no_build_system_is_setuptools() -> None:
    found = facts({"setup.py": "from setuptools import setup\nsetup()"})
    assert (found.backend, found.requires) == ("setuptools.build_meta:__legacy__", ("setuptools",))
    assert facts({"pyproject.toml": "[build-system]\nrequires = ['x']"}).requires == ("x",)


def test_setup_requires_and_pins() -> None:
    text = "[build-system]\nrequires = ['torch == 2.13.0', 'a===1', 'b==1.*', 'c~=1.0', 'd==2; python_version<\"3\"']\n"
    setup = "from setuptools import setup\nN = 'cffi'\nsetup(setup_requires=[N + '>=1.0', 'x'])"
    found = facts({"pyproject.toml": text, "setup.py": setup, "setup.cfg": "[options]\nsetup_requires =\n  y>=2\n"})
    assert found.requires[5:] == ("y>=2", "cffi>=1.0", "x")
    assert found.pins == ("torch == 2.13.0", "a===1", 'd==2; python_version<"3"')


def test_setup_py_beside_another_backend_is_not_read() -> None:
    text = "[build-system]\nrequires = ['flit-core']\nbuild-backend = 'flit_core.buildapi'"
    setup = "setup(setup_requires=['x'], ext_modules=[Extension('a', ['a.c'], libraries=['z'])])"
    found = facts({"pyproject.toml": text, "setup.py": setup}, "a.c")
    assert (found.requires, found.languages, found.libraries) == (("flit-core",), (), ())


def test_hatch_hooks_ask_for_more() -> None:
    text = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[tool.hatch.build.targets.wheel.hooks.mypyc]
dependencies = ["hatch-mypyc", "mypy==1.0"]
"""
    assert facts({"pyproject.toml": text}).requires == ("hatchling", "hatch-mypyc", "mypy==1.0")


# --- languages


def test_languages_are_those_that_the_build_compiles() -> None:
    names = ("src/a.c", "src/b.cpp", "p/c.pyx", "p/c.c", "p/d.py", "p/d.pxd", "p/__init__.py", "p/__init__.pxd")
    aside = ("tests/x.f90", "vendored/test cases/cuda/k.cu", "docs/m.rs", "bench-rs/z.rs", "tools/t.rs")
    setup = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('a', ['src/a.c'])])"
    assert facts({"setup.py": setup}, *names, *aside).languages == ("C", "C++", "Cython")
    assert facts({"setup.py": "from setuptools import setup\nsetup()"}, *names).languages == ()


def test_declarations_of_a_package_are_no_cython_source() -> None:
    setup = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('a', ['a.c'])])"
    assert facts({"setup.py": setup}, "a_tools/a.c", "p/__init__.py", "p/__init__.pxd").languages == ("C",)


def test_languages_of_cmake_and_vendored_crates() -> None:
    cmake = (
        "project(x LANGUAGES CXX)\nif(USE_ROCM)\n enable_language(HIP)\nendif()\nif(WIN32)\nenable_language(C)\nendif()"
    )
    assert facts({"pyproject.toml": SKBUILD, "CMakeLists.txt": cmake}, "k.cu").languages == ("C++", "CUDA", "HIP")
    found = facts(
        {"pyproject.toml": MATURIN, "Cargo.toml": "[package]\nname='a'"}, "v/cc/.cargo-checksum.json", "v/cc/a.c"
    )
    assert found.languages == ()


def test_a_backend_inside_the_tree_is_what_it_wraps() -> None:
    text = "[build-system]\nrequires = ['x']\nbuild-backend = 'backend'\nbackend-path = ['_build']\n"
    files = {"pyproject.toml": text, "_build/backend.py": "from scikit_build_core import build\n", "CMakeLists.txt": ""}
    assert wanted("_build/backend.py")
    assert [lib.name for lib in facts(files).libraries] == ["cmake", "ninja"]


# --- crates


def test_crates_of_a_workspace() -> None:
    found = crates(
        {
            "pyproject.toml": MATURIN
            + "[tool.maturin]\nmanifest-path = 'py/Cargo.toml'\nfeatures = ['fast', 'pyo3/abi3']",
            "Cargo.toml": """
[workspace]
members = ["py", "core"]
[workspace.dependencies]
serde = { version = "1.0", features = ["derive"] }
core = { path = "core", default-features = false }
old = { package = "new-name", version = "0.3" }
fork = { git = "https://git.invalid/fork", rev = "abc" }
[patch.crates-io]
patched = { git = "https://git.invalid/p", tag = "v1" }
""",
            "Cargo.lock": """
[[package]]
name = "serde"
version = "1.0.9"
[[package]]
name = "syn"
version = "1.5.0"
[[package]]
name = "syn"
version = "2.0.1"
[[package]]
name = "py"
version = "0.1.0"
dependencies = ["serde", "syn 2.0.1"]
""",
            "py/Cargo.toml": """
[package]
name = "py"
[features]
default = ["zip"]
fast = ["dep:turbo", "core/quick", "idle?/x"]
zip = ["dep:deflate"]
[dependencies]
serde = { workspace = true, features = ["rc"] }
core.workspace = true
old.workspace = true
fork.workspace = true
patched = "1"
pyo3 = { version = "0.25", default-features = false }
syn = "2"
turbo = { version = "1", optional = true }
deflate = { version = "1", optional = true }
idle = { version = "1", optional = true }
[target.'cfg(windows)'.dependencies]
winapi = "0.3"
[build-dependencies]
cc = "1"
[dev-dependencies]
criterion = "0.5"
""",
            "core/Cargo.toml": """
[package]
name = "core"
[features]
default = ["slow"]
slow = ["snail"]
quick = ["hare/legs"]
[dependencies]
snail = { version = "1", optional = true }
hare = { version = "1", optional = true }
""",
            "elsewhere/Cargo.toml": "[package]\nname = 'e'\n[dependencies]\nnothing = '1'",
        }
    )
    assert (found["serde"].features, found["serde"].locked) == (("derive", "rc"), "1.0.9")
    assert (found["syn"].locked, found["new-name"].requirement) == ("2.0.1", "0.3")
    assert found["pyo3"].features == ("abi3",)
    assert not found["pyo3"].default_features
    assert (found["core"].source, found["hare"].features, found["hare"].manifest) == (
        "path core",
        ("legs",),
        "core/Cargo.toml",
    )
    assert found["fork"].source == "git https://git.invalid/fork abc"
    assert found["patched"].source == "git https://git.invalid/p v1"
    assert {name for name, crate in found.items() if crate.optional} == {"idle", "snail"}
    assert (found["cc"].build_only, found["serde"].build_only) == (True, False)
    assert found["winapi"].target == "cfg(windows)"
    assert not {"criterion", "nothing"} & set(found)


def test_the_lock_is_the_one_of_the_package_that_the_build_starts_with() -> None:
    lock = "[[package]]\nname = 'x'\nversion = '{}'\n"
    found = crates(
        {
            "pyproject.toml": MATURIN + "[tool.maturin]\nmanifest-path = 'py/Cargo.toml'",
            "Cargo.toml": "[workspace]\nmembers = ['lib']\nexclude = ['py']",
            "Cargo.lock": lock.format("1.0.0"),
            "py/Cargo.toml": "[package]\nname = 'py'\n[workspace]\n[dependencies]\nlib = { path = '../lib' }",
            "py/Cargo.lock": lock.format("1.2.0"),
            "lib/Cargo.toml": "[package]\nname = 'lib'\n[dependencies]\nx = '1'",
        }
    )
    assert found["x"].locked == "1.2.0"


def test_setuptools_rust_in_a_helper_of_setup_py() -> None:
    files = {
        "setup.py": "import os\nload('h', os.path.join(ROOT, 'tools', 'build_rust.py'))\nsetup()",
        "tools/build_rust.py": "def f():\n    return [RustExtension(target='a', path='r/Cargo.toml', features=['f'])]",
        "tools/build_other.py": "RustExtension(path='no/Cargo.toml')",
        "r/Cargo.toml": "[package]\nname='r'\n[features]\nf = ['b']\n[dependencies]\nb = {version='1', optional=true}",
    }
    assert all(wanted(name) for name in files)
    assert not crates(files)["b"].optional


def test_no_crates_without_a_rust_builder() -> None:
    assert crates({"setup.py": "setup()", "Cargo.toml": "[package]\nname='a'\n[dependencies]\nb='1'"}) == {}
    table = "[build-system]\nrequires=['setuptools-rust']\nbuild-backend='setuptools.build_meta'\n"
    table += "[[tool.setuptools-rust.ext-modules]]\ntarget='a'\npath='r/Cargo.toml'\nfeatures=['f']"
    found = crates(
        {"pyproject.toml": table, "r/Cargo.toml": "[package]\nname='a'\n[features]\nf=[]\n[dependencies]\nb='1'"}
    )
    assert list(found) == ["b"]


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("1.2", "1.10.0"), ("~1.9", "1.9.0"), ("0.2.3", "0.2.9"), ("*", "2.0.0"), (">=1, <2", "1.10.0"), ("=3", ""),
        ("not a requirement", ""), ("=2.1.0-rc.1", "2.1.0-rc.1"),
    ],
)  # fmt: skip
def test_the_newest_that_cargo_takes_of_what_is_locked(requirement: str, expected: str) -> None:
    lock = Lock({"x": ["1.9.0", "0.2.9", "1.10.0", "what", "2.0.0", "2.1.0-rc.1"]})
    assert lock.version("p", "x", requirement) == expected
    assert Lock({"x": ["1.9.0", "1.10.0"]}, {"p": {"x": ["1.9.0"]}}).version("p", "x", "1") == "1.9.0"


# --- libraries


def test_libraries_of_cmake() -> None:
    found = libraries(
        {
            "pyproject.toml": SKBUILD,
            "CMakeLists.txt": """
# find_package(Commented REQUIRED)
find_package(Python REQUIRED COMPONENTS Development.Module)
find_package(ZLIB REQUIRED)
find_package(Own)
if(WIN32)
  find_package(Windows REQUIRED)
elseif(USE_X)
  find_package(Sometimes REQUIRED)
endif()
if(UNIX)
elseif(USE_X)
  find_package(Never REQUIRED)
else()
  find_package(Never REQUIRED)
endif()
pkg_check_modules(LIBS REQUIRED IMPORTED_TARGET liba>=1.2 libb)
find_library(V NAMES numa libnuma.a REQUIRED)
find_program(NVCC nvcc)
add_library(target a.c)
target_link_libraries(target PRIVATE dnnl target m -lxyz)
add_subdirectory(tests)
include(${CMAKE_CURRENT_LIST_DIR}/cmake/more.cmake)
add_subdirectory("src/lib")
""",
            "cmake/more.cmake": "find_package(More REQUIRED)\n",
            "cmake/FindOwn.cmake": "find_library(L own)\n",
            "src/lib/CMakeLists.txt": "find_package(Deep)",
            "tests/CMakeLists.txt": "find_package(Tests REQUIRED)",
            "third_party/x/CMakeLists.txt": "find_package(Unreached REQUIRED)",
        }
    )
    assert found == {
        "ZLIB": ("cmake", "CMakeLists.txt:4", True),
        "Sometimes": ("cmake", "CMakeLists.txt:9", False),
        "More": ("cmake", "cmake/more.cmake:1", True),
        "Deep": ("cmake", "src/lib/CMakeLists.txt:1", False),
        "liba": ("pkg-config", "CMakeLists.txt:17", True),
        "libb": ("pkg-config", "CMakeLists.txt:17", True),
        "numa": ("link", "CMakeLists.txt:18", True),
        "own": ("link", "cmake/FindOwn.cmake:1", False),
        "dnnl": ("link", "CMakeLists.txt:21", False),
        "xyz": ("link", "CMakeLists.txt:21", False),
        "nvcc": ("program", "CMakeLists.txt:19", False),
        "cmake": ("program", "pyproject.toml:3", True),
        "ninja": ("program", "pyproject.toml:3", True),
    }


def test_what_cmake_makes_itself_or_other_systems_have_is_no_library() -> None:
    found = libraries(
        {
            "pyproject.toml": SKBUILD,
            "CMakeLists.txt": """
project(thing LANGUAGES CXX)
find_package(thing CONFIG)
find_library(Z3 NO_DEFAULT_PATH NAMES z3 libz3 PATHS /x)
find_library(Y NO_DEFAULT_PATH)
find_library(T_DEBUG NAMES tbb_debug)
find_program(CL NAMES cl.exe cl)
find_program(MT mt)
target_link_libraries(app PRIVATE inner thing_shared dbghelp gcov real)
list(APPEND MYLIB_SRCS cpu.c helper.h)
add_subdirectory(samples)
""",
            "samples/CMakeLists.txt": "find_package(Sample REQUIRED)",
            "3rdparty/inner/CMakeLists.txt": "my_add_library(\n  inner a.c)",
        }
    )
    del found["cmake"], found["ninja"]
    assert found == {
        "z3": ("link", "CMakeLists.txt:4", False),
        "real": ("link", "CMakeLists.txt:9", False),
    }


def test_a_cmake_file_that_is_left_early() -> None:
    found = libraries(
        {
            "pyproject.toml": SKBUILD,
            "CMakeLists.txt": """
include(cuda.cmake)
include(windows.cmake)
include(again.cmake)
include(helper.cmake)
find_package(After REQUIRED)
""",
            "cuda.cmake": "if(NOT USE_CUDA)\n  return()\nendif()\nfind_package(Card REQUIRED)",
            "windows.cmake": "if(NOT WIN32)\n  return()\nendif()\nfind_package(Never REQUIRED)",
            "again.cmake": "if(X_FOUND)\nreturn()\nendif()\nif(TARGET x)\nreturn()\nendif()\n"
            "find_package(Once REQUIRED)",
            "helper.cmake": "function(f)\nif(X)\nreturn()\nendif()\nendfunction()\nfind_package(Beside REQUIRED)",
        }
    )
    assert {name: required for name, (kind, _, required) in found.items() if kind == "cmake"} == {
        "Card": False,
        "Once": True,
        "Beside": True,
        "After": True,
    }


def test_libraries_of_meson() -> None:
    found = libraries(
        {
            "pyproject.toml": MESON,
            "meson.build": """project('x', 'c', version: '1')
zlib = dependency('zlib', required: true)  # dependency('comment')
blas = dependency(
  'openblas',
  required: get_option('blas'),
)
if host_machine.system() == 'windows'
  dependency('windows')
else
  cc.find_library('rt', required: false)
  cc.find_library('elf', required: false)
  cc.find_library('npymath', dirs: numpy_folder)
  dependency('accelerate')
  dependency('numpy')
endif
find_program('swig')
subdir('sub')
""",
            "sub/meson.build": "if get_option('x')\n  dependency('deep')\nendif\n",
            "vendored/meson.build": "dependency('unreached')",
        }
    )
    assert found == {
        "zlib": ("pkg-config", "meson.build:2", True),
        "openblas": ("pkg-config", "meson.build:3", False),
        "elf": ("link", "meson.build:11", False),
        "swig": ("program", "meson.build:16", True),
        "deep": ("pkg-config", "sub/meson.build:2", False),
        "ninja": ("program", "pyproject.toml:3", True),
    }


def test_libraries_of_setup_py() -> None:
    found = libraries(
        {
            "setup.py": """
import subprocess, sys
from setuptools import Extension, setup
libraries = ["ssl"] if sys.platform != "win32" else ["bcrypt"]
if sys.platform == "win32":
    libraries += ["ws2_32"]
elif os.environ.get("X"):
    libraries.append("cares")
if "darwin" in sys.platform:
    extra_libraries = ["mac"]
subprocess.check_output(["pkg-config", "--cflags", "--libs", "gtk+-3.0"])
print("pkg-config is not there", file=sys.stderr)
ctypes.util.find_library("libblosc2.so.3")
ctypes.util.find_library("libblosc2.dylib")
subprocess.check_output("pg_config --libs")
if STATIC:
    libraries += ["crypt32", "shfolder"]
if FREEBSD:
    Extension("b", [], libraries=["kvm"])
if FAST:
    Extension("c", [], libraries=["fast"])
setup(ext_modules=[Extension("a", ["a.c"], libraries=["z", "m"] + names())])
"""
        }
    )
    assert found == {
        "ssl": ("link", "setup.py:4", False),
        "cares": ("link", "setup.py:8", False),
        "fast": ("link", "setup.py:21", False),
        "blosc2": ("link", "setup.py:13", False),
        "z": ("link", "setup.py:22", True),
        "gtk+-3.0": ("pkg-config", "setup.py:11", False),
        "pg_config": ("program", "setup.py:15", False),
    }


def test_a_library_that_setup_py_builds_itself() -> None:
    setup = (
        "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('a', ['a.c'], libraries=['base64', 'z'], library_dirs=['{}'])])\n"
    )
    sources = {"base64/lib/codec.c": ""}
    assert set(libraries({"setup.py": setup.format(".build"), **sources})) == {"z"}
    assert set(libraries({"setup.py": setup.format(".build")})) == {"base64", "z"}
    assert set(libraries({"setup.py": setup.format("/opt/lib"), **sources})) == {"base64", "z"}


def test_lists_of_libraries_in_a_build_that_compiles_nothing() -> None:
    assert libraries({"setup.py": "INCOMPATIBLE_LIBRARIES = ['tensorflow']\nsetup(name='x')\n"}) == {}
    found = libraries({"setup.py": "X_LIBRARIES = ['tensor']\nsetup(ext_modules=[Extension('x', ['x.c'])])\n"})
    assert set(found) == {"tensor"}


# --- malformed files


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"pyproject.toml": "[build-system"}, "pyproject.toml can't be read"),
        ({"setup.cfg": "no section = 1"}, "setup.cfg can't be read"),
        ({"setup.py": "print 'two'"}, "setup.py is not Python 3"),
        ({"pyproject.toml": MATURIN, "Cargo.toml": "[package"}, "Cargo.toml can't be read"),
        ({"pyproject.toml": MATURIN}, "isn't there"),
        (
            {"pyproject.toml": MATURIN, "Cargo.toml": "[package]\nname='a'", "Cargo.lock": "("},
            "Cargo.lock can't be read",
        ),
    ],
)
def test_malformed_files_are_notes(files: dict[str, str], word: str) -> None:
    assert any(word in note for note in facts(files).notes)


CYCLE = """
[package]
name = 'a'
[dependencies]
a = {path = '.'}
[features]
default = ['default', 'b']
b = ['default', 'a/b']
"""
NONSENSE = {
    "no tables": {"pyproject.toml": "build-system = 1\ntool = 2"},
    "no lists": {"pyproject.toml": "[build-system]\nrequires = 'x'\nbuild-backend = 3\nbackend-path = 1"},
    "maturin": {"pyproject.toml": MATURIN + "[tool.maturin]\nfeatures = 1\nmanifest-path = 2"},
    "cargo": {"pyproject.toml": MATURIN, "Cargo.toml": "package = 1\ndependencies = 2\nworkspace = 4\npatch = 5"},
    "crate": {
        "pyproject.toml": MATURIN,
        "Cargo.toml": "[dependencies]\na = 1\nb = {features = 1, path = 2}\n[package]",
    },
    "cycle": {"pyproject.toml": MATURIN, "Cargo.toml": CYCLE},
    "lock": {"pyproject.toml": MATURIN, "Cargo.toml": "[package]", "Cargo.lock": "package = 3"},
    "cmake": {
        "pyproject.toml": SKBUILD + "[tool.scikit-build]\ncmake = 1",
        "CMakeLists.txt": "if(\nendif()) else() include(${X}) add_subdirectory(.)",
    },
    "hooks": {"pyproject.toml": "[tool.hatch.build]\nhooks = 1\n[tool.setuptools]\next-modules = [1, {libraries = 2}]"},
    "meson": {"pyproject.toml": MESON, "meson.build": "dependency('x', subdir(')\nelse\nsubdir('.')\nendif"},
    "setup": {"setup.py": "setup(**{}, *a, ext_modules=Extension(), libraries=1)\nsetup(version)"},
}


@pytest.mark.parametrize("files", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_read_without_a_crash(files: dict[str, str]) -> None:
    assert isinstance(facts(files), BuildFacts)


@given(st.text(alphabet="ifelsndINCLUDE()#[]=\"'${}\\ \n", max_size=120))
def test_any_text_is_a_cmake_file(text: str) -> None:
    facts({"pyproject.toml": SKBUILD, "CMakeLists.txt": text, "meson.build": text})
    facts({"pyproject.toml": MESON, "meson.build": text})


# --- the reader


class FakeTransport:
    """An index that serves one archive and counts how often."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.asked = 0

    @contextmanager
    def stream(self, url: str, headers: dict[str, str]) -> Any:
        self.asked += 1
        stream = cast(Any, io.BytesIO(self.body))
        yield SimpleNamespace(status=200, read=stream.read)


def sdist(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"a-1/{name}")
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


def reader(
    body: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> tuple[BuildReader, FakeTransport, ReleaseFile]:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path))
    transport = FakeTransport(body)
    client = cast(IndexClient, SimpleNamespace(transport=transport))
    file = ReleaseFile("a-1.tar.gz", "https://index.invalid/a-1.tar.gz", "1", FileKind.SDIST, sha256="ab" * 32)
    return BuildReader(client), transport, file


CARGO = "[package]\nname = 'a'\n[dependencies]\npyo3 = {version = '0.25', features = ['x']}\n"


def test_reading_an_sdist_and_its_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, transport, file = reader(
        sdist({"pyproject.toml": MATURIN, "Cargo.toml": CARGO, "src/lib.rs": ""}), monkeypatch, tmp_path
    )
    first = read.read(file)
    assert (first.languages, first.crates[0].features) == (("Rust",), ("x",))
    with ThreadPoolExecutor(4) as pool:
        assert all(again == first for again in pool.map(read.read, [file] * 8))
    assert transport.asked == 1
    cached = next(tmp_path.rglob("*.json"))
    cached.write_text("{")
    assert read.read(file) == first
    assert transport.asked == 2


def test_a_broken_sdist_is_not_cached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, _, file = reader(sdist({"pyproject.toml": MATURIN})[:60], monkeypatch, tmp_path)
    with pytest.raises(HostileArchiveError):
        read.read(file)
    assert not list(tmp_path.rglob("*.json"))


def test_json_keeps_everything() -> None:
    setup = "setup(ext_modules=[Extension('a', [], libraries=['z'])])"
    found = facts({"setup.py": setup, "setup.cfg": "x"})
    assert found.libraries[0].kind is LibraryKind.LINK
    assert from_json(json.dumps(asdict(found))) == found


@pytest.mark.parametrize(
    ("code", "programs"),
    [
        ("subprocess.check_output(['git', 'rev-parse', 'HEAD'])", ["git"]),
        ("subprocess.run('git describe', shell=True)", ["git"]),
        ("try:\n    subprocess.run(['git'])\nexcept subprocess.CalledProcessError:\n    pass", ["git"]),
        ("try:\n    subprocess.run(['git'])\nexcept (KeyError, OSError):\n    pass", []),
        ("try:\n    subprocess.run(['git'])\nexcept:\n    pass", []),
        ("with contextlib.suppress(Exception):\n    subprocess.run(['git'])", []),
        ("if os.path.isdir('.git'):\n    subprocess.run(['git'])", []),
        ("if sys.platform == 'darwin':\n    subprocess.run(['xcrun'])", []),
        ("shutil.which('git') and subprocess.run(['git'])", []),
        ("subprocess.check_call(['./build.sh'])\nsubprocess.call([sys.executable, 'git'])\nrun(['gcc'])", []),
        ("def f():\n    return Popen(['protoc', '--version'])", ["protoc"]),
    ],
)
def test_programs_that_setup_py_cannot_do_without(code: str, programs: list[str]) -> None:
    text = f"import contextlib, os, shutil, subprocess, sys\nfrom subprocess import Popen, run\n{code}\nsetup()\n"
    found = build_facts({"setup.py"}, {"setup.py": text})
    assert [library.name for library in found.libraries if library.kind is LibraryKind.PROGRAM] == programs
    assert all(library.required for library in found.libraries)
