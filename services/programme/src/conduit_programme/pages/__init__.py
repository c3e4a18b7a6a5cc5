"""What all pages of the programme share. Start at `front.py`; each part has its own pages beside its rules.

Each route names what it does, and `tests/routes.md` has all of them by role. A view is noted and committed before anything
that people wrote is shown.
"""
