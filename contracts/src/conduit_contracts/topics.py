"""Every topic of the conduit, in flow order. Creation, access rules and documents derive from this list alone.

The topic a record arrives on is its sender's identity: Kafka does not tell a consumer who wrote a record, so every
partner and every force has topics of its own.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache

from conduit_contracts import force, intake, notification, partner, programme, routing, triage
from conduit_contracts.envelope import Message

PROGRAMME = "programme"
PARTNER = "partner"
FORCE = "force"
OFFICER = "officer"
OPERATOR = "operator"
"""The operators, who order replays and write nothing else."""
DUTY = "duty"
"""The hub's duty officers, who approve who is alerted and write nothing else."""
HUB = "hub"

_PARAMETER = re.compile(r"\{(partner_id|force_id)\}")
_SLUG = "[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_INTERNAL_PARTITIONS = 6
BROKERS_TIME = {"message.timestamp.type": "LogAppendTime"}
_MAX_RECORD_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """One topic, or one per partner or force where the template has a parameter.

    `key` says what orders the records. `edge` is true where partners, forces or officers write: their records are read
    closed, and what cannot be read is answered, not dead-lettered.
    """

    template: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    messages: tuple[type[Message], ...]
    key: str = "referral_id"
    partitions: int = 1
    made_with: tuple[int, ...] = ()
    """Numbers of partitions that earlier releases gave it. Such a topic works as it is until it is created again."""
    retention: timedelta = timedelta(days=30)
    compacted: bool = False
    edge: bool = False
    max_record_bytes: int = _MAX_RECORD_BYTES
    audience: str = HUB
    """Who uses it besides the services. They read what they do not write; the hub reads what no service reads."""

    @cached_property
    def parameter(self) -> str | None:
        """`partner_id`, `force_id`, or None for a topic that exists once."""
        found = _PARAMETER.search(self.template)
        return found[1] if found else None

    @property
    def readers(self) -> tuple[str, ...]:
        """Everyone who reads it: the consuming services, then its audience if that adds anyone."""
        if self.consumers and self.audience in {HUB, *self.producers}:
            return self.consumers
        return (*self.consumers, self.audience)

    def name(self, principal: str | None = None) -> str:
        """The topic's name, for one partner or force if each has one.

        Raises:
            ValueError: a principal is missing, is not wanted, or is not a slug.
        """
        if (self.parameter is None) != (principal is None):
            raise ValueError(f"{self.template} takes {self.parameter or 'no principal'}")
        return self.template if principal is None else _named(self.template, str(self.parameter), principal)

    @cached_property
    def pattern(self) -> str:
        """An anchored regular expression of the names, whose only group is the principal."""
        parts = _PARAMETER.split(self.template)
        return "^" + f"({_SLUG})".join(re.escape(part) for part in parts[::2]) + "$"

    def match(self, name: str) -> str | None:
        """The partner or force whose topic this is, "" for a topic that exists once, None if the name is another topic's."""
        found = re.fullmatch(self.pattern, name)
        if found is None:
            return None
        return found[1] if self.parameter else ""

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for the topic.

        Records bear the broker's time: a writer's clock may be wrong, and would then decide when a record is deleted, or
        have it refused.
        """
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(int(self.retention.total_seconds() * 1000)),
            "max.message.bytes": str(self.max_record_bytes),
            **BROKERS_TIME,
        }


@lru_cache(maxsize=16_384)
def _named(template: str, parameter: str, principal: str) -> str:
    if not re.fullmatch(_SLUG, principal):
        raise ValueError(f"a {parameter} is made of lower-case letters, digits and single hyphens")
    return _PARAMETER.sub(principal, template)


_YEAR = timedelta(days=365)

PARTNERS = Topic(
    template="programme.partners.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("intake", "notification"),
    messages=(programme.PartnerRegistered,),
    key="partner_id",
    compacted=True,
)
FORCES = Topic(
    template="programme.forces.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("notification",),
    messages=(programme.ForceRegistered,),
    key="force_id",
    compacted=True,
)
HUB_CONTACTS = Topic(
    template="programme.hub.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("notification",),
    messages=(programme.HubContactsProposed,),
    key="proposal_id",
    compacted=True,
)
HUB_APPROVALS = Topic(
    template="programme.approvals.v1",
    owner=PROGRAMME,
    producers=(DUTY,),
    consumers=("notification",),
    messages=(programme.HubContactsApproved,),
    key="proposal_id",
    compacted=True,
)
"""Separate from what it approves: whoever can propose cannot approve, and the other way round."""
PARTNER_REFERRALS = Topic(
    template="partner.{partner_id}.referrals.v1",
    owner="intake",
    producers=(PARTNER,),
    consumers=("intake",),
    messages=(
        partner.ReferralSubmitted,
        partner.InformationSupplied,
        partner.ReferralWithdrawn,
        partner.ReconsiderationRequested,
    ),
    key="partner_reference",
    # One: whose client chooses the partition, by whatever rule or none, two records about one referral keep their order.
    partitions=1,
    made_with=(3,),
    edge=True,
    audience=PARTNER,
)
INTAKE_REFERRALS = Topic(
    template="intake.referrals.v1",
    owner="intake",
    producers=("intake",),
    consumers=("triage", "notification"),
    messages=(
        intake.ReferralReceived,
        intake.InformationSupplied,
        intake.ReferralWithdrawn,
        intake.ReconsiderationRequested,
        intake.SubmissionRejected,
        intake.SubmissionRepeated,
    ),
    partitions=_INTERNAL_PARTITIONS,
)
INTAKE_DANGERS = Topic(
    template="intake.dangers.v1",
    owner="intake",
    producers=("intake",),
    consumers=("notification",),
    messages=(intake.DangerReported,),
    key="partner_id",
)
"""A separate topic, so that danger never waits behind anything else."""
INTAKE_ATTACHMENTS = Topic(
    template="intake.attachments.v1",
    owner="intake",
    producers=("intake",),
    consumers=("routing",),
    messages=(intake.AttachmentCleared,),
)
INTAKE_SANDBOX = Topic(
    template="intake.sandbox.v1",
    owner="intake",
    producers=("intake",),
    consumers=("notification",),
    messages=(intake.SandboxStepPlayed, intake.SandboxSubmissionRejected),
    key="referral_id, or partner:reference of a rejected submission",
)
"""A separate topic that triage and routing cannot even read: nothing from the sandbox can become a case."""
TRIAGE_REVIEWS = Topic(
    template="triage.reviews.v1",
    owner="triage",
    producers=(OFFICER,),
    consumers=("triage",),
    messages=(triage.DecideReview,),
    partitions=_INTERNAL_PARTITIONS,
    edge=True,
    audience=OFFICER,
)
TRIAGE_DECISIONS = Topic(
    template="triage.decisions.v1",
    owner="triage",
    producers=("triage",),
    consumers=("routing", "notification"),
    messages=(
        triage.ReviewOpened,
        triage.InformationRequested,
        triage.ImmediateDangerRaised,
        triage.ReferralAccepted,
        triage.ReferralDeclined,
        triage.ReconsiderationRefused,
        triage.InformationForwarded,
        triage.WithdrawalForwarded,
        triage.CommandIgnored,
        triage.CommandRefused,
        triage.CommandOutdated,
    ),
    key="referral_id, or command_id of an answer to an officer",
    partitions=_INTERNAL_PARTITIONS,
)
ROUTING_REVIEWS = Topic(
    template="routing.reviews.v1",
    owner="routing",
    producers=(OFFICER,),
    consumers=("routing",),
    messages=(
        routing.NameHomeForce,
        routing.RerouteHandoff,
        routing.StandDownHandoff,
        routing.SendToProfessionalStandards,
    ),
    partitions=_INTERNAL_PARTITIONS,
    edge=True,
    audience=OFFICER,
)
FORCE_CASES = Topic(
    template="force.{force_id}.cases.v1",
    owner="routing",
    producers=("routing",),
    consumers=(),
    messages=(
        routing.CaseDisseminated,
        routing.InformationDisseminated,
        routing.HomeForceChanged,
        routing.ForcesChanged,
        routing.AttachmentDisseminated,
        routing.WithdrawalDisseminated,
        routing.DeclineDisseminated,
        routing.AcceptanceDisseminated,
        routing.HandoffChased,
        routing.HandoffClosed,
        routing.ResponseRejected,
    ),
    key="referral_id, or force_id of a rejected response that names none",
    retention=timedelta(days=90),
    audience=FORCE,
)
FORCE_RESPONSES = Topic(
    template="force.{force_id}.responses.v1",
    owner="routing",
    producers=(FORCE,),
    consumers=("routing",),
    messages=(force.ReceiptConfirmed, force.CaseAcknowledged, force.CaseDeclined),
    edge=True,
    audience=FORCE,
)
ROUTING_CASES = Topic(
    template="routing.cases.v1",
    owner="routing",
    producers=("routing",),
    consumers=("notification",),
    messages=(
        routing.CaseRouted,
        routing.RoutingReviewOpened,
        routing.HomeForceNamed,
        routing.HandoffReceived,
        routing.HandoffAcknowledged,
        routing.HandoffDeclined,
        routing.HandoffStoodDown,
        routing.HandoffOverdue,
        routing.HandoffEscalated,
        routing.CaseHandedOver,
        routing.CaseWithdrawn,
        routing.TriageDeclineForwarded,
        routing.CaseRestricted,
        routing.ProfessionalStandardsInformed,
        routing.CommandIgnored,
        routing.CommandRefused,
        routing.CommandOutdated,
    ),
    key="referral_id, or command_id of an answer to an officer",
    partitions=_INTERNAL_PARTITIONS,
)
ROUTING_ATTACHMENTS = Topic(
    template="routing.attachments.v1",
    owner="routing",
    producers=("routing",),
    consumers=("intake",),
    messages=(routing.AttachmentOpened, routing.AttachmentClosed),
)
PARTNER_UPDATES = Topic(
    template="partner.{partner_id}.updates.v1",
    owner="notification",
    producers=("notification",),
    consumers=("intake",),
    messages=(notification.ReferralStatusUpdated, notification.SubmissionRejected, notification.SubmissionDeferred),
    key="referral_id, or partner_reference of a rejected or waiting submission",
    retention=timedelta(days=90),
    audience=PARTNER,
)
NOTIFICATION_SANDBOX = Topic(
    template="notification.sandbox.v1",
    owner="notification",
    producers=("notification",),
    consumers=("intake",),
    messages=(notification.SandboxStatusUpdated,),
)
"""Separate from the partners' own topics, whose readers would think it real."""
NOTICES = Topic(
    template="notification.notices.v1",
    owner="notification",
    producers=("notification",),
    consumers=(),
    messages=(notification.NoticeSent, notification.NoticeFailed),
    key="notice_id",
)

