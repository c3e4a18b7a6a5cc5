"""Operating a conduit, wherever it runs: the `conduit` command, and all that it does on Kafka and PostgreSQL."""
