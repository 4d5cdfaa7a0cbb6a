"""What of a wheel Debian leaves out by rule, each with its reason, and where files may lie."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from debgen.building.debfiles import Installed
from debgen.upstream.layout import GENERIC

#: Names that lintian accepts from nobody (python-module-has-overly-generic-name).
TOO_GENERIC = re.compile(r"backports?|core|docs?|site|tests?|examples?|scripts?", re.IGNORECASE)
#: Top-level folders below /usr that the file system hierarchy has (FHS 3.0, chapter 4).
USR = frozenset({"bin", "games", "include", "lib", "libexec", "sbin", "share", "src"})

_LICENCE = re.compile(
    r"(?:licen[cs]es?|copying|copyright|notice|authors|contributors|third[-_]?party\w*|patents|unlicense)\b.*", re.I
)
_OTHER_SYSTEMS = (".dll", ".exe", ".bat", ".cmd", ".pyd", ".dylib", ".ps1", ".com")
_INSTALLERS = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED")
_HEADERS = (".h", ".hpp", ".hh", ".hxx")
_SOURCES = (".c", ".cc", ".cpp", ".cxx", ".pyx")
_SHARED_LIBRARY = re.compile(
    r"lib([A-Za-z][A-Za-z0-9_+]*?)(?:_(?:x86_64|amd64|aarch64|arm64|i686))?[-_.0-9]*(?:[-.][\w.]+)?\.so(?:\.\d+)*"
)
_EXTENSION = re.compile(r"(\w+)(?:\.(?:cpython-[\w-]+|abi3(?:-[\w-]+)?|cp\d+-[\w-]+|pypy[\w-]+))?\.(?:so|pyd)")
#: mypyc names the module that the others share by a hash.
_MYPYC = re.compile(r"[0-9a-f]{20}__mypyc")


def extension_key(path: str) -> str:
    """The dotted-name part of an extension module's path, without the tags of its ABI; empty for other files.

    >>> extension_key("a/_b.cpython-314-x86_64-linux-gnu.so"), extension_key("a/_b.abi3.so"), extension_key("a/c.so.1")
    ('a/_b', 'a/_b', '')
    """
    pure = PurePosixPath(path)
    found = _EXTENSION.fullmatch(pure.name)
    return str(pure.with_name(_MYPYC.sub("mypyc", found[1]))) if found else ""


def is_licence(path: str) -> bool:
    """Whether the file's name says that it is a licence, or a list of those who gave it."""
    name = PurePosixPath(path).name
    return bool(_LICENCE.fullmatch(name)) and not name.endswith((".py", ".pyi", ".so"))


def generic_names(files: Iterable[str], distribution: str) -> frozenset[str]:
    """The top-level names in ``files`` that Debian removes as too generic (Python Policy), though upstream has them.

    The distribution's own name is none, nor is any where it has no other.
    """
    tops = {path.partition("/")[0].partition(".")[0] for path in files if "/" in path or _is_code(path)}
    code = {path.partition("/")[0].partition(".")[0] for path in files if _is_code(path)}
    own = canonicalize_name(distribution)
    generic = {top for top in tops if top.lower() in GENERIC and canonicalize_name(top) != own}
    return frozenset(() if code <= generic else generic)


def excuse(
    path: str, files: Collection[str], generic: Collection[str], installed: Installed, source: Collection[str] = ()
) -> str:
    """Why Debian leaves out the file ``path``, below the modules' folder, of a wheel with ``files``; empty: no rule.

    ``generic`` are the top-level names that are removed, ``source`` the paths of the sdist where they are known.
    """
    pure = PurePosixPath(path)
    top = pure.parts[0].partition(".")[0]
    if top in generic:
        return f"the name {top} is too generic for the top (Debian Python Policy)"
    if len(pure.parts) == 1 and not _is_code(path) and pure.suffix != ".pth":
        return "beside the modules, where nothing looks for it"
    if source and _is_bundled_header(pure, files, source):
        return "a header of a library that the wheel bundles; the sdist doesn't have it"
    if pure.suffix in _SOURCES and _is_compiled(pure, files):
        return "the source of an extension module, which isn't needed to run it"
    return _by_name(pure) or _from_elsewhere(pure, installed)


def _by_name(path: PurePosixPath) -> str:
    if any(part.endswith((".libs", ".dylibs")) for part in path.parts[:-1]):
        return "a library that the wheel bundles; Debian's own is used"
    if "__pycache__" in path.parts or path.suffix in (".pyc", ".pyo"):
        return "compiled when the package is installed"
    if is_licence(str(path)):
        return "a licence; the package has debian/copyright"
    if path.suffix.lower() in _OTHER_SYSTEMS:
        return "for another operating system"
    if path.parent.name.endswith(".dist-info") and path.name in _INSTALLERS:
        return "written by an installer"
    if re.fullmatch(r"readme(?:\.(?:md|rst|txt))?", path.name, re.IGNORECASE):
        return "a text for those who read the source"
    if path.name.endswith("-nspkg.pth"):
        return "an old way to make a namespace package, which dh_python3 replaces"
    if path.name in (".gitignore", ".gitattributes", ".gitkeep", ".hgignore"):
        return "for the version control"
    if path.name.endswith((".js.map", ".css.map")):
        return "a debugger's map of a minified file"
    return ""


def _is_bundled_header(path: PurePosixPath, files: Collection[str], source: Collection[str]) -> bool:
    """Whether it is a header that the sdist lacks, or makes a package of a folder that has only such."""
    if any(other == str(path) or other.endswith(f"/{path}") for other in source):
        return False
    if path.name != "__init__.py":
        return path.suffix in _HEADERS
    inside = [pure for pure in map(PurePosixPath, files) if path.parent in pure.parents and pure.name != path.name]
    return bool(inside) and all(_is_bundled_header(pure, files, source) for pure in inside)


def _is_compiled(source: PurePosixPath, files: Collection[str]) -> bool:
    """Whether it is the source of the module of its name, or generated from a .pyx of its name."""
    stem = str(source.with_suffix(""))
    return f"{stem}.pyx" in files or any(extension_key(other) == stem for other in files)


def _from_elsewhere(path: PurePosixPath, installed: Installed) -> str:
    """A library or certificates that a package in Depends has."""
    depends = installed.depends_on("Depends", "Pre-Depends")
    if path.name == "cacert.pem" and "ca-certificates" in depends:
        return "the certificates are those of ca-certificates"
    if found := _SHARED_LIBRARY.fullmatch(path.name):
        stem = f"lib{found[1]}".lower().replace("_", "-")
        package = next((name for name in sorted(depends) if re.match(rf"{re.escape(stem)}(?![a-z])", name)), "")
        if package:
            return f"a library that the wheel bundles; {package} has it"
    return ""


def _is_code(path: str) -> bool:
    return path.endswith((".py", ".pyi", ".so"))
