"""Resolution with the real uv and pipdeptree: against the real index, and against a made one that is hostile."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uv
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from debgen.errors import NetworkError, ResolutionError, UnknownDistributionError
from debgen.upstream.configuration import IndexSettings
from debgen.upstream.index import IndexClient
from debgen.upstream.metadata import MetadataReader
from debgen.upstream.model import DependencyTree, FileKind, Target
from debgen.upstream.resolve import resolve
from debgen.upstream.tree import build_tree

pytestmark = pytest.mark.integration

SID = Target("3.14", "amd64")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBGEN_CACHE", str(tmp_path / "cache"))


def check(tree: DependencyTree) -> None:
    """Every requirement is met, and everything is there because somebody asks for it."""
    reached, waiting = {tree.root}, [tree.root]
    while waiting:
        for edge in tree.distributions[waiting.pop()].edges:
            if edge.child not in reached:
                reached.add(edge.child)
                waiting.append(edge.child)
    assert reached == set(tree.distributions)
    for name, distribution in tree.distributions.items():
        assert tree.constraints_on(name).contains(distribution.version, prereleases=True)
    assert list(tree.distributions) == sorted(tree.distributions)


# --- the real index


@pytest.fixture
def client() -> IndexClient:
    return IndexClient()


def test_pins_are_those_of_uv_alone(client: IndexClient, tmp_path: Path) -> None:
    """With wheels for all of them, uv on the real index must come to the same result."""
    requirement = "huggingface-hub>=1.0"
    done = subprocess.run(
        [
            *(uv.find_uv_bin(), "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--no-build"),
            *("--python-version", "3.14", "--python-platform", "x86_64-manylinux_2_40"),
            *("--cache-dir", str(tmp_path / "uv"), "--default-index", client.settings.url),
        ],
        input=requirement,
        env={key: value for key, value in os.environ.items() if not key.startswith("UV_")},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = dict(line.split("==") for line in done.stdout.split())
    assert resolve(requirement, SID, client) == expected
    assert len(expected) > 5


def test_a_tree_with_extras(client: IndexClient) -> None:
    tree = build_tree("fastapi[standard]", SID, client)
    check(tree)
    to_uvicorn = [edge for edge in tree.edges_to("uvicorn") if edge.parent == "fastapi"]
    assert [(edge.via_extra, edge.extras) for edge in to_uvicorn] == [("standard", ("standard",))]
    assert "uvloop" in tree.distributions  # two extras deep
    assert not set(build_tree("fastapi", SID, client).distributions) & {"uvloop", "uvicorn"}
    assert build_tree("fastapi[standard]", SID, client) == tree  # from the cache


def test_markers_of_another_python_and_machine(client: IndexClient) -> None:
    assert "tomli" in resolve("build==1.2.2", Target("3.10", "arm64"), client)
    assert "tomli" not in resolve("build==1.2.2", SID, client)


def test_a_large_tree_for_a_machine_that_uv_has_no_name_for(client: IndexClient) -> None:
    tree = build_tree("vllm==0.32.0", Target("3.13", "ppc64el"), client)
    check(tree)
    assert len(tree.distributions) > 150
    assert {"transformers", "tokenizers", "huggingface-hub", "numpy"} <= tree.distributions.keys()
    assert "vllm" in tree.parents_of("transformers")


def test_constraints_bind(client: IndexClient) -> None:
    pins = resolve("huggingface-hub", SID, client, constraints=["huggingface-hub<1.5"])
    assert Version(pins["huggingface-hub"]) in SpecifierSet("<1.5")


def test_what_is_not_on_the_index(client: IndexClient) -> None:
    for requirement in ("debgen-no-such-distribution-xyz", "requests==99.99"):
        with pytest.raises(UnknownDistributionError) as caught:
            build_tree(requirement, SID, client)
        assert caught.value.hint
    with pytest.raises(ResolutionError, match="requests"):
        resolve("requests>=2.30", SID, client, constraints=["urllib3<1"])


def test_sdist_is_found_and_downloaded(client: IndexClient, tmp_path: Path) -> None:
    sdist = client.sdist_of("iniconfig", "2.0.0")
    assert sdist.filename == "iniconfig-2.0.0.tar.gz"
    path = client.download(sdist, tmp_path / sdist.filename)
    with tarfile.open(path) as archive:
        assert "iniconfig-2.0.0/PKG-INFO" in archive.getnames()
    reader = MetadataReader(client)
    wheel = next(f for f in client.files("iniconfig") if f.version == "2.0.0" and f.kind is FileKind.WHEEL)
    assert reader.read(sdist).requires_dist == reader.read(wheel).requires_dist == ()


def test_the_default_index_is_known_without_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert IndexClient().versions("iniconfig")


# --- a made index


class Made:
    """A folder that is served as an index, without range requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failing = ""
        (folder / "simple").mkdir()
        made = self

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == made.failing:
                    self.send_error(500)
                else:
                    super().do_GET()

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def client(self) -> IndexClient:
        return IndexClient(IndexSettings(f"http://127.0.0.1:{self.server.server_port}/simple/"))

    def page(self, name: str) -> Path:
        folder = self.folder / "simple" / name
        folder.mkdir(exist_ok=True)
        return folder / "index.html"

    def _add(self, name: str, filename: str, content: bytes, attributes: str) -> None:
        (self.page(name).parent / filename).write_bytes(content)
        with self.page(name).open("a") as page:
            page.write(f'<a {attributes} href="{filename}">{filename}</a>\n')

    def sdist(self, name: str, version: str, *lines: str, metadata: str = "2.2", attributes: str = "") -> None:
        trap = self.folder / "executed"
        members = {
            "PKG-INFO": core(name, version, *lines, metadata=metadata),
            "setup.py": f"open({str(trap)!r}, 'w')\nraise SystemExit(1)\n",
            "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for path, text in members.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        self._add(name, f"{name.replace('-', '_')}-{version}.tar.gz", buffer.getvalue(), attributes)

    def wheel(self, name: str, version: str, *lines: str, tag: str = "py3-none-any") -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(f"{name}-{version}.dist-info/METADATA", core(name, version, *lines))
        self._add(name, f"{name.replace('-', '_')}-{version}-{tag}.whl", buffer.getvalue(), "")


def core(name: str, version: str, *lines: str, metadata: str = "2.1") -> str:
    return "\n".join([f"Metadata-Version: {metadata}", f"Name: {name}", f"Version: {version}", *lines, "", "text"])


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "made"
    folder.mkdir()
    index = Made(folder)
    yield index
    index.server.shutdown()
    index.server.server_close()
    assert not (folder / "executed").exists(), "upstream code was executed"


def test_sdists_alone_resolve_and_run_nothing(made: Made) -> None:
    made.sdist("app", "1.0", "Requires-Dist: lib>=1", 'Requires-Dist: win; sys_platform == "win32"')
    made.sdist("lib", "1.5", metadata="1.1")
    made.sdist("lib", "2.0", "Requires-Python: >=3.99", attributes='data-requires-python="&gt;=3.99"')
    tree = build_tree("app", SID, made.client())
    check(tree)
    assert {name: item.version for name, item in tree.distributions.items()} == {"app": "1.0", "lib": "1.5"}
    assert tree.notes == ("lib 1.5: its sdist may compute more dependencies when built",)


def test_wheels_for_others_count_as_releases(made: Made) -> None:
    made.wheel("app", "1.0", "Requires-Dist: lib", tag="cp310-cp310-win_amd64")
    made.wheel("lib", "1.0", tag="cp39-cp39-macosx_11_0_arm64")
    assert resolve("app", SID, made.client()) == {"app": "1.0", "lib": "1.0"}


def test_cycles_extras_and_self_dependencies(made: Made) -> None:
    made.wheel(
        "app",
        "1.0",
        "Requires-Dist: lib[fast]",
        'Requires-Dist: app[one,two] ; extra == "all"',
        'Requires-Dist: extra-one ; extra == "one"',
        'Requires-Dist: extra-two ; extra == "two"',
        'Requires-Dist: unwanted ; extra == "three"',
        *(f"Provides-Extra: {extra}" for extra in ("all", "one", "two", "three")),
    )
    made.wheel(
        "lib", "1.0", "Requires-Dist: app", 'Requires-Dist: extra-one>=1; extra == "fast"', "Provides-Extra: fast"
    )
    for name in ("extra-one", "extra-two", "unwanted"):
        made.wheel(name, "1.0")
    tree = build_tree("app[all]", SID, made.client())
    check(tree)
    assert list(tree.distributions) == ["app", "extra-one", "extra-two", "lib"]
    assert tree.parents_of("app") == ("app", "lib")
    assert {(edge.parent, edge.via_extra) for edge in tree.edges_to("extra-one")} == {("app", "one"), ("lib", "fast")}


def test_broken_releases_are_passed_over_and_told(made: Made) -> None:
    made.wheel("app", "1.0", "Requires-Dist: lib")
    made.wheel("lib", "1.0", "Requires-Dist: not/valid at all", "Requires-Dist: %")
    made.wheel("lib", "1.1")
    (made.page("lib").parent / "lib-1.1-py3-none-any.whl").write_bytes(b"no zip")
    made.sdist("lib", "1.2", attributes='data-requires-python="rubbish"')
    (made.page("lib").parent / "lib-1.2.tar.gz").write_bytes(b"no tar")
    made.sdist("lib", "1.3", attributes='data-yanked="bad"')
    tree = build_tree("app", SID, made.client())
    assert tree.distributions["lib"].version == "1.0"
    assert [note.split(":")[0] for note in tree.notes] == [
        "lib 1.0",
        "lib 1.0",
        "lib 1.1 was passed over",
        "lib 1.2 was passed over",
    ]


def test_odd_versions(made: Made) -> None:
    made.wheel("app", "1!2.0+local.1", "Requires-Dist: lib===1.0.post1")
    made.sdist("lib", "1.0-1")
    assert resolve("app", SID, made.client()) == {"app": "1!2.0+local.1", "lib": "1.0.post1"}


def test_no_solution_and_a_missing_dependency(made: Made) -> None:
    made.wheel("app", "1.0", "Requires-Dist: lib>=2")
    made.wheel("lib", "1.0")
    with pytest.raises(ResolutionError, match=r"lib>=2|lib<=1") as caught:
        resolve("app", SID, made.client())
    assert "127.0.0.1" not in str(caught.value)
    made.wheel("other", "1.0", "Requires-Dist: nowhere")
    with pytest.raises(ResolutionError, match="nowhere"):
        resolve("other", SID, made.client())


def test_an_index_that_stops_answering(made: Made) -> None:
    made.wheel("app", "1.0", "Requires-Dist: lib")
    made.failing = "/simple/lib/"
    with pytest.raises(NetworkError, match="HTTP 500"):
        resolve("app", SID, made.client())


def test_the_users_settings_for_uv_do_not_matter(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.wheel("app", "1.0")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_BINARY", "1")
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CONSTRAINT", "/nowhere")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert resolve("app", SID, made.client()) == {"app": "1.0"}
