"""The vocabulary of the referral conduit: all that a partner or a force connector installs.

Start at `topics.REGISTRY`, which lists every topic in flow order with its messages. `envelope` encodes and decodes records.
"""

__version__ = "0.2.0"
