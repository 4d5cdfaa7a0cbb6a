"""What a source tree is, by small trees that each show one thing."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from debgen.cli import inspect as verb
from debgen.errors import UnsupportedSourceError
from debgen.upstream.inspection import Inspection, inspect_tree

INFO = "Metadata-Version: 2.4\nName: Foo-Bar\nVersion: 1.5\n"
SETUPTOOLS = "[build-system]\nrequires = ['setuptools', 'setuptools-scm']\nbuild-backend = 'setuptools.build_meta'\n"
SKBUILD = "[build-system]\nrequires = ['scikit-build-core']\nbuild-backend = 'scikit_build_core.build'\n"
MATURIN = "[build-system]\nrequires = ['maturin']\nbuild-backend = 'maturin'\n"
PDM = "[build-system]\nrequires = ['pdm-backend']\nbuild-backend = 'pdm.backend'\n"
HATCH = "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"


def inspect(root: Path, files: Mapping[str, str | bytes]) -> Inspection:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return inspect_tree(root)


def test_not_a_source_tree(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedSourceError, match="not the source of a Python distribution"):
        inspect(tmp_path, {"README": ""})


def test_links_version_control_and_environments_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "link.c").symlink_to("/etc/passwd")
    (tmp_path / "out").symlink_to("/etc")
    found = inspect(
        tmp_path, {"setup.py": "", ".git/a.c": "", ".venv/pyvenv.cfg": "", ".venv/lib/x.so": b"\x7fELF", "b.py": ""}
    )
    assert found.files == 2


# --- version

VERSIONS: dict[str, tuple[dict[str, str], tuple[str, str, str]]] = {
    "static": ({"pyproject.toml": "[project]\nname = 'a'\nversion = '2'\n"}, ("static", "2", "pyproject.toml:3")),
    "setup.py": (
        {"setup.py": "V = '3'\nsetup(name='a', version=V)"},
        ("static", "3", "setup.py:2"),
    ),
    "setup.py computes": (
        {"setup.py": "setup(\n    version=read('a/version.py'))\nopen('a/version.py')", "a/version.py": ""},
        ("computed", "", "setup.py:2"),
    ),
    "arguments in a dict": ({"setup.py": "k = dict(version=f())\nsetup(**k)"}, ("computed", "", "setup.py:1")),
    "setup.cfg": ({"setup.cfg": "[metadata]\nversion = 4\n"}, ("static", "4", "setup.cfg:2")),
    "attribute": (
        {
            "pyproject.toml": SETUPTOOLS.replace(", 'setuptools-scm'", "")
            + "[tool.setuptools.dynamic]\nversion = {attr = 'a.__version__'}",
            "src/a/__init__.py": "from ._v import __version__\n",
            "src/a/_v.py": "# x\n__version__ = '5'\n",
        },
        ("attribute", "5", "src/a/_v.py:2"),
    ),
    "file": (
        {"pyproject.toml": HATCH + "[tool.hatch.version]\npath = 'a.py'", "a.py": "x = 1\n__version__ = '6'\n"},
        ("file", "6", "a.py:2"),
    ),
    "hatch-vcs": (
        {"pyproject.toml": HATCH + "[tool.hatch.version]\nsource = 'vcs'\n"},
        ("setuptools-scm", "", "pyproject.toml:4"),
    ),
    "setuptools-scm": (
        {"pyproject.toml": SETUPTOOLS + "[tool.setuptools_scm]\n"},
        ("setuptools-scm", "", "pyproject.toml:4"),
    ),
    "maturin in a workspace": (
        {
            "pyproject.toml": MATURIN + "[tool.maturin]\nmanifest-path = 'a/b/Cargo.toml'",
            "a/b/Cargo.toml": "[package]\nname = 'b'\nversion.workspace = true\n",
            "Cargo.toml": "[workspace]\n[workspace.package]\nversion = '9'\n",
        },
        ("file", "9", "Cargo.toml:3"),
    ),
    "use_scm_version": ({"setup.py": "setup(use_scm_version=True)"}, ("setuptools-scm", "", "setup.py:1")),
    "versioneer": (
        {"setup.py": "import versioneer\nsetup(version=versioneer.get_version())", "versioneer.py": ""},
        ("versioneer", "", "setup.py:2"),
    ),
    "maturin": (
        {
            "pyproject.toml": MATURIN + "[project]\ndynamic = ['version']",
            "Cargo.toml": "[package]\nname = 'a'\nversion = '7'\n",
        },
        ("file", "7", "Cargo.toml:3"),
    ),
    "meson": (
        {
            "pyproject.toml": "[build-system]\nrequires = ['meson-python']\nbuild-backend = 'mesonpy'\n",
            "meson.build": "project('a', 'c', version: '8')\n",
        },
        ("static", "8", "meson.build:1"),
    ),
    "pdm": (
        {"pyproject.toml": PDM + "[tool.pdm.version]\nsource = 'scm'"},
        ("pdm scm", "", "pyproject.toml:4"),
    ),
    "nothing": ({"setup.py": ""}, ("unknown", "", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", VERSIONS)
def test_version(tmp_path: Path, name: str) -> None:
    files, expected = VERSIONS[name]
    version = inspect(tmp_path, dict(files)).version
    assert (version.method, version.version, version.evidence) == expected


SCM = {"pyproject.toml": SETUPTOOLS + "[project]\nname = 'Foo-Bar'\ndynamic = ['version']\n[tool.setuptools_scm]\n"}


def test_why_the_version_would_be_a_development_one(tmp_path: Path) -> None:
    version = inspect(tmp_path / "tarball", dict(SCM)).version
    assert version.variables == ("SETUPTOOLS_SCM_PRETEND_VERSION_FOR_FOO_BAR", "SETUPTOOLS_SCM_PRETEND_VERSION")
    assert "no PKG-INFO and no .git" in version.without_tags
    assert "0.1.dev1" in version.without_tags
    git = inspect(tmp_path / "git", {**SCM, ".git/HEAD": "", ".git/packed-refs": "# pack-refs\nabc refs/heads/main\n"})
    assert "no tags" in git.version.without_tags
    assert "0.1.dev1" in git.version.without_tags
    tagged = {**SCM, ".git/packed-refs": "abc refs/tags/v1.0\n^def\n", ".git/refs/tags/v1.1": "abc\n"}
    assert "2 tags, the last by name v1.1" in inspect(tmp_path / "tagged", tagged).version.without_tags
    sdist = inspect(tmp_path / "sdist", {**SCM, "PKG-INFO": INFO}).version
    assert sdist.version == "1.5"
    assert "PKG-INFO says 1.5" in sdist.without_tags
    archive = {**SCM, ".git_archival.txt": "node: abc\n"}
    assert ".git_archival.txt was filled in" in inspect(tmp_path / "archive", archive).version.without_tags


def test_scripts_that_change_the_version(tmp_path: Path) -> None:
    setup = "import os\n\nversion = get_version()\nif os.getenv('FOO_VERSION_OVERRIDE'):\n"
    setup += "    version += '+cpu'\nsetup(version=version)"
    version = inspect(tmp_path, {**SCM, "setup.py": setup}).version
    assert version.changed_at == ("setup.py:5",)
    assert version.variables[-1] == "FOO_VERSION_OVERRIDE"


# --- build, sources


def test_pins_with_their_line(tmp_path: Path) -> None:
    text = "[build-system]\nrequires = [\n  'setuptools',\n  'torch == 2.13.0',\n]\n"
    assert inspect(tmp_path, {"pyproject.toml": text}).pins == (("torch == 2.13.0", "pyproject.toml:4"),)


def test_sources_and_what_compiles_them(tmp_path: Path) -> None:
    setup = "from setuptools import Extension, setup\nsetup(ext_modules=[\n  Extension('a', ['a.c'])])"
    files = {"setup.py": setup, "a.c": "/* Generated by Cython 3.2 */", "b.c": "int x;", "tests/c.c": "", "k.cu": ""}
    found = inspect(tmp_path, dict(files))
    assert [(s.language, s.files, s.generated) for s in found.sources] == [("C", 2, 1), ("CUDA", 1, 0)]
    assert [(b.name, b.evidence) for b in found.builders] == [("setuptools Extension", "setup.py:3")]


BUILDERS = {
    "CMake": "class E(Extension): pass\nsetup(ext_modules=[CMakeExtension('a')])",
    "setuptools-rust": "setup(rust_extensions=[RustExtension('a')])",
    "Cython": "setup(ext_modules=cythonize('a.pyx'))",
    "cffi": "setup(cffi_modules=['b.py:ffi'])",
    "torch CUDAExtension": "setup(ext_modules=[CUDAExtension('a', ['a.cu'])])",
    "torch CppExtension": "e = CppExtension\nif cuda:\n    e = CUDAExtension\nsetup(ext_modules=[e('a', [])])",
    "mypyc": "setup(ext_modules=mypycify(['a.py']))",
    "make": "subprocess.check_call(['make', '-C', 'src'])\nsetup()",
}


@pytest.mark.parametrize("name", BUILDERS)
def test_builders(tmp_path: Path, name: str) -> None:
    assert name in {b.name for b in inspect(tmp_path, {"setup.py": BUILDERS[name]}).builders}


# --- fetches


def test_fetches_of_cmake(tmp_path: Path) -> None:
    text = """include(FetchContent)
