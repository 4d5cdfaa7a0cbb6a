"""Which tests failed, by the words of pytest and unittest, and what may be skipped for which reason."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from debgen.building.testlog import failures, ran
from debgen.building.triage import Cause, Proposal, Real, Surroundings, judge, snippet, triage

START = "============================= test session starts =============================="
LOG = f"""\
   dh_auto_test -O--buildsystem=pybuild
{START}
platform linux -- Python 3.14.10, pytest-9.1.1, pluggy-1.6.0
collected 7 items

=================================== FAILURES ===================================
________________________________ test_download _________________________________

    def test_download():
>       fetch("https://hub.example/x")

tests/test_net.py:4:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
E       socket.gaierror: [Errno -3] Temporary failure in name resolution

The above exception was the direct cause of the following exception:

E   hub.HubError: can't reach the hub

src/hub.py:90: HubError
_____________________________ TestSums.test_sum[a - b] _____________________________

    def test_sum(self, x):
>       assert 1 == 2
E       assert 1 == 2
E        +  where URL(host=b'127.0.0.1', port=9) = <HTTPProxy>._proxy_url

tests/test_sums.py:9: AssertionError
----------------------------- Captured stderr call -----------------------------
socket.gaierror: [Errno -3] Temporary failure in name resolution
================================ ERRORS ================================
_______________________ ERROR collecting tests/test_mod.py _______________________
ImportError while importing test module '/<<PKGBUILDDIR>>/tests/test_mod.py'.
E   ModuleNotFoundError: No module named 'nowhere'
_ ERROR at setup of test_gpu _
E   RuntimeError: Found no NVIDIA driver on your system.
=========================== short test summary info ============================
FAILED tests/test_net.py::test_download - hub.HubError: can't reach the hub
FAILED tests/test_sums.py::TestSums::test_sum[a - b] - assert 1 == 2
ERROR tests/test_mod.py - ModuleNotFoundError: No module named 'nowhere'
ERROR tests/test_gpu.py::test_gpu - RuntimeError: Found no NVIDIA driver on ...
=================== 2 failed, 1 passed, 2 errors in 0.12s ====================
E: pybuild pybuild:485: test: plugin pyproject failed with: exit code=1
""".splitlines()
UNITTEST = """\
I: pybuild base:317: cd /build; python3.14 -m unittest discover -v
======================================================================
ERROR: test_fetch (tests.test_net.Fetching.test_fetch)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/build/tests/test_net.py", line 5, in test_fetch
    urlopen(URL)
urllib.error.URLError: <urlopen error [Errno 111] Connection refused to 127.0.0.1:9>

======================================================================
FAIL: test_sum (tests.test_net.Fetching) (x=1)
----------------------------------------------------------------------
Traceback (most recent call last):
AssertionError: 1 != 2

======================================================================
ERROR: tests.test_mod (unittest.loader._FailedTest.tests.test_mod)
----------------------------------------------------------------------
ImportError: Failed to import test module: tests.test_mod
Traceback (most recent call last):
ModuleNotFoundError: No module named 'nowhere'

----------------------------------------------------------------------
Ran 12 tests in 0.1s

