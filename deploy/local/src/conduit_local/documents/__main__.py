"""`python -m conduit_local.documents write|check`."""

from conduit_local.documents.command import main

if __name__ == "__main__":
    raise SystemExit(main())
