from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from firmware.board import Board, Pins, open_board
from firmware.errors import WiringError
from firmware.lamp import PwmLamp
from firmware.light import Light
from firmware.press import Press
from firmware.switches import PrivacySwitch, PushButton, find_gpio

LIGHTS = {Light.LEFT: 12, Light.RIGHT: 13, Light.MICROPHONE: 24}


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


def test_each_light_follows_its_pin_and_no_other(gpio: MockFactory) -> None:
    lamp = PwmLamp(LIGHTS, gpio)
    for brightness in (0.1, 0.2, 0.0):
        lamp.show(Light.LEFT, brightness)
    lamp.show(Light.MICROPHONE, 1.0)
    assert history(gpio, 12) == [0.0, 0.1, 0.2, 0.0]
    assert history(gpio, 13) == [0.0]
    assert history(gpio, 24) == [0.0, 1.0]
    lamp.close()


def test_a_closed_lamp_is_dark(gpio: MockFactory) -> None:
    lamp = PwmLamp(LIGHTS, gpio)
    lamp.show(Light.RIGHT, 0.5)
    lamp.close()
    assert history(gpio, 13)[-1] == 0.0


def test_a_brightness_beyond_the_scale_is_refused(gpio: MockFactory) -> None:
    lamp = PwmLamp(LIGHTS, gpio)
    with pytest.raises(ValueError, match="between 0 and 1"):
        lamp.show(Light.LEFT, 1.01)
    lamp.close()


def test_pins_without_pwm_are_said() -> None:
    factory = MockFactory()
    with pytest.raises(WiringError, match="the left light cannot use GPIO 12"):
        PwmLamp(LIGHTS, factory)
    factory.close()


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


def test_a_pin_used_twice_is_refused() -> None:
    with pytest.raises(WiringError, match="GPIO 12 is used twice"):
        Pins(button=12)


def test_a_pin_that_does_not_exist_is_refused(gpio: MockFactory) -> None:
    with pytest.raises(WiringError, match="the button cannot use GPIO 99"):
        PushButton(99, gpio)


def test_a_machine_without_pins_says_so() -> None:
    try:
        find_gpio().close()
    except WiringError as error:
        assert "no GPIO pins" in str(error)  # noqa: PT017 - a Raspberry Pi has pins and passes too


def test_the_real_board_says_that_it_is_and_keeps_its_microphones_closed(gpio: MockFactory) -> None:
    board: Board = open_board(pins=Pins(), gpio=gpio, device="no such device")
    assert board.notices == ("Microphones 'no such device' with the array xvf3800; real board.",)
    assert board.geometry.name == "xvf3800"
    board.lamp.show(Light.MICROPHONE, 1.0)
    assert not board.privacy.is_open()
    assert board.button.presses() == []
    board.close()
    assert history(gpio, 24)[-1] == 0.0


def test_a_board_that_cannot_be_wired_gives_back_the_pins_it_took(gpio: MockFactory) -> None:
    with pytest.raises(WiringError, match="the button cannot use GPIO 99"):
        open_board(pins=Pins(button=99), gpio=gpio)
    open_board(pins=Pins(), gpio=gpio).close()


def test_without_pins_a_real_array_gets_a_simulated_lamp() -> None:
    board = open_board()
    assert board.notices[0].endswith("lamp, button and privacy switch are simulated.")
    board.close()
