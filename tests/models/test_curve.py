"""A training run leaves its curve as a picture."""

from pathlib import Path

import pytest
from matplotlib.image import imread

from models.training.curve import draw_losses


@pytest.mark.parametrize("steps", [1, 60, 500])
def test_a_run_of_any_length_is_drawn(steps: int, tmp_path: Path) -> None:
    path = tmp_path / "curve.png"
    draw_losses([1 / (step + 1) for step in range(steps)], "Training the net", path)
    picture = imread(path)
    assert ((picture[..., 2] > 0.6) & (picture[..., 0] < 0.2)).any()
