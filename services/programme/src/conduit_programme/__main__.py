"""Start here: `python -m conduit_programme`."""

from conduit_chassis.app import run
from conduit_programme.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
