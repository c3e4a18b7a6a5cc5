"""Watching a stack: Prometheus, Alertmanager and the exporters, as children beside it. Start at `observed.py`."""
