"""Where the data files that come with debgen are: templates, recipes, sbuild configuration."""

from __future__ import annotations

from pathlib import Path

from debgen.errors import WorkspaceError


def data_directory(name: str) -> Path:
    """The folder ``name`` as it travels in the wheel, or as it stands beside the package in a checkout.

    Raises WorkspaceError where neither is there, which means a damaged installation.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise WorkspaceError(f"debgen's own {name} are missing from {package}", hint="Install debgen again.")
