"""Diagrams of states, found by letting the services' own handlers and rules move a referral from one to the next."""
