"""`python -m conduit_local.dashboards write|check`."""

from conduit_local.dashboards.command import main

if __name__ == "__main__":
    raise SystemExit(main())
