"""What the archive's own package of a distribution shows about its requirements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from test_debianize_package import FACTS, inputs, made, match

from debgen.archive.held import HeldBinary, HeldSource
from debgen.archive.model import Match
from debgen.debianize.continued import Continued, Upload
from debgen.debianize.relied import Relied, relied_upon
from debgen.debianize.requirements import Judged, judge_requirements
from debgen.planning.relaxation import loosened
from debgen.upstream.sourcefiles import SourceFile
from debgen.upstream.testfacts import TestFacts


def held(depends: str, version: str = "1.0-3", recommends: str = "", others: tuple[str, ...] = ()) -> Continued:
    def binary(name: str, relations: Mapping[str, str]) -> HeldBinary:
        return HeldBinary(name, version, "all", "python", "A Team", "", "", "", 1, relations)

    own = binary("python3-foo", {"Depends": depends, "Recommends": recommends})
    binaries = (own, *(binary(name, {}) for name in others))
    source = HeldSource("foo", version, "main", "python3-foo", binaries)
    return Continued(source, None, Upload.TEAM, "A Team", "")


def judged(
    *lines: str,
    depends: str,
    suite: Mapping[str, str],
    version: str = "1.0",
    top: tuple[str, ...] = (),
    recommends: str = "",
    others: tuple[str, ...] = (),
) -> Judged:
    own = SourceFile("foo/__init__.py", top, top)
    facts = replace(
        FACTS,
        version="1.0",
        requirements=tuple(map(Requirement, lines)),
        tests=TestFacts(own=(own, SourceFile("docs/conf.py", ("sphinx",), ()))),
        installed=(("foo/__init__.py", "foo/__init__.py"),),
    )
    told = inputs(facts, packages=suite)
    continued = held(depends, f"{version}-3", recommends, others)
    existing = match("python3-foo", f"{version}-3")
    relied = relied_upon(facts, existing, continued)
    names = [binary.name for binary in continued.held.binaries]
    return judge_requirements(
        facts.base_requirements, told.lookup, told.recipe, told.marker_environment, relied=relied, own=names
    )


BAR = {"bar": "7.2-3"}


def test_a_bound_that_the_archives_package_of_this_release_does_without() -> None:
    result = judged("bar>=6.29,<7", depends="python3-bar, python3:any", suite=BAR)
    ((requirement, relax),) = result.relaxed
    assert (requirement.name, relax.specifier, result.unmet) == ("bar", ">=6.29", ())
    assert relax.reason == (
        "python3-foo 1.0-3, which has this release, depends on python3-bar without this bound, and is in Debian "
        "beside 7.2-3"
    )


@pytest.mark.parametrize(
    ("line", "depends", "version", "met"),
    [
        ("bar<7", "python3-bar (<< 7)", "1.0", False),  # the maintainers keep it
        ("bar<7", "python3-bar (>= 6)", "1.0", True),
        ("bar<7", "python3-bar | python3-bar-cuda", "1.0", True),
        ("bar<7", "python3:any", "1.0", True),  # the maintainers have dropped it
        ("bar>=8", "python3-bar", "1.0", True),  # tried with what is older
        ("bar<7", "python3-bar", "1.4", True),  # of a release that is near
        ("bar>=8", "python3-bar", "1.4", False),  # which says nothing of what is new in this one
        ("bar<7", "python3:any", "1.4", False),
        ("bar<7", "python3-bar", "2.0", False),
    ],
)
def test_what_counts_as_shown(line: str, depends: str, version: str, met: bool) -> None:
    result = judged(line, depends=depends, suite=BAR, version=version)
    assert (bool(result.relaxed), bool(result.unmet)) == (met, not met)


def test_without_an_archives_package_a_bound_stands() -> None:
    facts = replace(FACTS, requirements=(Requirement("bar<7"),))
    assert relied_upon(facts, None, None) is None
    assert made(inputs(facts, packages=BAR)).unmet


def test_a_distribution_that_the_suite_lacks() -> None:
    suite: dict[str, str] = {}
    renamed = judged("libbar-python>=2", depends="python3-libbar (>= 2)", suite=suite)
    assert [(r.name, str(r.specifier), m.package) for r, m in renamed.met] == [("libbar-python", "", "python3-libbar")]
    dropped = judged("enum-thing", depends="python3:any", suite=suite)
    assert [requirement.name for requirement, _ in dropped.dropped] == ["enum-thing"]
    assert "does without" in dropped.dropped[0][1].reason
    assert judged("enum-thing", depends="python3:any", suite=suite, top=("enum_thing.x",)).unmet
    assert judged("enum-thing", depends="python3:any", suite=suite, version="1.4").unmet


def test_what_modules_import_and_upstream_forgot_to_ask_for() -> None:
    suite = {"bar": "1.0-1", "baz": "1.0-1", "sphinx": "8-1", "lazy": "1-1"}
    depends = (
        "python3-bar, python3-baz (>= 1.0), python3-sphinx, python3-lazy, python3:any, python3-foo-data, libc6 (>= 2), "
        "xvfb, adduser, sub | python3-nothing, a | b"
    )
    result = judged("bar", depends=depends, suite=suite, top=("baz.x", "bar", ".own"), others=("python3-foo-data",))
    assert tuple(result.more) == ("python3-baz (>= 1.0)", "xvfb", "a | b")


def test_they_are_depended_on_and_built_with() -> None:
    own = SourceFile("foo/__init__.py", ("baz",), ("baz",))
    facts = replace(FACTS, version="1.0", tests=TestFacts(own=(own,)), installed=(("foo/__init__.py",) * 2,))
    packages = {FACTS.normalised: "1.0-3", "baz": "1.0-1"}
    told = inputs(facts, packages=packages)
    lookup = {**{n: match(f"python3-{n}", v) for n, v in packages.items()}, FACTS.normalised: match("python3-foo")}

    def found(name: str) -> Match | None:
        return lookup.get(name)

    control = made(replace(told, lookup=found, continued=held("python3-baz | python3-qux"))).files["control"]
    assert "\n python3-baz | python3-qux,\n" in control
    assert "\n python3-baz <!nocheck> | python3-qux <!nocheck>,\n" in control


def test_loosened() -> None:
    assert loosened(SpecifierSet("<3,>=2.7,!=2.8"), "3.0") == "!=2.8,>=2.7"
    assert loosened(SpecifierSet("~=12.0"), "13.0") == ">=12.0"
    assert loosened(SpecifierSet("==1.*"), "2.1") == ">=1"
    assert loosened(SpecifierSet(">=6.33"), "3.21") == ""
    assert loosened(SpecifierSet("==6.33"), "3.21") == ""


def test_relations_all_count() -> None:
    bar = match("python3-bar", "7.2-3")
    relied = relied_upon(FACTS, match("python3-foo", f"{FACTS.version}-3"), held("python3-bar, python3-bar (<< 5)"))
    assert isinstance(relied, Relied)
    assert relied.without_bound(bar) == ""
    weak = relied_upon(FACTS, match("python3-foo", f"{FACTS.version}-3"), held("", recommends="python3-bar"))
    assert weak is not None
    assert "depends on python3-bar without this bound" in weak.without_bound(bar)
