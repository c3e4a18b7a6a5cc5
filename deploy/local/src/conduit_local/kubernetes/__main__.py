"""`python -m conduit_local.kubernetes write|check [FOLDER …]`."""

from conduit_local.kubernetes.command import main

if __name__ == "__main__":
    raise SystemExit(main())
