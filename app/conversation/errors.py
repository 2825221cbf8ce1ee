"""What the hearing gets wrong, as it was measured over rehearsed sessions: what the width of an interval comes from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite

Error = Mapping[str, float]
"""Of one metric: PARTS, of which one at least, and FACTORS."""
PARTS = ("absolute", "relative", "yardstick", "spread")
FACTORS = ("below", "above")
"""How much farther an interval goes to one side; 1 where they are not given."""
LIMITS = ("usual_doubt", "most_doubt", "most_seats", "shortest_s")


class ErrorsError(ValueError):
    """Errors of the hearing that cannot be; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How far the hearing is off, so that 95 of 100 sessions are inside. Raises ErrorsError."""

    by_metric: Mapping[str, Error]
    usual_doubt: float | None = None
    """The median of the sessions' doubt where this was measured; errors grow as the square root of doubt does."""
    most_doubt: float = inf
    """No session that was measured was heard so unsurely: beyond it nothing is known."""
    most_seats: int | None = None
    """No session that was measured had more; None where this is not limited."""
    shortest_s: float = 0.0
    """None had less measured time."""
    made: Mapping[str, object] = field(default_factory=dict)
    """From how many sessions of what kind, by which model."""

    def __post_init__(self) -> None:
        for name, error in self.by_metric.items():
            if not set(error) & set(PARTS) or set(error) - {*PARTS, *FACTORS} or not all(map(_is_size, error.values())):
                raise ErrorsError(
                    f"the error of {name} is {dict(error)}: give one or more of {', '.join(PARTS)}, "
                    f"and {' and '.join(FACTORS)} where they differ, each a number >= 0"
                )

    def growth(self, doubt: float) -> float:
        """How much larger errors are in a session heard with this doubt."""
        return 1.0 if self.usual_doubt is None else float((doubt / self.usual_doubt) ** 0.5)


def _is_size(size: object) -> bool:
    return isinstance(size, int | float) and not isinstance(size, bool) and isfinite(size) and size >= 0


def read_errors(text: str) -> Errors:
    """The errors that models/evaluation has written. Raises ErrorsError."""
    try:
        values = json.loads(text)
        limits = {name: values[name] for name in LIMITS}
        return Errors(values["errors"], **limits, made=values["made"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ErrorsError):
            raise
        raise ErrorsError("these are no errors of hearing: fit them with python -m models.evaluation.errors") from error


def written(errors: Errors) -> str:
    """Errors as read_errors reads them."""
    values = {
        "made": dict(errors.made),
        **{name: getattr(errors, name) for name in LIMITS},
        "errors": {name: dict(error) for name, error in errors.by_metric.items()},
    }
    return json.dumps(values, indent=2) + "\n"
