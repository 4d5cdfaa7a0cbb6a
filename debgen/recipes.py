"""Recipes: what no rule can know about one distribution, each line with its reason.

A recipe is ``recipes/<normalised name>/recipe.toml``, with ``patches/`` (``patches/<suite>/`` for one suite) and
``debian/`` beside it. An absent or empty one is valid. ``[suite.<codename>]`` and ``[variant.<name>]`` tables hold the
same keys and are laid over the rest, in this order: lists are joined, an entry for the same thing replaces the earlier
one, single values are replaced.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from debgen.data import data_directory
from debgen.errors import RecipeError

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
DistributionName = Annotated[str, AfterValidator(lambda name: str(canonicalize_name(name)))]


def _specifier(text: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(f"{text!r} is not a PEP 440 specifier") from None
    return text


Specifier = Annotated[str, AfterValidator(_specifier)]

#: One Debian relation with alternatives and, in tests, the words that autopkgtest replaces (policy 7.1).
_RELATION = re.compile(
    r"(?:@(?:builddeps@|recommends@)?|\$\{[\w:-]+\}|[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?)"
    r"(?: \((?:<<|<=|=|>=|>>) [^\s()]+\))?(?: \[[^\]]+\])?(?: <[^>]+>)*"
)


def _relation(text: str) -> str:
    if not all(_RELATION.fullmatch(part.strip()) for part in text.split("|")):
        raise ValueError(f"{text!r} is not a Debian relation, such as 'git' or 'python3-foo (>= 1.2)'")
    return text


Relation = Annotated[str, AfterValidator(_relation)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_VariantName = Literal["cpu", "cuda", "rocm"]
#: The variants that a plan can be for.
VARIANTS: tuple[str, ...] = get_args(_VariantName)


class Relax(_Strict):
    """Loosen upstream's bound on a run-time requirement to ``specifier`` (empty: any version)."""

    distribution: DistributionName
    specifier: Specifier
    reason: Reason


class Drop(_Strict):
    """Remove a run-time requirement that upstream lists but the package works without.

    ``distribution`` may be a pattern, such as ``nvidia-*``. With ``if_lacking`` it is kept where the suite meets it.
    """

    distribution: DistributionName
    if_lacking: bool = False
    reason: Reason


class Skip(_Strict):
    """A test that can't run in a clean chroot: a file, or ``file::test`` as pytest names it."""

    select: str
    reason: Reason


class Lacks(_Strict):
    """What upstream's wheel has and the package does without: a path in the wheel, or a pattern of several."""

    path: str
    reason: Reason


class Unbuilt(_Strict):
    """A Cargo.toml of the sdist that the Debian build leaves out, or a pattern of several."""

    manifest: str
    reason: Reason


class Without(_Strict):
    """A crate that the Debian build does without: its optional dependency, and the features that need it, are off.

    Where upstream's code names the crate all the same, a patch of the recipe has to change that.
    """

    crate: str
    reason: Reason


class Vendor(_Strict):
    """A crate that no package of the suite has, shipped as a component tarball with the sources.

    It is taken from the folder ``path`` of the sdist of ``source``, a distribution with its version.
    """

    crate: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    source: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[^=,\s]+$")]
    path: Annotated[str, StringConstraints(pattern=r"^[^/].*$")] = "."
    reason: Reason


class Package(_Strict):
    """A Debian relation that no rule finds, such as ``git``."""

    relation: Relation
    reason: Reason


class Variable(_Strict):
    """An environment variable that the tests need."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    value: Annotated[str, StringConstraints(pattern=r"^[^\n]*$")]
    reason: Reason


class Autopkgtest(_Strict):
    """A test of the installed package: a script in ``debian/tests/`` of the recipe."""

    name: str
    depends: tuple[Relation, ...] = ("@",)
    restrictions: tuple[str, ...] = ()
    reason: Reason


class Description(_Strict):
    """The text of the binary package's Description, where upstream's own can't serve."""

    synopsis: Annotated[str, StringConstraints(min_length=5, max_length=79)]
    text: Annotated[str, StringConstraints(min_length=20)]
    reason: Reason


