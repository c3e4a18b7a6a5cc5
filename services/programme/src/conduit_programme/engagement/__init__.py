"""What is done together: activities, next steps, joint actions, a calendar. Start at `pages.py`."""
