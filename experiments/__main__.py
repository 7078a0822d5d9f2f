"""scripts/experiment NAME: one fault, made on this machine's services, and a table of what it cost
each approach.

Talk goes to standard error, the table to standard output. Exit codes: 0 done, 1 a program of the
experiment failed, 2 wrong usage.
"""

import argparse
import sys
from collections.abc import Callable

from experiments import jobs, streams
from experiments.lab import Lab, say, table

EXPERIMENTS: dict[str, Callable[[Lab], jobs.Rows]] = {
    "kill-receiver": jobs.kill_receiver,
    "kill-in-commit": jobs.kill_in_commit,
    "overload": streams.overload,
    "lose-the-log": streams.lose_the_log,
    "add-partitions": jobs.add_partitions,
    "hand-over": jobs.hand_over,
}


def main() -> None:
    """Run the experiment that the command line names."""
    names = "\n".join(
        f"  {name:<15} {(run.__doc__ or '').splitlines()[0]}" for name, run in EXPERIMENTS.items()
    )
    parser = argparse.ArgumentParser(
        prog="scripts/experiment",
        description=f"{__doc__}\nThe experiments:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=EXPERIMENTS, metavar="NAME")
    parser.add_argument("--short", action="store_true", help="fewer tweets and kills: a minute")
    chosen = parser.parse_args(sys.argv[1:])
    lab = Lab(chosen.name, chosen.short)
    try:
        rows = EXPERIMENTS[chosen.name](lab)
    finally:
        lab.close()
    say("")
    table(rows)
