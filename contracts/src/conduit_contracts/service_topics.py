"""Topics that every service has beside the registry, whatever it reads and writes there."""

from datetime import timedelta

from conduit_contracts.topic import MAX_RECORD_BYTES, OPERATOR, Topic

_YEAR = timedelta(days=365)


def dead_letter_topic(service: str) -> Topic:
    """The topic where a service puts records that it cannot handle, unchanged, for replay. As sensitive as its inputs."""
    return Topic(
        template=f"{service}.dead-letters.v1",
        owner=service,
        producers=(service,),
        consumers=(),
        messages=(),
        key="as it came",
        retention=_YEAR,
        # A dead letter is the record with its headers framed into its value.
        max_record_bytes=MAX_RECORD_BYTES + 64 * 1024,
    )


def replay_topic(service: str) -> Topic:
    """The topic where operators order a service to replay its dead letters, or to publish its facts once more. The orders
    contain nothing of the records."""
    return Topic(
        template=f"{service}.replays.v1",
        owner=service,
        producers=(OPERATOR,),
        consumers=(service,),
        messages=(),
        key="none",
        audience=OPERATOR,
    )
