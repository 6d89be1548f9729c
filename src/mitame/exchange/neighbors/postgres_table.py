"""Lists in a table of PostgreSQL, replaced as a whole in one transaction.

The new table is filled beside the old one and takes its name at the very end, so that queries go
on with the old one until then and wait only for the exchange of names. Rights that were granted
on the old table are granted on the new one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from mitame.errors import MissingExtra, TargetError, UsageError
from mitame.exchange.neighbors.files import COLUMNS, table_rows
from mitame.exchange.neighbors.listing import NeighborsOf
from mitame.exchange.neighbors.target import Address, address

DEFAULT_TABLE = "mitame_neighbors"
MARK = "neighbour table written by mitame"
_NAME = re.compile(r"(?:([a-z_][a-z0-9_]{0,49})\.)?([a-z_][a-z0-9_]{0,49})")
_CONNECT_SECONDS = 10
_CREATE = """CREATE TABLE {table} (
    item text NOT NULL,
    rank integer NOT NULL,
    neighbor text NOT NULL,
    distance double precision NOT NULL,
    score double precision NOT NULL,
    category text
)"""
_GRANTS = """SELECT
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
    privilege_type, is_grantable
    FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = %s AND grantee <> relowner"""


@dataclass(frozen=True)
class PostgresTable:
    """A table to be replaced.

    Attributes:
        address: of the server and database.
        schema: empty where it follows the search path.
        name: the table's.
    """

    address: Address
    schema: str
    name: str

    @classmethod
    def at(cls, text: str) -> PostgresTable:
        """The table that an address names with ``?table=[SCHEMA.]NAME``.

        Raises:
            UsageError: the address or the name can't be one.
        """
        found = address(text, frozenset({"table"}))
        wanted = found.own.get("table", DEFAULT_TABLE)
        match = _NAME.fullmatch(wanted)
        if match is None:
            raise UsageError(
                f"{wanted[:60]!r} can't be the table",
                remedy="use up to 50 small letters, digits and _, a schema and a dot before it",
            )
        return cls(found, match[1] or "", match[2])

    @property
    def shown(self) -> str:
        """Where the table is, without a password."""
        return f"{self.address.shown}, table {self._dotted}"

    @property
    def _dotted(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def write(self, found: Iterator[NeighborsOf]) -> None:
        """Replace the table by one with these lists; make it where it is missing.

        Raises:
            TargetError: the server can't be reached, refuses us, or the table is somebody else's.
            MissingExtra: psycopg is not installed.
        """
        driver = _psycopg()
        try:
            with driver.connect(self.address.url, connect_timeout=_CONNECT_SECONDS) as connection:
                self._replace(connection, found, driver)
        except driver.OperationalError as error:
            # The driver's text may have the password, and a chained error would show it.
            raise self._unreachable(error) from None
        except driver.Error as error:
            raise self._refused(error) from None

    def _replace(self, connection: Any, found: Iterator[NeighborsOf], driver: ModuleType) -> None:
        named, new = self._named(self.name, driver), f"{self.name}_{secrets.token_hex(4)}"
        beside = self._named(new, driver)
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"mitame {self._dotted}"])
        old = self._old(connection)
        connection.execute(driver.sql.SQL(_CREATE).format(table=beside))
        columns = driver.sql.SQL(", ").join(map(driver.sql.Identifier, COLUMNS))
        statement = driver.sql.SQL("COPY {} ({}) FROM STDIN").format(beside, columns)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for each in found:
                for row in table_rows(each):
                    copy.write_row(row)
        for text in (
            "ALTER TABLE {} ADD PRIMARY KEY (item, rank)",
            f"COMMENT ON TABLE {{}} IS '{MARK}'",
            "ANALYZE {}",
        ):
            connection.execute(driver.sql.SQL(text).format(beside))
        if old is not None:
            self._grant(connection, old, beside, driver)
            connection.execute(driver.sql.SQL("DROP TABLE {}").format(named))
        self._rename(connection, beside, new, driver)

    def _rename(self, connection: Any, beside: Any, new: str, driver: ModuleType) -> None:
        identifier = driver.sql.Identifier
        rename = driver.sql.SQL("ALTER TABLE {} RENAME TO {}")
        connection.execute(rename.format(beside, identifier(self.name)))
        rename = driver.sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}")
        named, key = self._named(self.name, driver), identifier(f"{self.name}_pkey")
        connection.execute(rename.format(named, identifier(f"{new}_pkey"), key))

    def _old(self, connection: Any) -> int | None:
        """The number of the table that is to be replaced, which must be one of ours."""
        row = connection.execute("SELECT to_regclass(%s)::oid", [self._dotted]).fetchone()
        if row[0] is None:
            return None
        comment = connection.execute("SELECT obj_description(%s, 'pg_class')", [row[0]]).fetchone()
        if comment[0] != MARK:
            raise TargetError(
                f"{self.shown}: it was not written by mitame, and is left as it is",
                remedy="name another table: ?table=NAME",
            )
        return int(row[0])

    def _grant(self, connection: Any, old: int, beside: Any, driver: ModuleType) -> None:
        sql = driver.sql.SQL
        for grantee, right, may_grant in connection.execute(_GRANTS, [old]).fetchall():
            # Names that the server has quoted itself, and words of its own: they go in as they are.
            option = sql(" WITH GRANT OPTION" if may_grant else "")
            statement = sql("GRANT {} ON {} TO {}{}")
            connection.execute(statement.format(sql(right), beside, sql(grantee), option))

    def _named(self, name: str, driver: ModuleType) -> Any:
        return driver.sql.Identifier(*([self.schema] if self.schema else []), name)

    def _unreachable(self, error: Exception) -> TargetError:
        return self.address.error(
            "PostgreSQL can't be reached, or went away",
            error,
            "check host, port, database, user and password",
        )

    def _refused(self, error: Exception) -> TargetError:
        return self.address.error(
            f"PostgreSQL refused to write table {self._dotted}",
            error,
            "give the user the right to create tables there; views of the table must go first",
        )


def _psycopg() -> ModuleType:
    try:
        import psycopg
        import psycopg.sql
    except ImportError as error:
        raise MissingExtra("writing to PostgreSQL", "postgres") from error
    module: ModuleType = psycopg
    return module
