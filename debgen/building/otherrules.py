"""The wording of tools in failures where nothing is missing that a package has, and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

#: Finds errors in lines: the line that shows one, and what to do about it.
Rule = Callable[[Sequence[str]], Iterator[tuple[str, str]]]

_NETWORK = re.compile(
    r".*(?:Temporary failure in name resolution|Name or service not known|Could not resolve host|Network is unreachable"
    r"|NameResolutionError|getaddrinfo failed|Failed to clone repository|could not find git for (?:clone|fetch) of"
    r"|failed to lookup address information|127\.0\.0\.1:9\b"
    r"|CalledProcessError: Command \[.*'pip', 'install').*"
)
#: pybuild sends all that is asked over HTTP to a port where nobody listens.
_REFUSED = re.compile(r"(?:E\s+)?urllib\.error\.URLError: .*Connection refused.*|(?:E\s+)?[\w.]*ProxyError: .*")
_DISK = re.compile(r".*(?:No space left on device|Disk quota exceeded).*")
_MEMORY = re.compile(
    r".*(?:cc1(?:plus)?: out of memory|virtual memory exhausted|Cannot allocate memory|std::bad_alloc|memory exhausted"
    r"|Killed signal terminated program \w+|signal: 9, SIGKILL|LLVM ERROR: out of memory)\b.*"
    r"|(?:E\s+)?MemoryError.*|Killed"
)
_CRASH = re.compile(r"(?:Fatal Python error: )?(?:Segmentation fault|Aborted|Bus error|Illegal instruction).*")
_COMPILER = re.compile(r"(?P<place>[^\s:]+:\d+(?::\d+)?): (?:fatal )?error: (?P<said>.*)")
_CYTHON = re.compile(r"(?P<place>\S+\.p(?:yx|xd|y):\d+:\d+): (?P<said>.+)")
_UNDEFINED = re.compile(r".*undefined reference to [`'‘](?P<symbol>[^'’]+)['’].*")
_INSTALL = re.compile(r"dh_\w+: warning: (?P<package>\S+) missing files: (?P<file>.+)")
_STAT = re.compile(
    r"(?:cp|mv|ln|install|chmod|cat): (?:cannot \w+(?: \w+)* )?['‘]?(?P<file>[^'’\s]+?)['’]?: No such file or directory"
)
_LEFT = re.compile(r"dh_missing: warning: (?P<file>\S+) exists in (?P<folder>\S+) but is not installed to anywhere.*")
_NO_TESTS = re.compile(r"=+ no tests ran in .*|NO TESTS RAN.*|collected 0 items")
_PATCH = re.compile(r"dpkg-source: (?:error|info): .*patch.*|Hunk #\d+ FAILED at .*|\d+ out of \d+ hunks? FAILED.*")
_PYBUILD = re.compile(r".*(?:pybuild-plugin-pyproject|plugin pyproject.*not (?:available|found|installed)).*")
_FLAT = re.compile(r".*Multiple top-level (?:packages|modules) discovered in a flat-layout.*")
_VERSION = re.compile(
    r".*(?:setuptools-scm was unable to detect version|unable to detect version for|VersionNotFound).*"
)

_Says = Callable[["re.Match[str]"], str]
#: In the order in which they tell more; the first line of each kind counts.
_SIMPLE: tuple[tuple[re.Pattern[str], _Says], ...] = (
    (_DISK, lambda found: "The disk is full where the chroot is unpacked: free some space, or set TMPDIR to "
     "a larger one."),
    (
        _MEMORY,
        lambda found: "The memory wasn't enough: build with fewer jobs at once (--jobs 1), or on a machine with more.",
    ),
    (
        _NETWORK,
        lambda found: "It wants the network, which no build has: skip the test that does ([[skip]] in the recipe; "
        "--triage proposes which), build-depend on the package that has what it fetches, or patch the download out.",
    ),
    (
        _REFUSED,
        lambda found: "It asks somebody over HTTP, and no build has a network: skip the test that does ([[skip]] in "
        "the recipe; --triage proposes which), or let it ask a server of its own without a proxy.",
    ),
    (_CRASH, lambda found: "A program crashed: the log says which, above its last line."),
    (_VERSION, lambda found: "The version can't be read from git, which the source package lacks: set "
     "SETUPTOOLS_SCM_PRETEND_VERSION in debian/rules, or see that the sdist has PKG-INFO."),
    (_FLAT, lambda found: "setuptools finds several folders that may be the package: name the one in pyproject.toml by "
     "a patch."),
    (_PATCH, lambda found: "A patch doesn't apply to this release: refresh it, or drop it where upstream has it now."),
    (_PYBUILD, lambda found: "Build-Depends lacks pybuild-plugin-pyproject."),
    (_UNDEFINED, lambda found: f"Nothing that is linked has {found['symbol']}: the library with it isn't named with "
     "-l, or is of another release than its headers say."),
    (
        _COMPILER,
        lambda found: f"{found['place']} can't be compiled with the suite's compiler and headers ({found['said']}): "
        "look for upstream's fix, and add it to the recipe's patches/.",
    ),
    (_NO_TESTS, lambda found: "No test was found: the sdist may have none, or they are elsewhere than looked for."),
)  # fmt: skip


def _simple(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for pattern, says in _SIMPLE:
        for line in lines:
            if found := pattern.fullmatch(line.strip()):
                if pattern is _COMPILER and "No such file or directory" in line:
                    continue  # a header, which is told apart
                yield line.strip(), says(found)
                break


def _files(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What debhelper misses at installation."""
    for line in lines:
        if found := _INSTALL.fullmatch(line.strip()):
            yield (
                line.strip(),
                (
                    f"debian/{found['package']}.install names {found['file']}, which the build didn't make: "
                    "is it made under another name, or left out? Mend the file in the recipe's debian/."
                ),
            )
        elif found := _STAT.fullmatch(line.strip()):
            yield (
                line.strip(),
                f"debian/rules uses {found['file']}, which isn't there: mend it in the recipe's debian/.",
            )
        elif found := _LEFT.fullmatch(line.strip()):
            yield (
                line.strip(),
                (
                    f"The build installed {found['file']} into {found['folder']}, and no package takes it: name it in "
                    "a .install file or in debian/not-installed."
                ),
            )


OTHERS: tuple[Rule, ...] = (_files, _simple)
