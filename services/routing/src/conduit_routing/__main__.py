"""Start here: `python -m conduit_routing`."""

from conduit_chassis.app import run
from conduit_routing.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
