"""The facts of an unpacked sdist that packaging needs, read without running any of it.

PKG-INFO and pyproject.toml come first (PEP 517, 621, 639, 643), then ``*.egg-info``, setup.cfg, and the literal
arguments in setup.py's syntax tree. What only running the code could tell is left empty.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from debgen.errors import UnsupportedSourceError
from debgen.upstream.backends import read_layout
from debgen.upstream.builders import BuildFiles, builders, manifests, read_build_files
from debgen.upstream.buildfacts import cmake_commands, cmake_languages, source_languages, wanted
from debgen.upstream.cargometadata import cargo_metadata
from debgen.upstream.citation import cited_licence
from debgen.upstream.docfacts import DocFacts, read_docs
from debgen.upstream.entrypoints import EntryPoint, Plugin, commands, console_scripts, plugins
from debgen.upstream.layout import DataFile, ExtensionModule, Layout, Modules, modules_of
from debgen.upstream.oddfiles import Fate, OddFile, odd_files
from debgen.upstream.optin import left_out
from debgen.upstream.pkginfo import PackageInfo, decoded, egg_requirements, read_package_info, requirements
from debgen.upstream.prebuilt import find_prebuilt
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.systemlibs import SystemSwitch, system_switches
from debgen.upstream.testfacts import TestFacts, read_tests, table
from debgen.upstream.versionneeds import version_environment

__all__ = ["EntryPoint", "SdistFacts", "asks_extra", "console_scripts", "read_facts"]

#: What setuptools means when there is no [build-system] table (PEP 517).
_LEGACY_BACKEND = ("setuptools.build_meta:__legacy__", ["setuptools"])


@dataclass(frozen=True)
class SdistFacts:
    """What the sdist says of itself; every tuple is in a fixed order."""

    name: str
    version: str
    summary: str
    description: str
    homepage: str
    urls: tuple[tuple[str, str], ...]
    author: str
    licence: str
    classifiers: tuple[str, ...]
    requires_python: str
    requirements: tuple[Requirement, ...]
    backend: str
    build_requirements: tuple[Requirement, ...]
    #: The top-level modules, without the generic names that are installed by mistake.
    modules: tuple[str, ...]
    #: Those of ``modules`` that are namespace packages (PEP 420 and the older kinds), shared with others.
    namespaces: tuple[str, ...]
    scripts: tuple[EntryPoint, ...]
    #: The languages that the build compiles, each with an example: ``C++ (src/x.cpp)``; none for Python only.
    compiled: tuple[str, ...]
    #: Files without their source form that the source package must not have.
    prebuilt: tuple[str, ...]
    licence_files: tuple[str, ...]
    tests: TestFacts
    #: Dotted names of the first modules that no other distribution shares: ``google.cloud.storage``, else ``modules``.
    own_modules: tuple[str, ...] = ()
    extension_modules: tuple[ExtensionModule, ...] = ()
    #: Paths at the top of dist-packages that upstream's build installs by mistake: ``tests``, ``LICENSE``.
    unwanted_modules: tuple[str, ...] = ()
    #: Generic top-level names that own modules import, so that they can't simply be left out.
    needed_generic: tuple[str, ...] = ()
    #: Folders of type stubs (PEP 561), and whether there is a ``py.typed``.
    stubs: tuple[str, ...] = ()
    typed: bool = False
    pth: tuple[str, ...] = ()
    gui_scripts: tuple[EntryPoint, ...] = ()
    #: Programs that are installed as they are: setup(scripts=…) and its like.
    script_files: tuple[str, ...] = ()
    #: The entry points of other groups, which other programs look for.
    plugins: tuple[Plugin, ...] = ()
    #: What is installed outside of dist-packages, relative to the prefix.
    data_files: tuple[DataFile, ...] = ()
    docs: DocFacts | None = None
    #: Variables of the environment that the build needs for its version, each with the reason.
    version_environment: tuple[tuple[str, str], ...] = ()
    #: Whether the tree itself has the PKG-INFO, as every sdist has and a forge's tarball has not.
    has_metadata: bool = True
    #: The ways to build with the system's libraries in the place of copies in the tree.
    system_switches: tuple[SystemSwitch, ...] = ()
    #: Installed paths below dist-packages of what is taken from the tree as it is, each with its path in the tree.
    installed: tuple[tuple[str, str], ...] = ()
    #: Prebuilt and minified files, each with what becomes of it and why.
    odd_files: tuple[OddFile, ...] = ()

    @property
    def normalised(self) -> str:
        """The distribution's name in PEP 503 form."""
        return str(canonicalize_name(self.name))

    @property
    def architecture(self) -> str:
        """Debian's: "any" where the build compiles something, "all" otherwise."""
        return "any" if self.compiled or self.extension_modules else "all"

    @property
    def base_requirements(self) -> tuple[Requirement, ...]:
        """The run-time requirements that no extra asks for."""
        return tuple(r for r in self.requirements if not asks_extra(r))

    def extra_requirements(self, extra: str, environment: Mapping[str, str]) -> tuple[Requirement, ...]:
        """The requirements of one extra on the target that ``environment`` describes."""
        markers = {**environment, "extra": str(canonicalize_name(extra))}
        return tuple(
            r for r in self.requirements
            if r.marker is not None and asks_extra(r) and r.marker.evaluate(markers)
        )  # fmt: skip

    def command_requirements(self, environment: Mapping[str, str]) -> tuple[tuple[Requirement, str], ...]:
        """What the extras that commands are declared for ask for, each with a sentence.

        An entry point may name extras in brackets (the entry points specification): without them it doesn't work.
        """
        found = []
        for script in self.scripts:
            for extra in re.findall(r"[\w.-]+", script.target.partition("[")[2]):
                told = f"upstream declares the command {script.command} for who asks for the extra {extra}"
                found += [(requirement, told) for requirement in self.extra_requirements(extra, environment)]
        return tuple(found)


