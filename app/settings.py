"""The settings of room unit and hub: what can be set, its unit and range. Where they come from: `app/sources.py`."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.cues.presets import PRESETS, Choice
from app.hearing.seats import Role, Seat, check_seats, role_of
from app.sync.wire import Slug

PREFIX = "FERMATA_"
DELIMITER = "__"

Port = Annotated[int, Field(ge=1, le=65535)]
Pin = Annotated[int, Field(ge=0, le=27)]


class SettingsError(ValueError):
    """Settings that cannot be used; says which, where from, and why."""


class Group(BaseModel):
    """A table of settings; an unknown key is an error, and the line under each is its documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Room(Group):
    """Who this unit is on the wire."""

    clinic: Slug = "clinic"
    """Id of the clinic: small letters, digits and hyphens."""
    device: Slug = "room-1"
    """Id of this unit, unique in the clinic."""


class Microphones(Group):
    """The microphone array."""

    array: str = "xvf3800"
    """Name of a shipped array, or the path of an array file."""
    device: str = "XVF3800"
    """Part of the sound device's name as PortAudio lists it."""
    usb: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}$")] | None = None
    """USB vendor and product, such as 2886:001a; then nothing else is taken for the array."""


class SeatPlace(Group):
    """Where one person sits."""

    azimuth: Annotated[float, Field(allow_inf_nan=False)]
    """Degrees, anticlockwise seen from above, 0 at the array's +x mark."""
    role: Role | None = None
    """therapist or client; without one it follows from a seat name that begins with either."""


class Session(Group):
    """A session's length."""

    planned_minutes: Annotated[float, Field(ge=5, le=240)] = 50.0
    """Minutes; a session ends by itself 10 min after this."""
    greeting: bool = False
    """A session begins with a sentence of each person, the therapist first: who sits in another's seat is noticed."""


class Cues(Group):
    """The discreet light. What is not set here is as the preset has it."""

    preset: Literal["motivational_interviewing", "psychodynamic", "cbt", "couples"] = "motivational_interviewing"
    """Way of working to begin from: motivational_interviewing, psychodynamic, cbt or couples."""
    floor_held_long: bool | None = None
    """Whether a long turn of the therapist is told."""
    long_turn: Annotated[float, Field(ge=15, le=600)] | None = None
    """Seconds of a therapist's turn before floor_held_long; 60, or 120 outside motivational interviewing."""
    mostly_you: bool | None = None
    """Whether it is told that most of the talk was the therapist's."""
    mostly_you_share: Annotated[float, Field(ge=0.6, le=1)] | None = None
    """The therapist's share of three minutes' talk from which mostly_you comes; 0.8."""
    silence_held: bool | None = None
    """Whether a silence is told; off, but for psychodynamic work."""
    silence: Annotated[float, Field(ge=5, le=300)] | None = None
    """Seconds of silence before silence_held; 10."""
    check_in: bool | None = None
    """Whether the time to ask the client is told, five minutes before the planned end."""
    dimmer: Annotated[float, Field(ge=0.02, le=1)] = 0.5
    """Brightness of the hooded lights, as the eye takes it; 1 is full."""
    night: bool = False
    """A darkened room: the hooded lights at less than half of that, the microphone light softer."""

    @property
    def choice(self) -> Choice:
        """The preset, with what was set by hand in its place."""
        own = {field.name: getattr(self, field.name) for field in fields(Choice)}
        return PRESETS[self.preset].choice.with_own(own)


class Pins(Group):
    """GPIO pins, BCM numbers."""

    left: Pin = 12
    """Amber hooded light."""
    right: Pin = 13
    """Blue hooded light."""
    microphone: Pin = 24
    """Microphone light."""
    button: Pin = 23
    """Session button, to ground."""
    privacy: Pin = 25
    """Read-back of the privacy switch: high while the microphones have power."""
    switch: Pin | None = None
    """A second contact of the privacy switch: high while it stands open; a disagreement of the two is a fault."""
    pwm: Literal["auto", "kernel", "software"] = "auto"
    """What dims the hooded lights: kernel, software, or auto, which is the kernel where there is one."""


class Release(Group):
    """What leaves the room. These stand in the unit's own file and nowhere else; the limits are in the code."""

    rho: Annotated[float, Field(ge=0.001, le=1)] = 0.5
    """Zero-concentrated differential privacy that one session spends; smaller is more private and noisier."""
    min_sessions: Annotated[int, Field(ge=10, le=1000)] = 20
    """Fewest sessions in one release."""
    weekday: Annotated[int, Field(ge=1, le=7)] = 7
    """Day of the weekly release, 1 is Monday."""
    hour: Annotated[int, Field(ge=0, le=23)] = 3
    """Hour (UTC) of the weekly release and of the daily note on health."""


class Paths(Group):
    """Where things are kept."""

    state: Path = Path("/var/lib/fermata")
    """Folder of the ledger; only `listen` can read it."""
    outbox: Path = Path("/var/lib/fermata-outbox")
    """Folder of the outbox, the only door between `listen` and `send`."""

    keys: Path = Path("/var/lib/fermata-send")
    """Folder of this unit's key and certificate; only `send` can read it."""

    @property
    def ledger_file(self) -> Path:
        """The sessions that wait for their release."""
        return self.state / "ledger.sqlite"

    @property
    def seats_file(self) -> Path:
        """The calibrated seats."""
        return self.state / "seats.json"

    @property
    def outbox_file(self) -> Path:
        """What waits for the hub."""
        return self.outbox / "outbox.sqlite"


