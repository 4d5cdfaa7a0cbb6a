from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from debgen.errors import (
    DebgenError,
    NetworkError,
    ResolutionError,
    UnknownDistributionError,
    UnsupportedSourceError,
)
from debgen.run import Completed
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import CoreMetadata
from debgen.upstream.model import DependencyTree, Edge, FileKind, ReleaseFile, Target
from debgen.upstream.proxy import Memory, Releases
from debgen.upstream.resolve import resolve
from debgen.upstream.tree import assemble, build_tree
from debgen.upstream.variants import VariantSource

SID = Target("3.14", "amd64")
METADATA = {
    "app": CoreMetadata("App", "1.0", "", ("all",), ("Fast[std]>=2; python_version>'3'", 'zed; extra=="all"')),
    "fast": CoreMetadata("Fast", "2.1", "", ("std", "no"), ('zed>1; extra == "std"', 'gone; extra == "no"', "zed<9")),
    "zed": CoreMetadata("zed", "3", requires_dist=("app", "zed[x]", "%")),
}
PINS = {"app": "1.0", "fast": "2.1", "zed": "3"}


def dependency(key: str, extra: str | None = None) -> dict[str, str]:
    return {"key": key, "package_name": key, "installed_version": "1"} | ({"extra": extra} if extra else {})


#: What pipdeptree prints for the environment above; tests/integration asks the real one.
PIPDEPTREE: list[dict[str, Any]] = [
    {"package": {"key": "debgen-request"}, "dependencies": [dependency("app")]},
    {"package": {"key": "app"}, "dependencies": [dependency("fast")]},
    {"package": {"key": "fast"}, "dependencies": [dependency("zed"), dependency("zed", "std")]},
    {"package": {"key": "zed"}, "dependencies": [dependency("app"), dependency("zed")]},
]


class Programs:
    """uv and pipdeptree with given answers; keeps what they were given."""

    def __init__(self, uv: tuple[int, str, str] = (0, "", ""), tree: str = json.dumps(PIPDEPTREE)) -> None:
        self.uv = uv
        self.tree = tree
        self.calls: list[Sequence[str | Path]] = []
        self.environment: Mapping[str, str] = {}
        self.stdin: str | None = None
        self.metadata: dict[str, str] = {}
        self.constraints = ""

    def __call__(self, argv: Sequence[str | Path], *, env: Any = None, stdin: Any = None, **more: Any) -> Completed:
        words = tuple(os.fspath(word) for word in argv)
        self.calls.append(words)
        if "pipdeptree" in words:
            folder = Path(words[words.index("--path") + 1])
            self.metadata = {path.parent.name: path.read_text() for path in folder.glob("*.dist-info/METADATA")}
            return Completed(words, 0, self.tree, "")
        self.environment, self.stdin = env, stdin
        self.constraints = Path(words[words.index("--constraints") + 1]).read_text()
        return Completed(words, *self.uv)


class Client(IndexClient):
    """An index with one sdist per release; metadata comes from ``METADATA``."""

    def __init__(self, **more: Any) -> None:
        super().__init__(IndexSettings("https://x.example/simple/"), **more)

    def files(self, name: str) -> tuple[ReleaseFile, ...]:
        if name.lower() not in PINS:
            raise UnknownDistributionError(f"no {name}")
        version = PINS[name.lower()]
        return (ReleaseFile(f"{name}-{version}.tar.gz", "https://x.example/f", version, FileKind.SDIST),)


def edges(tree: DependencyTree, name: str) -> list[tuple[str, str, tuple[str, ...], str, str | None]]:
    return [(e.child, e.specifier, e.extras, e.marker, e.via_extra) for e in tree.distributions[name].edges]


def test_edges_keep_who_why_and_under_which_extra() -> None:
    programs = Programs()
    tree = assemble(Requirement("App"), SID, PINS, METADATA, run=programs)
    assert edges(tree, "app") == [("fast", ">=2", ("std",), 'python_version > "3"', None)]
    assert edges(tree, "fast") == [
        ("zed", "<9", (), "", None),
        ("zed", ">1", (), 'extra == "std"', "std"),
    ]
    assert edges(tree, "zed") == [("app", "", (), "", None), ("zed", "", ("x",), "", None)]
    assert list(tree.distributions) == ["app", "fast", "zed"]
    assert tree.distributions["app"].display_name == "App"
    assert tree.request == Edge(None, "app")
    assert tree.notes == (
        "zed 3 has no extra x, which zed asks for: it brings nothing",
        "zed 3: requirement '%' is not valid and was left out",
    )


