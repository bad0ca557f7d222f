"""The environment of the tests inside this process, the cast, and the servers that tests may ask for."""

import os
import tempfile
from pathlib import Path

# Before Django reads its settings, which happens while pytest is being configured.
_folder = tempfile.TemporaryDirectory(prefix="hep-tests-")
for _name in [name for name in os.environ if name.startswith("OPENAI_")]:
    del os.environ[_name]
os.environ.update(
    DJANGO_SETTINGS_MODULE="hepcompanion.settings",
    DATABASE_URL=os.environ.get("HEP_TEST_DATABASE_URL") or f"sqlite:///{_folder.name}/unused.sqlite3",
    SECRET_KEY="a-key-of-the-tests-that-guards-nothing-at-all-here",
    FIELD_KEYS="test:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    DEBUG="off",
    REDIS_URL="",
)

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import django
import pytest

# pytest-django would do this only for a settings module named in its own options, and then too early.
django.setup()

from django.db import connection

# Settings that were read before this file would give another database than the one that was asked for.
if os.environ.get("HEP_TEST_DATABASE_URL") and connection.vendor != "postgresql":
    raise pytest.UsageError("DJANGO_SETTINGS_MODULE must not be set where HEP_TEST_DATABASE_URL is.")

from tests.support import servers
from tests.support.accounts import Account, make_cast
from tests.support.fold import assert_file_agrees, assert_rows_agree, made_up
from tests.support.needs import need
from tests.support.postgres_server import PostgresServer, start_postgres
from tests.support.redis_server import OuterRedis, RedisServer, start_redis
from tests.support.servers import Kind, Prepared, Server

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker
    from rest_framework.test import APIClient

    from generation.models import User

# Limits that no test of a standing server meets by accident.
ROOMY = {"MAX_ACTIVE_RUNS_PER_USER": 1000, "MAX_STARTS_PER_MINUTE": 100_000, "MAX_OPEN_STREAMS_PER_USER": 1000}