def asks_extra(requirement: Requirement) -> bool:
    """Whether the requirement is there for an extra only."""
    return requirement.marker is not None and "extra" in str(requirement.marker)


def read_facts(root: Path, metadata: Path | None = None) -> SdistFacts:
    """Read the facts of the sdist unpacked at ``root``.

    ``metadata`` is the tree with the PKG-INFO, where that is another one: a forge's tarball has none.

    Raises UnsupportedSourceError where the tree has no readable PKG-INFO, which every sdist must have, where its name
    or version is none, or where pyproject.toml can't be read.
    """
    tree = SourceTree(root, strict=False)
    told = SourceTree(metadata, strict=False) if metadata else tree
    info = read_package_info(told)
    files = _build_files(tree)
    name = info.line("Name")
    build_system = table(files.pyproject, "build-system")
    requires = build_system.get("requires", _LEGACY_BACKEND[1])
    found = builders(files)
    cmake = cmake_commands(files, found)
    layout = read_layout(tree, files, name, cmake)
    modules = modules_of(tree, layout, name)
    declared = plugins(told if "setup.py" in told else tree, files, name)
    facts = SdistFacts(
        name=name,
        version=info.line("Version"),
        summary=info.line("Summary"),
        description=info.text("Description") or info.body,
        homepage=info.line("Home-page"),
        urls=tuple(_urls(info)),
        author=info.line("Author") or info.line("Author-email") or info.line("Maintainer"),
        licence=info.line("License-Expression") or info.text("License") or cited_licence(tree),
        classifiers=tuple(sorted(" ".join(c.split()) for c in info.texts("Classifier"))),
        requires_python=info.line("Requires-Python"),
        requirements=requirements(info.texts("Requires-Dist") or egg_requirements(told, name)),
        backend=str(build_system.get("build-backend", _LEGACY_BACKEND[0])),
        build_requirements=requirements(requires if isinstance(requires, list) else ()),
        modules=modules.top,
        namespaces=modules.namespaces,
        scripts=commands(declared),
        compiled=_compiled(tree, files, layout, set(cmake_languages(cmake))),
        prebuilt=(),
        licence_files=tuple(_licence_files(root)),
        tests=read_tests(root, files.pyproject, files.setup_cfg),
    )
    return _with_the_rest(facts, tree, files, layout, modules, declared)


