"""Start here: `python -m conduit_console`."""

from conduit_chassis.app import run
from conduit_console.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
