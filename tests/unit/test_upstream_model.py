from __future__ import annotations

import pytest
from packaging.specifiers import SpecifierSet

from debgen.errors import UsageError
from debgen.upstream.model import DependencyTree, Distribution, Edge, Target


def small_tree() -> DependencyTree:
    """Two that need each other, one that needs itself, and bounds from several sides."""
    return DependencyTree(
        root="app",
        requirement="app>=1",
        request=Edge(None, "app", ">=1"),
        python_version="3.14",
        architecture="amd64",
        distributions={
            "app": Distribution("app", "App", "1.5", (Edge("app", "lib", ">=2,!=2.1"), Edge("app", "app", "<2"))),
            "lib": Distribution("lib", "lib", "2.2", (Edge("lib", "app", ">=1.2"), Edge("lib", "zed"))),
            "zed": Distribution("zed", "zed", "3", (Edge("zed", "lib", "<3"),)),
        },
    )


def test_parents_in_a_cycle_and_of_one_that_needs_itself() -> None:
    tree = small_tree()
    assert tree.parents_of("app") == ("app", "lib")
    assert tree.parents_of("lib") == ("app", "zed")
    assert tree.parents_of("nobody") == ()


def test_constraints_join_every_parent_and_the_user() -> None:
    tree = small_tree()
    assert tree.constraints_on("app") == SpecifierSet(">=1,<2,>=1.2")
    assert tree.constraints_on("lib") == SpecifierSet(">=2,!=2.1,<3")
    assert tree.constraints_on("zed") == SpecifierSet()


def test_markers_are_those_of_the_target() -> None:
    environment = Target("3.14", "arm64").marker_environment()
    assert environment["platform_machine"] == "aarch64"
    assert environment["python_version"] == "3.14"
    assert environment["python_full_version"] == "3.14.0"
    assert environment["sys_platform"] == "linux"
    assert Target("3.13.5", "amd64").marker_environment()["python_full_version"] == "3.13.5"
    assert Target("3.13.5", "amd64").marker_environment()["python_version"] == "3.13"


@pytest.mark.parametrize(("python", "architecture"), [("3", "amd64"), ("3.x", "amd64"), ("3.14", "x86_64")])
def test_unknown_targets_are_refused(python: str, architecture: str) -> None:
    with pytest.raises(UsageError):
        Target(python, architecture)
