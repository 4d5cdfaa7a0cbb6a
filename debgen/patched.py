"""The texts of upstream's files after the patches of a recipe, which stand before those that are generated."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from debgen.recipes import Recipe
from debgen.run import Runner, run
from debgen.upstream.buildmodel import BuildFacts
from debgen.upstream.cargopublish import MANIFEST
from debgen.upstream.vendored import FOLDER

_NAMED = re.compile(r"^(?:---|\+\+\+) [^/\t\n]+/([^\t\n]+)", re.MULTILINE)
_COMMAND = ("patch", "--strip=1", "--batch", "--forward", "--unified", "--fuzz=0", "--no-backup-if-mismatch")


def patched_texts(recipe: Recipe, tree: Path, texts: Mapping[str, str], run: Runner = run) -> dict[str, str]:
    """``texts`` of files in ``tree``, by path, with the changes that the recipe's patches make to them.

    Of a patch that doesn't apply, the texts stay as they are: building the source package says what is wrong.
    """
    result = dict(texts)
    with tempfile.TemporaryDirectory(prefix="debgen-patched-") as scratch:
        work = Path(scratch)
        for file in recipe.patches().values():
            named = [path for path in _NAMED.findall(file.read_text("utf-8")) if ".." not in path.split("/")]
            for path in named:
                if (tree / path).is_file() and not (work / path).exists():
                    (work / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(tree / path, work / path)
            if result.keys() & set(named):
                _apply(file, work, run)
        for path in result.keys() & {found.relative_to(work).as_posix() for found in work.rglob("*")}:
            if result[path] and (work / path).is_file():
                result[path] = (work / path).read_text("utf-8", "replace")
    return result


def _apply(patch: Path, work: Path, run: Runner) -> None:
    """Change the files in ``work``, all of those that the patch names or none."""
    argv = [*_COMMAND, "--reject-file=-", f"--input={patch.resolve()}"]
    if run([*argv, "--dry-run"], cwd=work, env={"LC_ALL": "C"}, check=False).returncode == 0:
        run(argv, cwd=work, env={"LC_ALL": "C"})


def with_cargo_texts(build: BuildFacts, texts: Mapping[str, str]) -> BuildFacts:
    """The facts of a build with the manifests of Cargo as ``texts`` have them, those of vendored crates included."""
    cargo = build.cargo
    changed = {
        path: text
        for path, text in texts.items()
        if path.rpartition("/")[2] == MANIFEST and (path in cargo.texts or path.startswith(f"{FOLDER}/"))
    }
    return replace(build, cargo=replace(cargo, texts={**cargo.texts, **changed}))
