"""Brightness to duty: on the kernel's PWM as files, and on gpiozero's mock pins."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from hypothesis import given
from hypothesis import strategies as st

from firmware.dark import darken_all, pins_in
from firmware.errors import WiringError
from firmware.lamp import FINEST, STEPS_NOTICE, duty_of, open_lamp
from firmware.light import Light
from firmware.pins import Pins
from firmware.pwm import PERIOD_NS, Channel, KernelLead, find_channel
from tests.firmware.kernel_pwm import CHIPS, HEADER, add_channel, lay, read

PI = "Raspberry Pi 4"
ON = {"period": str(PERIOD_NS), "duty_cycle": "0", "enable": "1", "polarity": "normal"}


@pytest.fixture
def gpio() -> Iterator[MockFactory]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.close()


def history(gpio: MockFactory, pin: int) -> list[float]:
    return [state.state for state in gpio.pin(pin).states]


def looks(duty: float) -> float:
    """How bright a duty looks, 0..1: CIE 1931 lightness."""
    return (903.3 * duty if duty <= 0.008856 else 116 * duty ** (1 / 3) - 16) / 100


@given(st.floats(0, 1))
def test_half_the_brightness_looks_half_as_bright(brightness: float) -> None:
    assert looks(duty_of(brightness)) == pytest.approx(brightness, abs=2e-4)
    assert 0.0 <= duty_of(brightness) <= 1.0


def test_dark_is_dark_and_full_is_full() -> None:
    assert (duty_of(0.0), duty_of(1.0)) == (0.0, 1.0)
    assert duty_of(0.5) == pytest.approx(0.184, abs=0.001)


@pytest.mark.parametrize("model", CHIPS)
def test_the_hooded_lights_find_their_channels_on_every_model(tmp_path: Path, model: str) -> None:
    sysfs = lay(tmp_path, model)
    chip = sysfs / HEADER[model]
    assert find_channel(12, sysfs) == Channel(chip, 0)
    assert find_channel(13, sysfs) == Channel(chip, 1)
    assert find_channel(24, sysfs) is None


def test_a_light_on_the_kernels_pwm_takes_brightness_in_nanoseconds(tmp_path: Path, gpio: MockFactory) -> None:
    sysfs = lay(tmp_path, PI)
    lamp, notices = open_lamp(Pins(), gpio, sysfs)
    left, right = sysfs / "pwmchip0" / "pwm0", sysfs / "pwmchip0" / "pwm1"
    assert notices == ()
    assert read(left) == read(right) == ON
    lamp.show(Light.LEFT, 0.5)
    lamp.show(Light.RIGHT, 0.02)
    assert read(left) == ON | {"duty_cycle": str(round(duty_of(0.5) * PERIOD_NS))}
    assert read(right) == ON | {"duty_cycle": str(round(duty_of(0.02) * PERIOD_NS))}
    lamp.close()
    assert read(left) == read(right) == ON | {"enable": "0"}


def test_a_very_dim_fade_at_night_has_a_step_for_every_look_on_the_kernels_pwm(tmp_path: Path) -> None:
    sysfs = lay(tmp_path, PI)
    lead = KernelLead(Channel(sysfs / "pwmchip0", 0), "the left light")
    seen = []
    for step in range(38):  # 1.5 s, a look every 40 ms, to 0.08 at half the dimmer in night mode
        lead.set(duty_of(0.08 * 0.5 * 0.4 * step / 37))
        seen.append(int((sysfs / "pwmchip0" / "pwm0" / "duty_cycle").read_text()))
    assert all(later - earlier >= 100 for earlier, later in pairwise(seen)), "steps of a 10 MHz clock"


@pytest.mark.parametrize("percent", range(100))
def test_a_whole_per_cent_of_software_pwm_is_no_jump(percent: int) -> None:
    assert looks((percent + 1) / 100) - looks(percent / 100) <= 0.10


def test_a_channel_that_a_dead_process_has_left_lit_is_taken_over_dark(tmp_path: Path) -> None:
    sysfs = lay(tmp_path, PI)
    folder = sysfs / "pwmchip0" / "pwm0"
    (folder / "duty_cycle").write_text("900000")
    (folder / "enable").write_text("1")
    KernelLead(Channel(sysfs / "pwmchip0", 0), "the left light")
    assert read(folder) == ON
    assert (sysfs / "pwmchip0" / "export").read_text() == ""


def test_a_channel_is_exported_and_waited_for(tmp_path: Path) -> None:
    sysfs = lay(tmp_path, PI, exported=False)
    chip = sysfs / "pwmchip0"

    def kernel() -> None:
        deadline = time.monotonic() + 20
        while not (chip / "export").read_text() and time.monotonic() < deadline:
            time.sleep(0.005)
        add_channel(chip.resolve(), int((chip / "export").read_text()))

    answering = threading.Thread(target=kernel)
    answering.start()
    KernelLead(Channel(chip, 1), "the right light", patience_s=20.0)
    answering.join()
    assert read(chip / "pwm1") == ON


def test_a_channel_that_never_comes_is_one_sentence(tmp_path: Path) -> None:
    sysfs = lay(tmp_path, PI, exported=False)
    with pytest.raises(WiringError, match=r"the left light cannot use the kernel's PWM at .*pwm0 .*pins\.pwm to soft"):
        KernelLead(Channel(sysfs / "pwmchip0", 0), "the left light", patience_s=0.05)


def test_without_the_kernels_pwm_software_dims_and_it_is_said(tmp_path: Path, gpio: MockFactory) -> None:
    lamp, notices = open_lamp(Pins(), gpio, tmp_path)
    assert notices == (STEPS_NOTICE,)
    for brightness in (0.5, 0.5, 0.02, 0.0):
        lamp.show(Light.LEFT, brightness)
    lamp.show(Light.MICROPHONE, 1.0)
    assert history(gpio, 12) == [0.0, 0.18, FINEST, 0.0], "what is to be seen is not rounded to dark"
    assert history(gpio, 13) == [0.0]
    assert history(gpio, 24) == [0.0, 1.0]
    lamp.close()
    assert history(gpio, 24) == [0.0, 1.0, 0.0]


def test_software_can_be_asked_for(tmp_path: Path, gpio: MockFactory) -> None:
    sysfs = lay(tmp_path, PI)
    lamp, notices = open_lamp(Pins(pwm="software"), gpio, sysfs)
    lamp.show(Light.LEFT, 1.0)
    assert notices == (STEPS_NOTICE,)
    assert read(sysfs / "pwmchip0" / "pwm0")["duty_cycle"] == "0"
    assert history(gpio, 12)[-1] == 1.0
    lamp.close()


def test_the_kernels_pwm_asked_for_in_vain_is_one_sentence(tmp_path: Path, gpio: MockFactory) -> None:
    with pytest.raises(WiringError, match=r"no PWM for GPIO 12 and 13: .* dtoverlay=pwm-2chan"):
        open_lamp(Pins(pwm="kernel"), gpio, tmp_path)


def test_two_lights_on_one_channel_are_refused(tmp_path: Path, gpio: MockFactory) -> None:
    sysfs = lay(tmp_path, PI)
    with pytest.raises(WiringError, match="GPIO 12 and 18 hang on one channel"):
        open_lamp(Pins(right=18), gpio, sysfs)
    lamp, _ = open_lamp(Pins(right=18), gpio, lay(tmp_path / "five", "Raspberry Pi 5"))
    lamp.close()


def test_a_brightness_beyond_the_scale_is_refused(tmp_path: Path, gpio: MockFactory) -> None:
    lamp, _ = open_lamp(Pins(), gpio, tmp_path)
    with pytest.raises(ValueError, match="between 0 and 1"):
        lamp.show(Light.LEFT, 1.01)
    lamp.close()


def test_pins_without_pwm_are_said(tmp_path: Path) -> None:
    factory = MockFactory()
    with pytest.raises(WiringError, match="the left light cannot use GPIO 12"):
        open_lamp(Pins(), factory, tmp_path)
    factory.close()


def test_a_light_that_the_kernel_takes_away_is_said_and_the_others_still_go_dark(
    tmp_path: Path, gpio: MockFactory
) -> None:
    sysfs = lay(tmp_path, PI)
    lamp, _ = open_lamp(Pins(), gpio, sysfs)
    lamp.show(Light.LEFT, 0.5)
    lamp.show(Light.MICROPHONE, 0.5)
    (sysfs / "pwmchip0" / "pwm1").rename(tmp_path / "gone")
    with pytest.raises(WiringError, match="the right light cannot use the kernel's PWM"):
        lamp.show(Light.RIGHT, 0.5)
    with pytest.raises(WiringError, match="the right light"):
        lamp.close()
    assert read(sysfs / "pwmchip0" / "pwm0")["duty_cycle"] == "0"
    assert history(gpio, 24)[-1] == 0.0


LIT = """
import sys, time
from pathlib import Path
from gpiozero.pins.mock import MockFactory, MockPWMPin
from firmware.lamp import open_lamp
from firmware.light import Light
from firmware.pins import Pins
lamp, _ = open_lamp(Pins(), MockFactory(pin_class=MockPWMPin), Path(sys.argv[1]))
lamp.show(Light.LEFT, 1.0)
print("lit", flush=True)
time.sleep(600)
"""


def test_after_a_killed_process_the_supervisors_command_makes_every_light_dark(
    tmp_path: Path, gpio: MockFactory
) -> None:
    sysfs = lay(tmp_path, PI)
    folder = sysfs / "pwmchip0" / "pwm0"
    with subprocess.Popen([sys.executable, "-c", LIT, str(sysfs)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "lit\n"
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    assert read(folder) == ON | {"duty_cycle": str(PERIOD_NS)}, "the kernel's PWM goes on by itself"
    gpio.pin(24).function = "output"
    gpio.pin(24).state = True
    assert darken_all(Pins(), gpio, sysfs) == []
    assert read(folder) == ON | {"enable": "0"}
    assert not gpio.pin(24).state


def test_the_command_leaves_alone_what_is_not_on_the_header(tmp_path: Path, gpio: MockFactory) -> None:
    sysfs = lay(tmp_path, "Raspberry Pi 5")
    fan = sysfs / "pwmchip6" / "pwm3"
    (fan / "duty_cycle").write_text("12225")
    assert darken_all(Pins(), gpio, sysfs) == []
    assert read(fan)["duty_cycle"] == "12225"


def test_the_command_takes_the_pins_of_the_settings_and_the_usual_ones_when_these_are_broken(tmp_path: Path) -> None:
    file = tmp_path / "fermata.toml"
    assert pins_in(file, {}) == Pins()
    file.write_text('[cues]\ndimmer = 0.1\n[pins]\nmicrophone = 6\npwm = "software"\n')
    assert pins_in(file, {"FERMATA_PINS__BUTTON": "5"}) == Pins(microphone=6, button=5, pwm="software")
    for broken in ("[pins", "[pins]\nmicrophone = 12\n", "[pins]\nlamp = 3\n", "pins = 3\n"):
        file.write_text(broken)
        assert pins_in(file, {}) == Pins(), broken


def test_the_command_runs_where_there_is_nothing_to_darken_and_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "firmware.dark", "nowhere.toml"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode == 0) is (done.stderr == "")
    assert "Traceback" not in done.stderr
