"""Start here: `python -m conduit_triage`."""

from conduit_chassis.app import run
from conduit_triage.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
