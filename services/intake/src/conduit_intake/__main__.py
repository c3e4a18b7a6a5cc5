"""Start here: `python -m conduit_intake`."""

from conduit_chassis.app import run
from conduit_intake.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
