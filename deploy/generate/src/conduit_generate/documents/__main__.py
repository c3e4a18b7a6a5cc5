"""`python -m conduit_generate.documents write|check`."""

from conduit_generate.documents.command import main

if __name__ == "__main__":
    raise SystemExit(main())
