"""What people who lived through it tell, under their own consents. Start at `pages.py`.

It is never joined to a case: no table here has a place for a referral, and no page asks for one.
"""
