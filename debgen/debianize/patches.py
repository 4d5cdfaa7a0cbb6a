"""debian/patches: the recipe's, then those that a rule makes, each with its reason (DEP-3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from debgen.debianize import fetch_patch, flit_patch, pyo3_patch, symbols_patch
from debgen.debianize.cargo_build import maturin_patches
from debgen.debianize.cargo_patch import CargoPlan, cargo_plan
from debgen.debianize.fixmes import Fixmes
from debgen.debianize.metadata_patch import Change, apply_change, dep3_patch, quilt_patch, quilt_patches
from debgen.debianize.model import Inputs
from debgen.debianize.requirements import Judged

#: The fields of DEP-3 that stand below the author's.
_AFTER_AUTHOR = re.compile(r"(?:Bug\S*|Forwarded|Reviewed-by|Acked-by|Last-Update|Applied-Upstream):|$")


@dataclass(frozen=True)
class Patches:
    """The ``files`` below debian/patches, by their paths in debian/.

    ``left_out`` are the distributions that no patch could drop from upstream's metadata, ``notes`` are for the human,
    ``cargo`` says how a source with parts in Rust is built.
    """

    files: dict[str, str]
    left_out: tuple[str, ...]
    notes: tuple[str, ...]
    cargo: CargoPlan = field(default_factory=CargoPlan)


def patches(inputs: Inputs, judged: Judged, *, compiled: bool, tested: bool, fixmes: Fixmes) -> Patches:
    """All patches and their series; what can't be patched is asked in ``fixmes``.

    ``tested`` says whether upstream's tests run in the build. The texts of ``inputs`` are those after the recipe's
    patches.
    """
    return _Series(inputs, judged, compiled, tested, fixmes).write()


def signed(patch: str, author: str) -> str:
    """A recipe's patch with ``author`` in its header, where that names neither author nor origin (DEP-3).

    Recipes come without: who uploads the package answers for its patches.
    """
    head, mark, diff = patch.partition("\n---")
    if not mark or re.search(r"^(?:Author|From|Origin):", head, re.MULTILINE):
        return patch
    lines = head.split("\n")
    place = next((n for n, line in enumerate(lines) if _AFTER_AUTHOR.match(line)), len(lines))
    return "\n".join((*lines[:place], f"Author: {author}", *lines[place:])) + mark + diff


@dataclass
class _Series:
    inputs: Inputs
    judged: Judged
    compiled: bool
    tested: bool
    fixmes: Fixmes
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = self.inputs.recipe.patches()
        self.author = str(self.inputs.identity)
        self.files = {f"patches/{name}": signed(file.read_text("utf-8"), self.author) for name, file in own.items()}
        self.texts = dict(self.inputs.texts)
        self.date = f"{self.inputs.date:%Y-%m-%d}"

    def write(self) -> Patches:
        self._flit()
        self._downloads()
        if self.compiled:
            self._symbols()
        self._requirements()
        cargo = self._cargo()
        self._pyo3()
        if self.files:
            self.files["patches/series"] = "".join(f"{path.removeprefix('patches/')}\n" for path in self.files)
        return Patches(self.files, tuple(self.left_out), tuple(self.notes), cargo)

    def _add(self, name: str, path: str, new: str, title: str, reason: str) -> None:
        self.files[f"patches/{name}.patch"] = quilt_patch(
            path, self.texts[path], new, (title, reason), self.author, self.date
        )
        self.texts[path] = new

    def _flit(self) -> None:
        path = "pyproject.toml"
        flit = self.inputs.lookup("flit-core")
        if flit is None or not flit_patch.flit_needs_patch(self.texts.get(path, ""), flit.upstream_version):
            return
        if new := flit_patch.standard_tables(self.texts[path]):
            title = "Use the standard table for the metadata"
            self._add("standard-metadata", path, new, title, flit_patch.REASON)
            return
        self.fixmes.add("debian/patches", f"{path} has tables that flit_core {flit.upstream_version} can't read")

    def _downloads(self) -> None:
        for path, text in self.inputs.texts.items():
            new, names = fetch_patch.without_downloads(text, path, self.inputs.has)
            if names:
                title = f"Build with the {', '.join(names)} of the source"
                self._add(f"bundled-{names[0]}", path, new, title, fetch_patch.REASON)

    def _symbols(self) -> None:
        path = "setup.py"
        new = symbols_patch.with_symbols(self.texts.get(path, ""))
        if path in self.texts and new != self.texts[path]:
            self._add("debugging-symbols", path, new, "Keep the debugging symbols", symbols_patch.REASON)

    def _cargo(self) -> CargoPlan:
        """What of Cargo's files can't stay for the crates of the suite."""
        plan = cargo_plan(self.inputs, self.texts, tested=self.tested)
        made = [*plan.patches]
        for patch in made:
            self.texts |= {path: new for path, (_, new) in patch.changes.items()}
        if self.inputs.build.cargo.manifests:
            made += maturin_patches(self.texts)
        for patch in made:
            told = (patch.title, patch.reason)
            self.files[f"patches/{patch.name}.patch"] = quilt_patches(patch.changes, told, self.author, self.date)
            self.texts |= {path: new for path, (_, new) in patch.changes.items()}
        self.notes += plan.notes
        return plan

    def _pyo3(self) -> None:
        if pyo3_patch.lacks_alias(self.inputs.crates) and (changed := pyo3_patch.changes(self.texts)):
            told = (pyo3_patch.TITLE, pyo3_patch.REASON)
            self.files["patches/pyo3-object.patch"] = quilt_patches(changed, told, self.author, self.date)
            self.texts |= {path: new for path, (_, new) in changed.items()}

    def _requirements(self) -> None:
        """One patch for each requirement relaxed or dropped."""
        changes = [
            *(Change(str(canonicalize_name(r.name)), x.specifier, x.reason) for r, x in self.judged.relaxed),
            *(Change(str(canonicalize_name(r.name)), None, x.reason) for r, x in self.judged.dropped),
        ]
        for change in changes:
            changed = apply_change(self.texts, change)
            if changed is None:
                if change.specifier is None:
                    self.left_out.append(change.distribution)
                self.notes.append(
                    f"the requirement on {change.distribution} was not found in upstream's build files, so the "
                    f"installed metadata keeps it; the package's Depends don't: {change.reason}"
                )
                continue
            path, new = changed
            verb = "relax" if change.specifier is not None else "drop"
            patch = dep3_patch(path, self.texts[path], new, change, self.author, self.date)
            self.files[f"patches/{verb}-{change.distribution}.patch"] = patch
            self.texts[path] = new
