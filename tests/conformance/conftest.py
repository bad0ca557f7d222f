"""The server under test: the one at `--base-url`, or one of each kind of this project's own."""

import contextlib
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from tests.conformance import own_server
from tests.conformance.target import Target
from tests.support import servers
from tests.support.servers import Kind, Prepared, Server

GIVEN = "given"
# Limits of a server that is not ours may have to be waited out.
TIMEOUT_S = 300


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    # pytest-base-url, where somebody has it, registers the first one, with the same meaning.
    with contextlib.suppress(ValueError):
        group.addoption("--base-url", help="Address of the server whose conformance is tested.")
    group.addoption("--token", help="API token of a user of that server.")
    group.addoption("--other-token", help="API token of a user who must not see the first one's runs.")


def option(config: pytest.Config, name: str) -> str | None:
    # When the whole suite runs, pytest comes here after it has read its options.
    value: str | None = config.getoption(name, default=None)
    return value


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "target" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "session_target" in metafunc.fixturenames:
        kinds = (GIVEN,) if option(metafunc.config, "base_url") else servers.KINDS
        metafunc.parametrize("session_target", kinds, indirect=True)


@pytest.fixture(scope="session")
def with_failed_run(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, str]:
    return own_server.with_failed_run(prepared, tmp_path_factory.mktemp("failing"))


@pytest.fixture(scope="session")
def targets(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Target]]:
    """Each target by its name, made once: files that are handed out one by one would start a server each."""
    made: dict[str, Target] = {}

    def start(kind: Kind) -> Target:
        folder = tmp_path_factory.mktemp(f"conformance-{kind}")
        database, failed = request.getfixturevalue("with_failed_run")
        return own_server.target(Server(kind, folder, database.copy_to(folder), own_server.SETTINGS), failed)

    def get(name: str) -> Target:
        if name not in made:
            made[name] = given(request.config) if name == GIVEN else start(cast(Kind, name))
        return made[name]

    yield get
    for target in made.values():
        target.close()


def given(config: pytest.Config) -> Target:
    base_url, token = option(config, "base_url"), option(config, "token")
    if not base_url or not token:
        pytest.exit("--base-url needs --token", returncode=pytest.ExitCode.USAGE_ERROR)
    return Target(base_url.rstrip("/"), token, option(config, "other_token"))


@pytest.fixture
def session_target(request: pytest.FixtureRequest, targets: Callable[[str], Target]) -> Target:
    return targets(request.param)


@pytest.fixture
def target(session_target: Target) -> Iterator[Target]:
    """The server under test. What a test starts there has ended when the test has."""
    yield session_target
    session_target.tidy()


@pytest.fixture
def own(request: pytest.FixtureRequest, session_target: Target) -> Iterator[Callable[..., Target]]:
    """`own(STREAM_MAX_BYTES=2000)` starts a server that the test may set up and stop; skips where none is ours."""
    if session_target.server is None:
        pytest.skip("a server at an address can't be set up or stopped from here")
    kind, make_server = session_target.server.kind, request.getfixturevalue("make_server")
    made: list[Target] = []

    def make(**settings: object) -> Target:
        made.append(own_server.target(make_server(kind, start=False, **{**own_server.SETTINGS, **settings})))
        return made[-1]

    yield make
    for target in made:
        target.close()
