"""With whom the programme works: what they bring, who to ask there, and what was agreed. Start at `pages.py`."""
