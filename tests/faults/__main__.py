"""Every fault, many times at random moments: `python -m tests.faults --rounds 20 --seed 1`, or `make faults`.

A line for each round while it runs, a table at the end; exit 1 if anything was lost, stored twice or released twice, or
if the control, which must lose, did not.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from tests.faults.faults import CONTROL, FAULTS, Fault, Result, try_faults


def table(results: Sequence[Result]) -> str:
    """The results in Markdown."""
    rows = [
        "| fault | rounds | messages made / stored | sessions | lost, twice, or released twice | what the blows met |",
        "|---|---|---|---|---|---|",
    ]
    for each in results:
        if each.skipped:
            rows.append(f"| {each.name} | 0 | | | skipped: {each.skipped} | |")
            continue
        met = ", ".join(f"{what} {times}" for what, times in sorted(each.met.items()) if what)
        gone = 0 if each.miss else each.generated - each.stored
        dropped = f" ({gone} heartbeats dropped or forgotten, as is the rule)" if gone else ""
        found = f"{each.generated} / {each.stored}{dropped} | {each.sessions} | {each.miss or 0}"
        rows.append(f"| {each.name} | {each.rounds} | {found} | {met} |")
    return "\n".join(rows)


def as_it_should(fault: Fault, result: Result) -> bool:
    """Whether it came out as it must; what was skipped says so and does not fail."""
    return bool(result.skipped) or bool(result.miss) == (fault is CONTROL)


def run(faults: Sequence[Fault], rounds: int, seed: int, jobs: int, progress: Callable[[str], None]) -> list[Result]:
    """Try all, `jobs` at a time: most of it is waiting."""
    with tempfile.TemporaryDirectory(prefix="fermata-faults-") as top, ThreadPoolExecutor(jobs) as pool:

        def one(number: int) -> Result:
            return try_faults([faults[number]], Path(top) / f"{number}", rounds, seed, progress)[0]

        return list(pool.map(one, range(len(faults))))


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="blows for each fault (20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3, help="faults at a time (3)")
    parser.add_argument("--only", metavar="WORDS", help="only the faults whose name has these words")
    asked = parser.parse_args()
    faults = [fault for fault in (*FAULTS, CONTROL) if not asked.only or asked.only in fault.name]
    began, lock = time.monotonic(), Lock()

    def progress(line: str) -> None:
        with lock:
            print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)  # noqa: T201 - shows how far it is

    results = run(faults, asked.rounds, asked.seed, asked.jobs, progress)
    print(f"\nrounds {asked.rounds}, seed {asked.seed}, {time.monotonic() - began:.0f} s\n\n{table(results)}")  # noqa: T201
    sys.exit(0 if all(as_it_should(*pair) for pair in zip(faults, results, strict=True)) else 1)


if __name__ == "__main__":
    main()
