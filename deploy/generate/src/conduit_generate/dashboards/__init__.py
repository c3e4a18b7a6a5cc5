"""Grafana's dashboards, written by code and committed in `deploy/grafana/dashboards`. Start at `command.py`.

Every panel says what to do when it looks bad, and at what value that is. The value is also drawn, as a dashed line or as a
word beside the number, so that colour is never the only sign; the colours are told apart by those who see no red or green.
"""