set(TAG "v1")
if(DEFINED ENV{LOCAL})
  FetchContent_Declare(cutlass SOURCE_DIR $ENV{LOCAL})
else()
  FetchContent_Declare(cutlass
    GIT_REPOSITORY https://git.invalid/cutlass.git
    GIT_TAG ${TAG}) # comment )
endif()
ExternalProject_Add(zmq URL "https://get.invalid/zmq.tar.gz")
ExternalProject_Add(here SOURCE_DIR ${CMAKE_SOURCE_DIR}/here)
CPMAddPackage("gh:fmtlib/fmt#10.1")
CPMAddPackage(NAME nlohmann GITHUB_REPOSITORY nlohmann/json VERSION 3.9)
file(DOWNLOAD https://get.invalid/data.bin data.bin)
execute_process(COMMAND git clone https://git.invalid/x.git)
if(WIN32)
  FetchContent_Declare(windows URL https://get.invalid/w.zip)
endif()
"""
    found = inspect(tmp_path, {"pyproject.toml": SKBUILD, "CMakeLists.txt": text}).fetches
    assert [(f.kind, f.name, f.url, f.revision, f.evidence) for f in found] == [
        ("FetchContent", "cutlass", "https://git.invalid/cutlass.git", "v1", "CMakeLists.txt:6"),
        ("ExternalProject", "zmq", "https://get.invalid/zmq.tar.gz", "", "CMakeLists.txt:10"),
        ("CPM", "fmt", "gh:fmtlib/fmt", "10.1", "CMakeLists.txt:12"),
        ("CPM", "nlohmann", "github:nlohmann/json", "3.9", "CMakeLists.txt:13"),
        ("file(DOWNLOAD)", "data.bin", "https://get.invalid/data.bin", "", "CMakeLists.txt:14"),
        ("command", "x", "https://git.invalid/x.git", "", "CMakeLists.txt:15"),
    ]
    assert (found[0].when, found[0].override) == (("NOT (DEFINED ENV{LOCAL})",), "FETCHCONTENT_SOURCE_DIR_CUTLASS")


def test_fetches_of_submodules_crates_and_scripts(tmp_path: Path) -> None:
    modules = '[submodule "a"]\n\tpath = ext/a\n\turl = https://git.invalid/a\n'
    modules += '[submodule "b"]\n\tpath = ext/b\n\turl = https://git.invalid/b\n'
    setup = """import urllib.request, subprocess
setup(rust_extensions=[RustExtension("r")])
class build:
    def run(self):
        urllib.request.urlretrieve("https://get.invalid/blob.so", "blob.so")
        subprocess.check_call(["git", "submodule", "update"])
        subprocess.check_call(["cc", "-c", "x.c"])
"""
    cargo = "[package]\nname = 'a'\n[dependencies]\ng = { git = 'https://git.invalid/g', branch = 'main' }"
    found = inspect(tmp_path, {"setup.py": setup, ".gitmodules": modules, "ext/b/x.c": "", "Cargo.toml": cargo})
    assert [(f.kind, f.name, f.revision, f.evidence) for f in found.fetches] == [
        ("git submodule", "ext/a", "", ".gitmodules:2"),
        ("cargo git", "g", "main", "Cargo.toml:4"),
        ("download", "blob.so", "", "setup.py:5"),
        ("download", "git submodule update", "", "setup.py:6"),
    ]
    assert [(e.path, e.reason) for e in found.embedded] == [("ext/b", "a git submodule — .gitmodules:5")]


# --- scripts, tests, licences


def test_scripts(tmp_path: Path) -> None:
    text = "[project]\nname = 'a'\nversion = '1'\n[project.scripts]\nfoo = 'a.cli:main'\n"
    assert [(s.command, s.target, s.evidence) for s in inspect(tmp_path, {"pyproject.toml": text}).scripts] == [
        ("foo", "a.cli:main", "pyproject.toml:5")
    ]


def test_places_of_tests(tmp_path: Path) -> None:
    files = dict.fromkeys(
        ("tests/test_a.py", "tests/sub/b_test.py", "a/tests/test_c.py", "a/test_utils.py"), "import unittest"
    )
    found = inspect(tmp_path, {"setup.py": "", **files, "third_party/x/tests/test_d.py": "", "a/test.py": ""})
    assert [(t.folder, t.files, t.runner, t.evidence) for t in found.tests] == [
        ("tests", 2, "unittest", "tests/sub/b_test.py"),
        ("a/tests", 1, "unittest", "a/tests/test_c.py"),
    ]
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    assert {(t.runner, t.evidence) for t in inspect_tree(tmp_path).tests} == {("pytest", "pytest.ini:1")}


def test_licences(tmp_path: Path) -> None:
    text = "[project]\nname = 'a'\nlicense = 'MIT'\nclassifiers = ['License :: OSI Approved :: MIT License']"
    found = inspect(
        tmp_path, {"pyproject.toml": text, "LICENSE": "x", "sub/COPYING.LIB": "", "licence.py": ""}
    ).licences
    assert (found.expression, found.evidence) == ("MIT", "pyproject.toml:3")
    assert found.classifiers == ("OSI Approved :: MIT License",)
    assert found.files == ("LICENSE", "sub/COPYING.LIB")


# --- copies, prebuilt files


def test_embedded_copies(tmp_path: Path) -> None:
    found = inspect(
        tmp_path,
        {
            "setup.py": "", "LICENSE": "ours", "a/_vendor/six.py": "", "a/_vendor/idna/core.py": "",
            "a/_vendor/idna/COPYING": "x",
            "third_party/__init__.py": "", "lib/zlib/inflate.c": "", "lib/zlib/LICENSE": "theirs", "mine/x.py": "",
            "mine/LICENSE": "ours", "mine/sub/copyright.py": "", "static/app.min.js": "", "static/big.js": "x" * 30_000,
            "static/small.js": "x\n" * 20_000,
            "cargo/cc/.cargo-checksum.json": "{}", "cargo/cc/lib.rs": "",
        },
    )  # fmt: skip
    assert [(e.path, e.files) for e in found.embedded] == [
        ("a/_vendor", 1), ("a/_vendor/idna", 2), ("cargo/cc", 2), ("lib/zlib", 2), ("static/app.min.js", 1),
        ("static/big.js", 1),
    ]  # fmt: skip


def elf(kind: int, machine: int = 62) -> bytes:
    return b"\x7fELF\x02\x01\x01" + b"\0" * 9 + struct.pack("<HH", kind, machine) + b"\0" * 44


def pe(flags: int) -> bytes:
    return b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + b"\0" * 18 + struct.pack("<H", flags) + b"\0" * 40


def bundle(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


def test_prebuilt_files_by_content(tmp_path: Path) -> None:
    found = inspect(
        tmp_path,
        {
            "setup.py": "", "a/lib.so": elf(3), "a/hidden.dat": elf(2), "a/x.o": elf(1), "a/k.cubin": elf(2, 190),
            "a/w.dll": pe(0x2000), "a/w.exe": pe(0), "a/mz.txt": b"MZ is text" + b"x" * 80,
            "a/m": b"\xcf\xfa\xed\xfe" + b"\0" * 20,
            "a/fat": b"\xca\xfe\xba\xbe" + struct.pack(">I", 2) + b"\0" * 20,
            "a/J.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\0" * 20,
            "a/lib.a": b"!<arch>\n" + b"x" * 20, "a/x.whl": bundle("a-1.dist-info/METADATA"),
            "a/x.jar": bundle("META-INF/MANIFEST.MF"),
            "a/doc.odt": bundle("mimetype"), "a/x.zip": bundle("a"), "a/w.wasm": b"\0asm\1\0\0\0", "a/empty.so": b"",
            "a/text.so": b"not a library at all", "a/c.pyc": b"\xa7\r\r\n" + b"\0" * 12,
            "a/model.bin": b"\0\1" * 50_000,
            "a/tiny.bin": b"\0\1" * 50, "a/s.tar.gz": b"\x1f\x8b\x08\0" + b"\0" * 20,
        },
    )  # fmt: skip
    assert {p.path.removeprefix("a/"): p.kind for p in found.prebuilt} == {
        "lib.so": "ELF shared object", "hidden.dat": "ELF program", "x.o": "ELF relocatable object",
        "k.cubin": "CUDA device code (ELF)", "w.dll": "PE library (DLL)", "w.exe": "PE program", "m": "Mach-O binary",
        "fat": "Mach-O binary", "J.class": "Java class", "lib.a": "static library (ar)", "x.whl": "wheel",
        "x.jar": "Java archive", "x.zip": "archive (zip)", "w.wasm": "WebAssembly module", "c.pyc": "Python bytecode",
        "model.bin": "binary data, maybe weights", "s.tar.gz": "archive (tar)",
    }  # fmt: skip


# --- devices


def test_devices(tmp_path: Path) -> None:
    cmake = """set(FOO_TARGET_DEVICE "cuda" CACHE STRING "")
if(FOO_TARGET_DEVICE STREQUAL "cpu")
  find_package(X)
elseif(FOO_TARGET_DEVICE STREQUAL "rocm")
  enable_language(HIP)
endif()
option(CPU_BASELINE "" ON)
"""
    setup = "import os\nD = os.getenv('FOO_TARGET_DEVICE')\nif D_device == 'tpu':\n    pass\nCMakeExtension('a')"
    files = {
        "setup.py": setup,
        "CMakeLists.txt": cmake,
        "requirements/xpu.txt": "",
        "docs/requirements-hpu.txt": "",
        "k.cu": "",
    }
    found = {d.name: d.evidence for d in inspect(tmp_path, dict(files)).devices}
    assert set(found) == {"cpu", "cuda", "rocm", "tpu", "xpu"}
    assert found["cpu"] == ("CMakeLists.txt:3 (FOO_TARGET_DEVICE = cpu)",)
    assert found["cuda"][0] == "k.cu (one of 1 kernel files)"
    assert found["tpu"] == ("setup.py:3 (D_device == 'tpu')",)
    assert found["xpu"] == ("requirements/xpu.txt (requirements of xpu)",)


def test_a_tree_that_knows_only_the_processor_has_no_variants(tmp_path: Path) -> None:
    found = inspect(tmp_path, {"setup.py": "if device == 'cpu': pass", "requirements-cpu.txt": ""})
    assert found.devices == ()


# --- the report


@pytest.mark.parametrize("colour", [True, False])
def test_the_report_has_no_blanks_at_its_ends_and_colours_on_terminals_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, colour: bool
) -> None:
    found = inspect(tmp_path, {"pyproject.toml": HATCH + "[project]\nname = 'a'\nversion = '1'\n", "a.so": b"\x7fELF"})
    verb._print(found, "here", None, colour=colour, limit=9)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a 1: here, 2 files, no PKG-INFO"
    assert "          requires hatchling" in lines
    assert lines == [line.rstrip() for line in lines]
    assert not any("\x1b" in line for line in lines)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    verb._print(found, "here", None, colour=colour, limit=9)
    assert ("\x1b" in capsys.readouterr().out) is colour
