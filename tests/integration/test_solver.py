"""The real apt on the real suites: what can be installed, what can't and why, and what an update would break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from caches import own_cache
from clock import cpu_seconds

from debgen.archive.aptroot import AptRoot
from debgen.archive.index import SuiteIndex, open_suite
from debgen.archive.mirror import MirrorSettings, mirror_settings
from debgen.archive.relation import parse_clause
from debgen.archive.reverse import broken_by
from debgen.archive.solver import Solver
from debgen.archive.ways import Ways
from debgen.run import Completed, run

pytestmark = pytest.mark.integration


class Counting:
    """The real runner, and how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, argv: Sequence[str | Path], **options: Any) -> Completed:
        self.calls += 1
        return run(argv, **options)


@pytest.fixture(scope="module", autouse=True)
def cache() -> Iterator[Path]:
    """One cache for the module, in which no answer of apt is."""
    with own_cache("sid", "trixie") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBGEN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def settings() -> MirrorSettings:
    return mirror_settings(ignore_valid_until=True)


@pytest.fixture(scope="module")
def suites(settings: MirrorSettings) -> Iterator[dict[str, SuiteIndex]]:
    opened = {suite: open_suite(suite, settings) for suite in ("sid", "trixie")}
    yield opened
    for index in opened.values():
        index.close()


@pytest.fixture(scope="module")
def solvers(suites: dict[str, SuiteIndex], settings: MirrorSettings) -> dict[str, Solver]:
    return {suite: Solver(index, AptRoot(suite, settings)) for suite, index in suites.items()}


def names(index: SuiteIndex, pattern: str) -> list[str]:
    rows = index._database.execute("SELECT name FROM binary WHERE name GLOB ? ORDER BY name", (pattern,))
    return [row[0] for row in rows]


def apt_can(settings: MirrorSettings, suite: str, package: str) -> bool:
    """The word of ``apt-get --simulate install``, which the solver doesn't use."""
    argv = ["apt-get", "--simulate", "--no-install-recommends", "install", package]
    return run(argv, env=AptRoot(suite, settings).apt_env(), check=False).returncode == 0


def test_a_crate_that_sid_has_and_cant_install(solvers: dict[str, Solver], suites: dict[str, SuiteIndex]) -> None:
    problem = solvers["sid"].check(["librust-pyo3-dev"])["librust-pyo3-dev"]
    assert problem is not None
    assert (problem.chain[0], problem.chain[-1]) == ("librust-pyo3-dev", "librust-typed-path-0.12+default-dev")
    assert problem.chain[-2] == "librust-zip-dev"
    assert problem.text.endswith("which sid doesn't have")
    for package, needed in zip(problem.chain, problem.chain[1:-1], strict=False):
        binary = suites["sid"].binary(package)
        assert binary is not None
        reached = {entry.package for clause in parse_all(binary.depends) for entry in suites["sid"].provided(clause)}
        assert needed in reached, f"{package} doesn't depend on {needed}"


def parse_all(field: str) -> list[str]:
    return [relation.name for clause in field.split(",") for relation in parse_clause(clause.strip())]


def test_torch_for_cuda_can_be_installed_in_trixie_only(
    solvers: dict[str, Solver], suites: dict[str, SuiteIndex]
) -> None:
    problem = solvers["sid"].check(["python3-torch-cuda"])["python3-torch-cuda"]
    assert problem is not None
    assert problem.chain == ("python3-torch-cuda", "python3 (<< 3.14)")
    assert f"sid has python3 {suites['sid'].version_of('python3')}" in problem.text
    both = ["python3-torch-cuda", "nvidia-cuda-toolkit"]
    assert solvers["trixie"].check(both) == dict.fromkeys(both)
    assert solvers["trixie"].together(both) is None
    refused = solvers["sid"].together(both)
    assert refused is not None
    assert refused.chain == problem.chain


