"""The words of the card that lies in the room, in two languages; its numbers and lights are looked up in the code."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from app.catalogue import CUES
from app.conversation.vocabulary import FRAMES_PER_S
from app.cues.lamp import BLINK_EVERY_S, GLOWS, Microphones, is_steady
from app.cues.policy import Sparseness
from app.room.life import HOLD_S, HOLD_WITHDRAW_S, OVERTIME_S, QUIET_S, WITHDRAWAL_S
from firmware.light import Light

LANGUAGES = ("en", "es")


@dataclass(frozen=True, slots=True)
class Language:
    """All that the card says in one language; `{…}` are numbers of the code."""

    title: str
    subtitle: str
    microphone_heading: str
    microphone: Mapping[Microphones, tuple[str, str]]
    """What is seen, and what it means."""
    hears_heading: str
    hears: str
    stop_heading: str
    stop: tuple[tuple[str, str], ...]
    """What to do, and what happens then."""
    kept_heading: str
    kept: tuple[str, ...]
    therapist_heading: str
    sides: Mapping[Light, str]
    shapes: Mapping[str, str]
    cues: Mapping[str, str]
    """What each cue means."""
    rules: str
    button_heading: str
    button: tuple[tuple[str, str], ...]


NUMBERS = {
    "blink": round(BLINK_EVERY_S),
    "hold": round(HOLD_S),
    "withdraw": round(HOLD_WITHDRAW_S),
    "late": round(WITHDRAWAL_S / 60),
    "over": round(OVERTIME_S / 60),
    "quiet": round(QUIET_S / 60),
    "budget": Sparseness().budget,
    "period": Sparseness().period // FRAMES_PER_S // 60,
    "opening": Sparseness().opening // FRAMES_PER_S // 60,
    "between": Sparseness().between // FRAMES_PER_S,
}

ENGLISH = Language(
    title="The small box in this room",
    subtitle="Fermata listens for who is speaking and for how long. Everyone may see when, and everyone may say stop.",
    microphone_heading="The light that everybody sees",
    microphone={
        Microphones.LIVE: ("On", "The microphones are on."),
        Microphones.OFF: ("Dark", "The microphones are off. Nothing is heard."),
        Microphones.FAULT: ("One slow blink every {blink} s", "Something is wrong; for now nothing is taken in."),
    },
    hears_heading="What it takes in",
    hears="Only timing: which seat speaks, when, and how long it is quiet. Not the words, not whose voice it is, "
    "not feelings.",
    stop_heading="How to say stop",
    stop=(
        ("Slide the switch", "The microphones lose their power, at once and for as long as you like."),
        ("Press the button", "The session's listening ends."),
        (
            "Hold the button {withdraw} seconds",
            "Everything of this session is erased. Both small lights breathe once to say so.",
        ),
    ),
    kept_heading="What is kept, and what is not",
    kept=(
        "No sound is ever stored. No words, no names, no time of day.",
        (
            "A session leaves a few numbers in the box. They leave the room only together with many other sessions, "
            "and blurred."
        ),
        (
            "You can withdraw during the session and up to {late} minutes after its end. Later nobody can, because "
            "the session can no longer be told apart from the others."
        ),
    ),
    therapist_heading="For the therapist: the two small hooded lights",
    sides={Light.LEFT: "left, amber", Light.RIGHT: "right, blue"},
    shapes={"steady": "steady, very dim", "once": "one slow rise and fall", "twice": "two slow breaths"},
    cues={
        "cannot_measure": "It cannot measure now; these minutes do not count.",
        "floor_held_long": "You have been speaking for a long while.",
        "mostly_you": "In the last three minutes it was mostly you who spoke.",
        "silence_held": "It has been quiet for a while. No need to act. (Often off.)",
        "check_in": "Five minutes are left: a good time to ask how this was.",
    },
    rules="At most {budget} of these in {period} minutes, at least {between} seconds apart, and in the first "
    "{opening} minutes none but “cannot measure”. They measure timing; they do not judge. "
    "You may ignore every one of them.",
    button_heading="The button",
    button=(
        ("a short press", "begins a session, or ends it"),
        ("{hold} s, between sessions", "sets the seats: each person says a sentence"),
        ("{withdraw} s", "erases this session, or the last one up to {late} min after its end"),
    ),
)

SPANISH = Language(
    title="La pequeña caja de esta sala",
    subtitle="Fermata atiende a quién habla y durante cuánto tiempo. Todos pueden ver cuándo, y todos pueden decir "
    "basta.",
    microphone_heading="La luz que todos ven",
    microphone={
        Microphones.LIVE: ("Encendida", "Los micrófonos están encendidos."),
        Microphones.OFF: ("Apagada", "Los micrófonos están apagados. No se oye nada."),
        Microphones.FAULT: ("Un destello lento cada {blink} s", "Algo falla; por ahora no se recoge nada."),
    },
    hears_heading="Qué recoge",
    hears="Solo el ritmo: qué asiento habla, cuándo, y cuánto dura el silencio. Ni las palabras, ni de quién es la "
    "voz, ni los sentimientos.",
    stop_heading="Cómo decir basta",
    stop=(
        ("Deslice el interruptor", "Los micrófonos se quedan sin corriente, en el acto y el tiempo que quiera."),
        ("Pulse el botón", "La escucha de la sesión termina."),
        (
            "Mantenga el botón {withdraw} segundos",
            "Se borra todo lo de esta sesión. Las dos luces pequeñas respiran una vez para confirmarlo.",
        ),
    ),
    kept_heading="Qué se guarda y qué no",
    kept=(
        "Nunca se guarda sonido. Ni palabras, ni nombres, ni la hora.",
        (
            "Una sesión deja unos pocos números en la caja. Solo salen de la sala junto con muchas otras sesiones, "
            "y difuminados."
        ),
        (
            "Puede retirarse durante la sesión y hasta {late} minutos después de su final. Más tarde ya nadie puede, "
            "porque la sesión no se distingue de las demás."
        ),
    ),
    therapist_heading="Para el terapeuta: las dos luces pequeñas con visera",
    sides={Light.LEFT: "izquierda, ámbar", Light.RIGHT: "derecha, azul"},
    shapes={"steady": "fija, muy tenue", "once": "sube y baja una vez, despacio", "twice": "dos respiraciones lentas"},
    cues={
        "cannot_measure": "Ahora no puede medir; estos minutos no cuentan.",
        "floor_held_long": "Lleva usted un buen rato hablando.",
        "mostly_you": "En los últimos tres minutos ha hablado sobre todo usted.",
        "silence_held": "Hace un rato que hay silencio. No hace falta actuar. (Suele estar apagada.)",
        "check_in": "Quedan cinco minutos: buen momento para preguntar cómo ha ido.",
    },
    rules="Como mucho {budget} en {period} minutos, separadas al menos {between} segundos, y en los primeros "
    "{opening} minutos ninguna salvo «no puede medir». Miden el ritmo; no juzgan. Puede no hacer caso de ninguna.",
    button_heading="El botón",
    button=(
        ("pulsación breve", "empieza una sesión, o la termina"),
        ("{hold} s, entre sesiones", "fija los asientos: cada persona dice una frase"),
        ("{withdraw} s", "borra esta sesión, o la última hasta {late} min después de su final"),
    ),
)

WORDS = {"en": ENGLISH, "es": SPANISH}


def filled(text: str) -> str:
    """A text with the code's numbers in it."""
    return text.format(**NUMBERS)


