"""What a partner's or a force's own software needs in addition to the contracts: `partner.PartnerKit` and `force.ForceKit`.

Sending and reading by Kafka needs the extra `conduit-contracts[kafka]`; building and checking submissions needs nothing.
"""

from conduit_contracts.kits.errors import InvalidError, KitError, MissingExtraError, SettingsError, UnconfirmedError
from conduit_contracts.kits.settings import KafkaSettings

__all__ = ["InvalidError", "KafkaSettings", "KitError", "MissingExtraError", "SettingsError", "UnconfirmedError"]
