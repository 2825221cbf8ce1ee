"""How the rows of old heartbeats are let go of while their numbers stay known, as spans.

A number is in a span of FORGOTTEN only if it was committed. The highest number of an epoch keeps its row: by that a
unit is told what the hub knows of it. Releases and results keep theirs for good.
"""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Column, Connection, and_, bindparam, column, delete, exists, literal_column, select, values

from app.hub.keys import Key, asked, same_epoch
from app.hub.tables import FORGOTTEN, MESSAGES

Epoch = tuple[str, str]
"""(device, epoch)."""
Span = tuple[int, int]
"""First and last number, both included."""


def forgotten(connection: Connection, keys: Collection[Key]) -> set[Key]:
    """Those of the keys whose rows are gone.

    To be asked after MESSAGES was read: in between another hub may let go of a row, which then is in one of the two.
    """
    if not keys:
        return set()
    these = asked(keys)
    mine = same_epoch(these, FORGOTTEN.c.device, FORGOTTEN.c.epoch)
    inside = and_(mine, FORGOTTEN.c.first <= these.c.seq, FORGOTTEN.c.last >= these.c.seq)
    rows = connection.execute(select(*these.c).select_from(these.join(FORGOTTEN, inside)))
    return {(row.device, row.epoch, row.seq) for row in rows}


def forget(connection: Connection, before: int, most: int) -> int:
    """Let go of the oldest heartbeats that were received before a time, so many at most; how many that were.

    In a transaction that begins by writing, and one at a time.
    """
    keys = _oldest(connection, before, most)
    numbers: dict[Epoch, list[int]] = {}
    for device, epoch, seq in keys:
        numbers.setdefault((device, epoch), []).append(seq)
    if not numbers:
        return 0
    known = _spans(connection, numbers)
    edges = {each: (_low(known.get(each, []), seqs), max(seqs)) for each, seqs in numbers.items()}
    between = _between(connection, edges)
    _delete(connection, MESSAGES.c.seq, keys)
    old, new = set[tuple[Epoch, Span]](), set[tuple[Epoch, Span]]()
    for each, seqs in numbers.items():
        spans = known.get(each, [])
        old |= {(each, span) for span in spans}
        new |= {(each, span) for span in joined([*spans, *zip(seqs, seqs, strict=True)], between.get(each, ()))}
    _delete(connection, FORGOTTEN.c.first, [(*each, first) for each, (first, _) in old - new])
    rows = [dict(zip(FORGOTTEN.c.keys(), (*each, *span), strict=True)) for each, span in sorted(new - old)]
    if rows:
        connection.execute(FORGOTTEN.insert(), rows)
    return len(keys)


def joined(spans: Iterable[Span], between: Iterable[int]) -> list[Span]:
    """Spans in order, those that touch made one; a number `between` joins two, and makes none by itself."""
    found: list[tuple[int, int, bool]] = []
    pieces = [*((first, last, True) for first, last in spans), *((seq, seq, False) for seq in between)]
    for first, last, counts in sorted(pieces):
        if found and first <= found[-1][1] + 1:
            begin, end, counted = found.pop()
            found.append((begin, max(end, last), counted or counts))
        else:
            found.append((first, last, counts))
    return [(first, last) for first, last, counts in found if counts]


def _oldest(connection: Connection, before: int, most: int) -> list[Key]:
    later = MESSAGES.alias()
    same = and_(later.c.device == MESSAGES.c.device, later.c.epoch == MESSAGES.c.epoch)
    higher = exists().where(same, later.c.seq > MESSAGES.c.seq)
    heartbeats = MESSAGES.c.kind == literal_column("'heartbeat'")  # as it stands in the index
    query = select(MESSAGES.c.device, MESSAGES.c.epoch, MESSAGES.c.seq)
    query = query.where(heartbeats, MESSAGES.c.received < before, higher).order_by(MESSAGES.c.received).limit(most)
    return sorted((row.device, row.epoch, row.seq) for row in connection.execute(query))


def _spans(connection: Connection, epochs: Collection[Epoch]) -> dict[Epoch, list[Span]]:
    these = asked([(*each, 0) for each in epochs])
    mine = same_epoch(these, FORGOTTEN.c.device, FORGOTTEN.c.epoch)
    found: dict[Epoch, list[Span]] = {}
    for row in connection.execute(select(FORGOTTEN).select_from(these.join(FORGOTTEN, mine))):
        found.setdefault((row.device, row.epoch), []).append((row.first, row.last))
    return found


def _low(spans: Sequence[Span], seqs: Sequence[int]) -> int:
    """From where on rows may join what is forgotten now to what was before."""
    least = min(seqs)
    return max((last for _, last in spans if last < least), default=least)


def _between(connection: Connection, edges: dict[Epoch, Span]) -> dict[Epoch, list[int]]:
    """The numbers of rows between two edges of each epoch."""
    types = {name: MESSAGES.c[name].type for name in ("device", "epoch", "seq")}
    names = {"device": "device", "epoch": "epoch", "low": "seq", "high": "seq"}
    shape = values(*(column(name, types[like]) for name, like in names.items()), name="asked")
    these = shape.data(sorted((*each, *edge) for each, edge in edges.items())).cte()
    mine = same_epoch(these, MESSAGES.c.device, MESSAGES.c.epoch)
    inside = and_(mine, MESSAGES.c.seq > these.c.low, MESSAGES.c.seq < these.c.high)
    query = select(MESSAGES.c.device, MESSAGES.c.epoch, MESSAGES.c.seq).select_from(these.join(MESSAGES, inside))
    found: dict[Epoch, list[int]] = {}
    for row in connection.execute(query):
        found.setdefault((row.device, row.epoch), []).append(row.seq)
    return found


def _delete(connection: Connection, number: Column[int], keys: Collection[Key]) -> None:
    """Delete rows by device, epoch and this number."""
    table = number.table
    same = (table.c.device == bindparam("of"), table.c.epoch == bindparam("under"), number == bindparam("at"))
    rows = [{"of": device, "under": epoch, "at": seq} for device, epoch, seq in sorted(keys)]
    if rows:
        connection.execute(delete(table).where(*same), rows)
