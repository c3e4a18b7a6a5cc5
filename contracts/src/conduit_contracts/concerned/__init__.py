"""Whom a case concerns: what was told of it as rules ask, and the forces that it leads to. Pure."""
