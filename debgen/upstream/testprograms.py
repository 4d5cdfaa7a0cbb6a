"""The programs that tests call by name, as their texts say: what a build has to have besides modules."""

from __future__ import annotations

import re

#: ``os.popen("ps …")``, ``subprocess.run(["git", …])``, ``Popen('ps', …)``, also where a test has a script in a string.
_CALL = re.compile(
    r"\b(?:popen|Popen|run|call|check_call|check_output|getoutput|getstatusoutput|os\.system|"
    r"create_subprocess_exec|create_subprocess_shell)\(\s*[\[(]?\s*[bf]?[\"']{1,3}(?P<word>[a-z][a-z0-9+._-]{0,30})"
    r"(?=[\"' ])"
)
#: What can't work in a build, or is there by other means.
_LEFT_OUT = frozenset(
    {"docker", "podman", "sudo", "su", "systemctl", "apt", "apt-get", "pip", "pip3", "uv", "python", "python3",
     "pytest", "tox", "nox", "coverage", "conda", "brew", "nvidia-smi"}
)  # fmt: skip

#: ``which("Xvfb")``, and a command line that is put together before it is called: ``self.cmd = ["Xvfb", …]``.
_SOUGHT = re.compile(
    r"(?:\b(?:which|find_executable)\(\s*|\b\w*(?:cmd|command|argv)\w*(?:\s*:[^=\n]{1,40})?\s*=\s*\[\s*)"
    r"[\"'](?P<word>[A-Za-z][A-Za-z0-9+._-]{2,30})[\"']"
)


def programs_wrapped(name: str, text: str) -> frozenset[str]:
    """The programs that a source file starts or looks for and that its distribution is named after.

    What wraps a program has tests that start it, whether or not they name it.

    >>> programs_wrapped("xvfbwrapper", 'self.cmd = ["Xvfb", display]; which("xauth")')
    frozenset({'Xvfb'})
    """
    found = programs_called(text) | {match["word"] for match in _SOUGHT.finditer(text)}
    joined = re.sub(r"[-_.]", "", name.lower())
    return frozenset(p for p in found - _LEFT_OUT if len(p) > 2 and re.sub(r"[-_.]", "", p.lower()) in joined)


def programs_called(text: str) -> frozenset[str]:
    """The names of programs that a test's source calls; a path or a variable says nothing.

    >>> sorted(programs_called('os.popen("ps -x"); subprocess.run(["git", "init"]); run([sys.executable])'))
    ['git', 'ps']
    """
    return frozenset(match["word"] for match in _CALL.finditer(text)) - _LEFT_OUT