def test_extras_that_there_are_none_of_are_told() -> None:
    found = assemble(Requirement("App[ALL,nope]"), SID, PINS, METADATA, run=Programs()).notes
    assert [note for note in found if "app" in note] == [
        "app 1.0 has no extra nope, which you ask for: it brings nothing"
    ]
    # An old release may name its extras in markers only.
    metadata = {**METADATA, "app": CoreMetadata("App", "1.0", requires_dist=METADATA["app"].requires_dist)}
    assert not any(
        "app" in note for note in assemble(Requirement("app[all]"), SID, PINS, metadata, run=Programs()).notes
    )


def test_pipdeptree_sees_requirements_of_the_target() -> None:
    programs = Programs()
    assemble(Requirement("App[all]>=1"), SID, PINS, METADATA, run=programs)
    assert 'Requires-Dist: fast[std]>=2\nRequires-Dist: zed; extra == "all"' in programs.metadata["app-1.0.dist-info"]
    assert "Requires-Dist: App[all]>=1" in programs.metadata["debgen_request-0.dist-info"]
    assert len(programs.metadata) == 4


def test_a_release_missing_among_the_pins_is_an_error() -> None:
    broken = [*PIPDEPTREE[:2], {"package": {"key": "fast"}, "dependencies": [dependency("gone", "no")]}]
    with pytest.raises(ResolutionError, match=r"lacks gone, which fast 2\.1"):
        assemble(Requirement("app"), SID, PINS, METADATA, run=Programs(tree=json.dumps(broken)))


@pytest.mark.parametrize("output", ["", "{}[", '[{"package": 1}]', '[{"package": {"key": "a"}}]'])
def test_another_pipdeptree(output: str) -> None:
    with pytest.raises(DebgenError, match="pipdeptree"):
        assemble(Requirement("app"), SID, PINS, METADATA, run=Programs(tree=output))


UV_PINS = "app[all]==1.0\nfast==2.1\n    # via app\nzed==3\n"


@pytest.fixture
def no_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Releases, "metadata", lambda self, name, version: METADATA[name])


@pytest.mark.usefixtures("no_archives")
def test_trees_are_kept_for_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    programs = Programs((0, UV_PINS, ""))

    def build(target: Target = SID, refresh: bool = False, constraints: Sequence[str] = ()) -> DependencyTree:
        return build_tree("App", target, Client(refresh=refresh), constraints=constraints, run=programs)

    first = build()
    assert "resolved App: 3 distributions in" in capsys.readouterr().err
    assert len(programs.calls) == 2
    assert build() == first
    assert len(programs.calls) == 2
    build(constraints=["zed<4"])
    build(Target("3.13", "amd64"))
    build(refresh=True)
    assert len(programs.calls) == 8
    for path in Path(os.environ["DEBGEN_CACHE"]).glob("tree/*"):
        os.utime(path, (time.time() - 4000,) * 2)
    build()
    assert len(programs.calls) == 10
    for path in Path(os.environ["DEBGEN_CACHE"]).glob("tree/*"):
        path.write_text('{"root": "app"}')
    assert build() == first


def test_what_uv_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_OVERRIDE", "/somebody/elses.txt")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    programs = Programs((0, UV_PINS, ""))
    pins = resolve("App[all] >=1", SID, Client(), constraints=["zed<4"], run=programs)
    assert pins == PINS
    words = [str(word) for word in programs.calls[0]]
    assert words[0] == "env"
    assert {"--unset=UV_OVERRIDE", "--unset=UV_EXCLUDE_NEWER"} <= set(words)
    assert {"--no-build", "--no-config"} <= set(words)
    assert words[words.index("--python-version") + 1] == "3.14"
    assert words[words.index("--default-index") + 1].startswith("http://127.0.0.1:")
    assert programs.environment["NO_PROXY"] == "127.0.0.1"
    assert (programs.stdin, programs.constraints) == ("App[all]>=1\n", "zed<4\n")


NO_SOLUTION = """  \u00d7 No solution found when resolving dependencies:
  \u2570\u2500\u25b6 Because app==1.0 depends on fast>=3 and only fast<=2.1 is available, we can conclude that
      app cannot be used.
"""


