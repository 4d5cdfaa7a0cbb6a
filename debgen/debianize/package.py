"""From facts to the files of debian/. Pure: no network, no process, no clock."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from debian.deb822 import Deb822, PkgRelation
from packaging.utils import canonicalize_name

from debgen.archive.versions import debian_upstream, split_debian
from debgen.debianize.build_depends import build_depends, in_order, is_compiled, is_rust, without_compilers
from debgen.debianize.cargo_build import cargo_rules
from debgen.debianize.continued import Upload, next_version
from debgen.debianize.copyright_file import Holder, copyright_file, embedded_notices
from debgen.debianize.depends import py3dist_overrides, suggests
from debgen.debianize.description import describe
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.lacking import lacking
from debgen.debianize.manpages import fallback_pages, make_quoted
from debgen.debianize.model import Inputs, SourcePackage
from debgen.debianize.names import binary_name, source_name
from debgen.debianize.patches import patches
from debgen.debianize.reasons import Decided, provenance
from debgen.debianize.relied import relied_upon
from debgen.debianize.requirements import judge_requirements
from debgen.debianize.rpath import sets_rpath
from debgen.debianize.source_files import changelog, homepage, upstream_metadata, watch
from debgen.debianize.system_libraries import system_libraries
from debgen.debianize.templates import Templates
from debgen.debianize.tests import EXAMPLES, SMOKE, autopkgtests_of, plan_tests, render_examples, render_smoke
from debgen.debianize.vendor_notes import notes_on, readme_text
from debgen.errors import RecipeError, UnsupportedSourceError
from debgen.upstream.facts import EntryPoint
from debgen.upstream.oddfiles import Fate
from debgen.upstream.vendored import FOLDER

_SUBSTITUTED = ("${misc:Depends}", "${python3:Depends}")


def debianize(inputs: Inputs, templates: Templates) -> SourcePackage:
    """Write debian/ for one distribution.

    Raises UnsupportedSourceError for a source with prebuilt parts or a Cargo.toml that can't be patched, and
    RecipeError for a recipe line that no longer matches anything. What stays open comes back as ``fixmes`` (for
    a human to answer) and ``unmet`` (requirements that the suite can't meet).
    """
    return _Writer(inputs, templates).write()


@dataclass
class _Writer:
    inputs: Inputs
    templates: Templates

    def __post_init__(self) -> None:
        facts = self.inputs.facts
        self.facts = facts
        self.fixmes = Fixmes()
        self.notes: list[str] = []
        self.existing = self.inputs.lookup(facts.normalised)
        self.source = source_name(facts, self.existing, self.inputs.taken)
        self.binary = binary_name(facts, self.existing)
        self.version = self._version()
        recipe, environment = self.inputs.recipe, self.inputs.marker_environment
        self.compiled = is_compiled(self.inputs)
        self.rust = is_rust(self.inputs)
        self.tests = plan_tests(self.inputs)
        held = self.inputs.continued.held.binaries if self.inputs.continued else ()
        self.system = system_libraries(facts.system_switches, self.inputs.libraries, {binary.name for binary in held})
        self.notes += (*self.tests.notes, *self.system.notes, *notes_on(self.inputs.vendored))
        continued = self.inputs.continued
        self.judged = judge_requirements(
            facts.base_requirements,
            self.inputs.lookup,
            recipe,
            environment,
            relied=relied_upon(facts, self.existing, continued),
            own=[binary.name for binary in continued.held.binaries] if continued else (),
            beyond=self.inputs.beyond,
            commanded=facts.command_requirements(environment),
        )

    def write(self) -> SourcePackage:
        self._refuse_unsupported()
        self._refuse_stale_recipe()
        self._question_taken_name()
        self._question_odd_files()
        distribution = self.inputs.suite.changelog_distribution
        tested = self.tests.tested
        patched = patches(self.inputs, self.judged, compiled=self.compiled, tested=tested, fixmes=self.fixmes)
        self.cargo = patched.cargo
        self._question_crates()
        files = {
            "control": self._control(),
            "rules": self._rules(),
            "changelog": changelog(self.inputs, self.source, self.version, self.templates),
            "copyright": self._copyright(),
            "watch": watch(self.inputs, self.templates, repack_suffix=self.inputs.repack.suffix),
            "source/format": "3.0 (quilt)\n",
            "salsa-ci.yml": self.templates.render("salsa-ci.yml.j2", distribution=distribution),
            "gbp.conf": self.templates.render(
                "gbp.conf.j2", distribution=distribution, component=FOLDER if self.inputs.vendored else ""
            ),
            "tests/control": self._tests_control(),
        }
        if overrides := py3dist_overrides(self.inputs, self.judged):
            files["py3dist-overrides"] = overrides
        if readme := self._readme_source():
            files["README.source"] = readme
        if metadata := upstream_metadata(self.facts, self.templates, self.inputs.texts):
            files["upstream/metadata"] = metadata
        if self.tests.files:
            files["pybuild.testfiles"] = "".join(f"{path}\n" for path in self.tests.files)
        if self.tests.smoke:
            files[SMOKE] = render_smoke(self.tests, self.templates)
        if self.tests.examples:
            files[EXAMPLES] = render_examples(self.tests, self.facts.modules, self.templates)
        if self.facts.scripts:
            files[f"{self.binary}.manpages"] = "".join(f"debian/{s.command}.1\n" for s in self.facts.scripts)
            if helped := [script.command for script in self._helped()]:
                files["clean"] = "".join(f"debian/{command}.1\n" for command in helped)
                described = describe(self.facts, self.inputs.recipe.layer.description, Fixmes())
                files |= fallback_pages(self.facts, helped, described, self.inputs.date, self.templates)
        if self.rust:
            made = cargo_rules(self.cargo, self.inputs.texts).made
            left = ("debian/cargo_home/", "debian/cargo_registry/", *made, "target/")
            files["clean"] = files.get("clean", "") + "".join(f"{path}\n" for path in left)
        if notices := [f for f in self.facts.licence_files if f.upper().startswith("NOTICE")]:
            files[f"{self.binary}.docs"] = "".join(f"{name}\n" for name in notices)
        if embedded := embedded_notices(self.inputs.scan):
            place = f"usr/share/doc/{self.binary}/notices"
            lines = (f"{path} {place}/{path.rpartition('/')[0]}\n" for path in embedded)
            files[f"{self.binary}.install"] = "".join(lines)
        self.notes += patched.notes
        files |= patched.files
        if patched.left_out:  # a line without a package: dh_python3 passes the requirement over
            files["py3dist-overrides"] = files.get("py3dist-overrides", "") + "".join(
                f"{name}\n" for name in patched.left_out
            )
        overlay = self._overlay()
        replaced = {path: files[path] for path in overlay if path in files}
        self._note_continued(files)
        files |= {path: file.read_text(encoding="utf-8") for path, file in overlay.items()}
        executable = {"rules", *(p for p in files if p.startswith("tests/") and files[p].startswith("#!"))}
        # A file that the recipe brings has answered what was open about the generated one.
        fixmes = tuple(fixme for fixme in self.fixmes.items if fixme.file.removeprefix("debian/") not in overlay)
        notes = (*self.notes, *self.fixmes.notes)
        decided = Decided(self.judged, self.tests, self.system, self.built_with, self.existing, self.binary)
        return SourcePackage(
            source=self.source,
            version=self.version,
            distribution=self.inputs.suite.changelog_distribution,
            binary=self.binary,
            files=dict(sorted(files.items())),
            executable=frozenset(executable),
            fixmes=fixmes,
            notes=notes,
            unmet=self.judged.unmet,
            replaced=replaced,
            provenance=provenance(self.inputs, decided, files, overlaid=overlay.keys(), notes=notes),
        )

    def _note_continued(self, files: Mapping[str, str]) -> None:
        """Say how the archive's package goes on, and what it has that the generated files lack."""
        if continued := self.inputs.continued:
            derived = {match.package for _, match in self.judged.met}
            commands = [script.command for script in self.facts.scripts]
            self.notes += continued.notes
            self.notes += lacking(continued.held, continued.record, files, derived=derived, commands=commands)

    def _overlay(self) -> Mapping[str, Path]:
        """The recipe's files, without manual pages of commands that this release doesn't have."""
        commands = {script.command for script in self.facts.scripts}
        found = self.inputs.recipe.debian_files()
        return {p: f for p, f in found.items() if not re.fullmatch(r"[^/]+\.1", p) or p.removesuffix(".1") in commands}

    def _version(self) -> str:
        """The archive's next version, or the first one."""
        upstream, suffix, continued = (
            debian_upstream(self.facts.version),
            self.inputs.suite.version_suffix,
            self.inputs.continued,
        )
        if continued is None:
            # An epoch that the archive's package has can never go away (policy 5.6.12.1).
            epoch = split_debian(self.existing.debian_version)[0] if self.existing else ""
            return f"{epoch + ':' if epoch else ''}{upstream}{self.inputs.repack.suffix}-1{suffix}"
        nmu = continued.upload is Upload.NMU
        return next_version(continued.version, upstream, suffix=suffix, nmu=nmu, repack=self.inputs.repack.suffix)

    def _refuse_unsupported(self) -> None:
        if self.facts.prebuilt:
            raise UnsupportedSourceError(
                f"{self.facts.name} {self.facts.version} ships prebuilt files: {', '.join(self.facts.prebuilt[:5])}",
                hint="Debian builds everything from source; the tarball has to be repacked without them.",
            )
        if not self.facts.modules and not self.facts.stubs:
            raise UnsupportedSourceError(
                f"{self.facts.name} {self.facts.version} installs no Python module that could be found",
                hint="Look at the sdist; it may be a meta package.",
            )

    def _question_taken_name(self) -> None:
        """Another distribution's package may have the name that this one's module would give (dpp 4.3.2)."""
        if (self.existing is None or self.existing.package != self.binary) and self.inputs.taken(self.binary):
            self.fixmes.add("debian/control", f"the suite has another {self.binary}; it can't be replaced unasked")

    def _question_odd_files(self) -> None:
        """What is installed without its source, or under a name that isn't its own, is for a human to answer."""
        for odd in self.facts.odd_files:
            if odd.fate is Fate.ASK:
                self.fixmes.add("debian/copyright", f"{odd.path} ({odd.kind}): {odd.reason}")
            elif odd.fate is Fate.KEEP:
                self.notes.append(f"{odd.path} ({odd.kind}) stays: {odd.reason}")
        for name in self.facts.needed_generic:
            self.fixmes.add("debian/rules", f"the module {name} has a generic name, and others of upstream import it")

    def _question_crates(self) -> None:
        """Crates that the suite can't give are named with the ways there are; only a human can choose."""
        for need in self.cargo.lacking:
            wanted = f"{need.name} {need.requirement}".rstrip()
            self.fixmes.add("debian/control", f"the build takes the crate {wanted}: {need.reason}")
        if self.cargo.lacking:
            self.fixmes.add(
                "debian/control",
                "package these crates first, or let the recipe build without them ([[without]]) or with a copy of their"
                " source ([[vendor]]), or borrow a suite's for the build (--borrow SUITE:librust-*)",
            )

    def _readme_source(self) -> str:
        """README.source (policy 4.14), where the orig tarball is not upstream's archive."""
        repack = self.inputs.repack
        text = f"The orig tarball was repacked: {repack.reason}.\n" if repack.reason else ""
        if repack.excluded:
            text += "Files that Debian can't distribute, or has no use for, are left out: Files-Excluded in\n"
            text += "debian/copyright names them.\n"
        return "\n".join(part for part in (text, readme_text(self.inputs.vendored)) if part)

    def _refuse_stale_recipe(self) -> None:
        """A recipe line about a requirement that upstream no longer has is out of date, and says so."""
        asked = {str(canonicalize_name(r.name)) for r in self.facts.base_requirements}
        layer = self.inputs.recipe.layer
        for key, names in (
            ("drop", [d.distribution for d in layer.drop]),
            ("relax", [r.distribution for r in layer.relax]),
        ):
            for name in names:
                if not any(fnmatchcase(requirement, name) for requirement in asked):
                    raise RecipeError(
                        f"the recipe's {key} of {name!r} matches no requirement of "
                        f"{self.facts.name} {self.facts.version}",
                        hint="Remove the line, or correct the name.",
                    )

    def _control(self) -> str:
        layer = self.inputs.recipe.layer
        short, body = describe(self.facts, layer.description, self.fixmes)
        found = build_depends(
            self.inputs, self.judged, self.tests, cargo=self.cargo, helped=bool(self._helped()), fixmes=self.fixmes
        )
        self.built_with = found.causes
        self.notes += found.notes
        compiled = ("${shlibs:Depends}",) if self.compiled else ()
        text = self.templates.render(
            "control.j2",
            source=self.source,
            binary=self.binary,
            **self._people(),
            suite=self.inputs.suite,
            standards_version=self.inputs.suite.standards_version,
            homepage=homepage(self.facts),
            section=self.inputs.section,
            architecture="any" if self.compiled else "all",
            rust=self.rust,
            build_depends=found.relations,
            depends=in_order([*_SUBSTITUTED, *compiled, *self.judged.more, *(p.relation for p in layer.depends)]),
            recommends=in_order(p.relation for p in layer.recommends),
            suggests=in_order({*suggests(self.inputs, self.judged), *(p.relation for p in layer.suggests)}),
            synopsis=short,
            description=body,
        )
        return _normalised(text)

    def _people(self) -> Mapping[str, str]:
        """Maintainer, Uploaders and Vcs: the archive's where it has the source."""
        team, continued = self.inputs.team, self.inputs.continued
        if continued:
            return {
                "maintainer": continued.maintainer, "uploaders": continued.uploaders,
                "vcs_git": continued.vcs_git, "vcs_browser": continued.vcs_browser,
            }  # fmt: skip
        vcs = f"{team.vcs.rstrip('/')}/{self.source}" if team.vcs else ""
        me = str(self.inputs.identity)
        return {
            "maintainer": team.maintainer or me, "uploaders": me if team.maintainer else "",
            "vcs_git": f"{vcs}.git" if vcs else "", "vcs_browser": vcs,
        }  # fmt: skip

    def _helped(self) -> list[EntryPoint]:
        """The commands whose manual page comes from their own help: those for which the recipe has none."""
        written = self.inputs.recipe.debian_files()
        return [script for script in self.facts.scripts if f"{script.command}.1" not in written]

    def _rules(self) -> str:
        layer = self.inputs.recipe.layer
        short, _ = describe(self.facts, layer.description, Fixmes())
        pybuild_name = self.binary.removeprefix("python3-")
        return self.templates.render(
            "rules.j2",
            binary=self.binary,
            pybuild_name=pybuild_name,
            compiled=self.compiled,
            cargo=cargo_rules(self.cargo, self.inputs.texts) if self.rust else None,
            rpath=sets_rpath(self.inputs.texts) if self.compiled else "",
            unwanted=self.facts.unwanted_modules,
            version_environment=self.facts.version_environment,
            system=self.system,
            version=self.facts.version,
            has_metadata=self.facts.has_metadata,
            has_pyproject="pyproject.toml" in self.inputs.texts,
            scripts=[{"command": script.command, "summary_quoted": make_quoted(short)} for script in self._helped()],
            tests=self.tests,
        )

    def _copyright(self) -> str:
        texts = {name: self.inputs.texts[name] for name in self.facts.licence_files if name in self.inputs.texts}
        packager = Holder(str(self.inputs.identity), self.inputs.date.year)
        return copyright_file(
            self.facts,
            self.inputs.scan,
            texts,
            packager,
            self.fixmes,
            policy=self.inputs.suite.standards_version,
            excluded=self.inputs.repack.excluded,
            held=self.inputs.continued.held.copyright if self.inputs.continued else "",
            told=named.holder if (named := self.inputs.recipe.layer.copyright) else "",
            vendored=self.inputs.vendored,
        )

    def _tests_control(self) -> str:
        tools: tuple[str, ...] = ("@builddeps@",)
        if self.rust:
            # Where torch compiles in the tests, the compiler is one that a build needn't ask for.
            compiler = ["g++"] if self.facts.tests.compiles else []
            tools = tuple(in_order([*without_compilers(self.built_with), *compiler]))
        found = autopkgtests_of(self.tests, self.inputs, self.binary, tools)
        return self.templates.render("tests-control.j2", tests=found)


def _normalised(text: str) -> str:
    """debian/control read back by python-debian: malformed paragraphs and relations are a template's error."""
    paragraphs = list(Deb822.iter_paragraphs(text.splitlines(keepends=True)))
    for paragraph in paragraphs:
        for field in ("Build-Depends", "Depends", "Recommends", "Suggests"):
            if field in paragraph:
                plain = [r for r in paragraph[field].split(",") if r.strip() and "${" not in r]
                if plain:
                    PkgRelation.parse_relations(",".join(plain))
    return "\n".join(str(paragraph) for paragraph in paragraphs)
