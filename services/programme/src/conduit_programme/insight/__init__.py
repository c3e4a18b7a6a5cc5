"""What was heard, what came of it, and what all forces are advised because of it. Start at `pages.py`."""
