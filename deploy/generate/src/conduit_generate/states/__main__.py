"""`python -m conduit_generate.states write|check`."""

from conduit_generate.states.command import main

if __name__ == "__main__":
    raise SystemExit(main())
