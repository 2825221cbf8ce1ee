"""Who may import whom: arrows go down the signal path, no circle, no arrow back up."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The picture of docs/architecture.md as a table: each house, and all it may import of ours. A row serves all below
# its name, the longest name wins. Only listen, the demo and the command line put things together.
MAY_IMPORT = {
    "firmware": {"firmware"},
    "app.catalogue": set(),
    "app.durable": set(),
    "app.ballast": set(),
    "app.hearing": {"app.hearing", "firmware.sound"},
    "app.conversation": {"app.conversation", "app.hearing.activity", "app.hearing.seats", "app.catalogue"},
    "app.cues": {"app.cues", "app.conversation", "app.catalogue", "firmware.light"},
    "app.release": {"app.release", "app.catalogue", "app.durable", "app.ballast", "app.sync.wire"},
    "app.sync": {"app.sync", "app.durable", "app.ballast"},
    "app.hub": {"app.hub", "app.sync.wire", "app.sync.command", "app.catalogue"},
    "app.rehearsal": {
        "app.rehearsal",
        "app.hearing",
        "app.conversation",
        "app.catalogue",
        "firmware.sound",
        "firmware.geometry",  # array files
    },
    "app.validation": {
        *("app.validation", "app.rehearsal", "app.hearing", "app.conversation", "app.catalogue"),
        *("firmware.sound", "firmware.geometry"),
    },
    "app.validation.attacks": {"app.validation", "app.rehearsal", "app.release", "app.catalogue"},
    "app.validation.cost": {"app.validation", "app.hearing", "app.conversation", "app.cues", "firmware.sound"},
    "app.validation.attempts": {"app.validation", "app.release"},
    "app.simulation": {"app.simulation", "app.release.release", "app.release.week", "app.sync.wire", "app.sync.resend"},
    "app.room": {
        *("app.room", "app.hearing", "app.conversation", "app.cues", "app.release", "app.sync.outbox"),
        *("app.catalogue", "firmware"),
    },
    "app.terminal": {
        *("app.terminal", "app.room", "app.conversation.vocabulary", "app.hearing.seats", "app.catalogue", "firmware"),
        "app.hearing.calibration",  # what a sentence has brought, in words
    },
    "app.demo": {
        *(
            "app.demo",
            "app.listen",
            "app.settings",
            "app.sources",
            "app.rehearsal",
            "app.release",
            "app.sync",
            "app.hub",
        ),
        "app.terminal",
    },
    "app": {"app", "firmware"},
    "models": {
        *("models", "app.hearing", "app.conversation", "app.rehearsal", "app.validation", "app.catalogue"),
        *("firmware.sound", "firmware.geometry"),
    },
}

# Third-party hardware and network libraries, and the only files, or folders, that may import them.
ONLY_IN = {
    "pyaudio": {"firmware/capture.py"},
    "gpiozero": {"firmware/lamp.py", "firmware/switches.py"},
    "tflite_runtime": {"app/hearing/model.py"},
    "ai_edge_litert": {"app/hearing/model.py"},
    "paho": {"app/sync/link.py", "app/hub/inbox.py", "app/simulation/line.py"},
    "sqlalchemy": {
        *("app/hub/database.py", "app/hub/entries.py", "app/hub/store.py", "app/hub/tables.py"),
        *("app/hub/registry.py", "app/hub/orders.py", "app/hub/people.py", "app/hub/journal.py"),
        *("app/hub/days.py", "app/hub/rounds.py", "app/hub/forgetting.py", "app/hub/keys.py"),
        *("app/hub/declarations.py", "app/hub/about.py", "app/hub/alerts.py", "app/hub/post.py"),
        *("app/hub/sightings.py", "app/hub/tokens.py", "app/hub/steps.py", "app/hub/turns.py"),
        *(
            "app/hub/moving.py",
            "app/hub/tally.py",
            "app/hub/roster.py",
            "app/hub/standing.py",
            "app/hub/wards.py",
            "app/hub/migrations",
        ),
    },
    "argon2": {"app/hub/passwords.py"},
    "alembic": {"app/hub/steps.py", "app/hub/about.py", "app/hub/migrations"},
    "prometheus_client": {"app/hub/exposition.py"},
    "smtplib": {"app/hub/mail.py"},
    "rich": {"app/terminal/view.py"},
}


def imports(source: str) -> set[str]:
    """Every module a source names in an import, `from a import b` as both `a` and `a.b`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the arrows"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def inside(name: str, house: str) -> bool:
    return name == house or name.startswith(house + ".")


def violations(path: str, source: str) -> list[str]:
    """The imports of a file that the two tables forbid."""
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    row = max((house for house in MAY_IMPORT if inside(module, house)), key=len)
    ours = [name for name in imports(source) if name.split(".")[0] in {"app", "firmware", "models"}]
    wrong = [name for name in ours if not any(inside(name, house) for house in MAY_IMPORT[row])]
    where = {name: ONLY_IN.get(name.split(".")[0], {path}) for name in imports(source)}
    wrong += [name for name, allowed in where.items() if not {path, *map(str, Path(path).parents)} & allowed]
    return sorted(f"{path} imports {name}" for name in wrong)


def sources() -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for top in ("app", "firmware", "models") for p in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("path", sources())
def test_arrows_go_down_the_signal_path(path: str) -> None:
    assert violations(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("firmware/lamp.py", "from app.cues.policy import Policy"),
        ("app/hearing/seats.py", "from app.conversation import units"),
        ("app/conversation/units.py", "import app.hearing.model"),
        ("app/hub/inbox.py", "from app.sync.outbox import Outbox"),
        ("app/sync/courier.py", "from app.release.ledger import Ledger"),
        ("app/listen.py", "import paho.mqtt.client"),
        ("app/hearing/features.py", "import pyaudio"),
    ],
)
def test_a_planted_violation_is_found(path: str, source: str) -> None:
    assert violations(path, source)


def arrows() -> dict[str, set[str]]:
    """From each of our modules to all of ours that it imports, also where it does so late."""
    files = {p.removesuffix(".py").removesuffix("/__init__").replace("/", "."): p for p in sources()}
    return {
        module: {n for name in imports((ROOT / p).read_text()) for n in (name, name.rpartition(".")[0]) if n in files}
        for module, p in files.items()
    }


def all_below(module: str) -> set[str]:
    """All of ours that a module needs, itself included."""
    found, todo, to = set[str](), [module], arrows()
    while todo:
        found.add(next_one := todo.pop())
        todo += to[next_one] - found
    return found


def test_what_has_the_microphones_has_no_network() -> None:
    assert not all_below("app.listen") & {"app.sync.link", "app.sync.courier", "app.send"}
    assert "firmware.microphones" in all_below("app.listen")
    assert not all_below("firmware.capture") & {"app.listen", "app.sync.link"}


def test_what_has_the_network_has_no_microphones_and_no_ledger() -> None:
    below = all_below("app.send")
    assert not [module for module in below if inside(module, "firmware") or inside(module, "app.release")]
    assert "app.sync.link" in below


def test_no_circle() -> None:
    """Depth-first over files: an import that leads back to a file still open is a circle."""
    to = arrows()
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in to[module] - {module}:
                visit(target, (*path, module))
            done.add(module)

    for module in to:
        visit(module, ())
