import numpy as np
import pytest

from tests.room.traces import MARKER, traces


@pytest.mark.parametrize("kind", ["<i2", "<f4", "<f8"])
@pytest.mark.parametrize("channels", [1, 4, 6])
def test_the_marker_is_found_in_whatever_form_it_lies(kind: str, channels: int) -> None:
    sound = np.repeat((MARKER / (1 if kind == "<i2" else 32768))[:, None], channels, axis=1).astype(kind)
    around = np.random.default_rng(1).bytes(4096)
    assert traces(around + sound.tobytes() + around)


def test_a_filtered_and_quieter_copy_is_found_by_its_spectrum() -> None:
    quiet = np.convolve(MARKER, [0.3, 0.2, 0.1], "same").astype("<i2")
    assert [form for form in traces(quiet.tobytes()) if form.startswith("spectrum")]


def test_noise_text_and_nothing_have_no_trace() -> None:
    assert traces(np.random.default_rng(2).bytes(1 << 16)) == []
    assert traces(b"fermata: ready for a session\n" * 1000) == []
    assert traces(b"") == []
