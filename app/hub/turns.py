"""Whose turn it is: transactions that begin by writing, and what one of several hubs does at a time."""

from sqlalchemy import Connection, Engine, func, select

MIGRATING = 0x6665726D  # "ferm": the number of PostgreSQL's lock that lets one hub migrate at a time
FORGETTING = MIGRATING + 1
"""The number of the one that lets one hub forget at a time."""
WRITES = "begins_by_writing"
"""The option of a connection whose transactions do."""


def to_write(engine: Engine) -> Engine:
    """The same database, for transactions that read and then write.

    In a file two such would both have read, and the second could not go on: here it waits before it reads.
    """
    return engine.execution_options(**{WRITES: True})


def wait(connection: Connection, lock: int) -> None:
    """Be the only one of all hubs until the transaction ends; a file has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def first(connection: Connection, lock: int) -> bool:
    """Whether this transaction may do what one of all hubs does at a time."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(select(func.pg_try_advisory_xact_lock(lock))).scalar_one())
