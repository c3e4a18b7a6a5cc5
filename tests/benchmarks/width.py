"""How wide the conduit may be: what grows with the partners, where rebalances begin to hurt, what one partner may burst.

`python -m tests.benchmarks.width` writes `docs/width.json`, from which `docs/capacity.md` has its table of width. Each
number of partners has a stack of its own, on which every event happens once. Five take some twenty minutes on two cores.
"""

import argparse
import json
import shutil
import tempfile
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conduit_contracts.topics import PARTNER
from conduit_local.stack import Options, Stack
from conduit_operate.access import user_of
from tests.benchmarks import wide
from tests.benchmarks.load import PARTNERS, submissions
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.results import circumstances, machine
from tests.benchmarks.streams import at_once

FILE = Path("docs/width.json")
POINTS = (50, 200, 500, 1_000, wide.WIDEST)
TOPICS_READ = 2
"""Of each partner, by intake, with one partition each."""
HURTS = 1.0
"""Seconds: a referral that waits longer for a rebalance notices it."""
BURST = 10_000
"""Referrals, of which one partner sends as many as the broker takes, as its own user and with the standing quotas."""
MIB = 2**20
EVENTS = {
    "leave_seconds": "a process of intake leaves",
    "join_seconds": "one joins",
    "onboard_seconds": "a partner is onboarded",
}

Point = Mapping[str, Any]


def burst() -> dict[str, float]:
    """How fast the broker takes what one partner sends at once."""
    folder = Path(tempfile.mkdtemp(prefix="conduit-width-"))
    with Stack(folder, Options(partner_ids=PARTNERS, log_level="WARNING")) as stack:
        publish_registers(stack)
        kafka = {**stack.broker.librdkafka(user_of(PARTNER, PARTNERS[0])), "log_level": 0}
        records = list(submissions(BURST, prefix="burst", partners=PARTNERS[:1]))
        began = time.monotonic()
        at_once(kafka, records)
        seconds = time.monotonic() - began
    shutil.rmtree(folder, ignore_errors=True)
    size = sum(len(each.value) for each in records)
    return {"referrals": BURST, "mib": round(size / MIB, 1), "seconds": round(seconds, 1)}


def hurt_between(points: Sequence[Point]) -> str:
    """Between which numbers of partners a rebalance begins to hurt."""
    ordered = sorted(points, key=lambda each: int(each["partners"]))
    late = next((n for n, each in enumerate(ordered) if _slowest(each) > HURTS), None)
    if late is None:
        return f"not with {ordered[-1]['partners']:,} partners"
    if late == 0:
        return f"with {ordered[0]['partners']:,} partners already"
    return f"between {ordered[late - 1]['partners']:,} and {ordered[late]['partners']:,} partners"


def idle_for_each_thousand(points: Sequence[Point]) -> float:
    """Cores that an idle system uses more for each 1,000 partitions that intake reads: from the fewest to the most."""
    ordered = sorted(points, key=lambda each: int(each["partners"]))
    few, most = ordered[0], ordered[-1]
    partitions = TOPICS_READ * (most["partners"] - few["partners"])
    return float(1_000 * (most["idle_cores"] - few["idle_cores"]) / partitions) if partitions else 0.0


def _slowest(point: Point) -> float:
    return float(max(point[name] for name in EVENTS))


def lines(found: Mapping[str, Any]) -> list[list[str]]:
    """The table, one column for each number of partners."""
    points = sorted(found["points"], key=lambda each: int(each["partners"]))
    rows: list[tuple[str, Callable[[Point], str]]] = [
        ("partitions that intake reads, all", lambda each: f"{TOPICS_READ * each['partners']:,}, {each['partitions']:,}"),
        ("cores when nothing comes, one process of each", lambda each: f"{each['idle_cores']:.2f}"),
        (
            "open files of Kafka, of the service with most",
            lambda each: f"{each['kafka_files']:,}, {each['service_files']:,}",
        ),
        ("memory of the service with most", lambda each: f"{each['service_mib']:,} MiB"),
        ("set-up on empty brokers", lambda each: f"{each['set_up_seconds']:.1f} s"),
        ("ready after a restart of every service", lambda each: f"{each['ready_seconds']:.1f} s"),
        *((f"slowest referral while {title}", _seconds_of(name)) for name, title in EVENTS.items()),
        ("a newcomer's first referral", lambda each: f"{each['newcomer_seconds']:.1f} s"),
    ]
    head = ["", *(f"{each['partners']:,} partners" for each in points)]
    return [head, ["---"] * len(head), *([title, *map(show, points)] for title, show in rows)]


def _seconds_of(name: str) -> Callable[[Point], str]:
    return lambda each: f"{each[name]:.1f} s"


def words(found: Mapping[str, Any]) -> list[str]:
    """What the table comes to."""
    one, facts = found["burst"], found["machine"]
    return [
        f"Measured on {found['at'][:10]} at commit {found['commit']} on {facts['cores']} cores, load average "
        f"{facts['load_average_before_report'][0]:.1f} at the end; each event once.",
        "",
        f"- **Idle cores**: {idle_for_each_thousand(found['points']):.2f} more for each 1,000 partitions of intake's.",
        f"- **Rebalances begin to hurt**, as a referral waits more than {HURTS:.0f} s, {hurt_between(found['points'])}.",
        f"- **One partner's burst**: the broker took {one['referrals']:,} referrals ({one['mib']:.0f} MiB) of one partner "
        f"in {one['seconds']:.0f} s, with the standing quotas.",
    ]


def measured() -> dict[str, Any] | None:
    """What was measured last, as committed, or nothing."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else None


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partners", type=int, nargs="+", default=list(POINTS))
    parser.add_argument("--output", type=Path, default=FILE)
    arguments = parser.parse_args()
    took = burst()
    once = Namespace(rounds=1, idle=20.0, settle=8.0, quick=False)
    points = [wide.measure(number, once) for number in sorted(arguments.partners)]
    for point in points:
        point.pop("turns")
    found = {"machine": machine(), **circumstances(), "burst": took, "points": points}
    arguments.output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
