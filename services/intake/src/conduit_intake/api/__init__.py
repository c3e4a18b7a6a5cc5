"""The partner HTTP API: another entrance to the same rules and store as the partners' topics."""
