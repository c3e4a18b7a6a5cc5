"""What every page of every desk shares: who may what, sign-in and sessions."""
