"""The list of every item in real servers: PostgreSQL and Redis, started for these tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mitame
from mitame.errors import TargetError
from mitame.exchange.neighbors import write_neighbors
from mitame.exchange.neighbors.redis_keys import KEPT_SECONDS
from tests.conftest import Run
from tests.exchange.servers import PASSWORD, QUOTED, free_port, postgres_server, redis_server

LIMIT = 4
ITEMS = 30


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[mitame.Collection]:
    """Items with a neighbour table."""
    rng = np.random.default_rng(4)
    with mitame.open(tmp_path / "data", lenses={"own": "vectors:8"}) as made:
        for n in range(ITEMS):
            made.add(f"i\\{n}", vector=rng.normal(size=8), category="k\\N" if n % 2 else None)
        made.store.merge()
        yield made


Rows = list[tuple[Any, ...]]


def expected(shop: mitame.Collection) -> Rows:
    """A row per neighbour, as searches by id give them."""
    return [
        (item.id, rank, each.id, each.distance, each.score, each.category)
        for item in shop.items()
        for rank, each in enumerate(shop.similar(item.id, limit=LIMIT).neighbors, 1)
    ]


# -- PostgreSQL --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A server, and for what is asked of it besides, its driver's `connect`."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database(postgres: Any) -> Iterator[Any]:
    """A connection; tables of the tests go afterwards."""
    import psycopg

    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        yield connection
        connection.execute("DROP TABLE IF EXISTS mitame_neighbors, alike, mine CASCADE")
        connection.execute("DROP SCHEMA IF EXISTS shop CASCADE")


def rows_of(connection: Any, table: str) -> Rows:
    found: Rows = connection.execute(f"SELECT * FROM {table} ORDER BY item, rank").fetchall()
    return found


def tables(connection: Any) -> list[str]:
    """All that are there, ours or left behind."""
    sql = "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
    where = " WHERE relkind = 'r' AND n.nspname IN ('public', 'shop') ORDER BY 1"
    return [name for (name,) in connection.execute(sql + where)]


def in_bytes(rows: Rows) -> Rows:
    """In the order of their ids' bytes: a database may compare texts in another way."""
    return sorted(rows, key=lambda row: row[:2])


def test_postgres_gets_a_table_that_is_replaced(
    shop: mitame.Collection, postgres: Any, database: Any
) -> None:
    """Made where missing; a second time exchanged, with its rights; nothing else is left."""
    address = f"{postgres.get_uri()}&table=alike"
    report = write_neighbors(shop, address, limit=LIMIT)
    assert in_bytes(rows_of(database, "alike")) == in_bytes(expected(shop))
    assert (report.items, report.neighbors) == (ITEMS, ITEMS * LIMIT)
    database.execute('CREATE ROLE "odd "" {} 100%"')
    database.execute('GRANT SELECT ON alike TO "odd "" {} 100%" WITH GRANT OPTION')
    database.execute("GRANT SELECT ON alike TO PUBLIC")
    shop.remove("i\\3")
    write_neighbors(shop, address, limit=LIMIT)
    assert in_bytes(rows_of(database, "alike")) == in_bytes(expected(shop))
    assert tables(database) == ["alike"]
    granted = database.execute(
        "SELECT grantee, is_grantable FROM information_schema.role_table_grants"
        " WHERE table_name = 'alike' AND privilege_type = 'SELECT' ORDER BY 1"
    ).fetchall()
    assert ('odd " {} 100%', "YES") in granted
    assert ("PUBLIC", "NO") in granted
    keys = database.execute("SELECT conname FROM pg_constraint WHERE contype = 'p'").fetchall()
    assert keys.count(("alike_pkey",)) == 1
    database.execute('DROP TABLE alike; DROP ROLE "odd "" {} 100%"')


def test_postgres_table_in_a_schema(shop: mitame.Collection, postgres: Any, database: Any) -> None:
    """And under the usual name where none is said."""
    database.execute("CREATE SCHEMA shop")
    write_neighbors(shop, f"{postgres.get_uri()}&table=shop.alike", limit=LIMIT)
    write_neighbors(shop, f"{postgres.get_uri()}&table=shop.alike", limit=1)
    write_neighbors(shop, postgres.get_uri(), limit=LIMIT)
    assert len(rows_of(database, "shop.alike")) == ITEMS
    assert len(rows_of(database, "mitame_neighbors")) == ITEMS * LIMIT


def test_postgres_readers_never_see_half_a_table(
    shop: mitame.Collection, postgres: Any, database: Any
) -> None:
    """Somebody who reads all the time sees so many rows, or so many; never none or some."""
    import psycopg

    address = f"{postgres.get_uri()}&table=alike"
    write_neighbors(shop, address, limit=LIMIT)
    seen: set[int] = set()
    is_done = threading.Event()

    def read() -> None:
        with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
            while not is_done.is_set():
                row = connection.execute("SELECT count(*) FROM alike").fetchone()
                assert row is not None
                seen.add(row[0])

    reader = threading.Thread(target=read)
    reader.start()
    for limit in (1, LIMIT, 2, LIMIT) * 3:
        write_neighbors(shop, address, limit=limit)
    is_done.set()
    reader.join()
    assert seen <= {ITEMS, 2 * ITEMS, LIMIT * ITEMS}
    assert len(seen) > 1