# In this process


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A file, not SQLite's memory: the application reads and writes from threads of its own."""
    from django.conf import settings

    if settings.SQLITE:
        settings.DATABASES["default"]["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    yield
    from generation import database

    for threads in (database._readers, database._writer):
        close_connections(threads)


def close_connections(threads: ThreadPoolExecutor) -> None:
    """Close the connection that each thread of a pool keeps."""
    from django.db import connection

    together = threading.Barrier(threads._max_workers)

    def close() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(timeout=10)
        connection.close()

    wait([threads.submit(close) for _ in range(threads._max_workers)])


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """What a process or a thread keeps for its whole life begins anew with each test."""
    yield
    from channels.layers import channel_layers
    from django.utils import translation

    from generation import shelf, waiting
    from generation.consumers.open_streams import open_streams
    from generation.consumers.owned import owned
    from generation.consumers.reconnects import reconnects
    from generation.executors import executor
    from generation.providers import breaker, dialect
    from hepcompanion import lifecycle
    from metrics import estimator

    # A page in process leaves the language of its reader behind.
    translation.deactivate()
    breaker.forget()
    dialect.forget()
    channel_layers.backends.clear()
    executor.cache_clear()
    owned.cache_clear()
    reconnects.cache_clear()
    open_streams.cache_clear()
    estimator.forget()
    waiting.forget()
    shelf._shelves.clear()
    lifecycle._starting = lifecycle._draining = lifecycle._leaving = None


@pytest.fixture(autouse=True)
def _rows_are_what_their_logs_add_up_to(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every run that a test has started in this process, once the test is over."""
    if not {"db", "transactional_db"} & set(request.fixturenames) and not request.node.get_closest_marker("django_db"):
        yield
        return
    # Asked for first, so that the rows are still there when this one ends.
    request.getfixturevalue("_django_db_helper")
    yield
    assert_rows_agree()
    made_up.clear()


@pytest.fixture
def cast(db: None) -> dict[str, Account]:
    """Alice owns, Bob is in her clinic, Charlie must see nothing, Dana is staff."""
    return make_cast()


def _user(account: Account) -> "User":
    from generation.models import User

    return User.objects.get(pk=account.id)


@pytest.fixture
def alice(cast: dict[str, Account]) -> "User":
    return _user(cast["alice"])


@pytest.fixture
def bob(cast: dict[str, Account]) -> "User":
    return _user(cast["bob"])


@pytest.fixture
def charlie(cast: dict[str, Account]) -> "User":
    return _user(cast["charlie"])


@pytest.fixture
def dana(cast: dict[str, Account]) -> "User":
    return _user(cast["dana"])


@pytest.fixture
def api(cast: dict[str, Account]) -> Callable[[str | None], "APIClient"]:
    """`api("alice")` is a client of the API with her token; `api(None)` is nobody."""
    from rest_framework.test import APIClient

    def client(name: str | None) -> APIClient:
        made = APIClient()
        if name is not None:
            made.credentials(HTTP_AUTHORIZATION=f"Token {cast[name].token}")
        return made

    return client


@pytest.fixture
def library(db: None) -> None:
    """The shipped exercises, in the database."""
    from generation.library_loading import load_library

    load_library()


# Beside this process


@pytest.fixture(scope="session")
def redis_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer | OuterRedis]:
    server = start_redis(tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
def redis(redis_session: RedisServer | OuterRedis) -> RedisServer | OuterRedis:
    """A real Redis; whatever a test does to it, the next one finds it running."""
    if isinstance(redis_session, RedisServer) and not redis_session.running:
        redis_session.start()
    return redis_session


@pytest.fixture(scope="session")
def postgres_session() -> Iterator[PostgresServer]:
    server = start_postgres()
    yield server
    server.close()


@pytest.fixture
def postgres(postgres_session: PostgresServer) -> PostgresServer:
    """A real PostgreSQL; `new_database()` gives a test one of its own."""
    if not postgres_session.running:
        postgres_session.start()
    return postgres_session


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A SQLite file with the library and the cast, to be copied."""
    return servers.prepare(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def make_server(
    tmp_path: Path, prepared: Prepared, django_db_blocker: "DjangoDbBlocker"
) -> Iterator[Callable[..., Server]]:
    """`make_server("uvicorn", RUN_LEASE_S=3, …)` starts a server; it ends with the test.

    Its database is a copy of `prepared`, unless `database` is given: from `servers.prepare(folder, url)`, or one that
    several servers share. `start=False` leaves the start to the test.
    """
    made: list[Server] = []

    def make(
        kind: Kind = "daphne", *, database: Prepared | None = None, start: bool = True, **settings: object
    ) -> Server:
        folder = tmp_path / f"server-{len(made) + 1}"
        folder.mkdir()
        own = database or prepared.copy_to(folder)
        server = Server(kind, folder, own, settings)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.close()
    for file in {server.database for server in made if server.database and server.database.exists()}:
        with django_db_blocker.unblock():
            assert_file_agrees(file)


@pytest.fixture(params=servers.KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def server(kind: Kind, make_server: Callable[..., Server]) -> Server:
    """A fresh server of each kind, with the shipped settings."""
    return make_server(kind)


@pytest.fixture(scope="session")
def standing_servers(
    tmp_path_factory: pytest.TempPathFactory, prepared: Prepared, django_db_blocker: "DjangoDbBlocker"
) -> Iterator[Callable[[Kind], Server]]:
    made: dict[Kind, Server] = {}

    def server_of(kind: Kind) -> Server:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"standing-{kind}")
            made[kind] = Server(kind, folder, prepared.copy_to(folder), ROOMY).start()
        return made[kind]

    yield server_of
    for server in made.values():
        server.close()
        assert server.database is not None
        with django_db_blocker.unblock():
            assert_file_agrees(server.database)


@pytest.fixture(scope="session", params=servers.KINDS)
def standing_server(request: pytest.FixtureRequest, standing_servers: Callable[[Kind], Server]) -> Server:
    """One server of each kind for all tests that leave it as they found it, with limits that nobody meets.

    Kept by the fixture above: pytest would end one kind's whenever the other's turn comes, in each file.
    """
    return standing_servers(request.param)


@pytest.fixture(scope="session")
def chromium() -> Path:
    return need("chromium")
