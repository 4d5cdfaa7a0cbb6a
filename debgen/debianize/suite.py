"""What a suite decides about the form of a source package, read from its index; nothing is a constant of a date."""

from __future__ import annotations

import re

from debian.debian_support import Version

from debgen.archive.index import SuiteIndex
from debgen.debianize.model import SuiteFacts
from debgen.errors import UnknownSuiteError

#: uscan's Pypi template came with devscripts 2.25.21, ``Version: 5`` watch files a little before.
_WATCH_5 = "2.25.21~"
#: dpkg's default for Rules-Requires-Root became ``no`` with 1.22.13.
_IMPLIED_RULES_REQUIRES_ROOT = "1.22.13~"
#: Policy 4.7.3 made ``Priority: optional`` the default; lintian of older suites still asks for the field.
_IMPLIED_PRIORITY = "4.7.3~"
#: dh-cargo-built-using learned of Static-Built-Using with dh-cargo 31.
_STATIC_BUILT_USING = "31~"


def suite_facts(index: SuiteIndex, policy: str = "") -> SuiteFacts:
    """Read the facts; UnknownSuiteError where the suite is no complete Debian suite.

    ``policy`` is the version of policy to follow where the suite has no package of it, as testing at times.
    """

    def version(package: str) -> Version:
        found = index.version_of(package)
        if found is None:
            raise UnknownSuiteError(
                f"{index.codename} has no package {package}", hint="Choose a complete suite, such as sid."
            )
        return Version(found)

    followed = Version(policy) if policy and index.version_of("debian-policy") is None else version("debian-policy")
    debhelper = index.binary("debhelper")
    levels = re.findall(r"debhelper-compat \(= (\d+)\)", debhelper.provides if debhelper else "")
    if not levels:
        raise UnknownSuiteError(f"debhelper of {index.codename} provides no debhelper-compat", hint="Is it that old?")
    distribution, suffix = _target(index.suite, index.codename, index.version_of("base-files") or "")
    return SuiteFacts(
        codename=index.codename,
        changelog_distribution=distribution,
        version_suffix=suffix,
        compat=max(map(int, levels)),
        standards_version=".".join(str(followed).split("-")[0].split(".")[:3]),
        watch_version=5 if version("devscripts") >= Version(_WATCH_5) else 4,
        implied_rules_requires_root=version("dpkg") >= Version(_IMPLIED_RULES_REQUIRES_ROOT),
        implied_priority=followed >= Version(_IMPLIED_PRIORITY),
        python_version=index.python_version,
        architecture=index.architecture,
        static_built_using=Version(index.version_of("dh-cargo") or _STATIC_BUILT_USING) >= Version(_STATIC_BUILT_USING),
    )


def _target(suite: str, codename: str, base_files: str) -> tuple[str, str]:
    """The changelog's distribution, and the suffix of the revision.

    Uploads for testing go through unstable; into a released suite new packages come as backports, whose
    versions sort below the same revision in the next release.
    """
    if suite in ("unstable", "testing", "experimental"):
        return "experimental" if suite == "experimental" else "unstable", ""
    number = re.match(r"\d+", base_files)
    return f"{codename}-backports", f"~bpo{number[0] if number else ''}+1"