def _with_the_rest(
    facts: SdistFacts,
    tree: SourceTree,
    files: BuildFiles,
    layout: Layout,
    modules: Modules,
    declared: tuple[Plugin, ...],
) -> SdistFacts:
    odd = odd_files(tree, find_prebuilt(tree), frozenset(modules.files.values()))
    crate = cargo_metadata(manifests(files, builders(files)), files.texts)
    return replace(
        facts,
        summary=facts.summary or crate.summary,
        homepage=facts.homepage or crate.homepage,
        urls=facts.urls or crate.urls,
        author=facts.author or crate.authors,
        licence=facts.licence or crate.licence,
        prebuilt=tuple(file.path for file in odd if file.fate is Fate.REMOVE),
        odd_files=odd,
        own_modules=modules.own,
        extension_modules=layout.extensions,
        unwanted_modules=modules.unwanted,
        needed_generic=modules.needed,
        stubs=modules.stubs,
        typed=modules.typed,
        pth=modules.pth,
        gui_scripts=commands(declared, "gui_scripts"),
        script_files=layout.scripts,
        plugins=tuple(p for p in declared if p.group not in ("console_scripts", "gui_scripts")),
        data_files=layout.data,
        docs=read_docs(tree),
        version_environment=version_environment(tree, files, facts.name),
        has_metadata="PKG-INFO" in tree,
        system_switches=system_switches(files),
        installed=tuple(sorted(modules.files.items())),
    )


def _build_files(tree: SourceTree) -> BuildFiles:
    """The build files; a pyproject.toml that can't be parsed is refused, as no front end would build from it."""
    texts = {name: decoded(tree.head(name, 512 << 10)) for name in tree.names if wanted(name)}
    try:
        tomllib.loads(texts.get("pyproject.toml", ""))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnsupportedSourceError(f"pyproject.toml can't be read: {error}", hint="Tell upstream.") from None
    texts = {name: text.replace("\r\n", "\n") for name, text in texts.items()}
    return read_build_files(frozenset(tree.names), texts)


def _urls(info: PackageInfo) -> Iterator[tuple[str, str]]:
    for line in info.texts("Project-URL"):
        label, _, url = " ".join(line.split()).partition(",")
        if url.strip().startswith(("http://", "https://")):
            yield label.strip(), url.strip()


def _compiled(tree: SourceTree, files: BuildFiles, layout: Layout, by_cmake: set[str]) -> tuple[str, ...]:
    """The languages of what the build compiles, with one example each; none where nothing does."""
    aside = left_out(files)
    found = [builder for builder in builders(files) if builder.evidence not in aside]
    pure = table(files.pyproject, "tool", "scikit-build", "wheel").get("platlib") is False
    if not layout.extensions and (not found or pure):
        return ()
    sources = source_languages(tree.names)
    languages = {extension.language: extension.evidence for extension in layout.extensions}
    languages |= dict.fromkeys(by_cmake, "CMakeLists.txt")
    languages |= {language: names[0] for language, names in sources.items() if language not in languages or names}
    if not languages and not all(builder.name == "mypyc" or builder.name.startswith("hatch hook") for builder in found):
        languages = {builder.name: builder.evidence for builder in found}
    return tuple(f"{language} ({example})" for language, example in sorted(languages.items()))


def _licence_files(root: Path) -> Iterator[str]:
    for path in sorted(root.iterdir()):
        stem = path.name.upper()
        if path.is_file() and stem.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS", "UNLICENSE")):
            yield path.name