FAILED (failures=1, errors=2)
""".splitlines()
AROUND = Surroundings(
    suite="sid",
    files=("tests/test_net.py", "tests/data/there.json", "scripts/tool.py", "examples/a/b.txt"),
    modules=("foo",),
    locate=lambda test: test.replace("built/", "src/foo/"),
    package_of={"yaml": "python3-yaml"}.get,  # type: ignore[arg-type]
)


def test_failures_of_pytest() -> None:
    found = {failure.test: failure for failure in failures(LOG)}
    assert list(found) == [
        "tests/test_net.py::test_download", "tests/test_sums.py::TestSums::test_sum[a - b]", "tests/test_mod.py",
        "tests/test_gpu.py::test_gpu",
    ]  # fmt: skip
    download = found["tests/test_net.py::test_download"]
    assert [text for _, text in download.said] == [
        "socket.gaierror: [Errno -3] Temporary failure in name resolution", "hub.HubError: can't reach the hub",
    ]  # fmt: skip
    number, text = download.said[0]
    assert text in LOG[number - 1]
    assert [text for _, text in found["tests/test_sums.py::TestSums::test_sum[a - b]"].said] == ["assert 1 == 2"]
    assert download.path == "tests/test_net.py"


def test_each_failure_once_for_all_pythons() -> None:
    assert len(failures([*LOG, *LOG])) == 4


def test_failures_of_unittest() -> None:
    found = {failure.test: [text for _, text in failure.said] for failure in failures(UNITTEST)}
    assert list(found) == [
        "tests/test_net.py::Fetching::test_fetch", "tests/test_net.py::Fetching::test_sum", "tests/test_mod.py",
    ]  # fmt: skip
    assert found["tests/test_mod.py"][-1] == "ModuleNotFoundError: No module named 'nowhere'"


def test_a_summary_without_failures() -> None:
    """Upstream's -rx keeps failures out of the summary; their reports are there all the same."""
    log = [line for line in LOG if not line.startswith(("FAILED ", "ERROR tests"))]
    assert [failure.test for failure in failures(log)] == [
        "tests/test_net.py::test_download", "tests/test_sums.py::TestSums::test_sum[a - b]", "tests/test_mod.py",
        "test_gpu",
    ]  # fmt: skip
    assert "test_gpu" in [real.test for real in triage(log, AROUND).real]  # its file isn't known: no proposal


def test_a_summary_without_details() -> None:
    log = [
        START,
        "=== short test summary info ===",
        "FAILED t.py::test_a - socket.gaierror: x",
        "=== 1 failed in 1s ===",
    ]
    (failure,) = failures(log)
    assert failure.said == ((3, "socket.gaierror: x"),)


@pytest.mark.parametrize("log", [[], ["nothing"], [START], [START, "=== 3 passed in 1s ==="]])
def test_nothing_failed(log: list[str]) -> None:
    assert failures(log) == ()


def test_whether_tests_ran() -> None:
    assert ran(LOG)
    assert ran(UNITTEST)
    assert not ran(["dh_auto_build: error: x"])


def test_only_what_the_surroundings_lack_is_proposed() -> None:
    found = triage(LOG, AROUND)
    assert [(p.select, p.cause) for p in found.proposals] == [
        ("tests/test_net.py::test_download", Cause.NETWORK), ("tests/test_mod.py", Cause.MODULE),
        ("tests/test_gpu.py::test_gpu", Cause.DEVICE),
    ]  # fmt: skip
    assert [r.test for r in found.real] == ["tests/test_sums.py::TestSums::test_sum[a - b]"]
    assert all(LOG[p.line - 1].strip("E ").startswith(p.evidence[:20]) for p in found.proposals)


