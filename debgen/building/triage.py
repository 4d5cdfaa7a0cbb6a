"""Why tests fail in a clean chroot: what is no fault of the package is proposed to be skipped, each with its reason.

Only what the exception itself shows counts: that the network, a device, a module or a file is missing. Everything
else is a real failure, and never proposed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from debgen.building.testlog import Failure, failures


class Cause(Enum):
    """What a test misses in a clean chroot without network."""

    NETWORK = "network"
    DEVICE = "device"
    DATA = "data"
    MODULE = "module"
    LOCALE = "locale"


@dataclass(frozen=True)
class Proposal:
    """A ``[[skip]]`` for the recipe: what, why, and the line of the log that shows it."""

    select: str
    cause: Cause
    reason: str
    evidence: str
    line: int


@dataclass(frozen=True)
class Real:
    """A failure that has to be looked at, its last exception, and what may help."""

    test: str
    evidence: str
    line: int
    hint: str = ""


@dataclass(frozen=True)
class Triage:
    """All failures of a run, sorted."""

    proposals: tuple[Proposal, ...]
    real: tuple[Real, ...]


@dataclass(frozen=True)
class Surroundings:
    """What is known of the package and its suite: it decides whether something missing is somebody's fault.

    ``files`` are the sdist's; ``locate`` turns the path of a test as it ran into the sdist's; ``package_of`` names the
    suite's package of a module, empty where it has none; ``modules`` are the package's own top-level names.
    """

    suite: str
    files: Collection[str]
    modules: Collection[str]
    locate: Callable[[str], str]
    package_of: Callable[[str], str]


_NETWORK = re.compile(
    r"gaierror|Name or service not known|Temporary failure in name resolution|No address associated with hostname"
    r"|NameResolutionError|nodename nor servname|getaddrinfo failed|Could not resolve (?:host|proxy)"
    r"|Network is unreachable|No route to host|127\.0\.0\.1:9(?!\d)|Cannot connect to proxy|Unable to connect to proxy"
    r"|\bProxyError|ClientProxyConnectionError|ClientConnectorDNSError|port=9\b.*[Pp]roxy|ERR_INTERNET_DISCONNECTED"
    r"|(?:ConnectTimeout|ReadTimeout|ConnectTimeoutError|ReadTimeoutError)\b.*https?://"
    r"|CalledProcessError: Command '?[\[(].*'pip', 'install'"
    r"|(?:[Cc]ould(?:n't| not)|[Cc]an(?:'t|not)|[Uu]nable to|[Ff]ailed to) "
    r"(?:connect to|reach|resolve|download|fetch|access).*https?://(?!localhost|127\.)"
)
_REFUSED = re.compile(r"Connection ?refused|Errno 111|ConnectError|All connection attempts failed|Max retries exceeded")
_LOOPBACK = re.compile(r"localhost|127\.0\.0\.1(?!:9\b)|\[?::1\]?|0\.0\.0\.0")
_DEVICE = re.compile(
    r"no NVIDIA driver|No NVIDIA GPU|no CUDA-capable device|not compiled with CUDA|CUDA driver (?:version|initial)"
    r"|CUDA (?:is not available|unavailable|not available|initial|error)|libcuda\.so|cudaError(?:NoDevice|Initial)"
    r"|CUDADriver|CUDA_ERROR_NO_DEVICE|No (?:CUDA|HIP|ROCm) GPUs? (?:are|is) available|HIP error|hipError|libamdhip64"
    r"|No (?:GPU|XPU|accelerator)s? (?:found|available|detected)|0 active drivers|NVML Shared Library|libnvidia-ml"
)
#: torch says so with an assertion of its own.
_TORCH = re.compile(r"AssertionError: Torch not compiled with \w+ enabled")
_MISSING = re.compile(
    r"(?:FileNotFoundError|NotADirectoryError|OSError|IOError|NoSuchFile).*?['\"](?P<path>[^'\"]+)['\"]"
)
_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named ['\"]?(?P<module>[\w.]+)")
_LOCALE = re.compile(
    r"locale\.Error|unsupported locale setting|ZoneInfoNotFoundError|No time zone found with key|UnknownTimeZoneError"
)
_FIXTURE = re.compile(r"fixture '(?P<name>\w+)' not found")
_TEMPORARY = re.compile(r"/tmp/|/pytest-of-|/pytest-\d|/dev/shm/|/var/tmp/")  # noqa: S108 - a pattern


def triage(lines: Sequence[str], around: Surroundings) -> Triage:
    """Sort the failures in a log; a file that can't be imported counts as one test."""
    proposals: dict[str, Proposal] = {}
    real: list[Real] = []
    for failure in failures(lines):
        judged = judge(failure, around)
        if isinstance(judged, Proposal):
            proposals.setdefault(judged.select, judged)
        else:
            real.append(judged)
    return Triage(tuple(proposals.values()), tuple(real))


