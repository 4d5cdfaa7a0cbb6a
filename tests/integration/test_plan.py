"""``debgen plan``, ``why`` and ``matrix`` as a user calls them: real suites and the real index, and made ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from clock import cpu_seconds
from test_upstream import Made

pytestmark = pytest.mark.integration

Node = dict[str, Any]
DECISIONS = ["use", "relax", "update", "package", "drop", "blocked"]
#: Small, pure Python, and not what the suite has; its release is fixed so that the test is.
SMALL = "prometheus-fastapi-instrumentator==8.1.0"


def debgen(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it with the user's own caches."""
    env = {**os.environ, "DEBGEN_IGNORE_VALID_UNTIL": "1", **environment}
    env.pop("DEBGEN_VARIANT", None)
    return subprocess.run(
        [sys.executable, "-m", "debgen", *map(str, args)], env=env, capture_output=True, text=True, check=False
    )


def good(*args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done = debgen(*args, **environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


@cache
def plan(*args: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(good("plan", *args, "--json").stdout)
    return found


def nodes(found: dict[str, Any]) -> dict[str, Node]:
    return {node["name"]: node for node in found["distributions"]}


def needed(found: dict[str, Any]) -> dict[str, Node]:
    return {name: node for name, node in nodes(found).items() if node["needed"]}


def cpu() -> dict[str, Any]:
    return plan("vllm==0.27.1", "--variant", "cpu", "--dist", "sid")


def cuda() -> dict[str, Any]:
    return plan("vllm==0.27.1", "--variant", "cuda", "--dist", "sid")


# --- every plan


def rocm() -> dict[str, Any]:
    return plan("vllm==0.27.1", "--variant", "rocm", "--dist", "sid")


def trixie() -> dict[str, Any]:
    return plan("vllm==0.8.5.post1", "--variant", "cuda", "--dist", "trixie")


@pytest.mark.parametrize("made_of", [cpu, cuda, rocm, trixie])
def test_what_holds_in_every_plan(made_of: Callable[[], dict[str, Any]]) -> None:
    found = made_of()
    assert (found["schema"], found["root"], found["architecture"]) == (2, "vllm", "amd64")
    assert found["variant"]["name"] == ("cuda" if made_of in (cuda, trixie) else made_of.__name__)
    wanted = needed(found)
    assert list(found["totals"]) == DECISIONS
    assert found["totals"] == {d: sum(n["decision"] == d for n in wanted.values()) for d in DECISIONS}
    assert len(found["distributions"]) > 140
    for name, node in wanted.items():
        assert node["reason"], name
        if node["decision"] in ("use", "relax"):
            assert node["debian"]["evidence"], name
            assert all(a["decision"] for a in node["required_by"] if a["counts"]), name
        if node["decision"] == "relax":
            assert any(a["decision"] == "relax" and a["reason"] for a in node["required_by"] if a["counts"]), name
        if node["decision"] == "blocked":
            assert any(f["blocking"] for f in node["findings"]) or node["debian"], name
        chain = node["chain"]
        if chain:
            assert (chain[0], chain[-1]) == ("vllm", name)
            for parent, child in pairwise(chain):
                assert any(a["name"] == parent for a in wanted[child]["required_by"]), chain
        elif node["decision"] != "drop":
            pytest.fail(f"{name} has no chain")
    stages = {name: number for number, stage in enumerate(found["order"]) for name in stage}
    assert stages.keys() == {n for n, node in wanted.items() if node["decision"] in ("package", "update")}
    cyclic = {name for cycle in found["cycles"] for name in cycle}
    for name, number in stages.items():
        for asked in wanted[name]["required_by"]:
            if asked["name"] in stages and not {name, asked["name"]} <= cyclic:
                assert number < stages[asked["name"]], (name, asked["name"])


# --- variants


def without_compilers(folder: Path) -> str:
    """A PATH with all that this machine's has, but for compilers of GPUs."""
    for place in [*os.environ["PATH"].split(os.pathsep), "/usr/sbin", "/sbin"]:
        for program in Path(place).glob("*"):
            link = folder / program.name
            if program.name not in ("nvcc", "hipcc") and not link.is_symlink():
                link.symlink_to(program)
    return str(folder)


def fake(folder: Path, program: str, text: str) -> str:
    folder.mkdir()
    path = folder / program
    path.write_text(f"#!/bin/sh\necho '{text}'\n")
    path.chmod(0o755)
    return str(folder)


def variant(name: str, suite: str, *folders: str) -> dict[str, Any]:
    found = good("plan", name, "--dist", suite, "--quick", "--json", PATH=os.pathsep.join(folders))
    chosen: dict[str, Any] = json.loads(found.stdout)["variant"]
    assert f"variant: {chosen['name']} ({chosen['reason']})" in found.stderr
    return chosen


def test_the_variant_is_detected_and_host_and_suite_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    bare = without_compilers(tmp_path / "bin")
    chosen = variant(SMALL, "sid", bare)
    assert (chosen["name"], chosen["reason"]) == ("cpu", "this machine has neither nvcc nor hipcc")
    assert [fact.split(";")[0] for fact in chosen["facts"]] == [
        "nvcc: on this machine none",
        "hipcc: on this machine none",
    ]
    assert all("; in sid " in fact and "build chroot" in fact for fact in chosen["facts"])

    nvcc = fake(tmp_path / "nvcc", "nvcc", "Cuda compilation tools, release 99.3, V99.3.1")
    chosen = variant(SMALL, "trixie", nvcc, bare)
    assert (chosen["name"], chosen["reason"]) == (
        "cpu",
        "this machine has nvcc 99.3, but nothing here is made for cuda",
    )
    chosen = variant("torch", "trixie", nvcc, bare)
    facts = "\n".join(chosen["facts"])
    assert (chosen["name"], chosen["reason"]) == ("cuda", "this machine has nvcc 99.3")
    assert f"nvcc: on this machine 99.3 at {nvcc}/nvcc; in trixie nvidia-cuda-toolkit 12." in facts
    assert "nvcc 99.3 of this machine is not the 12." in facts

    hipcc = fake(tmp_path / "hipcc", "hipcc", "HIP version: 7.0.51831")
    chosen = variant("vllm==0.27.1", "sid", hipcc, bare)
    assert (chosen["name"], chosen["reason"]) == ("rocm", "this machine has hipcc 7.0.51831")


def test_a_variant_that_the_suite_cannot_carry_is_not_chosen(tmp_path: Path) -> None:
    """Sid's python3-torch-cuda is of an older Python; a plan for cuda would be blocked at once."""
    nvcc = fake(tmp_path / "nvcc", "nvcc", "Cuda compilation tools, release 12.4, V12.4.131")
    done = good("plan", "vllm==0.27.1", "--dist", "sid", "--quick", PATH=f"{nvcc}{os.pathsep}{os.environ['PATH']}")
    assert "variant: cpu (this machine has nvcc 12.4, but sid can't carry cuda: python3-torch-cuda" in done.stderr


def test_a_variant_that_there_is_none_of() -> None:
    for verb in (["plan", "vllm"], ["why", "numpy"], ["matrix", "vllm"]):
        done = debgen(*verb, "--variant", "tpu-nonsense")
        assert (done.returncode, done.stdout) == (2, "")
        assert "cpu, cuda, rocm" in done.stderr


# --- vLLM on sid


def test_decisions_on_sid() -> None:
    found = nodes(cpu())
    assert found["vllm"]["decision"] == "package"
    torch = found["torch"]
    assert (torch["decision"], torch["debian"]["package"]) == ("relax", "python3-torch")
    (asked,) = (a for a in torch["required_by"] if a["name"] == "vllm" and a["kind"] == "run")
    assert asked["specifier"] == "==2.13.0"  # of requirements/cpu.txt, which names a local version besides
    assert "exact pin" in asked["reason"]
    assert found["numpy"]["decision"] == "use"
    assert found["depyf"]["decision"] == "package"
    assert found["fastapi-cli"]["decision"] == "drop"
    assert "development server" in found["fastapi-cli"]["reason"]
    assert found["llguidance"]["decision"] != "use"
    # The variant's own requirements file doesn't have it, and Debian's torch does without.
    assert found.get("triton", {"decision": "drop"})["decision"] == "drop"
    assert "flashinfer-python" not in found
    # What only satisfied packages ask for is no work.
    assert any(not node["needed"] for node in found.values())


def test_extras_that_the_suites_package_does_not_bring() -> None:
    fastapi = nodes(cpu())["fastapi"]
    assert {"standard"} in [set(a["extras"]) for a in fastapi["required_by"] if a["name"] == "vllm"]
    texts = [f["text"] for f in fastapi["findings"] if f["topic"] == "extra"]
    (standard,) = [text for text in texts if text.startswith("fastapi[standard] asks for ")]
    assert " jinja2, " in standard
    assert "python3-jinja2" in standard
    assert nodes(cpu())["jinja2"]["decision"] == "use"


def test_build_requirements_are_in_the_plan() -> None:
    found = nodes(cpu())
    builds = {a["name"] for a in found["cmake"]["required_by"] if a["kind"] == "build" and a["counts"]}
    assert "vllm" in builds
    assert any(a["kind"] == "build" for a in found["maturin"]["required_by"])
    crates = {need["name"]: need for need in found["llguidance"]["build"] if need["topic"] == "crate"}
    assert crates["pyo3"]["package"].startswith("librust-pyo3")
    libraries = [need for node in found.values() for need in node["build"] if need["topic"] == "library"]
    assert any(need["supply"] == "satisfied" and need["version"] for need in libraries)


def test_a_crate_that_cannot_be_installed_blocks_with_its_chain() -> None:
    """On this mirror librust-pyo3-dev is in sid's index, and far down its dependencies something is missing."""
    findings = [f for node in nodes(cpu()).values() for f in node["findings"] if f["topic"] == "crate"]
    chained = [f for f in findings if f["chain"]]
    assert any("librust-pyo3-dev" in finding["text"] for finding in chained)
    for finding in chained:
        assert finding["blocking"]
        assert len(finding["chain"]) > 2
        assert finding["chain"][-1] in finding["text"]


def test_cuda_on_sid_is_blocked_at_torch() -> None:
    torch = nodes(cuda())["torch"]
    assert torch["decision"] == "blocked"
    assert torch["debian"]["package"] == "python3-torch-cuda"
    found = {f["topic"]: f for f in torch["findings"]}
    assert "contrib" in found["component"]["text"]
    install = found.get("install")
    assert install is None or install["chain"][0] == "python3-torch-cuda"
    assert install or "no source distribution" in found["source"]["text"]
    assert cuda()["totals"]["blocked"] > cpu()["totals"]["blocked"]


def test_cuda_on_trixie_has_the_torch_that_an_older_release_asks_for() -> None:
    torch = nodes(trixie())["torch"]
    assert torch["decision"] == "use"
    assert (torch["debian"]["package"], torch["debian"]["component"]) == ("python3-torch-cuda", "contrib")
    assert torch["debian"]["upstream_version"].startswith("2.6.0")
    assert "contrib" in next(f["text"] for f in torch["findings"] if f["topic"] == "component")
    vllm = nodes(trixie())["vllm"]
    assert any(f["topic"] == "python" and "3.13" in f["text"] for f in vllm["findings"])


def test_the_rocm_plan_has_requirements_of_its_own() -> None:
    found = nodes(rocm())
    torch = found["torch"]
    if torch["debian"] and "rocm" in torch["debian"]["package"]:
        assert torch["decision"] in ("use", "relax", "update")
    else:
        assert torch["decision"] == "blocked"
        assert "rocm" in torch["reason"]
    of_vllm = {name for name, node in found.items() if any(a["name"] == "vllm" for a in node["required_by"])}
    of_cpu = {name for name, node in nodes(cpu()).items() if any(a["name"] == "vllm" for a in node["required_by"])}
    assert of_vllm != of_cpu
    assert not [name for name in of_vllm if name.startswith("nvidia-")]


def test_quick_leaves_sdists_and_apt_alone() -> None:
    found = plan("vllm==0.27.1", "--variant", "cpu", "--dist", "sid", "--quick")
    assert not any(node["build"] for node in found["distributions"])
    assert not any(a["kind"] == "build" for node in found["distributions"] for a in node["required_by"])
    assert not any(f["topic"] in ("crate", "install") for node in found["distributions"] for f in node["findings"])
    assert nodes(found)["llguidance"]["decision"] == "package"


# --- forms of output


def test_table_graph_page_and_saved_plan(tmp_path: Path) -> None:
    page, saved = tmp_path / "plan.html", tmp_path / "plan.json"
    done = good("plan", SMALL, "--dist", "sid", "--html", page, "--save", saved, "--dot")
    assert done.stdout.startswith("digraph ")
    assert done.stdout.rstrip().endswith("}")
    assert '"starlette"' in done.stdout
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "starlette" in text
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?(?:https?:)?//", text)
    kept = json.loads(saved.read_text())
    assert (kept["schema"], kept["requirement"]) == (2, SMALL)
    again = debgen("check", saved)
    assert again.returncode == 0, again.stderr + again.stdout
    assert "nothing has drifted" in again.stdout
    for node in kept["distributions"]:
        if node["debian"] and node["name"] == "starlette":
            node["debian"]["version"] = "0.1-1"
    saved.write_text(json.dumps(kept))
    drifted = debgen("check", saved)
    assert drifted.returncode == 19
    assert "starlette" in drifted.stdout

    table = good("plan", SMALL, "--dist", "sid").stdout
    assert "starlette" in table
    assert "\x1b" not in table
    assert not [line for line in table.splitlines() if len(line) > 180]


# --- why


@pytest.mark.parametrize("name", ["huggingface-hub", "huggingface_hub"])
def test_why_names_ways_and_the_requirement_that_decides(name: str) -> None:
    done = good("why", name, "--for", "vllm==0.27.1", "--variant", "cpu", "--dist", "sid", "--quick")
    assert done.stdout.startswith("huggingface-hub ")
    assert "  vllm → " in done.stdout
    assert done.stdout.count("← binding") == 1
    assert "known from contents" in done.stdout.lower()


def test_why_takes_the_name_of_a_debian_package_too() -> None:
    args = ("--for", "vllm==0.27.1", "--variant", "cpu", "--dist", "sid", "--quick", "--json")
    by_package, by_name = (json.loads(good("why", name, *args).stdout) for name in ("python3-click", "click"))
    assert by_package == by_name
    assert (by_name["name"], by_name["debian"]["package"]) == ("click", "python3-click")
    assert all(way[0] == "vllm" and way[-1] == "click" for way in by_name["ways"])


def test_why_of_what_is_not_in_the_plan() -> None:
    done = debgen("why", "debgen-nonsense", "--for", "vllm==0.27.1", "--variant", "cpu", "--dist", "sid", "--quick")
    assert (done.returncode, done.stdout) == (3, "")
    assert "has no debgen-nonsense" in done.stderr


# --- matrix


def test_the_matrix_names_the_best_release_with_reasons_and_is_remembered() -> None:
    args = ("matrix", "vllm", "--versions", ">=0.26,<0.29", "--variant", "cpu", "--dist", "sid")
    good(*args)
    began = cpu_seconds()
    found = json.loads(good(*args, "--json").stdout)
    assert cpu_seconds() - began < 3
    (fit,) = found["fits"]
    cells = {cell["release"]: cell for cell in fit["cells"]}
    assert {"0.26.0", "0.27.1", "0.28.0"} <= cells.keys()
    assert fit["best"]["release"] == "0.27.1"
    assert any(re.match(r"0\.28\S* is worse: \w", reason) for reason in fit["best"]["reasons"])

    def obstacles(release: str) -> int:
        return sum(len(cells[release]["names"].get(decision, {})) for decision in ("blocked", "update"))

    planned = [release for release, cell in cells.items() if not cell["problem"]]
    assert obstacles("0.27.1") == min(map(obstacles, planned))
    assert "* best fit: 0.27.1" in good(*args).stdout


def test_a_matrix_without_releases() -> None:
    assert debgen("matrix", "vllm", "--versions", ">=9999").returncode == 3
    assert debgen("matrix", "vllm", "--versions", "newest").returncode == 2


# --- made indexes


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


def on_made(made: Made, *args: str) -> subprocess.CompletedProcess[str]:
    address = f"http://127.0.0.1:{made.server.server_port}/simple/"
    return debgen("plan", *args, "--dist", "sid", "--variant", "cpu", "--index-url", address)


def test_requirements_that_contradict_one_another(made: Made) -> None:
    made.sdist("zz-app", "1.0", "Requires-Dist: zz-left", "Requires-Dist: zz-right")
    made.sdist("zz-left", "1.0", "Requires-Dist: zz-shared<2")
    made.sdist("zz-right", "1.0", "Requires-Dist: zz-shared>=2")
    made.sdist("zz-shared", "1.0")
    made.sdist("zz-shared", "2.0")
    done = on_made(made, "zz-app")
    assert (done.returncode, done.stdout) == (11, "")
    assert "Traceback" not in done.stderr
    for name in ("zz-left", "zz-right", "zz-shared<2"):
        assert name in done.stderr


def test_self_dependencies_and_cycles_are_named(made: Made) -> None:
    made.sdist("zz-app", "1.0", "Requires-Dist: zz-one", "Requires-Dist: zz-app[more]", "Provides-Extra: more")
    made.sdist("zz-one", "1.0", "Requires-Dist: zz-two")
    made.sdist("zz-two", "1.0", "Requires-Dist: zz-three")
    made.sdist("zz-three", "1.0", "Requires-Dist: zz-one")
    done = on_made(made, "zz-app", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (cycle,) = found["cycles"]
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"zz-one", "zz-two", "zz-three"}
    assert {node["decision"] for node in found["distributions"]} == {"package"}
    assert sorted(name for stage in found["order"] for name in stage) == ["zz-app", "zz-one", "zz-three", "zz-two"]
    table = on_made(made, "zz-app").stdout
    assert f"cycle, cut at its last step: {' → '.join(cycle)}" in table


def test_a_tree_of_two_thousand_ends_in_a_plan(made: Made) -> None:
    """A binary tree with ties across it, so that most have two who ask for them, and one long cycle."""
    count = 2000
    for number in range(count):
        children = {2 * number + 1, 2 * number + 2, (number * 7 + 3) % count} - {number}
        lines = [f"Requires-Dist: zz-n{child}" for child in sorted(children) if child < count]
        made.sdist(f"zz-n{number}", "1.0", *lines)
    began = cpu_seconds()
    done = on_made(made, "zz-n0", "--json")
    assert cpu_seconds() - began < 60
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["totals"]["package"] == len(found["distributions"]) == count
    assert sum(map(len, found["order"])) == count
    assert found["cycles"]
