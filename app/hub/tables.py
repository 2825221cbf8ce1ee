"""The hub's tables, as they stand after the newest migration."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

TABLES = MetaData()

META = Table(
    "meta",
    TABLES,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

HEARTBEATS = text("kind = 'heartbeat'")

# Identity and seal of every message committed, a heartbeat's for a day; what it said is in the tables below.
MESSAGES = Table(
    "messages",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("received", BigInteger, nullable=False),
    Index("messages_to_forget", "received", sqlite_where=HEARTBEATS, postgresql_where=HEARTBEATS),
)

# Numbers of heartbeats that were committed and whose rows are gone. A span may reach over rows that are still there.
FORGOTTEN = Table(
    "forgotten",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)

RELEASES = Table(
    "releases",
    TABLES,
    Column("release_id", String(32), primary_key=True),
    Column("device", String(48), nullable=False),
    Column("week", String(8), nullable=False),
    Column("sessions", BigInteger, nullable=False),
    Column("sums", Text),  # JSON; null: withheld
    Column("ranges", Text, nullable=False),
    Column("sigma2", BigInteger, nullable=False),
    Column("rho", Float, nullable=False),
    Column("simulated", Boolean(create_constraint=False), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the body: the same release may come under another number
    Column("received", BigInteger, nullable=False),
    Column("late", Boolean(create_constraint=False), nullable=False, server_default=false()),  # it is in no number
    Index("releases_by_device", "device", "week"),
)

# All releases of a week, summed in whole numbers: what the clinic's page is drawn from.
WEEKS = Table(
    "weeks",
    TABLES,
    Column("simulated", Boolean(create_constraint=False), primary_key=True),
    Column("week", String(8), primary_key=True),
    Column("released", BigInteger, nullable=False),
    Column("withheld", BigInteger, nullable=False),
    Column("told", Text, nullable=False),  # JSON: sessions, and moments by metric and range; its numbers have no end
)

HEALTH = Table(
    "health",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("messages", BigInteger, nullable=False),  # how many were ever committed
    Column("simulated", Boolean(create_constraint=False)),
    Column("state", String(8)),  # birth or death
    Column("since", BigInteger),
    Column("epoch", String(32)),
    Column("boot", BigInteger),
    Column("next_seq", BigInteger),
    Column("heartbeat", BigInteger),
    Column("heartbeat_epoch", String(32)),
    Column("heartbeat_seq", BigInteger),
    Column("software", Text),
    Column("microphones", String(8)),
    Column("clock", String(8)),
    Column("waiting", BigInteger),
    Column("dropped", BigInteger),
)

# What is left of heartbeats: one row a room and day, by the hub's calendar.
HEALTH_DAYS = Table(
    "health_days",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("heard_s", BigInteger, nullable=False),  # seconds in which no heartbeat was overdue
    Column("heartbeats", BigInteger, nullable=False),
    Column("faults", BigInteger, nullable=False),  # heartbeats that told of a fault of the microphones
    Column("own_clock", BigInteger, nullable=False),  # heartbeats without the hub's time
    Column("waiting", BigInteger, nullable=False),  # the most
    Column("dropped", BigInteger, nullable=False),  # the unit's counter, as last told
    Column("software", Text, nullable=False),
    Index("health_days_by_day", "day"),
)

UNREAD = text("acknowledged = 0"), text("NOT acknowledged")

QUARANTINE = Table(
    "quarantine",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("device", String(48), nullable=False),
    Column("leaf", String(8), nullable=False),
    Column("epoch", String(32)),
    Column("seq", BigInteger),
    Column("sha256", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("acknowledged", Boolean(create_constraint=False), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("times", Integer, nullable=False),
    UniqueConstraint("device", "leaf", "sha256", name="quarantine_once"),
    Index("quarantine_unread", "device", sqlite_where=UNREAD[0], postgresql_where=UNREAD[1]),
)

# Every room unit that was ever added; a certificate is good while its joining is the room's and the room not revoked.
ROOMS = Table(
    "rooms",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("name", Text, nullable=False),
    Column("joining", Integer, nullable=False),  # 1, 2, ... : how often the room was given to a unit
    Column("added", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("folded", Text, nullable=False),  # the name without capitals, by which rooms are put in order and found
    Column("certificate_ends", BigInteger),  # the last end of a certificate of this joining
)

# The one code that a room can join by, as a hash.
CODES = Table(
    "codes",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("wrong", Integer, nullable=False),  # tries with another code
    Column("key", String(64)),  # of the unit that has used it
)

CERTIFICATES = Table(
    "certificates",
    TABLES,
    Column("serial", String(40), primary_key=True),
    Column("device", String(48), nullable=False),
    Column("joining", Integer, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Index("certificates_by_device", "device"),
)

# Every name on the wire that a unit has had: how far its starts had come, and which name this one has replaced.
EPOCHS = Table(
    "epochs",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("boot", BigInteger, nullable=False),
    Column("before", String(32)),
)

# What was asked of units, signed, as it goes over the wire.
COMMANDS = Table(
    "commands",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("commands_by_end", "expires"),
)

# What became of it, and what units have refused.
RESULTS = Table(
    "results",
    TABLES,
    Column("device", String(48), primary_key=True),
    Column("epoch", String(32), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger),
    Column("outcome", String(8), nullable=False),
    Column("reason", String(16)),
    Column("received", BigInteger, nullable=False),
)

# Whoever may sign in to the pages.
ACCOUNTS = Table(
    "accounts",
    TABLES,
    Column("name", String(80), primary_key=True),
    Column("role", String(8), nullable=False),
    Column("password", Text),  # argon2; null: a one-time link waits to be used
    Column("added", BigInteger, nullable=False),
    Column("disabled", BigInteger),
)

# Who is signed in; the id that the browser holds is here as a hash.
VISITS = Table(
    "visits",
    TABLES,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Index("visits_by_name", "name"),
)

# One-time links, as hashes: for a person's password, or without a name for the first owner.
LINKS = Table(
    "links",
    TABLES,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(80)),
    Column("ends", BigInteger, nullable=False),
)

# Who did what and when: sign-ins, changes, exports, reads of a room's metrics.
JOURNAL = Table(
    "journal",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(80), nullable=False),
    Column("address", String(64), nullable=False),
    Column("what", String(32), nullable=False),
    Column("about", Text, nullable=False),
    Index("journal_by_time", "at"),
)

# What an owner has declared, every time: the last one holds, the ones before tell what was open when.
DECLARATIONS = Table(
    "declarations",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(80), nullable=False),
    Column("matter", String(16), nullable=False),
    Column("about", String(48), nullable=False),  # the room's device, else empty
    Column("value", BigInteger, nullable=False),
    Index("declarations_by_matter", "matter", "about"),
)

# What is or was wrong with a device: one row from when it was first seen until it is over.
ALERTS = Table(
    "alerts",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("subject", String(64), nullable=False),  # a room's device, or a hub; empty: units that nobody has added
    Column("kind", String(24), nullable=False),
    Column("name", String(80), nullable=False),  # as people called it then
    Column("fact", BigInteger),  # a time or a count, as the kind has it
    Column("since", BigInteger, nullable=False),
    Column("opened", BigInteger),  # null: it has not lasted long enough to be told
    Column("gone", BigInteger),  # not seen any more since then
    Column("closed", BigInteger),
    Column("seen_by", String(80)),
    Column("seen_at", BigInteger),
    Column("told", Integer),  # the mail that tells of it
    Column("told_over", Integer),  # the mail that tells of its end
    Index(
        "alerts_live",
        "subject",
        "kind",
        unique=True,
        sqlite_where=text("closed IS NULL"),
        postgresql_where=text("closed IS NULL"),
    ),
    Index("alerts_by_end", "closed"),
)

# Every mail that was tried: who has taken it on, and what became of it.
MAILS = Table(
    "mails",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("taken", BigInteger, nullable=False),
    Column("sent", BigInteger),
    Column("failed", BigInteger),
    Column("said", Text),  # why it failed, or whom the server has refused
    Index("mails_by_time", "taken"),
)

# By which programs read the hub; the secret itself is here as a hash.
TOKENS = Table(
    "tokens",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", String(60), nullable=False),
    Column("role", String(8), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("made", BigInteger, nullable=False),
    Column("made_by", String(80), nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("used", BigInteger),  # to the hour
    Column("read_on", String(10)),  # the last day of which the journal says that numbers were read by it
)