class Holder(_Strict):
    """Who holds the copyright of the whole, where no file of the sdist says it: ``2025 Example Ltd``."""

    holder: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, pattern=r"^[^\n]+$")]
    reason: Reason


class Requirements(_Strict):
    """The files of the sdist that list the run-time requirements of a variant: the first of ``files`` that it has."""

    files: tuple[Annotated[str, StringConstraints(pattern=r"^[^/].*$")], ...] = Field(min_length=1)
    reason: Reason


class Layer(_Strict):
    """All keys of a recipe that may differ by suite and variant."""

    relax: tuple[Relax, ...] = ()
    drop: tuple[Drop, ...] = ()
    skip: tuple[Skip, ...] = ()
    lacks: tuple[Lacks, ...] = ()
    unbuilt: tuple[Unbuilt, ...] = ()
    without: tuple[Without, ...] = ()
    vendor: tuple[Vendor, ...] = ()
    build_depends: tuple[Package, ...] = ()
    test_depends: tuple[Package, ...] = ()
    test_environment: tuple[Variable, ...] = ()
    depends: tuple[Package, ...] = ()
    recommends: tuple[Package, ...] = ()
    suggests: tuple[Package, ...] = ()
    autopkgtest: tuple[Autopkgtest, ...] = ()
    description: Description | None = None
    requirements: Requirements | None = None
    copyright: Holder | None = None

    def drop_of(self, distribution: str) -> Drop | None:
        """The entry that drops ``distribution`` (its normalised name); one of that very name before patterns."""
        found = [d for d in self.drop if fnmatchcase(distribution, d.distribution)]
        return next((d for d in found if d.distribution == distribution), found[0] if found else None)

    def relax_of(self, distribution: str) -> Relax | None:
        """The entry that relaxes the bounds on ``distribution``."""
        return next((r for r in self.relax if r.distribution == distribution), None)


class _File(Layer):
    suite: dict[str, Layer] = Field(default_factory=dict)
    variant: dict[_VariantName, Layer] = Field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """The effective recipe of one distribution for one suite and variant, and where its files are."""

    name: str
    suite: str
    layer: Layer
    directory: Path | None

    def debian_files(self) -> Mapping[str, Path]:
        """The files of ``debian/`` that replace or join the generated ones, by path, sorted."""
        return self._below("debian")

    def patches(self) -> Mapping[str, Path]:
        """The patches by file name, sorted: ``patches/*.patch`` for all suites, ``patches/<suite>/`` for one."""
        found = {**self._below("patches", deep=False), **self._below(f"patches/{self.suite}", deep=False)}
        return {name: found[name] for name in sorted(found) if name.endswith(".patch")}

    def _below(self, folder: str, *, deep: bool = True) -> Mapping[str, Path]:
        if self.directory is None or not (root := self.directory / folder).is_dir():
            return {}
        paths = sorted(root.rglob("*") if deep else root.iterdir())
        return {p.relative_to(root).as_posix(): p for p in paths if p.is_file() and not p.name.startswith(".")}


def load_recipe(name: str, suite: str, *, variant: str = "cpu", directories: Iterable[Path] = ()) -> Recipe:
    """The recipe of distribution ``name`` for the codename ``suite``; an empty one where there is none.

    ``directories`` are searched first, then the recipes that come with debgen. Raises RecipeError with the
    file, the key and, for an unknown key, the nearest known one.
    """
    normalised = str(canonicalize_name(name))
    for root in (*directories, data_directory("recipes")):
        folder = root / normalised
        if folder.is_dir():
            return parse_recipe(normalised, suite, folder, variant=variant)
    return Recipe(normalised, suite, Layer(), None)


def requirement_files(suite: str, variant: str, *, directories: Iterable[Path] = ()) -> Mapping[str, tuple[str, ...]]:
    """By distribution, the files that list the requirements of ``variant``: from every recipe that names some.

    It reads all recipes, so that a broken one is found before any work is done. RecipeError for that, for one of
    ``directories`` that can't be read, and for a folder that no distribution's name leads to.
    """
    found: dict[str, tuple[str, ...]] = {}
    for root in (*directories, data_directory("recipes")):
        for folder in _folders(root):
            if folder.name not in found:
                requirements = parse_recipe(folder.name, suite, folder, variant=variant).layer.requirements
                found[folder.name] = requirements.files if requirements else ()
    return {name: found[name] for name in sorted(found) if found[name]}


