"""The console's pages. Start at `front.py`; each route names what it does, and `tests/routes.md` has all of them by role.

What is done to a case finds the case first, so that another's is answered as one that does not exist; and a view is noted
and committed before anything that people wrote is read.
"""