def judge(failure: Failure, around: Surroundings) -> Proposal | Real:
    """What became of one test, by its exceptions: the one that was raised last, and those that it came from."""
    select = around.locate(failure.test)
    last = failure.said[-1] if failure.said else (0, "the log doesn't say why")
    hint = ""
    if not failure.path.endswith(".py"):
        return Real(select, last[1], last[0], "the log doesn't say which file the test is in")
    if _is_assertion(last[1]):  # what came before it may have been expected
        return Real(select, last[1], last[0])
    for line, text in reversed(failure.said):
        found = _cause(text, failure, around)
        if isinstance(found, tuple):
            cause, reason = found
            return Proposal(select, cause, reason, text, line)
        hint = hint or found
    return Real(select, last[1], last[0], hint)


def _cause(text: str, failure: Failure, around: Surroundings) -> tuple[Cause, str] | str:
    """The cause and reason that one exception shows, or a hint (empty where there is none)."""
    brief = _brief(text)
    if _is_assertion(text):
        return ""  # what a test compares may quote anything
    if _NETWORK.search(text):
        return Cause.NETWORK, f"Needs the network: {brief}"
    if _REFUSED.search(text):
        everything = " ".join(said for _, said in failure.said)
        if _NETWORK.search(everything):
            return Cause.NETWORK, f"Needs the network: {brief}"
        if _LOOPBACK.search(everything):
            return "a server on this machine does not answer; that is no matter of the network"
        return ""
    if _DEVICE.search(text):
        return Cause.DEVICE, f"Needs a GPU and its driver: {brief}"
    if _LOCALE.search(text):
        return Cause.LOCALE, f"Needs a locale or time zone that a minimal system does not have: {brief}"
    if found := _MODULE.search(text):
        return _module(found["module"], around)
    if found := _FIXTURE.fullmatch(text):
        return _fixture(found["name"], failure.path, around)
    if found := _MISSING.search(text):
        return _data(found["path"], around)
    return ""


def _is_assertion(text: str) -> bool:
    """Whether a test compared and found something else; its message may quote anything."""
    return text.startswith(("assert ", "AssertionError", "Failed: ")) and not _TORCH.fullmatch(text)


def _module(module: str, around: Surroundings) -> tuple[Cause, str] | str:
    top = module.partition(".")[0]
    if top in around.modules:
        return f"the package itself has no module {module}: is everything installed?"
    if package := around.package_of(module):
        return f"{around.suite} has {package}: add it to the recipe's test_depends"
    path = module.replace(".", "/")
    if any(
        name in (f"{path}.py", f"{path}/__init__.py") or name.endswith((f"/{path}.py", f"/{top}.py"))
        for name in around.files
    ):
        return f"the sdist has {module}, but it was not beside the tests"
    return Cause.MODULE, f"Imports {module}, which neither {around.suite} nor the sdist has"


def _fixture(name: str, test: str, around: Surroundings) -> tuple[Cause, str] | str:
    """A fixture is the sdist's fault where it has no conftest.py for the test; else a plug-in may be missing."""
    path = around.locate(test)
    folders = [path.rpartition("/")[0]]
    while folders[-1]:
        folders.append(folders[-1].rpartition("/")[0])
    if any(f"{folder}/conftest.py".lstrip("/") in around.files for folder in folders):
        return f"the fixture {name} is of a plug-in that is missing, or of another file"
    return Cause.DATA, f"Uses the fixture {name} of a conftest.py, which the sdist does not have"


def _data(path: str, around: Surroundings) -> tuple[Cause, str] | str:
    if _TEMPORARY.search(path):
        return ""
    if "/" not in path and "." not in path:
        return f"a program {path} is missing: add its package to the recipe's test_depends"
    inside = re.sub(r"^.*/(?:build|\.pybuild/[^/]+)/(?=[^/])", "", path)
    parts = [part for part in inside.split("/") if part not in ("", ".", "..")]
    tails = {"/".join(parts[start:]) for start in range(len(parts))} - {parts[-1]} if len(parts) > 1 else set(parts)
    for name in around.files:
        if any(name == tail or name.endswith(f"/{tail}") or name.startswith(f"{tail}/") for tail in tails):
            return f"the sdist has {name}, but it was not beside the tests"
    if path.startswith(("/usr/", "/etc/", "/proc/", "/sys/", "/dev/", "/bin/", "/sbin/")):
        return f"{path} is part of a package: add that to the recipe's test_depends"
    return Cause.DATA, f"Reads {'/'.join(parts[-3:])}, which the sdist does not have"


def _brief(text: str) -> str:
    """An exception in at most 90 characters, cut between words."""
    text = " ".join(re.sub(r" at 0x[0-9a-f]+", "", text).split())
    return text if len(text) <= 90 else f"{text[:88].rpartition(' ')[0] or text[:88]} …"


def snippet(proposals: Iterable[Proposal], log: str) -> str:
    """The proposals as TOML for a recipe.toml, each with the line of the log that shows it."""
    return "\n".join(
        f"# {log}:{proposal.line}: {_brief(proposal.evidence)}\n"
        "[[skip]]\n"
        f"select = {_toml(proposal.select)}\n"
        f"reason = {_toml(proposal.reason)}\n"
        for proposal in proposals
    )


def _toml(text: str) -> str:
    """A basic string of TOML, which has JSON's escapes; what JSON leaves as it is and TOML doesn't, is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
