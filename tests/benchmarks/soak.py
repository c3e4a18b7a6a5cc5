"""`make soak`: the whole conduit at a steady rate for half an hour, and a verdict on what grew.

Partners send, forces confirm and acknowledge every case, teams are told by e-mail: so every queue must come back to where
it was. Samples go to a CSV file each ten seconds. Growth is judged, not speed, so a busy machine does not matter.
"""

import argparse
import csv
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console

from conduit_local.stack import Options, Stack
from tests.benchmarks.life import INBOX_RETENTION_SECONDS, Life
from tests.benchmarks.load import PARTNERS
from tests.benchmarks.registers import publish_registers
from tests.benchmarks.sampling import Sampler
from tests.benchmarks.venv import draw
from tests.benchmarks.verdict import HEAP_MIB, Expected, judge, read_samples

SAMPLE_SECONDS = 10.0
PATIENCE_SECONDS = 120.0
JVM_OPTIONS = (f"-Xmx{HEAP_MIB:.0f}m", "-XX:+UseSerialGC")
"""With both compilers, as elsewhere: what the local stack leaves out to start sooner costs more over half an hour."""

console = Console(stderr=True)


def main() -> int:
    """Exit code 0 only where nothing grew that must not, and every referral arrived everywhere."""
    arguments = _arguments()
    state_dir = Path(tempfile.mkdtemp(prefix="conduit-soak-"))
    retention = {"INBOX_RETENTION": f"PT{INBOX_RETENTION_SECONDS}S"}
    extra_env = dict.fromkeys(Options().services, retention)
    options = Options(partner_ids=PARTNERS, jvm_options=JVM_OPTIONS, log_level="WARNING", extra_env=extra_env)
    console.print(f"state in {state_dir}; samples in {arguments.output}")
    with Stack(state_dir, options, tell=console.print) as stack:
        publish_registers(stack, contacts=True)
        missing = _live(stack, arguments)
    failed = _tell(arguments, missing)
    if not failed:
        shutil.rmtree(state_dir, ignore_errors=True)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=20.0, help="referrals a second")
    parser.add_argument("--output", type=Path, default=Path(".conduit/soak.csv"))
    return parser.parse_args()


def _live(stack: Stack, arguments: argparse.Namespace) -> int:
    """Load and samples for the time given; returns how many referrals did not arrive everywhere."""
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    stopped = threading.Event()
    with Life(stack, arguments.rate) as life, arguments.output.open("w", newline="") as file:
        sampler = Sampler(stack, life)
        writer: csv.DictWriter[str] | None = None
        begin = time.monotonic()
        samples = int(arguments.minutes * 60 / SAMPLE_SECONDS)
        for number in range(samples + 1):
            stopped.wait(max(0.0, begin + number * SAMPLE_SECONDS - time.monotonic()))
            row = {"seconds": round(time.monotonic() - begin, 1), **sampler.sample()}
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            if number % 6 == 0:
                console.print(f"{row['seconds'] / 60:5.1f} min: {row['sent']} sent, {row['arrived']} with every force")
        life.stop_sending()
        return life.wait_for_all(PATIENCE_SECONDS)


def _tell(arguments: argparse.Namespace, missing: int) -> bool:
    expected = Expected(arguments.rate, INBOX_RETENTION_SECONDS)
    findings = judge(read_samples(arguments.output), expected)
    lines = [finding.line() for finding in findings]
    lines.append(f"{'FAILED' if missing else 'ok    '} arrived: {missing} referrals are not with every force concerned")
    verdict = "\n".join(lines)
    arguments.output.with_suffix(".txt").write_text(verdict + "\n", encoding="utf-8")
    Console(soft_wrap=True, highlight=False).print(verdict, markup=False)
    draw("soak", arguments.output, arguments.output.with_suffix(".png"), tell=console.print)
    return missing > 0 or any(not finding.held for finding in findings)


if __name__ == "__main__":
    sys.exit(main())
