"""The officers' console: what waits for officers, whether they can decide, and how far the pages are behind."""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, number

WAITING = (
    number(
        "Questions that wait",
        "Questions of triage and of routing to officers. If it only grows, there are too few officers for what comes.",
        "max(conduit_console_questions)",
    ),
    number(
        "Of these, nobody has",
        "No officer has taken them. Compare with how many officers are at work; a supervisor can give them to somebody.",
        "max(conduit_console_questions_unclaimed)",
    ),
    number(
        "Pages are behind by",
        "How old what the pages show is. Above two seconds they say so themselves; above a minute see the console's lag.",
        "max(conduit_console_behind_seconds)",
        "s",
        limits=Limits(look=2, act=60),
    ),
    number(
        "Duty tasks that nobody has taken",
        "Somebody on duty is being called about each. `conduit duty list` shows them, and so does the console.",
        "max(conduit_notification_duty_tasks_waiting)",
        limits=Limits(look=1),
        none="none",
    ),
    number(
        "Decisions that could not be sent",
        "In the time shown, because nothing could be signed. The officers' words are kept; see the runbook.",
        'sum(increase(conduit_console_decisions_total{outcome=~"unavailable|not_in_order"}[$__range]))',
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Commands that nobody signed",
        "In the time shown, refused by the services that were to take them. Any at all: see the runbook now.",
        'sum(increase(conduit_command_signatures_total{outcome=~"signature_.*|passkey_.*|officer_differs",'
        'outcome!="signature_expired"}[$__range]))',
        limits=Limits(act=1),
        none="none",
    ),
)
DECIDING = (
    Panel(
        "What officers sent, by outcome",
        "Decisions an hour. Anything but sent means that an officer was stopped; the outcome says by what.",
        {"{{outcome}}": "sum by (outcome) (increase(conduit_console_decisions_total[1h]))"},
        width=12,
    ),
    Panel(
        "Signatures of commands, by outcome",
        "As the services found them, an hour. Good follows what officers send; any other outcome is a question.",
        {"{{outcome}}": "sum by (outcome) (increase(conduit_command_signatures_total[1h]))"},
        width=12,
    ),
)
FOLLOWING = (
    Panel(
        "Questions over time",
        "Those that wait, and those of them that nobody has taken. Both fall while officers are at work.",
        {"waiting": "max(conduit_console_questions)", "not taken": "max(conduit_console_questions_unclaimed)"},
    ),
    Panel(
        "How far pages are behind",
        "The console stands back for hand-offs, so it may rise in a burst. It falls again by itself, or see its lag.",
        {"behind": "max(conduit_console_behind_seconds)"},
        "s",
        Limits(look=2, act=60),
    ),
    Panel(
        "Followed per second",
        "Lines of timelines, and new cases. It follows what all services publish; none meanwhile means it stands still.",
        {
            "lines": "sum(rate(conduit_console_lines_total[$__rate_interval]))",
            "new cases": "sum(rate(conduit_console_cases_total[$__rate_interval]))",
        },
        "cps",
    ),
)

DASHBOARD = Dashboard(
    "conduit-console",
    "Conduit: officers' console",
    "What waits for officers, whether they can decide, and how current their pages are. No officer is named.",
    {"Now": WAITING, "What officers decide": DECIDING, "What the pages show": FOLLOWING},
)
