"""By how much a fresh process grows when it loads a detector and hears with it; imports next to nothing before."""

from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def weigh(name: str, path: Path, samples: NDArray[np.int16]) -> float:
    """Megabytes, numpy left out but the detector's own runtime counted; nan where the system does not tell."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_growth, (name, path, samples))


def _growth(name: str, path: Path, samples: NDArray[np.int16]) -> float:
    """Ours: what hearing imports (the TFLite runtime), and what it needs then; an anchor imports when it is made."""
    fresh = _peak_mb()
    import app.hearing.hearing  # noqa: F401 - what is weighed

    imported = _peak_mb()
    from models.evaluation.detectors import ANCHORS, Ours

    before = _peak_mb()
    anchors = {kind.name: kind for kind, _ in ANCHORS}
    (anchors[name]() if name in anchors else Ours(path)).listen(samples)
    return _peak_mb() - before + (0.0 if name in anchors else imported - fresh)


def _peak_mb() -> float:
    """This process's largest resident size; nan where there is no /proc."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), float("nan"))
