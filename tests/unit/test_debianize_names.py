"""Names of packages, suites' facts, and the requirements of a distribution against a suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from packaging.requirements import Requirement

from debgen.archive.model import Binary, Match, Origin
from debgen.debianize.names import (
    Role,
    binary_name,
    debian_name,
    known_binaries,
    main_module,
    section_of,
    source_name,
)
from debgen.debianize.requirements import applies, judge_requirements
from debgen.debianize.suite import suite_facts
from debgen.errors import UnknownSuiteError
from debgen.recipes import Drop, Layer, Recipe, Relax
from debgen.upstream.facts import EntryPoint, SdistFacts
from debgen.upstream.model import Target
from debgen.upstream.testfacts import TestFacts

FACTS = SdistFacts(
    name="foo", version="1", summary="", description="", homepage="", urls=(), author="",
    licence="", classifiers=(), requires_python="", requirements=(), backend="", build_requirements=(),
    modules=("foo",), namespaces=(), scripts=(), compiled=(), prebuilt=(), licence_files=(), tests=TestFacts(),
)  # fmt: skip
REASON = "a reason that says something"


def facts(name: str, *modules: str, scripts: bool = False, namespaces: tuple[str, ...] = ()) -> SdistFacts:
    return replace(
        FACTS, name=name, modules=modules or (name,), namespaces=namespaces,
        scripts=(EntryPoint("x", "y:z"),) if scripts else (),
    )  # fmt: skip


def match(package: str, version: str = "1.0", origin: Origin = Origin.CONTENTS, source: str = "src") -> Match:
    return Match("foo", package, source, f"{version}-1", version, "main", origin, "")


# --- names


@pytest.mark.parametrize(
    ("about", "taken", "expected"),
    [
        (facts("foo"), (), "python-foo"),  # one common word
        (facts("foo", scripts=True), (), "foo"),
        (facts("foo", scripts=True), ("foo",), "python-foo"),
        (facts("Foo_Bar"), (), "foo-bar"),
        (facts("foo-bar"), ("foo-bar",), "python-foo-bar"),
        (facts("pyfoo"), (), "pyfoo"),
        (facts("foopy"), (), "foopy"),
        (facts("python-foo"), (), "python-foo"),
        (facts("Zope.Thing"), (), "python-zope.thing"),
    ],
)
def test_source_names(about: SdistFacts, taken: tuple[str, ...], expected: str) -> None:
    assert source_name(about, None, taken.__contains__) == expected


def test_what_the_suite_has_keeps_its_names() -> None:
    assert source_name(facts("foo"), match("python3-x", source="libfoo"), lambda _: True) == "libfoo"
    assert binary_name(facts("foo"), match("python3-x")) == "python3-x"
    guessed = match("python3-x", origin=Origin.NAME, source="libfoo")
    assert source_name(facts("foo"), guessed, lambda _: False) == "python-foo"
    assert binary_name(facts("foo"), guessed) == "python3-foo"


@pytest.mark.parametrize(
    ("about", "module", "binary"),
    [
        (facts("foo"), "foo", "python3-foo"),
        (facts("PyYAML", "yaml", "_yaml"), "yaml", "python3-yaml"),
        (facts("Foo-Bar", "aaa", "foo_bar"), "foo_bar", "python3-foo-bar"),
        (facts("huggingface_hub", "huggingface_hub"), "huggingface_hub", "python3-huggingface-hub"),
        (facts("Zope.Thing", "zope", namespaces=("zope",)), "zope", "python3-zope.thing"),
        (facts("x", "_private"), "", "python3-x"),
    ],
)
def test_binary_names_follow_the_module(about: SdistFacts, module: str, binary: str) -> None:
    assert main_module(about) == module
    assert binary_name(about, None) == binary


def own(name: str, *modules: str, **more: tuple[str, ...]) -> SdistFacts:
    tops = tuple(dict.fromkeys(m.partition(".")[0] for m in modules))
    shared = tuple(dict.fromkeys(m.partition(".")[0] for m in modules if "." in m))
    return replace(facts(name, *tops, namespaces=shared), own_modules=modules, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "module", "binary"),
    [
        (own("google-cloud-s", "google.cloud._s", "google.cloud.s"), "google.cloud.s", "python3-google-cloud-s"),
        (own("zope.interface", "zope.interface"), "zope.interface", "python3-zope.interface"),
        (
            own("opentelemetry-semantic-ai", "opentelemetry.sem_ai"),
            "opentelemetry.sem_ai",
            "python3-opentelemetry-sem-ai",
        ),
        (own("attrs", "attr", "attrs"), "attrs", "python3-attrs"),
        (own("foo-bar", "baz", "bar_tool"), "bar_tool", "python3-bar-tool"),
        (own("django-mptt", "mptt"), "mptt", "python3-django-mptt"),
        (own("XStatic-D3", "xstatic.pkg.d3"), "xstatic.pkg.d3", "python3-xstatic-d3"),
        (
            own("django-stubs", "mypy_django_plugin", stubs=("django-stubs",)),
            "mypy_django_plugin",
            "python3-django-stubs",
        ),
        (replace(facts("types-foo"), modules=(), stubs=("foo-stubs",)), "", "python3-types-foo"),
    ],
)
def test_binary_names_of_namespaces_and_add_ons(about: SdistFacts, module: str, binary: str) -> None:
    assert main_module(about) == module
    assert binary_name(about, None) == binary


def test_the_binaries_of_a_source_keep_their_names() -> None:
    def package(name: str, section: str = "python", architecture: str = "all") -> Binary:
        return Binary(name, "1-1", architecture, "foo", "1-1", "main", section, "", "", "")

    found = known_binaries(
        [package("foo-tools", "utils"), package("python-foo-doc", "doc"), package("python3-foo", architecture="any"),
         package("python3-foo-bar"), package("python3-foo-dbg", "debug"), package("foo-common", "misc")],
        "python3-foo",
    )  # fmt: skip
    assert [(known.name, known.role) for known in found] == [
        ("python3-foo", Role.MODULE), ("foo-common", Role.OTHER), ("foo-tools", Role.COMMANDS),
        ("python-foo-doc", Role.DOCUMENTATION), ("python3-foo-bar", Role.MODULE), ("python3-foo-dbg", Role.OTHER),
    ]  # fmt: skip
    assert section_of(package("python3-foo", "contrib/science")) == "contrib/science"
    assert section_of(None) == "python"


def test_names_have_only_what_policy_allows() -> None:
    assert debian_name("__Foo__Bar.baz_") == "foo-bar.baz"
    assert debian_name("Ünï_x") == "n-x"


# --- requirements

SID = Target("3.14", "amd64").marker_environment()


def recipe(*entries: Drop | Relax) -> Recipe:
    drop = tuple(e for e in entries if isinstance(e, Drop))
    relax = tuple(e for e in entries if isinstance(e, Relax))
    return Recipe("foo", "sid", Layer(drop=drop, relax=relax), None)


def judged(*lines: str, suite: Mapping[str, str], recipe: Recipe = recipe()) -> dict[str, list[str]]:  # noqa: B008
    have = {name: match(f"python3-{name}", version) for name, version in suite.items()}
    result = judge_requirements(map(Requirement, lines), have.get, recipe, SID)
    return {
        "met": [r.name for r, _ in result.met],
        "relaxed": [r.name for r, _ in result.relaxed],
        "dropped": [r.name for r, _ in result.dropped],
        "unmet": [str(u) for u in result.unmet],
    }


def test_judging_without_a_recipe() -> None:
    assert judged(
        "fine>=1", "old>=3", "gone", "other; sys_platform == 'win32'", "older; python_version < '3.12'",
        "extra; extra == 'x'", "pre>=2.0",
        suite={"fine": "1.0", "old": "2", "pre": "2.0rc1"},
    ) == {
        "met": ["fine"],
        "relaxed": [],
        "dropped": [],
        "unmet": [
            "old>=3: the suite has python3-old 2-1",
            "gone: the suite has no package of it",
            "pre>=2.0: the suite has python3-pre 2.0rc1-1",
        ],
    }  # fmt: skip


def test_judging_with_a_recipe() -> None:
    how = recipe(
        Drop(distribution="Gone", reason=REASON),
        Relax(distribution="old", specifier=">=2", reason=REASON),
        Relax(distribution="older", specifier=">=2", reason=REASON),
        Relax(distribution="fine", specifier="", reason=REASON),
    )
    assert judged(
        "fine>=1", "old>=3", "older>=3", "GONE>9", suite={"fine": "1", "old": "2", "older": "1"}, recipe=how
    ) == {
        "met": ["fine", "old"],
        "relaxed": ["old"],  # what is met needs no patch
        "dropped": ["GONE"],
        "unmet": ["older>=3: the suite has python3-older 1-1"],  # the relaxed bound must hold as well
    }


def test_what_is_dropped_only_where_it_is_lacking() -> None:
    how = recipe(
        Drop(distribution="optional-*", if_lacking=True, reason=REASON),
        Drop(distribution="useless", reason=REASON),
    )
    lines = ("optional-there>=1", "optional-old>=3", "optional_gone", "useless>=1")
    assert judged(*lines, suite={"optional-there": "1.5", "optional-old": "2", "useless": "1"}, recipe=how) == {
        "met": ["optional-there"],
        "relaxed": [],
        "dropped": ["optional-old", "optional_gone", "useless"],
        "unmet": [],
    }


def test_a_drop_where_it_is_lacking_comes_before_a_relaxation() -> None:
    how = recipe(
        Drop(distribution="a", if_lacking=True, reason=REASON), Relax(distribution="a", specifier="", reason=REASON)
    )
    assert judged("a>=3", suite={"a": "2"}, recipe=how)["dropped"] == ["a"]
    assert judged("a>=3", suite={"a": "3"}, recipe=how)["met"] == ["a"]


def test_markers() -> None:
    assert applies(Requirement("a"), SID)
    assert not applies(Requirement("a; extra == 'x'"), SID)
    assert applies(Requirement("a; python_version >= '3.14'"), SID)
    assert not applies(Requirement("a; platform_machine == 'aarch64'"), SID)


# --- facts of a suite


@dataclass
class Index:
    """As much of a SuiteIndex as is asked."""

    suite: str = "unstable"
    codename: str = "sid"
    python_version: str = "3.14"
    architecture: str = "amd64"
    provides: str = "debhelper-compat (= 12), debhelper-compat (= 13), debhelper-compat (= 9), dh-sequence-x"
    versions: dict[str, str] = field(
        default_factory=lambda: {
            "debhelper": "13.1",
            "debian-policy": "4.7.4.1",
            "devscripts": "2.26.13",
            "dpkg": "1.23.0",
            "base-files": "14",
        }
    )

    def version_of(self, package: str) -> str | None:
        return self.versions.get(package)

    def binary(self, name: str) -> Binary | None:
        version = self.versions.get(name)
        return (version and Binary(name, version, "all", name, version, "main", "x", self.provides, "", "")) or None


def test_facts_of_sid() -> None:
    found = suite_facts(Index())  # type: ignore[arg-type]
    assert (found.changelog_distribution, found.version_suffix) == ("unstable", "")
    assert (found.compat, found.standards_version, found.watch_version) == (13, "4.7.4", 5)
    assert found.implied_priority
    assert found.implied_rules_requires_root


def test_facts_of_a_release() -> None:
    versions = {
        "debhelper": "13",
        "debian-policy": "4.6.2.0",
        "devscripts": "2.23.4+deb12u2",
        "dpkg": "1.21.22",
        "base-files": "12.4+deb12u5",
    }
    found = suite_facts(Index("oldstable", "bookworm", "3.11", versions=versions))  # type: ignore[arg-type]
    assert (found.changelog_distribution, found.version_suffix) == ("bookworm-backports", "~bpo12+1")
    assert (found.standards_version, found.watch_version) == ("4.6.2", 4)
    assert not found.implied_priority
    assert not found.implied_rules_requires_root


@pytest.mark.parametrize(
    ("versions", "watch", "rules", "priority"),
    [
        ({"devscripts": "2.25.20"}, 4, True, True),
        ({"devscripts": "2.25.21"}, 5, True, True),
        ({"dpkg": "1.22.12"}, 5, False, True),
        ({"dpkg": "1.22.13"}, 5, True, True),
        ({"debian-policy": "4.7.2.0"}, 5, True, False),
        ({"debian-policy": "4.7.3.0"}, 5, True, True),
    ],
)
def test_where_the_forms_change(versions: dict[str, str], watch: int, rules: bool, priority: bool) -> None:
    index = Index()
    found = suite_facts(replace(index, versions={**index.versions, **versions}))  # type: ignore[arg-type]
    assert (found.watch_version, found.implied_rules_requires_root, found.implied_priority) == (watch, rules, priority)


@pytest.mark.parametrize(("suite", "target"), [("testing", "unstable"), ("experimental", "experimental")])
def test_uploads_for_testing_go_through_unstable(suite: str, target: str) -> None:
    found = suite_facts(Index(suite, "forky"))  # type: ignore[arg-type]
    assert (found.changelog_distribution, found.version_suffix) == (target, "")


def test_incomplete_suites() -> None:
    for package in ("debhelper", "debian-policy", "devscripts", "dpkg"):
        index = Index()
        with pytest.raises(UnknownSuiteError):
            suite_facts(replace(index, versions={k: v for k, v in index.versions.items() if k != package}))  # type: ignore[arg-type]
    with pytest.raises(UnknownSuiteError, match="debhelper-compat"):
        suite_facts(Index(provides=""))  # type: ignore[arg-type]


def test_a_suite_without_a_package_of_policy_follows_the_version_that_is_given() -> None:
    index = Index()
    lacking = replace(index, versions={k: v for k, v in index.versions.items() if k != "debian-policy"})
    found = suite_facts(lacking, "4.7.3")  # type: ignore[arg-type]
    assert (found.standards_version, found.implied_priority) == ("4.7.3", True)
    assert suite_facts(index, "4.6.0").standards_version == "4.7.4"  # type: ignore[arg-type]


@pytest.mark.parametrize(("version", "known"), [("30", False), ("31", True), ("34", True), ("", True)])
def test_which_helper_of_cargo_knows_static_built_using(version: str, known: bool) -> None:
    index = Index()
    versions = {**index.versions, **({"dh-cargo": version} if version else {})}
    assert suite_facts(replace(index, versions=versions)).static_built_using is known  # type: ignore[arg-type]