class Send(Group):
    """How `send` reaches the hub. A unit that has joined needs none of the three files: it has its own."""

    host: str = "127.0.0.1"
    """Name or address of the clinic's hub."""
    port: Port = 1883
    """MQTT port; 8883 with certificates."""
    ca: Path | None = None
    """Certificate of the clinic's authority, if others than the unit look after its certificates."""
    certificate: Path | None = None
    """This unit's certificate."""
    key: Path | None = None
    """This unit's private key."""
    resend_s: Annotated[float, Field(ge=0.2, le=300)] = 6.0
    """Seconds until a message without an acknowledgement is sent again, at first; it backs off to 5 min."""
    heartbeat_s: Annotated[float, Field(ge=1, le=86400)] = 300.0
    """Seconds between heartbeats, at fixed times of the clock."""


class Join(Group):
    """How this unit joins its hub, once, and renews its certificate. `fermata hub add-room` writes these."""

    host: str | None = None
    """Name or address of the hub; without one it is where the broker is."""
    port: Port = 8721
    """Port of the hub's door."""
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the certificate of the clinic's authority."""
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9 -]{8,64}$")] | None = None
    """Code that works once; `send` erases it where it can."""


class Mail(Group):
    """Alerts by e-mail. What is wrong with devices is mailed where host, sender and to are set."""

    host: str | None = None
    """Name of the mail server, as its certificate has it; without one no mail is sent."""
    port: Port = 587
    """Port of the mail server; 465 with tls."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """starttls or tls; none only for a mail server on this machine, and without a password."""
    ca: Path | None = None
    """Certificate of the authority that vouches for the mail server, where this machine does not know it."""
    user: str | None = None
    """Name to sign in to the mail server by."""
    password_file: Path | None = None
    """File that holds the password and that others cannot read; a bare name is one of systemd's credentials."""
    sender: str | None = None
    """Address that the mails come from."""
    to: tuple[str, ...] = ()
    """Addresses that the mails go to."""
    language: Literal["en", "es"] = "en"
    """Language of the mails: en or es."""


class Hub(Group):
    """The clinic's hub."""

    state: Path = Path("/var/lib/fermata-hub")
    """Folder of the database and of the broker's store."""
    database: str | None = None
    """A PostgreSQL to use, postgresql://user@host/name, its password in the file that PGPASSFILE names."""
    host: str = "127.0.0.1"
    """Address where the page listens; beyond this machine only over TLS: by certificate below, or with an address."""
    port: Port = 8720
    """Port of the page."""
    certificate: Path | None = None
    """A certificate for the page, PEM with its chain; without one the clinic's authority makes it, for the address."""
    key: Path | None = None
    """Its private key; without one it is in the certificate's file."""
    mqtt_port: Port = 1883
    """Port of the embedded broker for rooms on this machine, in the clear."""
    address: str | None = None
    """Name or address by which rooms on other machines reach this hub; without one there are only those on this one."""
    mqtts_port: Port = 8883
    """Port of the embedded broker where there is an address: only with certificates."""
    door_port: Port = 8721
    """Port where rooms join and renew."""
    broker: str | None = None
    """A broker of the clinic's own, mqtts://HOST:PORT, or mqtt://127.0.0.1:PORT; without one there is the embedded."""
    broker_files: Path | None = None
    """Folder where such a broker finds certificates, and who may do what."""
    command_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """A room knows the hub's commands by this key (`fermata hub command key` prints it); without it, it obeys none."""
    therapists: Annotated[int, Field(ge=0, le=10000)] = 0
    """How many therapists use these rooms, until the page Settings says it; with fewer than 5, metrics are off."""
    owner_agreed: bool = False
    """The therapists agree to metrics with fewer than 5 of them, until the page Settings says otherwise."""
    mail: Mail = Mail()
    """Alerts by e-mail. What is wrong with devices is mailed where host, sender and to are set."""


class Settings(BaseSettings):
    """All settings of room unit and hub."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    room: Room = Room()
    microphones: Microphones = Microphones()
    seats: dict[str, float | SeatPlace] = {}
    """Seats by name: degrees, or {azimuth, role}. Seats that `fermata seats` or the button has set go before these."""
    session: Session = Session()
    cues: Cues = Cues()
    pins: Pins = Pins()
    release: Release = Release()
    paths: Paths = Paths()
    send: Send = Send()
    join: Join = Join()
    hub: Hub = Hub()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's, also below
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: `app/sources.py` reads the sources itself, to know where each value came from."""
        return (init_settings,)

    def placed_seats(self) -> tuple[Seat, ...]:
        """The seats as values. Raises SeatError when they cannot be told apart."""
        places = {name: SeatPlace(azimuth=at) if isinstance(at, float) else at for name, at in self.seats.items()}
        return check_seats(Seat(name, at.role or role_of(name), at.azimuth % 360.0) for name, at in places.items())
