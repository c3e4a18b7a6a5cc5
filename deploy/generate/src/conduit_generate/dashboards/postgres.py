"""PostgreSQL: does it answer, does it keep up, and does anything grow without end?"""

from conduit_generate.dashboards.panels import Dashboard, Limits, Panel, Variable, number

_OURS = 'datname=~"conduit_.*"'
_ONE = 'datname="$datname"'

HEALTH = (
    number(
        "Servers that answer",
        "At 0 the server or its exporter is down: services retry and nothing is lost, but nothing moves. Bring it back.",
        "sum(pg_up)",
        limits=Limits(act=1, below=True),
    ),
    number(
        "Connections in use",
        "The share of max_connections. Above four fifths the next process that starts may be refused: lower POOL_SIZE.",
        "sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
        "percentunit",
        limits=Limits(look=0.6, act=0.8),
    ),
    number(
        "Longest transaction",
        "Vacuum cannot remove what is younger. Above a minute: find who holds it in pg_stat_activity and end it.",
        f"max(pg_stat_activity_max_tx_duration{{{_OURS}}})",
        "s",
        limits=Limits(look=15, act=60),
    ),
    number(
        "Deadlocks",
        "In the time shown. One is retried by itself; if they go on, two statements take rows in different orders: "
        "report it.",
        f"sum(increase(pg_stat_database_deadlocks{{{_OURS}}}[$__range]))",
        limits=Limits(look=1, act=10),
        none="none",
    ),
    number(
        "Damaged pages",
        "Checksums that failed. Stop, keep the disk, restore from the backup elsewhere.",
        "sum(pg_stat_database_checksum_failures) or vector(0)",
        limits=Limits(act=1),
        none="none",
    ),
    number(
        "Size of all databases",
        "It grows with referrals. Compare it with the disk: a full disk stops everything.",
        f"sum(pg_database_size_bytes{{{_OURS}}})",
        "bytes",
    ),
)
WORK = (
    Panel(
        "Transactions per second, by database",
        "It follows the batches. If it falls while records wait, see which locks are waited for.",
        {"{{datname}}": f"sum by (datname) (rate(pg_stat_database_xact_commit{{{_OURS}}}[$__rate_interval]))"},
        "cps",
    ),
    Panel(
        "Transactions rolled back per second",
        "Some come with restarts. A steady rate: the service's retries say why.",
        {"{{datname}}": f"sum by (datname) (rate(pg_stat_database_xact_rollback{{{_OURS}}}[$__rate_interval]))"},
        "cps",
        Limits(look=1, act=10),
    ),
    Panel(
        "Rows written per second, by database",
        "Inserted, updated and deleted. Far more per referral than usual: a batch is tried again and again.",
        {
            "{{datname}}": f"sum by (datname) (rate(pg_stat_database_tup_inserted{{{_OURS}}}[$__rate_interval]) "
            f"+ rate(pg_stat_database_tup_updated{{{_OURS}}}[$__rate_interval]) "
            f"+ rate(pg_stat_database_tup_deleted{{{_OURS}}}[$__rate_interval]))"
        },
        "cps",
    ),
    Panel(
        "Write-ahead log per second",
        "What every commit waits for. Near what the disk can do, commits become slow: faster disks.",
        {"bytes": "rate(conduit_pg_wal_bytes[$__rate_interval])"},
        "Bps",
        Limits(look=50e6, act=150e6),
    ),
    Panel(
        "Found in memory",
        "The share of pages read without the disk. Below 95 % for long: more shared_buffers.",
        {
            "{{datname}}": f"sum by (datname) (pg_stat_database_blks_hit{{{_OURS}}}) / sum by (datname) "
            f"(pg_stat_database_blks_hit{{{_OURS}}} + pg_stat_database_blks_read{{{_OURS}}})"
        },
        "percentunit",
        Limits(look=0.95, act=0.8, below=True),
    ),
    Panel(
        "Connections, by database",
        "Each process has at most POOL_SIZE and one for its relay. A rise without new processes: report it.",
        {"{{datname}}": f"sum by (datname) (pg_stat_activity_count{{{_OURS}}})"},
    ),
)
GROWTH = (
    Panel(
        "Rows, the six largest tables",
        "The outbox returns to zero. History and referrals only grow; anything else that does is a fault.",
        {"{{relname}}": f"topk(6, max by (relname) (conduit_pg_table_live_rows{{{_ONE}}}))"},
    ),
    Panel(
        "Dead rows, by table",
        "Vacuum removes them. If they only grow, a transaction is held open, or autovacuum cannot follow.",
        {"{{relname}}": f"topk(6, max by (relname) (conduit_pg_table_dead_rows{{{_ONE}}}))"},
        limits=Limits(look=100_000, act=1_000_000),
    ),
    Panel(
        "Bytes, the six largest tables",
        "With indexes. Compare the growth in a day with the disk.",
        {"{{relname}}": f"topk(6, max by (relname) (conduit_pg_table_bytes{{{_ONE}}}))"},
        "bytes",
    ),
)
LOCKS = (
    Panel(
        "Locks held, by mode",
        "AccessExclusive outside a migration stops everybody: find who holds it in pg_locks.",
        {"{{mode}}": f"sum by (mode) (pg_locks_count{{{_ONE}}})"},
        width=12,
    ),
    Panel(
        "Connections, by what they do",
        "idle in transaction that stays: a process holds a transaction and does nothing. It is ended after a minute.",
        {"{{state}}": f"sum by (state) (pg_stat_activity_count{{{_ONE}}})"},
        width=12,
    ),
)

DASHBOARD = Dashboard(
    "conduit-postgres",
    "Conduit: PostgreSQL",
    "The server that holds the four services' databases. The lower half is about one database, chosen above.",
    {"Health": HEALTH, "Work": WORK, "What grows": GROWTH, "Locks": LOCKS},
    (Variable("datname", "Database", "conduit_pg_table_live_rows"),),
)