def shape_of(cue: str) -> str:
    """The shape of a cue's light, read off its breakpoints: steady, once or twice."""
    if is_steady(cue):
        return "steady"
    levels = [level for _, level in GLOWS[cue].breakpoints]
    return {2: "once", 3: "twice"}[levels.count(0.0)]


def seen(language: str, cue: str) -> str:
    """What a cue looks like, in words."""
    words = WORDS[language]
    return f"{words.sides[GLOWS[cue].light]}: {words.shapes[shape_of(cue)]}"


def text_of(language: str) -> str:
    """The whole card as plain text, for the eye of a reviewer and of a screen reader."""
    words = WORDS[language]
    lines = [f"# {words.title}", "", words.subtitle, "", f"## {words.microphone_heading}", ""]
    lines += [f"- {filled(what)}: {filled(means)}" for what, means in words.microphone.values()]
    lines += ["", f"## {words.hears_heading}", "", words.hears, "", f"## {words.stop_heading}", ""]
    lines += [f"- {filled(what)}: {filled(means)}" for what, means in words.stop]
    lines += ["", f"## {words.kept_heading}", "", *(f"- {filled(line)}" for line in words.kept)]
    lines += ["", f"## {words.therapist_heading}", ""]
    lines += [f"- {seen(language, cue.id)}. {words.cues[cue.id]}" for cue in CUES]
    lines += ["", filled(words.rules), "", f"## {words.button_heading}", ""]
    lines += [f"- {filled(what)}: {filled(does)}" for what, does in words.button]
    return "\n".join(lines) + "\n"


def mark_of(language: str) -> str:
    """What tells whether a drawn card is that of these words and of this lamp; it is written into the files."""
    return sha256((text_of(language) + repr(sorted(GLOWS.items(), key=lambda each: each[0]))).encode()).hexdigest()
