"""A folder of results as ``debgen build`` leaves it, small and made by hand, for the tests of the dossier."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from debgen.debianize.provenance import Origin, Provenance, Skipped, Why
from debgen.overlays import write_debian, write_state

CONTROL = """\
Source: foo
Section: python
Build-Depends:
 debhelper-compat (= 14),
 git <!nocheck>,
 python3-bar <!nocheck>,

Package: python3-foo
Architecture: all
Description: a foo
 It is a foo.
"""
RULES = """\
#!/usr/bin/make -f

export PYBUILD_NAME = foo
# Asks the network
export PYBUILD_TEST_ARGS = --deselect=tests/test_a.py::test_net

%:
\tdh $@ --buildsystem=pybuild
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 A. Author
License: Expat

Files: src/vendored.py
Copyright: 2010 B. Other
License: ISC

Files: debian/*
Copyright: 2026 T <t@example.org>
License: Expat

License: Expat
 Permission is hereby granted.

License: ISC
 Permission to use.
"""
PATCH = """\
Description: Relax the bound on bar
 It works with both.
Author: T <t@example.org>
Forwarded: not-needed
---
--- a/pyproject.toml
+++ b/pyproject.toml
@@ -1,2 +1,2 @@
-x = ["bar>=2"]
+x = ["bar>=1"]
 y = 1
"""
FILES = {
    "changelog": "foo (1.0-1) unstable; urgency=medium\n\n  * Initial release.\n\n"
    " -- T <t@example.org>  Thu, 29 Oct 2026 15:30:12 +0000\n",
    "control": CONTROL,
    "copyright": COPYRIGHT,
    "patches/relax-bar.patch": PATCH,
    "patches/series": "relax-bar.patch\n",
    "rules": RULES,
    "source/format": "3.0 (quilt)\n",
    "tests/control": "Test-Command: pybuild-autopkgtest\nDepends:\n @builddeps@,\n",
    "watch": "Version: 5\n\nTemplate: Pypi\nDist: foo\n",
}
UPSTREAM = {"LICENSE": "Permission is hereby granted.\n", "src/foo.py": "A = 1\n", "src/vendored.py": "B = 2\n"}
TOLD = Provenance(
    reasons=(
        Why("control", 1, 1, "the distribution's name (Python Policy 4.3.1)", Origin.RULE),
        Why("control", 5, 5, "the tests of credentials call git", Origin.RECIPE),
        Why("control", 6, 6, "pyproject.toml:9 asks for bar>=2", Origin.FACT),
        Why("control", 10, 11, "made by rules from upstream's summary", Origin.FACT),
        Why("rules", 3, 3, "the package's name", Origin.RULE),
        Why("rules", 5, 5, "asks the network", Origin.RECIPE),
        Why("copyright", 3, 5, "LICENSE is Expat", Origin.FACT),
        Why("copyright", 7, 9, "licensecheck finds ISC in src/vendored.py", Origin.FACT),
        Why("patches/relax-bar.patch", 1, 11, "the recipe relaxes this", Origin.RECIPE),
    ),
    skipped=(Skipped("--deselect=tests/test_a.py::test_net", "asks the network", Origin.RECIPE),),
    tests="upstream's tests in tests, by pytest (pyproject.toml:12)",
    notes=("the archive has foo 0.9-1; this is its next upload",),
    human=("debian/control: the Description was made by rules; read it",),
    sdist="foo-1.0.tar.gz",
)
LOG = """\
   dh_auto_test -O--buildsystem=pybuild
I: pybuild base:383: cd /<<PKGBUILDDIR>>/.pybuild/cpython3_3.15_foo/build; python3.15 -m pytest tests
============================= test session starts ==============================
platform linux -- Python 3.15.2, pytest-9.1.1, pluggy-1.6.0
================= 7 passed, 2 skipped, 1 deselected in 5.29s ==================
I: pybuild base:383: cd /<<PKGBUILDDIR>>/.pybuild/cpython3_3.14_foo/build; python3.14 -m pytest tests
platform linux -- Python 3.14.1, pytest-9.1.1, pluggy-1.6.0
================= 6 passed, 3 skipped in 4.86s ==================
dpkg-source: warning: extracting unsigned source package (foo_1.0-1.dsc)
dpkg-shlibdeps: warning: diversions involved - output may be incorrect
src/foo.c:3:1: warning: 'x' may be used uninitialized [-Wmaybe-uninitialized]
src/foo.c:9:1: warning: 'y' is deprecated [-Wdeprecated-declarations]
Build-Time: 156
Install-Time: 37
Package-Time: 207
Status: successful
Finished at 2026-11-21T22:25:54Z
"""


def packed(files: Mapping[str, str | bytes], top: str = "") -> bytes:
    """A tarball, the same bytes for the same files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
            info = tarfile.TarInfo(f"{top}{name}")
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def deb(files: Mapping[str, str], control: str = "Package: python3-foo\nVersion: 1.0-1\nArchitecture: all\n") -> bytes:
    """A binary package (deb(5))."""
    found = b"!<arch>\n"
    for name, data in (
        ("debian-binary", b"2.0\n"),
        ("control.tar", packed({"./control": control})),
        ("data.tar", packed(files, "./")),
    ):
        found += f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        found += b"\n" if len(data) % 2 else b""
    return found


def check(name: str, verdict: str = "pass", summary: str = "fine", **more: Any) -> dict[str, Any]:
    """One check of a summary."""
    return {"name": name, "verdict": verdict, "summary": summary, "findings": [], "log": None, "seconds": 2.0,
            "details": {}, **more}  # fmt: skip


def make(
    out: Path,
    *,
    files: Mapping[str, str] = FILES,
    told: Provenance | None = TOLD,
    upstream: Mapping[str, str] = UPSTREAM,
    checks: tuple[dict[str, Any], ...] = (check("lintian"), check("install", summary="installs")),
    built: bool = True,
    log: str = LOG,
    shipped: Mapping[str, str] | None = None,
) -> Path:
    """Write the results of foo 1.0 for sid into ``out`` and return their folder."""
    folder = out / "sid" / "foo-1.0"
    source, result = folder / "source", folder / "result"
    tree = source / "foo-1.0"
    for name, text in upstream.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    write_debian(tree / "debian", files, {"rules"})
    write_state(source, files, told)
    orig = packed(upstream, "foo-1.0/")
    (source / "foo_1.0.orig.tar.gz").write_bytes(orig)
    (source / "foo_1.0-1.debian.tar.xz").write_bytes(packed(files, "debian/"))
    dsc = f"Source: foo\nChecksums-Sha256:\n {hashlib.sha256(orig).hexdigest()} {len(orig)} foo_1.0.orig.tar.gz\n"
    (source / "foo_1.0-1.dsc").write_text(dsc)
    if built:
        result.mkdir()
        (result / "foo_1.0-1.dsc").write_text(dsc)
        (result / "foo_1.0-1_amd64.build.log").write_text(log, encoding="utf-8", errors="surrogateescape")
        (result / "python3-foo_1.0-1_all.deb").write_bytes(
            deb(shipped or {"usr/lib/python3/dist-packages/foo.py": "A"})
        )
        summary = {
            "schema": 2, "name": "foo", "source": "foo", "version": "1.0-1", "upstream_version": "1.0", "suite": "sid",
            "good": all(c["verdict"] != "fail" for c in checks), "inputs": "0",
            "debs": ["/elsewhere/result/python3-foo_1.0-1_all.deb"], "changes": "/elsewhere/foo.changes",
            "source_tree": str(tree), "orig": {"state": "new", "archive": None, "sha256": None, "text": "none"},
            "log": "/elsewhere/foo_1.0-1_amd64.build.log", "checks": list(checks), "needs": ["bar"], "itp": False,
            "seconds": 99.0,
        }  # fmt: skip
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


HOSTILE = (
    "<script>window.pwned=1</script>",
    "</code></pre></style><img src=x onerror=window.pwned=1>",
    '" onmouseover=window.pwned=1 autofocus x="',
    "{{ 7 * 7 }}{% raw %} a`<b>`c``",
    "\u202ereversed\u200b\x1b]0;title\x07\x1b[31mred\x00\x85\u2028next",
)


def make_hostile(out: Path) -> Path:
    """Results in which every text of upstream's, of tools and of recipes tries to be something else."""
    text = " ".join(HOSTILE)
    inline = text.replace("\n", " ")
    files = {
        **FILES,
        "control": CONTROL.replace("a foo", inline.replace("\x85", "").replace("\u2028", "")),
        "rules": f"{RULES}# {inline} caf\udce9\n",
        "<img src=x>.1": f"{inline}\n",
        "patches/relax-bar.patch": PATCH.replace("It works", inline.replace("\x85", "").replace("\u2028", "")),
    }
    told = replace(
        TOLD,
        reasons=tuple(replace(why, cause=f"{why.cause} {text}") for why in TOLD.reasons),
        skipped=(Skipped(text, text, Origin.RECIPE),),
        tests=text, notes=(text,), human=(text,), disagreements=(text,), sdist=text,
    )  # fmt: skip
    checks = tuple(
        check(name, "warn", text, findings=[text], details={"tags": [
            {"severity": "info", "package": text, "tag": text, "detail": text}
        ]})
        for name in ("lintian", "debdiff", "install", text)
    )  # fmt: skip
    shipped = {f"usr/lib/{inline.replace(chr(0), '')}": "A"}
    log = f"W: {text}\n{LOG}{text}\n"
    return make(out, files=files, told=told, checks=checks, log=log, shipped=shipped,
                upstream={**UPSTREAM, "src/<script>.py": text.replace("\x00", "")})  # fmt: skip
