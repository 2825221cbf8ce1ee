"""What an outbox keeps of its hub: its memory as it told last, how far that went, whether it knows more than we do."""

import secrets

from app.durable import Durable
from app.sync import wire

ADDED = """
    CREATE TABLE IF NOT EXISTS hub (one INTEGER PRIMARY KEY CHECK (one = 1), generation TEXT, acknowledged INTEGER,
                                    is_old INTEGER NOT NULL DEFAULT 0, before TEXT, rotate INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS results (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
    INSERT OR IGNORE INTO hub (one) VALUES (1)
"""
"""Came later than the outbox's other tables; who does not know them can do without."""


def tie(db: Durable) -> None:
    """Make the tables where they are not there yet."""
    if not db.one("SELECT count(*) FROM sqlite_master WHERE name = 'results'"):
        with db.transaction():
            for statement in ADDED.split(";"):
                db.do(statement)


def greet(db: Durable, word: wire.Word) -> bool:
    """Judge a word of the hub, in the transaction of the caller; False if it is about another epoch."""
    epoch, boot, next_seq = db.row("SELECT epoch, boot, next_seq FROM state")
    if word.epoch != epoch:
        return False
    seq = -1 if word.seq is None else word.seq
    if word.boot > boot or seq >= next_seq or _has_another(db, word):
        db.do("UPDATE hub SET is_old = 1")
        return True
    generation, acknowledged = db.row("SELECT generation, acknowledged FROM hub")
    if generation not in {None, word.generation} or seq < (-1 if acknowledged is None else acknowledged):
        db.do("UPDATE messages SET acknowledged = NULL WHERE release IS NOT NULL")
        db.do("UPDATE hub SET acknowledged = ?", word.seq)
    db.do("UPDATE hub SET generation = ?", word.generation)
    return True


def renew(db: Durable) -> None:
    """Erase all and begin another epoch, in the transaction of the caller."""
    for table in ("messages", "from_hub", "results"):
        db.do(f"DELETE FROM {table}")  # noqa: S608 - three words of ours
    db.do("UPDATE hub SET is_old = 0, acknowledged = NULL, before = (SELECT epoch FROM state)")
    db.do("UPDATE state SET epoch = ?, next_seq = 0, dropped = 0, slot = NULL", secrets.token_hex(16))


def _has_another(db: Durable, word: wire.Word) -> bool:
    """Whether we hold another message than the hub under the highest number that it has."""
    ours = db.all("SELECT payload FROM messages WHERE seq = ?", word.seq)
    return bool(ours) and word.sha256 is not None and wire.fingerprint(ours[0][0]) != word.sha256
