"""pytest's plug-ins that tests use without importing them: what shows that one is in use, and what is not for tests.

A plug-in works by being installed. Its fixtures, marks, options and settings in upstream's tests tell that it is
needed, declared or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from debgen.upstream.testfacts import TestFacts


@dataclass(frozen=True)
class Plugin:
    """What a plug-in brings: fixtures, marks, options (as they begin) and settings."""

    fixtures: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


#: By distribution. Only what is the plug-in's own word; what several bring is no evidence.
PLUGINS: Mapping[str, Plugin] = {
    "pytest-mock": Plugin(("mocker", "class_mocker", "module_mocker", "package_mocker", "session_mocker")),
    "pytest-asyncio": Plugin(
        ("unused_tcp_port", "unused_tcp_port_factory", "event_loop_policy"),
        ("asyncio",),
        ("--asyncio-mode",),
        ("asyncio_mode", "asyncio_default_fixture_loop_scope", "asyncio_default_test_loop_scope"),
    ),
    "anyio": Plugin(marks=("anyio",), fixtures=("anyio_backend",), settings=("anyio_mode",)),
    "pytest-trio": Plugin(("nursery", "autojump_clock"), ("trio",), (), ("trio_mode",)),
    "pytest-httpbin": Plugin(("httpbin", "httpbin_secure", "httpbin_both", "httpbin_ca_bundle")),
    "pytest-httpserver": Plugin(("httpserver", "httpserver_listen_address", "make_httpserver")),
    "pytest-localserver": Plugin(("httpsserver", "smtpserver")),
    "pytest-httpx": Plugin(("httpx_mock",), ("httpx_mock",)),
    "requests-mock": Plugin(("requests_mock",)),
    "responses": Plugin(),
    "respx": Plugin(("respx_mock",), ("respx",)),
    "pytest-benchmark": Plugin(("benchmark", "benchmark_weave"), ("benchmark",), ("--benchmark",)),
    "pytest-codspeed": Plugin((), (), ("--codspeed",)),
    "syrupy": Plugin(("snapshot",)),
    "inline-snapshot": Plugin((), (), ("--inline-snapshot",)),
    "pytest-regressions": Plugin(("data_regression", "file_regression", "num_regression", "image_regression")),
    "pytest-datadir": Plugin(("datadir", "shared_datadir", "lazy_datadir", "original_datadir")),
    "pytest-subtests": Plugin(("subtests",)),
    "pytest-subprocess": Plugin(("fp", "fake_process")),
    "pytest-timeout": Plugin((), ("timeout",), ("--timeout",), ("timeout", "timeout_method", "timeout_func_only")),
    "pytest-env": Plugin((), (), (), ("env",)),
    "pytest-freezer": Plugin(("freezer",)),
    "time-machine": Plugin(("time_machine",)),
    "pyfakefs": Plugin(("fs", "fs_class", "fs_module", "fs_session")),
    "pytest-django": Plugin(
        ("django_db_setup", "django_user_model", "admin_client", "live_server", "django_assert_num_queries"),
        ("django_db",),
        ("--ds", "--reuse-db", "--no-migrations", "--nomigrations"),
        ("django_settings_module", "DJANGO_SETTINGS_MODULE", "django_find_project"),
    ),
    "pytest-flask": Plugin(("live_server", "client_class"), ("options",)),
    "pytest-aiohttp": Plugin(("aiohttp_client", "aiohttp_server", "aiohttp_raw_server", "aiohttp_unused_port")),
    "pytest-tornado": Plugin(("http_server", "io_loop", "http_client"), ("gen_test",)),
    "pytest-tornasync": Plugin(("http_server_client", "http_server_port")),
    "pytest-jupyter": Plugin(("jp_fetch", "jp_serverapp", "jp_environ")),
    "pytest-twisted": Plugin((), ("inlineCallbacks",), ("--reactor",)),
    "pytest-qt": Plugin(("qtbot", "qapp", "qtmodeltester"), (), (), ("qt_api",)),
    "pytest-xvfb": Plugin((), ("no_xvfb",), ("--no-xvfb",)),
    "pytest-mpl": Plugin((), ("mpl_image_compare",), ("--mpl",)),
    "pytest-vcr": Plugin(("vcr_cassette", "vcr_cassette_dir"), (), ("--vcr-record",)),
    "pytest-recording": Plugin(("vcr_config",), ("block_network",), ("--record-mode", "--block-network")),
    "pytest-socket": Plugin(
        ("socket_enabled", "socket_disabled"), ("enable_socket", "disable_socket"),
        ("--disable-socket", "--allow-hosts", "--allow-unix-socket"),
    ),
    "pytest-order": Plugin((), ("order",)),
    "pytest-dependency": Plugin((), ("dependency",)),
    "pytest-cases": Plugin((), (), ()),
    "pytest-lazy-fixture": Plugin((), ("lazy_fixture",)),
    "pytest-lazy-fixtures": Plugin(),
    "pytest-repeat": Plugin((), ("repeat",), ("--count",)),
    "pytest-rerunfailures": Plugin((), ("flaky",), ("--reruns", "--only-rerun")),
    "pytest-forked": Plugin((), ("forked",), ("--forked", "--boxed")),
    "pytest-console-scripts": Plugin(("script_runner",), ("script_launch_mode",)),
    "pytest-shell": Plugin(),
    "pytest-remotedata": Plugin((), ("remote_data",), ("--remote-data",), ("remote_data_strict",)),
    "pytest-doctestplus": Plugin((), (), ("--doctest-plus", "--doctest-rst", "--doctest-glob-plus"),
                                 ("doctest_plus", "text_file_format", "doctest_subpackage_requires")),
    "pytest-arraydiff": Plugin((), ("array_compare",), ("--arraydiff",)),
    "pytest-filter-subpackage": Plugin((), (), ("--package",)),
    "pytest-postgresql": Plugin(("postgresql", "postgresql_proc"), (), ("--postgresql",)),
    "pytest-redis": Plugin(("redisdb", "redis_proc"), (), ("--redis",)),
    "pytest-docker": Plugin(("docker_services", "docker_ip", "docker_compose_file"), (), ("--container-scope",)),
    "pytest-click": Plugin(("isolated_cli_runner",)),
    "pytest-bdd": Plugin((), (), ("--gherkin",), ("bdd_features_base_dir",)),
    "pytest-homeassistant-custom-component": Plugin(("hass",)),
    "pytest-unordered": Plugin(),
    "pytest-test-groups": Plugin((), (), ("--test-group",)),
    "pytest-reraise": Plugin(("reraise",)),
    "pytest-golden": Plugin(("golden",), ("golden_test",)),
    "pytest-mypy-plugins": Plugin((), (), ("--mypy-testing-base", "--mypy-ini-file", "--mypy-same-process")),
    "hypothesis": Plugin((), (), ("--hypothesis",)),
}  # fmt: skip

_TOOLS = """
autoflake autopep8 bandit basedpyright black build bump-my-version bump2version bumpversion check-manifest codacy-
coverage codecov codespell commitizen coverage coveralls diff-cover doc8 flake8 flake8-bugbear furo hatch
interrogate invoke ipdb ipython isort mkdocs mkdocs-material mutmut mypy nox pip pip-audit pip-tools poetry pre-
commit pycodestyle pydocstyle pyflakes pylint pyre-check pyright pytest-accept pytest-azurepipelines pytest-black
pytest-cache pytest-checkdocs pytest-clarity pytest-codecov pytest-codspeed pytest-cov pytest-cover pytest-coverage
pytest-custom-exit-code pytest-durations pytest-emoji pytest-enabler pytest-examples pytest-fail-slow pytest-flake8
pytest-flakes pytest-github-actions-annotate-failures pytest-html pytest-icdiff pytest-ignore-flaky pytest-instafail
pytest-isort pytest-json-report pytest-markdown-docs pytest-mccabe pytest-md pytest-memray pytest-metadata pytest-
monitor pytest-mypy pytest-nunit pytest-parallel pytest-pep8 pytest-perf pytest-picked pytest-pretty pytest-
profiling pytest-pycodestyle pytest-pydocstyle pytest-pylint pytest-pyright pytest-random pytest-random-order
pytest-randomly pytest-reportlog pytest-retry pytest-reverse pytest-rich pytest-ruff pytest-runner pytest-spec
pytest-split pytest-sugar pytest-tap pytest-testmon pytest-timestamper pytest-tldr pytest-travis-fold pytest-watch
pytest-watcher pytest-xdist pytest-xprocess pytype radon ruff safety snowballstemmer sphinx sphinx-rtd-theme
towncrier tox tox-gh-actions tox-uv twine uv vulture wheel yapf zest-releaser
"""
#: Tools that judge the source, measure it, print it nicely or spread the tests, but don't make them pass.
NOT_FOR_TESTS = frozenset(_TOOLS.split())

#: What begins options of tools that NOT_FOR_TESTS names, and of what only stops, colours or reports a run.
CI_OPTIONS: Mapping[str, str] = {
    "--cov": "coverage", "--no-cov": "coverage",
    "-n": "spreading", "--numprocesses": "spreading", "--dist": "spreading", "--maxprocesses": "spreading",
    "--tx": "spreading", "--max-worker-restart": "spreading", "--loadscope": "spreading",
    "--reruns": "repeating", "--only-rerun": "repeating", "--rerun-except": "repeating",
    "--html": "reports", "--self-contained-html": "reports", "--junit": "reports", "--report-log": "reports",
    "--json-report": "reports", "--nunit-xml": "reports", "--excelreport": "reports", "--md": "reports",
    "--timeout": "time limits", "--durations-min": "",
    "--flake8": "linters", "--flakes": "linters", "--pep8": "linters", "--pycodestyle": "linters",
    "--pydocstyle": "linters", "--pylint": "linters", "--mypy": "type checks", "--black": "linters",
    "--isort": "linters", "--ruff": "linters", "--codespell": "linters", "--checkdocs": "linters",
    "--typeguard-packages": "type checks", "--beartype-packages": "type checks", "--jaxtyping-packages": "type checks",
    "--memray": "profiles", "--profile": "profiles", "--codspeed": "profiles",
    "--random-order": "random order", "--randomly": "random order", "-p randomly": "random order",
    "--pdb": "debugging", "--pdbcls": "debugging", "--trace": "debugging", "--sw": "debugging",
    "--lf": "debugging", "--last-failed": "debugging", "--ff": "debugging", "--failed-first": "debugging",
    "--nf": "debugging", "--new-first": "debugging", "--stepwise": "debugging",
    "-x": "stopping early", "--exitfirst": "stopping early", "--maxfail": "stopping early",
    "--strict-config": "checks of the settings", "--strict-warnings": "warnings as errors",
    "--emoji": "looks", "--testmon": "spreading", "--splits": "spreading", "--group": "spreading",
    "-v": "", "-vv": "", "-vvv": "", "--verbose": "", "-q": "", "-qq": "", "--quiet": "", "--color": "", "--tb": "",
    "-r": "", "--durations": "", "--code-highlight": "", "--no-header": "", "--no-summary": "", "-l": "",
    "--showlocals": "", "--show-capture": "", "--full-trace": "", "--verbosity": "", "--diff-symbols": "",
    "--diff-width": "", "--diff-type": "", "--diff": "", "--capture": "", "-s": "",
    "--log-cli": "", "--setup-show": "",
}  # fmt: skip

#: Options of pytest itself that decide which tests run and how, and whether the next word belongs to them.
CORE_OPTIONS: Mapping[str, bool] = {
    "-k": True, "-m": True, "-p": True, "-c": True, "-o": True, "-W": True, "--override-ini": True,
    "--pythonwarnings": True, "--import-mode": True, "--ignore": True, "--ignore-glob": True, "--deselect": True,
    "--rootdir": True, "--confcutdir": True, "--basetemp": True, "--doctest-glob": True, "--doctest-report": True,
    "--doctest-modules": False, "--doctest-ignore-import-errors": False, "--doctest-continue-on-failure": False,
    "--strict-markers": False, "--strict": False, "--pyargs": False, "--noconftest": False, "--keep-duplicates": False,
    "--collect-in-virtualenv": False, "--continue-on-collection-errors": False, "--runxfail": False,
    "--disable-warnings": False, "--disable-pytest-warnings": False, "--assert": True, "--log-level": True,
    "--log-file": True, "--log-format": True,
    "--log-date-format": True, "--log-disable": True, "--cache-clear": False,
}  # fmt: skip


def in_use(tests: TestFacts) -> Mapping[str, tuple[str, ...]]:
    """The plug-ins that the tests show to use, with the places: fixtures asked for, marks, options, settings."""
    found: dict[str, tuple[str, ...]] = {}
    fixtures = {used.name: used for used in tests.fixtures}
    marks = {used.name: used for used in tests.marks}
    options = tests.settings.addopts.split()
    for name, plugin in PLUGINS.items():
        places = [place for fixture in plugin.fixtures if fixture in fixtures for place in fixtures[fixture].places]
        places += [place for mark in plugin.marks if mark in marks for place in marks[mark].places]
        if not set(plugin.options) & set(CI_OPTIONS):
            places += [tests.settings.evidence for option in options if starts(option, plugin.options)]
        if name not in ("pytest-timeout",):
            places += [tests.settings.evidence for key in plugin.settings if key in tests.settings.keys]
        if places and name not in NOT_FOR_TESTS:
            found[name] = tuple(dict.fromkeys(places))
    return found


def starts(option: str, beginnings: Iterable[str]) -> bool:
    """Whether an option is one of those, or begins like one: ``--cov-report`` like ``--cov``; ``-n4`` like ``-n``."""
    for beginning in beginnings:
        if option == beginning or option.startswith(f"{beginning}="):
            return True
        if beginning.startswith("--") and option.startswith(f"{beginning}-"):
            return True
        if re.fullmatch(r"-[a-z]", beginning) and re.fullmatch(rf"{beginning}(?:\d+|auto|[A-Za-z]+)", option):
            return True
    return False
