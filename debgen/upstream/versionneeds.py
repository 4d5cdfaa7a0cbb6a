"""What the build of an sdist must be told for its version, because it would ask version control otherwise.

Tried with the tools of sid: from an unpacked sdist, every one of them takes the version from PKG-INFO. Inside a git
repository, as packages are kept in, setuptools-scm reads the tags first and takes Debian's ``debian/9.9-1`` for 9.9,
with setuptools and with scikit-build-core; hatchling and pdm-backend go by PKG-INFO there too.
"""

from __future__ import annotations

from debgen.upstream.builders import BuildFiles
from debgen.upstream.sourcetree import SourceTree
from debgen.upstream.versionorigin import version_origin

#: Back ends that read the version from PKG-INFO before they ask any tool.
_BY_METADATA = ("hatchling", "pdm", "poetry", "poetry_dynamic_versioning")


def version_environment(tree: SourceTree, files: BuildFiles, name: str) -> tuple[tuple[str, str], ...]:
    """Variables of the environment that must be set to the version in PKG-INFO, each with the reason.

    The value is upstream's version as PKG-INFO has it, not Debian's, which is written otherwise. None where the
    build finds the version by itself.
    """
    origin = version_origin(tree, files, name)
    if not origin.variables or not origin.without_tags:
        return ()
    if "PKG-INFO" not in tree:
        return ((origin.variables[0], f"{origin.method} finds neither PKG-INFO nor tags: {origin.explanation}"),)
    if origin.method == "setuptools-scm" and not files.effective_backend.startswith(_BY_METADATA):
        return (
            (
                origin.variables[0],
                "in a git repository setuptools-scm takes the version from Debian's tags, not PKG-INFO",
            ),
        )
    return ()
