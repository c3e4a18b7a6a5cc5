"""Start here: `python -m conduit_notification`."""

from conduit_chassis.app import run
from conduit_notification.app import SERVICE

if __name__ == "__main__":
    run(SERVICE)
