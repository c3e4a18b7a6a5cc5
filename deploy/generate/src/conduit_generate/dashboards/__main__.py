"""`python -m conduit_generate.dashboards write|check`."""

from conduit_generate.dashboards.command import main

if __name__ == "__main__":
    raise SystemExit(main())
