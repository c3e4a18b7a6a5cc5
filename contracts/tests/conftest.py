"""Properties are about results: on a busy machine a slow draw is no failure."""

from hypothesis import settings

settings.register_profile("contracts", deadline=None)
settings.load_profile("contracts")