REGISTRY: tuple[Topic, ...] = (
    PARTNERS,
    FORCES,
    HUB_CONTACTS,
    HUB_APPROVALS,
    PARTNER_REFERRALS,
    INTAKE_REFERRALS,
    INTAKE_DANGERS,
    INTAKE_ATTACHMENTS,
    INTAKE_SANDBOX,
    TRIAGE_REVIEWS,
    TRIAGE_DECISIONS,
    ROUTING_REVIEWS,
    FORCE_CASES,
    FORCE_RESPONSES,
    ROUTING_CASES,
    ROUTING_ATTACHMENTS,
    PARTNER_UPDATES,
    NOTIFICATION_SANDBOX,
    NOTICES,
)
"""In flow order. Each service's dead letters and replay orders are listed by `standing_apart`."""

SERVICES = ("intake", "triage", "routing", "notification")
"""In flow order."""


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
        max_record_bytes=_MAX_RECORD_BYTES + 64 * 1024,
    )


def replay_topic(service: str) -> Topic:
    """The topic where operators order a service to replay its dead letters. The orders contain nothing of the records."""
    return Topic(
        template=f"{service}.replays.v1",
        owner=service,
        producers=(OPERATOR,),
        consumers=(service,),
        messages=(),
        key="none",
        audience=OPERATOR,
    )


def standing_apart() -> tuple[Topic, ...]:
    """What each service has beside the registry: its dead letters and its replay orders."""
    return tuple(made(service) for service in SERVICES for made in (dead_letter_topic, replay_topic))


def consumed_by(service: str) -> tuple[Topic, ...]:
    """The topics a service reads, in flow order."""
    return tuple(topic for topic in REGISTRY if service in topic.consumers)


def produced_by(service: str) -> tuple[Topic, ...]:
    """The topics a service writes, in flow order, without its dead letters."""
    return tuple(topic for topic in REGISTRY if service in topic.producers)


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as the broker is asked to create it."""

    name: str
    partitions: int
    config: dict[str, str]
    made_with: tuple[int, ...] = ()
    """Other numbers of partitions that an existing topic may have."""


def specs(partner_ids: tuple[str, ...] = (), force_ids: tuple[str, ...] = ()) -> list[TopicSpec]:
    """Every topic to create for these partners and forces."""
    principals = {"partner_id": partner_ids, "force_id": force_ids, None: (None,)}
    topics = [*REGISTRY, *standing_apart()]
    return [
        TopicSpec(topic.name(principal), topic.partitions, topic.config, topic.made_with)
        for topic in topics
        for principal in principals[topic.parameter]
    ]