def one(*said: str, test: str = "tests/test_a.py::test_a") -> Proposal | Real:
    lines = [START, "=== FAILURES ===", f"____ {test.split('::')[-1]} ____", *(f"E   {line}" for line in said),
             "=== short test summary info ===", f"FAILED {test} - x", "=== 1 failed in 1s ==="]  # fmt: skip
    (failure,) = failures(lines)
    return judge(failure, AROUND)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("requests.exceptions.ProxyError: HTTPSConnectionPool(host='x'): Max retries exceeded", Cause.NETWORK),
        ("httpx.ConnectError: [Errno -2] Name or service not known", Cause.NETWORK),
        (
            "aiohttp.client_exceptions.ClientProxyConnectionError: Cannot connect to host 127.0.0.1:9 ssl:default",
            Cause.NETWORK,
        ),
        ("OSError: We couldn't connect to 'https://hub.example' to load the files", Cause.NETWORK),
        ("urllib3.exceptions.ConnectTimeoutError: to https://x.example timed out", Cause.NETWORK),
        ("RuntimeError: No CUDA GPUs are available", Cause.DEVICE),
        ("    fixture 'api' not found", Cause.DATA),
        ("subprocess.CalledProcessError: Command '['python', '-m', 'pip', 'install', 'x']' returned 1", Cause.NETWORK),
        ("AssertionError: Torch not compiled with CUDA enabled", Cause.DEVICE),
        ("RuntimeError: CUDA error: no kernel image", Cause.DEVICE),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/b/.pybuild/x_foo/build/tests/data/absent.json'",
            Cause.DATA,
        ),
        ("ModuleNotFoundError: No module named 'nowhere.deep'", Cause.MODULE),
        ("locale.Error: unsupported locale setting", Cause.LOCALE),
        ("zoneinfo._common.ZoneInfoNotFoundError: 'No time zone found with key US/Central'", Cause.LOCALE),
        ("AssertionError: assert 'Temporary failure in name resolution' in text", None),
        ("ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 8080)", None),
        ("TimeoutError", None),
        ("Failed: DID NOT RAISE <class 'socket.gaierror'>", None),
        ("ModuleNotFoundError: No module named 'foo.missing'", None),
        ("ModuleNotFoundError: No module named 'yaml'", None),
        ("ModuleNotFoundError: No module named 'tool'", None),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'git'", None),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/tmp/pytest-of-x/a/b.txt'", None),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'examples/a/b.txt'", None),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/usr/share/dict/words'", None),
        ("ValueError: nothing of that", None),
    ],
)
def test_causes(text: str, cause: Cause | None) -> None:
    found = one(text)
    assert (found.cause if isinstance(found, Proposal) else None) is cause


def test_a_fixture_may_be_of_a_plug_in() -> None:
    around = replace(AROUND, files=("tests/conftest.py", "tests/sub/test_a.py"))
    report = ["=== FAILURES ===", "__ test_a __", "E       fixture 'api' not found"]
    lines = [
        START,
        *report,
        "=== short test summary info ===",
        "ERROR tests/sub/test_a.py::test_a",
        "=== 1 error in 1s ===",
    ]
    (failure,) = failures(lines)
    found = judge(failure, around)
    assert isinstance(found, Real)
    assert "plug-in" in found.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("ModuleNotFoundError: No module named 'yaml'", "python3-yaml"),
        ("ModuleNotFoundError: No module named 'foo.missing'", "the package itself"),
        ("ModuleNotFoundError: No module named 'tool'", "not beside the tests"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'git'", "program git"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/x/build/examples/a/b.txt'", "examples/a/b.txt"),
        ("ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 8080)", "on this machine"),
    ],
)
def test_hints_for_real_failures(text: str, hint: str) -> None:
    found = one(text)
    assert isinstance(found, Real)
    assert hint in found.hint


def test_the_exception_behind_the_last_one_counts() -> None:
    found = one("socket.gaierror: [Errno -3] Temporary failure in name resolution", "hub.HubError: no answer")
    assert isinstance(found, Proposal)
    assert found.evidence.startswith("socket.gaierror")


def test_an_assertion_after_an_exception_is_real() -> None:
    found = one("socket.gaierror: [Errno -3] Temporary failure in name resolution", "AssertionError: 1 != 2")
    assert isinstance(found, Real)


def test_names_are_those_of_the_sdist() -> None:
    found = one("socket.gaierror: x", test="built/tests/test_a.py::test_a")
    assert isinstance(found, Proposal)
    assert found.select == "src/foo/tests/test_a.py::test_a"


def test_the_snippet_is_a_recipe() -> None:
    proposals = [
        Proposal('tests/t.py::test_a["\\é]', Cause.NETWORK, 'Needs the network: "x"', "E\nvil", 7),
        Proposal("tests/u.py", Cause.DATA, "Reads a/b.txt, which the sdist does not have", "y" * 300, 9),
    ]
    text = snippet(proposals, "x.log")
    assert tomllib.loads(text) == {"skip": [{"select": p.select, "reason": p.reason} for p in proposals]}
    assert text.startswith("# x.log:7: E vil\n[[skip]]\n")
    assert max(map(len, text.splitlines())) < 120
