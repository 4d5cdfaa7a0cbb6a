"""From facts to the files of debian/. Pure: no network, no process, no clock."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from debian.deb822 import Deb822, PkgRelation
from packaging.utils import canonicalize_name

from debgen.archive.model import Match
from debgen.archive.names import relations_for
from debgen.archive.versions import debian_upstream
from debgen.debianize.copyright_file import Holder, copyright_file
from debgen.debianize.description import describe
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.metadata_patch import Change, apply_change, dep3_patch
from debgen.debianize.model import Inputs, SourcePackage
from debgen.debianize.names import binary_name, source_name
from debgen.debianize.requirements import Judged, applies, judge_requirements, test_requirements
from debgen.debianize.source_files import changelog, homepage, upstream_metadata, watch
from debgen.debianize.templates import Templates
from debgen.debianize.tests import autopkgtests, test_arguments, test_files
from debgen.errors import RecipeError, UnsupportedSourceError
from debgen.upstream.facts import EntryPoint


def debianize(inputs: Inputs, templates: Templates) -> SourcePackage:
    """Write debian/ for one distribution.

    Raises UnsupportedSourceError for a source with compiled or prebuilt parts, and RecipeError for a recipe
    line that no longer matches anything. What stays open comes back as ``fixmes`` (for a human to answer) and
    ``unmet`` (requirements that the suite can't meet).
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
        self.version = f"{self._epoch()}{debian_upstream(facts.version)}-1{self.inputs.suite.version_suffix}"
        recipe, environment = self.inputs.recipe, self.inputs.marker_environment
        self.judged = judge_requirements(facts.base_requirements, self.inputs.lookup, recipe, environment)

    def write(self) -> SourcePackage:
        self._refuse_unsupported()
        self._refuse_stale_recipe()
        self._question_taken_name()
        files = {
            "control": self._control(),
            "rules": self._rules(),
            "changelog": changelog(self.inputs, self.source, self.version, self.templates),
            "copyright": self._copyright(),
            "watch": watch(self.inputs, self.templates),
            "source/format": "3.0 (quilt)\n",
            "salsa-ci.yml": self.templates.render("salsa-ci.yml.j2"),
            "gbp.conf": self.templates.render("gbp.conf.j2"),
            "tests/control": self._tests_control(),
        }
        if metadata := upstream_metadata(self.facts, self.templates):
            files["upstream/metadata"] = metadata
        if self.facts.tests.directory:
            files["pybuild.testfiles"] = "".join(f"{path}\n" for path in test_files(self.inputs))
        if self.facts.scripts:
            files[f"{self.binary}.manpages"] = "".join(f"debian/{s.command}.1\n" for s in self.facts.scripts)
            if helped := self._helped():
                files["clean"] = "".join(f"debian/{script.command}.1\n" for script in helped)
        if notices := [f for f in self.facts.licence_files if f.upper().startswith("NOTICE")]:
            files[f"{self.binary}.docs"] = "".join(f"{name}\n" for name in notices)
        files |= self._patches()
        overlay = self._overlay()
        files |= {path: file.read_text(encoding="utf-8") for path, file in overlay.items()}
        executable = {"rules", *(p for p in overlay if p.startswith("tests/") and files[p].startswith("#!"))}
        # A file that the recipe brings has answered what was open about the generated one.
        fixmes = tuple(fixme for fixme in self.fixmes.items if fixme.file.removeprefix("debian/") not in overlay)
        return SourcePackage(
            source=self.source,
            version=self.version,
            distribution=self.inputs.suite.changelog_distribution,
            binary=self.binary,
            files=dict(sorted(files.items())),
            executable=frozenset(executable),
            fixmes=fixmes,
            notes=tuple(self.notes),
            unmet=self.judged.unmet,
        )

    def _overlay(self) -> Mapping[str, Path]:
        """The recipe's files, without manual pages of commands that this release doesn't have."""
        commands = {script.command for script in self.facts.scripts}
        found = self.inputs.recipe.debian_files()
        return {p: f for p, f in found.items() if not re.fullmatch(r"[^/]+\.1", p) or p.removesuffix(".1") in commands}

    def _epoch(self) -> str:
        """The epoch that the archive's package already has; it can never go away (policy 5.6.12.1)."""
        have = self.existing.debian_version if self.existing else ""
        return have.partition(":")[0] + ":" if ":" in have else ""

    def _refuse_unsupported(self) -> None:
        if self.facts.compiled:
            raise UnsupportedSourceError(
                f"{self.facts.name} {self.facts.version} has compiled parts: {', '.join(self.facts.compiled)}",
                hint="This version of debgen packages pure Python only.",
            )
        if self.facts.prebuilt:
            raise UnsupportedSourceError(
                f"{self.facts.name} {self.facts.version} ships prebuilt files: {', '.join(self.facts.prebuilt[:5])}",
                hint="Debian builds everything from source; the tarball has to be repacked without them.",
            )
        if not self.facts.modules:
            raise UnsupportedSourceError(
                f"{self.facts.name} {self.facts.version} installs no Python module that could be found",
                hint="Look at the sdist; it may be a meta package.",
            )

    def _question_taken_name(self) -> None:
        """Another distribution's package may have the name that this one's module would give (dpp 4.3.2)."""
        if (self.existing is None or self.existing.package != self.binary) and self.inputs.taken(self.binary):
            self.fixmes.add("debian/control", f"the suite has another {self.binary}; it can't be replaced unasked")

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
        team = self.inputs.team
        short, body = describe(self.facts, layer.description, self.fixmes)
        text = self.templates.render(
            "control.j2",
            source=self.source,
            binary=self.binary,
            maintainer=team.maintainer or str(self.inputs.identity),
            uploaders=str(self.inputs.identity) if team.maintainer else "",
            vcs=f"{team.vcs.rstrip('/')}/{self.source}" if team.vcs else "",
            suite=self.inputs.suite,
            standards_version=self.inputs.suite.standards_version,
            homepage=homepage(self.facts),
            build_depends=self._build_depends(),
            depends=_sorted(["${misc:Depends}", "${python3:Depends}", *(p.relation for p in layer.depends)]),
            recommends=_sorted(p.relation for p in layer.recommends),
            suggests=_sorted(p.relation for p in layer.suggests),
            synopsis=short,
            description=body,
        )
        return _normalised(text)

    def _build_depends(self) -> list[str]:
        suite = self.inputs.suite
        found = [
            f"debhelper-compat (= {suite.compat})",
            "dh-sequence-python3",
            "pybuild-plugin-pyproject",
            "python3-all",
        ]
        for requirement in self.facts.build_requirements:
            if not applies(requirement, self.inputs.marker_environment):
                continue
            match = self.inputs.lookup(str(canonicalize_name(requirement.name)))
            if match is None:
                self.fixmes.add("debian/control", f"the suite has no package of build requirement {requirement.name}")
            else:
                found.append(match.package)
        tested = bool(self.facts.tests.directory)
        # help2man runs the commands, so their imports must work even in a build without tests
        helped = bool(self._helped())
        profiles = " <!nocheck> <!nodoc>" if helped and tested else " <!nodoc>" if helped else " <!nocheck>"
        if helped:
            found.append("help2man <!nodoc>")
        for requirement, match in self.judged.met:
            found += [f"{relation}{profiles}" for relation in _bounded(match, requirement, self.judged)]
        if tested:
            found += [f"{package} <!nocheck>" for package in self._test_packages()]
            for package in self.inputs.recipe.layer.test_depends:
                alternatives = (f"{alternative.strip()} <!nocheck>" for alternative in package.relation.split("|"))
                found.append(" | ".join(alternatives))
        return _without_repeats(_sorted(found))

    def _test_packages(self) -> list[str]:
        """Packages of what upstream declares for its tests; what the suite lacks is noted, not hidden."""
        packages = ["python3-pytest"] if self.facts.tests.runner == "pytest" else []
        for requirement in test_requirements(self.facts, self.inputs.marker_environment):
            match = self.inputs.lookup(str(canonicalize_name(requirement.name)))
            if match is None:
                self.notes.append(
                    f"test requirement {requirement.name} is not in the suite; its tests may skip or fail"
                )
            else:
                packages.append(match.package)
        return packages

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
            has_pyproject="pyproject.toml" in self.inputs.texts,
            scripts=[{"command": script.command, "summary_quoted": shlex.quote(short)} for script in self._helped()],
            loopback=self.facts.tests.loopback,
            test_environment=layer.test_environment,
            runner=self.facts.tests.runner,
            test_blocks=test_arguments(self.inputs),
        )

    def _copyright(self) -> str:
        texts = {name: self.inputs.texts[name] for name in self.facts.licence_files if name in self.inputs.texts}
        packager = Holder(str(self.inputs.identity), self.inputs.date.year)
        return copyright_file(self.facts, self.inputs.scan, texts, packager, self.fixmes)

    def _tests_control(self) -> str:
        return self.templates.render("tests-control.j2", tests=autopkgtests(self.inputs, self.binary))

    def _patches(self) -> dict[str, str]:
        """The recipe's patches, then one generated patch for each requirement relaxed or dropped."""
        own = self.inputs.recipe.patches()
        files = {f"patches/{name}": file.read_text(encoding="utf-8") for name, file in own.items()}
        changes = [
            *(
                Change(str(canonicalize_name(r.name)), relax.specifier, relax.reason)
                for r, relax in self.judged.relaxed
            ),
            *(Change(str(canonicalize_name(r.name)), None, drop.reason) for r, drop in self.judged.dropped),
        ]
        texts = dict(self.inputs.texts)
        for change in changes:
            changed = apply_change(texts, change)
            if changed is None:
                self.fixmes.add(
                    "debian/patches",
                    f"the requirement on {change.distribution} was not found in upstream's build files",
                )
                continue
            path, new = changed
            verb = "relax" if change.specifier is not None else "drop"
            date = f"{self.inputs.date:%Y-%m-%d}"
            patch = dep3_patch(path, texts[path], new, change, str(self.inputs.identity), date)
            files[f"patches/{verb}-{change.distribution}.patch"] = patch
            texts[path] = new
        if files:
            files["patches/series"] = "".join(f"{path.removeprefix('patches/')}\n" for path in files)
        return files


