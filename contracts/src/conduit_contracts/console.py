"""What the console publishes: what the hub's own people did there that somebody must be told of. Ids and codes alone."""

from typing import Annotated, ClassVar

from conduit_contracts.envelope import Event
from conduit_contracts.forms import WORD, WORD_WORDS, formed
from conduit_contracts.ids import OfficerId, ReferralId
from conduit_contracts.times import Moment

GlassReason = Annotated[str, formed(WORD, WORD_WORDS, max_length=64)]


class GlassBroken(Event):
    """Somebody opened a restricted case without being named for it. A supervisor is told at once."""

    type: ClassVar[str] = "uk.conduit.console.glass-broken.v1"
    referral_id: ReferralId
    """The case."""
    officer_id: OfficerId
    """Who opened it."""
    reason: GlassReason
    """Why, as a code, for example `child_at_risk`."""
    open_until: Moment
    """Until when it stays open to them."""