def test_two_packages_that_exclude_each_other(solvers: dict[str, Solver]) -> None:
    mail = ["exim4-daemon-light", "postfix"]
    torch = ["python3-torch", "python3-torch-cuda"]
    for pair in (mail, torch):
        assert solvers["trixie"].check(pair) == dict.fromkeys(pair)
        problem = solvers["trixie"].together(pair)
        assert problem is not None
        assert problem.chain[-1].startswith("Conflicts: ")
    assert solvers["trixie"].together(["python3-torch | python3-torch-cuda", "python3-numpy (>= 1:2)"]) is None


def test_a_hundred_packages_take_one_process_and_later_none(
    suites: dict[str, SuiteIndex], settings: MirrorSettings
) -> None:
    runner, index = Counting(), suites["trixie"]
    packages = names(index, "python3-[a-e]*")
    libraries = [name for name in packages if not name.endswith(("-dbg", "-doc", "-cuda"))][::6][:100]
    assert len(libraries) == 100
    root = AptRoot("trixie", settings)
    start = cpu_seconds()
    assert not any(Solver(index, root, run=runner).check(libraries).values())
    assert (runner.calls, cpu_seconds() - start < 3) == (1, True)
    start = cpu_seconds()
    assert not any(Solver(index, root, run=runner).check(libraries).values())
    assert (runner.calls, cpu_seconds() - start < 0.05) == (1, True)


def test_the_index_and_apt_agree_on_dead_ends(
    suites: dict[str, SuiteIndex], solvers: dict[str, Solver], settings: MirrorSettings
) -> None:
    ways = Ways(suites["sid"])
    packages = [*names(suites["sid"], "python3-*"), *names(suites["sid"], "librust-*-dev")]
    dead = [package for package in packages if ways.is_dead(package)]
    assert dead, "sid always has some"
    assert not any(apt_can(settings, "sid", package) for package in dead[:: max(1, len(dead) // 8)])
    sample = [*dead[::40], *packages[::400]]
    found = solvers["sid"].check(sample)
    assert {name for name, problem in found.items() if problem} >= set(dead[::40])
    assert all(problem.chain for problem in found.values() if problem)
    others = [name for name in packages[::400] if name not in dead]
    assert all(apt_can(settings, "sid", name) is (found[name] is None) for name in others[:6])


def test_what_an_update_breaks(suites: dict[str, SuiteIndex]) -> None:
    for index in suites.values():
        found = broken_by(index, "python3-pydantic-core", "99-1")
        assert [(entry.package, entry.field.value) for entry in found] == [("python3-pydantic", "Depends")]
        current = index.version_of("python3-pydantic-core")
        assert current is not None
        assert broken_by(index, "python3-pydantic-core", current) == ()
        assert not {"python3", "python3-minimal"} & {entry.package for entry in broken_by(index, "python3", "3.99-1")}
        assert len(broken_by(index, "python3", "3.99-1")) > 100


@pytest.mark.parametrize(
    ("kind", "name", "package"),
    [
        ("pkg_config", "zlib", "zlib1g-dev"),
        ("pkg_config", "openssl", "libssl-dev"),
        ("pkg_config", "numa", "libnuma-dev"),
        ("pkg_config", "eigen3", "libeigen3-dev"),
        ("cmake_config", "Torch", "libtorch-dev"),
        ("cmake_config", "pybind11", "pybind11-dev"),
        ("cmake_config", "Eigen3", "libeigen3-dev"),
        ("cmake_config", "nlohmann_json", "nlohmann-json3-dev"),
        ("program", "ninja", "ninja-build"),
        ("program", "nvcc", "nvidia-cuda-toolkit"),
        ("program", "cargo", "cargo"),
        ("program", "protoc", "protobuf-compiler"),
        ("link_library", "numa", "libnuma-dev"),
        ("link_library", "dl", "libc6-dev"),
        ("link_library", "jpeg", "libjpeg-dev"),
        ("link_library", "cudart", "nvidia-cuda-dev"),
    ],
)
def test_where_builds_find_things(suites: dict[str, SuiteIndex], kind: str, name: str, package: str) -> None:
    assert {index.codename: getattr(index, kind)(name)[0] for index in suites.values()} == dict.fromkeys(
        suites, package
    )