def _bounded(match: Match, requirement: object, judged: Judged) -> list[str]:
    """The build relation on a run-time requirement: lower bounds only, since upper ones age badly in builds."""
    for asked, found in judged.met:
        if asked is requirement and not any(asked is relaxed for relaxed, _ in judged.relaxed):
            bounds = [r for r in relations_for(found, asked.specifier) if ">=" in r and "|" not in r]
            return bounds[:1] or [match.package]
    return [match.package]


def _sorted(relations_: Iterable[str]) -> list[str]:
    """The order of wrap-and-sort: debhelper and dh- first, substitution variables last, the rest by name."""

    def key(relation: str) -> tuple[int, str]:
        rank = 0 if relation.startswith("debhelper-compat") else 1 if relation.startswith("dh-") else 2
        return (3 if relation.startswith("$") else rank, relation)

    return sorted(relations_, key=key)


def _without_repeats(relations_: list[str]) -> list[str]:
    """One relation per package: the one that holds in most builds (fewest profiles), then the narrowest."""
    best: dict[str, str] = {}
    for relation in relations_:
        name = relation.split()[0]
        if name in best:
            mine, other = relation.count("<!"), best[name].count("<!")
            if "<!" in best[name] and ("<!" not in relation or mine > other):
                best[name] = relation
        else:
            best[name] = relation
    return list(best.values())


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
