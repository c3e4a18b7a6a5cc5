"""What routing is told by its surroundings, besides what every service is told."""

from pathlib import Path

from conduit_chassis.settings import Settings


class RoutingSettings(Settings):
    """Settings from the environment, without a prefix."""

    policy_file: Path
