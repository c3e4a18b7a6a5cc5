"""The `conduit` command, one module for each of its sub-commands."""
