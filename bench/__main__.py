"""`script/bench NAME`: one measurement, its table, and 1 if what it shows is not so."""

from __future__ import annotations

import argparse
import sys


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="script/bench", description="Measurements at ten times today's scale.")
    parts = parser.add_subparsers(dest="name", required=True)
    month = parts.add_parser("month-run", help="the month's run, killed three times, its queue emptied once")
    month.add_argument("--contracts", type=int, default=2000)
    month.add_argument("--seed", type=int, default=20261125)
    volume = parts.add_parser("volumes", help="volume positions against the driver alone, and ten times the referrals")
    volume.add_argument("--contracts", type=int, default=2000)
    volume.add_argument("--referrals", type=int, default=1_000_000)
    volume.add_argument("--repetitions", type=int, default=60)
    page = parts.add_parser("pages", help="pages as people ask for them, and ten times the referrals")
    page.add_argument("--contracts", type=int, default=2000)
    page.add_argument("--referrals", type=int, default=1_000_000)
    page.add_argument("--repetitions", type=int, default=9)
    given = parser.parse_args()
    if given.name == "pages":
        from bench.pages import pages

        asked = pages(given.contracts, given.referrals, repetitions=given.repetitions)
        print(asked.table(), flush=True)
        return 1 if asked.wrong or asked.slow else 0
    if given.name == "volumes":
        from bench.volumes import volumes

        found = volumes(given.contracts, given.referrals, repetitions=given.repetitions)
        print(found.table(), flush=True)
        return 1 if found.wrong or found.slow else 0
    from bench.month_run import month_run

    run = month_run(given.contracts, seed=given.seed)
    print(run.table(), flush=True)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
