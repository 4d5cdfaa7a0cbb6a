"""Generate and build Debian source packages for a Python project and its dependency tree."""

from importlib.metadata import version

__version__ = version("debgen")