def test_postgres_leaves_what_is_not_ours(
    shop: mitame.Collection, postgres: Any, database: Any
) -> None:
    """A table of somebody else, and all there was when the writing fails in the middle."""
    database.execute("CREATE TABLE mine (a int); INSERT INTO mine VALUES (7)")
    with pytest.raises(TargetError, match="not written by mitame"):
        write_neighbors(shop, f"{postgres.get_uri()}&table=mine")
    assert database.execute("SELECT a FROM mine").fetchall() == [(7,)]
    write_neighbors(shop, f"{postgres.get_uri()}&table=alike", limit=1)

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_neighbors(shop, f"{postgres.get_uri()}&table=alike", on_step=stop)
    assert len(rows_of(database, "alike")) == ITEMS
    database.execute("CREATE VIEW seen AS SELECT * FROM alike")
    with pytest.raises(TargetError, match="refused to write table alike"):
        write_neighbors(shop, f"{postgres.get_uri()}&table=alike")
    assert tables(database) == ["alike", "mine"]


def test_postgres_refusals_do_not_tell_the_password(
    run: Run, shop: mitame.Collection, postgres: Any, database: Any
) -> None:
    """Nobody there, a wrong password, no rights: what to do, and never the password."""
    hba = Path(postgres.pgdata) / "pg_hba.conf"
    hba.write_text(f"local all limited scram-sha-256\n{hba.read_text()}")
    database.execute(f"CREATE ROLE limited LOGIN PASSWORD '{PASSWORD}'")
    database.execute("SELECT pg_reload_conf()")
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    place = postgres.get_uri().partition("?")[2]
    for password, port, words in (
        (QUOTED, None, "permission denied"),
        (f"wrong{QUOTED}", None, "can't be reached"),
        (QUOTED, free_port(), "can't be reached"),
    ):
        ending = f"127.0.0.1:{port}/postgres" if port else f"/postgres?{place}"
        told = run(
            "neighbors",
            *("--to", f"postgresql://limited:{password}@{ending}"),
            data=shop.path.parent,
        )
        assert told.returncode == 1, told.stdout
        assert words in told.stderr
        assert PASSWORD not in told.stderr
        assert QUOTED not in told.stderr


# -- Redis -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    """A server with a password."""
    with redis_server() as port:
        yield port


@pytest.fixture
def keys(redis_port: int) -> Iterator[Any]:
    """A client; what the tests write goes afterwards."""
    import redis

    with redis.Redis(port=redis_port, password=PASSWORD, decode_responses=True) as client:
        yield client
        client.flushall()


def address(port: int, prefix: str = "alike") -> str:
    return f"redis://:{QUOTED}@127.0.0.1:{port}/0?prefix={prefix}"


def read_rows(client: Any, shop: mitame.Collection, prefix: str = "alike") -> Rows:
    """What a service reads: the version, then lists of it."""
    version = client.get(f"{prefix}:current")
    return [
        (item.id, rank, *each.values())
        for item in shop.items()
        for rank, each in enumerate(json.loads(client.get(f"{prefix}:{version}:{item.id}")), 1)
    ]


def test_redis_gets_a_version_that_is_switched_to(
    shop: mitame.Collection, redis_port: int, keys: Any
) -> None:
    """The old one can be read for a while still, then goes; nobody else's key is touched."""
    keys.set("other", "1")
    report = write_neighbors(shop, address(redis_port), limit=LIMIT)
    assert read_rows(keys, shop) == expected(shop)
    assert PASSWORD not in report.target
    first = keys.get("alike:current")
    assert keys.ttl(f"alike:{first}:i\\1") == -1
    shop.remove("i\\3")
    write_neighbors(shop, address(redis_port), limit=LIMIT)
    second = keys.get("alike:current")
    assert second != first
    assert read_rows(keys, shop) == expected(shop)
    assert 0 < keys.ttl(f"alike:{first}:i\\1") <= KEPT_SECONDS
    assert keys.ttl(f"alike:{second}:i\\1") == -1
    assert keys.smembers("alike:versions") == {second}
    assert keys.get("alike:writer") is None
    assert keys.get("other") == "1"


def test_redis_prefix_follows_collection_and_lens(
    shop: mitame.Collection, redis_port: int, keys: Any
) -> None:
    """So that two collections in one server don't meet."""
    write_neighbors(shop, address(redis_port).partition("?")[0], limit=LIMIT)
    assert read_rows(keys, shop, "mitame:default:own") == expected(shop)


def test_redis_writing_that_fails_leaves_the_old_version(
    shop: mitame.Collection, redis_port: int, keys: Any
) -> None:
    """Interrupted, full, or while another program is writing."""
    write_neighbors(shop, address(redis_port), limit=LIMIT)
    before, count = keys.get("alike:current"), keys.dbsize()

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_neighbors(shop, address(redis_port), on_step=stop)
    assert keys.dbsize() == count
    keys.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(TargetError, match="refused to write"):
            write_neighbors(shop, address(redis_port))
    finally:
        keys.config_set("maxmemory", "0")
    keys.set("alike:writer", "somebody")
    with pytest.raises(TargetError, match="another program is writing"):
        write_neighbors(shop, address(redis_port))
    assert keys.get("alike:writer") == "somebody"
    keys.delete("alike:writer")
    assert keys.get("alike:current") == before
    assert read_rows(keys, shop) == expected(shop)
    write_neighbors(shop, address(redis_port), limit=LIMIT)
    assert len(keys.smembers("alike:versions")) == 1


def test_redis_refusals_do_not_tell_the_password(
    run: Run, shop: mitame.Collection, redis_port: int
) -> None:
    """Nobody there, a wrong password, a parameter that it doesn't know."""
    for target in (
        address(free_port()),
        address(redis_port).replace(QUOTED, f"wrong{QUOTED}"),
        f"{address(redis_port)}&odd=1",
    ):
        told = run("neighbors", "--to", target, data=shop.path.parent)
        assert told.returncode == 1, told.stderr
        assert "unexpected TypeError" not in told.stderr
        assert PASSWORD not in told.stderr
        assert QUOTED not in told.stderr
