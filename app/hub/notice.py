"""What the hub says to whoever runs it."""

import sys


def notice(sentence: str) -> None:
    """Say something on stderr, where a terminal and the journal have it."""
    print(f"fermata hub: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  a command talks on the terminal
