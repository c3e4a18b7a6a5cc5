"""Start here: `python -m conduit_signer`."""

from conduit_signer.app import run

if __name__ == "__main__":
    run()
