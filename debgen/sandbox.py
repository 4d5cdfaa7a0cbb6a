"""Running a trusted tool over an untrusted tree, with nothing else within its reach.

bubblewrap gives it the system's programs read-only, the one folder, no network, no home, no other process. The
tools (licensecheck, debmake) only read upstream's files; the fence is for the day one of them has a hole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from debgen.run import Completed, Runner

#: Parts of /etc without which Perl and Python programs of Debian don't start.
_ETC = ("alternatives", "perl", "python3", "ld.so.cache", "debian_version")


def run_sandboxed(argv: Sequence[str], folder: Path, run: Runner) -> Completed:
    """Run ``argv`` in ``folder``, which it sees as /source and may write; both streams are captured.

    Raises MissingToolError without bubblewrap, CommandError where the program fails.
    """
    with tempfile.TemporaryDirectory(prefix="debgen-") as scratch:
        # Programs look their own user up; the host's list of users is none of their business.
        passwd = Path(scratch) / "passwd"
        passwd.write_text("root:x:0:0:root:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n")
        links = [p for p in (Path("/bin"), Path("/sbin"), Path("/lib"), Path("/lib64")) if p.is_symlink()]
        return run(
            [
                "bwrap", "--unshare-all", "--die-with-parent", "--new-session",
                "--uid", "0", "--gid", "0", "--cap-drop", "ALL",
                "--ro-bind", "/usr", "/usr",
                *[word for p in links for word in ("--symlink", str(p.readlink()), str(p))],
                *[w for n in _ETC if (p := Path("/etc") / n).exists() for w in ("--ro-bind", str(p), str(p))],
                "--ro-bind", str(passwd), "/etc/passwd",
                "--dev", "/dev", "--tmpfs", "/tmp",  # noqa: S108 - the sandbox's own
                "--bind", str(folder), "/source", "--chdir", "/source",
                "--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp",  # noqa: S108
                "--setenv", "LC_ALL", "C.UTF-8",
                *argv,
            ]
        )  # fmt: skip
