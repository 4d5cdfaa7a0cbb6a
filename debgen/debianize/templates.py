"""The Jinja environment of debian-templates/; an undefined name is an error, never an empty string."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from debgen.data import data_directory
from debgen.errors import UsageError


class Templates:
    """Renders templates by name; the folders in ``overrides`` come before debgen's own."""

    def __init__(self, overrides: Sequence[Path] = ()) -> None:
        folders = [*overrides, data_directory("debian-templates")]
        self._environment = Environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701 - the output is Debian control data, not HTML
        )

    def render(self, name: str, **values: object) -> str:
        """Render ``name``; UsageError where a template of the user's is malformed or misses a value."""
        try:
            return self._environment.get_template(name).render(**values)
        except TemplateError as error:
            raise UsageError(f"template {name}: {error}", hint="Compare it with debgen's own template.") from None
