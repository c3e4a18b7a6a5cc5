"""`python -m conduit_generate.kubernetes write|check [FOLDER …]`."""

from conduit_generate.kubernetes.command import main

if __name__ == "__main__":
    raise SystemExit(main())