def test_uv_finds_no_solution() -> None:
    with pytest.raises(ResolutionError) as caught:
        resolve("app", SID, Client(), run=Programs((1, "", NO_SOLUTION + "x\n" * 100)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "nothing satisfies app for Python 3.14 on amd64:"
    assert lines[1].startswith("Because app==1.0 depends on fast>=3")
    assert lines[-1] == "… and 77 lines more"


def test_uv_fails_otherwise() -> None:
    with pytest.raises(NetworkError, match="something broke"):
        resolve("app", SID, Client(), run=Programs((2, "", "error: something broke\n")))


def test_the_cause_behind_uv_is_what_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    releases = Releases(Client(), SID)
    releases.failure = NetworkError("no route")
    with pytest.raises(NetworkError, match="no route"):
        resolve("app", SID, Client(), releases=releases, run=Programs((2, "", "error: HTTP 500\n")))


def test_what_the_index_does_not_have_is_said_before_uv_runs() -> None:
    programs = Programs()
    for requirement in ("nothing", "app>2", "app==1.1"):
        with pytest.raises(UnknownDistributionError):
            resolve(requirement, SID, Client(), run=programs)
    assert programs.calls == []


@pytest.mark.usefixtures("no_archives")
def test_another_variant_is_another_tree() -> None:
    programs = Programs((0, UV_PINS, ""))

    def build(source: VariantSource | None) -> None:
        build_tree("App", SID, Client(), variant=source, run=programs)

    build(None)
    build(VariantSource("rocm"))  # which no recipe describes: the published requirements
    assert len(programs.calls) == 2
    build(VariantSource("rocm", {"app": ("rocm.txt",)}))
    build(VariantSource("cpu", {"app": ("rocm.txt",)}))
    build(VariantSource("cpu", {"app": ("cpu.txt",)}))
    build(VariantSource("cpu", {"app": ("cpu.txt",)}))
    assert len(programs.calls) == 8


@pytest.mark.usefixtures("no_archives")
@pytest.mark.parametrize("constraints", [(), ("zed<3",)])
def test_what_contradicts_is_remembered_where_debgen_itself_has_asked(constraints: Sequence[str]) -> None:
    programs = Programs((1, "", NO_SOLUTION))
    for _ in range(2):
        with pytest.raises(ResolutionError, match="nothing satisfies App") as caught:
            build_tree("App", SID, Client(), constraints=constraints, run=programs)
        assert caught.value.hint
    assert len(programs.calls) == (1 if constraints else 2)
    with pytest.raises(ResolutionError):
        build_tree("App", SID, Client(refresh=True), constraints=constraints, run=programs)
    assert len(programs.calls) == (2 if constraints else 3)


def test_what_is_wrong_with_the_very_release_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def metadata(self: Releases, name: str, version: str) -> CoreMetadata:
        raise UnsupportedSourceError(f"{name} {version} has no rocm.txt")

    monkeypatch.setattr(Releases, "metadata", metadata)
    programs = Programs((0, UV_PINS, ""))
    for requirement in ("App==1.0", "App[all]==1.0"):
        with pytest.raises(UnsupportedSourceError, match=r"app 1\.0 has no rocm.txt"):
            build_tree(requirement, SID, Client(), run=programs)
    assert programs.calls == []  # uv would say only that it can't be used


@pytest.mark.usefixtures("no_archives")
def test_quiet_trees_say_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    programs = Programs((0, UV_PINS, ""))
    for _ in range(2):
        build_tree("App", SID, Client(), quiet=True, memory=Memory(), run=programs)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("no_archives")
def test_a_tree_keeps_its_sdists_and_the_remarks_of_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noted(Programs):
        def __call__(self, argv: Sequence[str | Path], **more: Any) -> Completed:
            noted[-1].notes.append("fast 3 was passed over: malformed")
            return super().__call__(argv, **more)

    noted: list[Releases] = []
    real = Releases.__init__

    def init(self: Releases, *args: Any, **more: Any) -> None:
        real(self, *args, **more)
        noted.append(self)

    monkeypatch.setattr(Releases, "__init__", init)
    first = build_tree("App", SID, Client(), run=Noted((0, UV_PINS, "")))
    assert first.notes.count("fast 3 was passed over: malformed") == 1
    sdist = first.distributions["fast"].sdist
    assert sdist
    assert sdist.filename == "fast-2.1.tar.gz"
    assert build_tree("App", SID, Client(), run=Noted((0, UV_PINS, ""))) == first