def _folders(root: Path) -> list[Path]:
    """The folders of recipes in ``root``, sorted; hidden ones, such as .git, are none."""
    try:
        folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise RecipeError(
            f"the recipes in {root} can't be read: {error.strerror}",
            hint="Give --recipes a folder that has one folder for each recipe, named like its distribution.",
        ) from None
    for folder in folders:
        if folder.name != (normal := str(canonicalize_name(folder.name))):
            raise RecipeError(
                f"{folder} is not named like a distribution, in its normal form", hint=f"Rename it to {normal}."
            )
    return folders


def parse_recipe(name: str, suite: str, folder: Path, *, variant: str = "cpu") -> Recipe:
    """Read and validate ``folder/recipe.toml``."""
    path = folder / "recipe.toml"
    try:
        text = path.read_text(encoding="utf-8")
        parsed = _File.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise RecipeError(
            f"{folder} has no recipe.toml", hint="Write one (it may be empty), or remove the folder."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path} can't be read: {error}", hint="Mend the file's TOML syntax.") from None
    except ValidationError as error:
        raise RecipeError(
            f"{path} is not a valid recipe:\n{_explain(error)}", hint="Mend the keys named above."
        ) from None
    layer = Layer.model_validate(parsed.model_dump(exclude={"suite", "variant"}))
    known = cast(_VariantName, variant)
    for over in (parsed.suite.get(suite), parsed.variant.get(known)):
        layer = _merge(layer, over) if over is not None else layer
    recipe = Recipe(name, suite, layer, folder)
    scripts = recipe.debian_files()
    for test in recipe.layer.autopkgtest:
        if f"tests/{test.name}" not in scripts:
            raise RecipeError(
                f"{path}: autopkgtest {test.name!r} has no script",
                hint=f"Add {folder / 'debian' / 'tests' / test.name}, or remove the entry.",
            )
    return recipe


def _merge(base: Layer, over: Layer) -> Layer:
    """Lay one layer over another: an entry replaces the one that names the same thing, else is added."""
    values: dict[str, Any] = {}
    for field in Layer.model_fields:
        below, above = getattr(base, field), getattr(over, field)
        if isinstance(below, tuple):
            merged = {_subject(entry): entry for entry in (*below, *above)}
            values[field] = tuple(merged.values())
        else:
            values[field] = above if above is not None else below
    return Layer.model_construct(**values)


def _subject(entry: BaseModel) -> str:
    """What an entry is about: the value of its first field (each entry type names its subject first)."""
    return str(getattr(entry, next(iter(type(entry).model_fields))))


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        where = [part for part in problem["loc"] if isinstance(part, str)]
        if problem["type"] == "extra_forbidden":
            known = _known_keys(where[:-1])
            near = difflib.get_close_matches(where[-1], known, 1)
            help_text = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
            lines.append(f"  {'.'.join(where)}: unknown key; {help_text}")
        elif where[:1] == ["variant"] and where[-1] == "[key]":
            lines.append(f"  {'.'.join(where[:-1])}: there is no such variant; known: {', '.join(VARIANTS)}")
        else:
            lines.append(f"  {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}")
    return "\n".join(lines)


def _known_keys(path: list[str]) -> list[str]:
    """The keys that are allowed in the table at ``path`` (names only, list positions left out)."""
    model: type[BaseModel] = _File
    steps = list(path)
    while steps:
        step = steps.pop(0)
        if model is _File and step in ("suite", "variant"):
            model = Layer
            steps = steps[1:]  # the suite's or variant's own name
            continue
        field = model.model_fields.get(step)
        if field is None:
            return []
        candidates = [a for a in (field.annotation, *get_args(field.annotation)) if isinstance(a, type)]
        model = next((c for c in candidates if issubclass(c, BaseModel)), Layer)
    return list(model.model_fields)
