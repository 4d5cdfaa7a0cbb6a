"""Checking what a workshop made: the surroundings that the checks look at, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from debgen.building.checked import Checked
from debgen.building.contents import Need
from debgen.checks.all import check_all
from debgen.checks.subject import Subject, Upstream
from debgen.upstream.wheel import best_wheel
from debgen.workshop import Made, Workshop


def checked(made: Made, shop: Workshop, wanted: Sequence[str], say: Callable[[str], None]) -> tuple[Checked, ...]:
    """Make the ``wanted`` checks of a package beside what was built before; errors are those of :func:`check_all`."""
    if not wanted:
        return ()
    link, bench = made.link, shop.bench_beside(made.needs)
    layer = bench.layer(link.name, shop.settings.variant or "cpu")
    upstream = Upstream(
        bench.client,
        best_wheel(bench.client.files(link.name), link.version, bench.target),
        layer.lacks,
        Need(
            bench.target.marker_environment(), bench.lookup, lambda asked: bool(layer.drop_of(asked)),
            bench.pydist.packages,
        ),
    )  # fmt: skip
    borrowed = shop.borrowed(made.result.dsc)
    with shop.seeing(made.needs) as source:
        subject = Subject(
            made.result, made.written.tree, shop.store, bench.index, upstream=upstream, source=source,
            local=shop.debs_of(made.needs), itp=shop.settings_for(link).itp is not None,
            distribution=made.written.package.distribution, inputs=shop.inputs(link, made.needs),
            borrowed=borrowed, seen=bench.packages if borrowed else None,
        )  # fmt: skip

        def tell(text: str) -> None:
            say(text.removeprefix(f"{subject.stem}: "))

        return check_all(subject, wanted, kept=made.result.changes.parent / "checks", say=tell)
