"""Every metric of the console, once, with how an operator reads it. No label holds an id or an identity."""

from prometheus_client import Counter, Gauge

from conduit_console.work import ConsoleWork

LINES = Counter(
    "conduit_console_lines_total",
    "Lines written to the timelines of cases. It follows what all services publish; if it stands still meanwhile, see lag.",
)
CASES = Counter(
    "conduit_console_cases_total", "Cases that the console came to know. A batch that is tried again counts again."
)
BEHIND = Gauge(
    "conduit_console_behind_seconds",
    "How old what the console's lists show is, at their oldest, the same from every process. Above 2 the pages say so.",
)
QUESTIONS = Gauge("conduit_console_questions", "Questions that wait for an officer, of triage and of routing.")
UNCLAIMED = Gauge("conduit_console_questions_unclaimed", "Of these, what no officer has claimed.")

REBUILD_SNAPSHOTS_LEFT = Gauge(
    "conduit_console_rebuild_snapshots_left",
    "While the console is rebuilt: the services whose facts are not back, and one for what came since. 0 at rest.",
)
DECISIONS = Counter(
    "conduit_console_decisions_total",
    "Decisions that officers sent, by outcome: sent, or why not. If `unavailable` grows, look at the signer.",
    ["outcome"],
)
FILES = Counter(
    "conduit_console_files_total",
    "Files that officers fetched, and what could not be had of intake, by outcome: fetched, unavailable.",
    ["outcome"],
)

for _outcome in ("sent", "unavailable", "sign_in_again", "not_allowed", "passkey", "not_in_order"):
    DECISIONS.labels(_outcome)


def count(work: ConsoleWork) -> None:
    """Add what a batch wrote, once for all its records."""
    LINES.inc(len(work.lines))
    CASES.inc(len(work.new))
