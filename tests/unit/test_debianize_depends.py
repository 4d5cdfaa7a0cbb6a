"""What dh_python3 is told, and what extras become."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement
from test_debianize_package import FACTS, inputs, made

from debgen.debianize.depends import py3dist_overrides, suggests
from debgen.debianize.model import Inputs
from debgen.debianize.requirements import judge_requirements
from debgen.recipes import Layer, Relax
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.entrypoints import EntryPoint


def overrides(told: Inputs) -> str:
    judged = judge_requirements(told.facts.base_requirements, told.lookup, told.recipe, told.marker_environment)
    return py3dist_overrides(told, judged)


def asking(*lines: str, layer: Layer | None = None, **packages: str) -> Inputs:
    facts = replace(FACTS, requirements=tuple(map(Requirement, lines)))
    return inputs(facts, layer, packages)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bar>=1.2,<3", "bar python3-bar (>= 1.2~)\n"),
        ("bar~=1.2", "bar python3-bar (>= 1.2~)\n"),
        ("bar<3", ""),
        ("bar", ""),
        ("bar!=1.5", ""),
    ],
)
def test_lower_bounds_are_kept_and_upper_ones_are_not(line: str, expected: str) -> None:
    assert overrides(asking(line, bar="1.9-1")) == expected


def test_a_relaxed_bound_is_none() -> None:
    relax = Relax(distribution="bar", specifier="", reason="a reason that says something")
    assert overrides(asking("bar>=9", layer=Layer(relax=(relax,)), bar="1.9-1")) == ""


def test_packages_for_accelerators_are_alternatives() -> None:
    told = replace(asking("bar>=1", "other", bar="2-1", other="1-1"), siblings=lambda name: {
        "bar": ("python3-bar-cuda", "python3-bar-rocm")}.get(name, ()))  # fmt: skip
    assert overrides(told) == ("bar python3-bar (>= 1~) | python3-bar-cuda (>= 1~) | python3-bar-rocm (>= 1~)\n")


def test_a_package_that_the_name_does_not_tell_is_named() -> None:
    told = replace(asking("bar", bar="2-1"), derived=lambda name: "python3-something-else")
    assert overrides(told) == "bar python3-bar\n"


def test_what_users_extras_ask_for_is_suggested() -> None:
    told = asking(
        "base", "fast; extra == 'speed'", "fast2>=9; extra == 'speed'", "gone; extra == 'speed'",
        "base; extra == 'speed'", "foo[speed]; extra == 'all'", "pytest; extra == 'test'", "sphinx; extra == 'docs'",
        "mypy; extra == 'dev-tools'", "old; extra == 'speed' and python_version < '3'",
        base="1-1", fast="1-1", fast2="1-1", pytest="9-1", sphinx="9-1", mypy="1-1", old="1-1", foo="1-1",
    )  # fmt: skip
    judged = judge_requirements(told.facts.base_requirements, told.lookup, told.recipe, told.marker_environment)
    assert suggests(told, judged) == ["python3-fast"]


@pytest.mark.parametrize(
    ("languages", "compiled", "expected"),
    [(("C", "Cython"), True, True), (("C",), True, False), (("Cython",), False, False)],
)
def test_what_cython_made_is_made_anew(languages: tuple[str, ...], compiled: bool, expected: bool) -> None:
    facts = replace(FACTS, compiled=("Cython (foo.pyx)",) if compiled else ())
    told = replace(
        inputs(facts, packages={"setuptools": "80-1", "cython": "3.1-1"}),
        build=BuildFacts(requires=("setuptools",), languages=languages),
    )
    assert ("\n python3-cython,\n" in made(told).files["control"]) is expected


def test_what_an_extra_asks_for_and_its_package_does_not_bring_along() -> None:
    told = asking("jwt[crypto]>=2", "jwt", jwt="2.0-1", crypto="3.5-1", old="1.0-1")

    def beyond(requirement: Requirement) -> tuple[Requirement, ...]:
        assert requirement.extras
        return tuple(map(Requirement, ("crypto>=3.4", "old>=2", "none", "jwt")))

    control = made(replace(told, beyond=beyond)).files["control"]
    depends = control.partition("\nDepends:\n")[2]
    assert " python3-crypto (>= 3.4~),\n" in depends
    assert " python3-crypto (>= 3.4~) <!nocheck>,\n" in control.partition("\nDepends:\n")[0]
    assert "python3-old" not in control
    # Who names it itself has it already, by dh_python3.
    named = asking("jwt[crypto]>=2", "crypto", jwt="2.0-1", crypto="3.5-1")
    assert "python3-crypto" not in made(replace(named, beyond=beyond)).files["control"].partition("\nDepends:\n")[2]


def test_what_a_command_asks_for_by_an_extra() -> None:
    told = asking("base", "typer>=0.16; extra == 'cli'", "gone; extra == 'cli'", base="1-1", typer="0.20-1")
    script = EntryPoint("foo", "foo.cli:app [cli]")
    files = made(replace(told, facts=replace(told.facts, scripts=(script,)))).files
    assert " python3-typer (>= 0.16~),\n" in files["control"].partition("\nDepends:\n")[2]
    assert "Suggests" not in files["control"]  # what is depended on needs no suggestion
    plain = replace(script, target="foo.cli:app")
    files = made(replace(told, facts=replace(told.facts, scripts=(plain,)))).files
    assert "python3-typer" not in files["control"].partition("\nDepends:\n")[2].partition("Suggests")[0]
