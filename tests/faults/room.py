"""A room unit that holds marked sessions when told: `listen` as it is, but for its microphones and the noise's dice.

    stdin   {"hold": 12} or {"waiting": true} or {"press": true}, a line each
    stdout  {"held": 12} or {"waiting": [marks]} or {"pressed": true} once the session has ended, a line each

`deaf` on its command line: the microphones fail in every session that a press begins.

What it is about to hold and what it has held stands in a journal beside its settings, so that who kills it can tell.
"""

import json
import select
import signal
import sys
import time
from pathlib import Path

from app import listen as house
from app.conversation.score import read
from app.listen import Files, Listen, listen_to_score
from app.release.week import week_of
from app.room.session import Moment
from app.room.source import Staves
from app.sources import load
from firmware.simulated import SimulatedBoard, board_without_sound
from tests.faults.accounts import MARKS, Loaded, mark_of, marked

MEASURED_S = 3000.0
SCORE = "THERAPIST  ####..##......####....####\nCLIENT     ....##......####....####.."


class Journal:
    """Lines `holding 5`, then `held 5` or `unheld 5`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def write(self, verb: str, mark: int) -> None:
        with self.file.open("a") as journal:
            journal.write(f"{verb} {mark}\n")


class Deaf(Staves):
    """Microphones that are there, and in a session deliver nothing."""

    @property
    def live(self) -> bool:
        return False


class Hands:
    """Does what stdin says, between two steps of the room."""

    def __init__(self, listen: Listen, files: Files, journal: Journal, board: SimulatedBoard) -> None:
        self._listen, self._files, self._journal, self._board = listen, files, journal, board
        self._pressed = self._begun = False
        self._next = sum(verb == "holding" for verb, _ in journal.lines())

    def see_what_was_held(self) -> None:
        """After a kill: whether the session that was being held is in the ledger."""
        lines = self._journal.lines()
        if lines and lines[-1][0] == "holding":
            mark = int(lines[-1][1])
            self._journal.write("held" if mark in self._waiting() else "unheld", mark)

    def look(self, _moment: Moment | None) -> None:
        if self._pressed and self._listen.room.session is not None:
            self._begun = True
        elif self._begun:
            self._pressed = self._begun = False
            print(json.dumps({"pressed": True}), flush=True)  # noqa: T201 - what is asked for
        if select.select([sys.stdin], [], [], 0)[0]:  # one a look: between two answers the room does its chores
            line = sys.stdin.readline()
            if not line:
                return
            asked = json.loads(line)
            if "press" in asked:
                self._board.button.press()
                self._pressed = True
                return
            if "hold" in asked:
                for _ in range(asked["hold"]):
                    self._hold()
                print(json.dumps({"held": asked["hold"]}), flush=True)  # noqa: T201 - what is asked for
            else:
                print(json.dumps({"waiting": self._waiting()}), flush=True)  # noqa: T201

    def _hold(self) -> None:
        mark, ledger = self._next % MARKS, self._files.ledger
        self._next += 1
        self._journal.write("holding", mark)
        session = ledger.open_session()
        ledger.close(session, marked(mark), week_of(self._listen.room.today()), MEASURED_S)
        self._journal.write("held", mark)

    def _waiting(self) -> list[int]:
        return [mark_of(each.values) for each in self._files.ledger.waiting()]


def main(settings_file: Path, deaf: bool) -> None:
    house.CHORES_S, house.IDLE_S = 0.001, 0.01  # a week lasts a moment here
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    settings = load(settings_file)
    files = Files(settings, simulated=True)
    board, score = board_without_sound(), read(SCORE)
    listen = listen_to_score(settings, files, board, score, None)
    if deaf:
        listen.room.source = Deaf(score, None, time.monotonic, time.sleep)
    listen._rota.dice = Loaded()
    hands = Hands(listen, files, Journal(settings_file.parent / "journal"), board)
    hands.see_what_was_held()
    listen.run(lambda: bool(stopped), hands.look)
    files.shut()


if __name__ == "__main__":
    main(Path(sys.argv[1]), "deaf" in sys.argv[2:])
