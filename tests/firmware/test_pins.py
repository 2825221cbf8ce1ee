import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from firmware.board import Board, open_board
from firmware.errors import WiringError
from firmware.light import Light
from firmware.pins import Pins
from firmware.press import LONGEST_S, Press
from firmware.switches import SETTLED_S, PrivacySwitch, PushButton


@pytest.fixture
def gpio() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class HeldPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that a finger holds to ground."""

    def _set_pull(self, value: str) -> None:
        super()._set_pull(value)
        self.drive_low()


def history(gpio: MockFactory, pin: int) -> list[float]:
    return [state.state for state in gpio.pin(pin).states]


def test_a_press_lasts_from_down_to_up(gpio: MockFactory) -> None:
    clock = Clock()
    button = PushButton(23, gpio, clock)
    for begin, end in ((1.0, 1.25), (10.0, 15.0)):
        clock.now = begin
        gpio.pin(23).drive_low()
        clock.now = end
        gpio.pin(23).drive_high()
    assert button.presses() == [Press(0.25), Press(5.0)]
    assert button.presses() == []
    button.close()


def test_a_chatter_of_the_contact_is_no_press(gpio: MockFactory) -> None:
    clock = Clock()
    button = PushButton(23, gpio, clock)
    for _ in range(5):
        gpio.pin(23).drive_low()
        clock.now += 0.002
        gpio.pin(23).drive_high()
        clock.now += 0.002
    assert button.presses() == []
    button.close()


def test_a_button_held_from_the_start_is_no_press_until_it_is_pressed_anew(gpio: MockFactory) -> None:
    clock = Clock()
    pin = gpio.pin(23, pin_class=HeldPin)
    button = PushButton(23, gpio, clock)
    assert button.presses() == []
    clock.now = 20.0
    pin.drive_high()
    assert button.presses() == []
    pin.drive_low()
    clock.now = 20.5
    pin.drive_high()
    assert button.presses() == [Press(0.5)]
    button.close()


def test_the_privacy_switch_is_open_only_while_the_microphones_have_power(gpio: MockFactory) -> None:
    switch = PrivacySwitch(25, gpio)
    seen = [switch.is_open()]
    gpio.pin(25).drive_high()
    seen.append(switch.is_open())
    gpio.pin(25).drive_low()
    seen.append(switch.is_open())
    assert seen == [False, True, False]
    switch.close()


def test_the_answer_to_a_long_press_comes_before_the_button_is_let_go(gpio: MockFactory) -> None:
    clock = Clock()
    button = PushButton(23, gpio, clock)
    gpio.pin(23).drive_low()
    clock.now = LONGEST_S - 0.01
    assert button.presses() == []
    clock.now = LONGEST_S + 0.01
    assert button.presses() == [Press(LONGEST_S + 0.01)]
    clock.now = 60.0
    assert button.presses() == []
    gpio.pin(23).drive_high()
    assert button.presses() == [], "letting go is no second press"
    gpio.pin(23).drive_low()
    clock.now = 60.5
    gpio.pin(23).drive_high()
    assert button.presses() == [Press(0.5)]
    button.close()


def two_contacts(gpio: MockFactory, clock: Clock, power: bool, position: bool) -> PrivacySwitch:
    switch = PrivacySwitch(25, gpio, 16, clock)
    for pin, high in ((25, power), (16, position)):
        (gpio.pin(pin).drive_high if high else gpio.pin(pin).drive_low)()
    return switch


@pytest.mark.parametrize(("high", "trouble"), [(True, None), (False, None)])
def test_two_contacts_that_agree_are_no_trouble(gpio: MockFactory, high: bool, trouble: None) -> None:
    switch = two_contacts(gpio, Clock(), high, high)
    assert switch.is_open() is high
    assert switch.trouble is trouble
    switch.close()


@pytest.mark.parametrize(
    ("power", "sentence"), [(True, "shut and the microphones still have power"), (False, "open and .* no power")]
)
def test_a_switch_that_its_read_back_contradicts_reads_shut_and_says_so(
    gpio: MockFactory, power: bool, sentence: str
) -> None:
    clock = Clock()
    switch = two_contacts(gpio, clock, power, not power)
    assert not switch.is_open()
    assert switch.trouble is None, "two contacts of one switch may move a little apart"
    clock.now = SETTLED_S
    assert re.search(sentence, switch.trouble or "")
    (gpio.pin(16).drive_high if power else gpio.pin(16).drive_low)()
    assert switch.trouble is None
    switch.close()


def test_a_switch_whose_wire_is_broken_reads_shut(gpio: MockFactory) -> None:
    switch = PrivacySwitch(25, gpio, 16)
    assert not switch.is_open()
    switch.close()


@pytest.mark.parametrize(
    ("pins", "sentence"),
    [
        ({"button": 12}, "GPIO 12 is given to the left light and to the session button: give each a pin of its own"),
        ({"right": 24}, "GPIO 24 is given to the right light and to the microphone light"),
        ({"switch": 25}, "GPIO 25 is given to the microphones' power and to the privacy switch's position"),
    ],
)
def test_a_pin_given_to_two_things_names_both(pins: dict[str, int], sentence: str) -> None:
    with pytest.raises(WiringError, match=sentence) as caught:
        Pins(**pins)  # type: ignore[arg-type]  # pwm is no number
    assert "\n" not in str(caught.value)


def test_a_pin_that_does_not_exist_is_refused(gpio: MockFactory) -> None:
    with pytest.raises(WiringError, match="the button cannot use GPIO 99"):
        PushButton(99, gpio)


def test_a_machine_without_pins_says_so_and_how_to_have_them() -> None:
    told = run("from firmware.switches import find_gpio\nfind_gpio()")
    assert "WiringError: this machine has no GPIO pins" in told
    assert "run it on a Raspberry Pi with lgpio" in told


def test_without_pins_a_board_is_simulated_and_says_why() -> None:
    told = run("from firmware.board import open_board\nprint(open_board().notices[0])")
    assert "lamp, button and privacy switch are simulated: this machine has no GPIO pins" in told


def test_pins_that_were_asked_for_must_be_there() -> None:
    told = run("from firmware.board import *\nfrom firmware.pins import Pins\nopen_board(pins=Pins())")
    assert "WiringError: this machine has no GPIO pins" in told


def run(code: str) -> str:
    """What a Python of its own says on a machine without pins."""
    environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "none-such"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


def test_the_real_board_says_that_it_is_and_keeps_its_microphones_closed(gpio: MockFactory) -> None:
    board: Board = open_board(pins=Pins(pwm="software"), gpio=gpio, device="no such device")
    first, second = board.notices
    assert first == "Microphones 'no such device' with the array xvf3800; real board."
    assert "dimmed by software" in second
    assert "dtoverlay=pwm-2chan" in second
    assert board.geometry.name == "xvf3800"
    board.lamp.show(Light.MICROPHONE, 1.0)
    assert not board.privacy.is_open()
    assert board.privacy.trouble is None
    assert board.button.presses() == []
    board.close()
    assert history(gpio, 24)[-1] == 0.0


def test_a_board_that_cannot_be_wired_gives_back_the_pins_it_took(gpio: MockFactory) -> None:
    with pytest.raises(WiringError, match="the button cannot use GPIO 99"):
        open_board(pins=Pins(button=99), gpio=gpio)
    open_board(pins=Pins(), gpio=gpio).close()


def test_pins_of_the_usual_numbers_are_taken_where_there_are_any(gpio: MockFactory) -> None:
    board = open_board(gpio=gpio)
    assert board.notices[0].endswith("real board.")
    board.close()
