"""Every topic of the conduit, in flow order. Creation, access rules and documents derive from this list alone.

The topic a record arrives on is its sender's identity: Kafka does not tell a consumer who wrote a record, so every
partner and every force has topics of its own.
"""

from datetime import timedelta

from conduit_contracts import console, intake, notification, programme, routing, triage
from conduit_contracts.edge_topics import FORCE_CASES, FORCE_RESPONSES, PARTNER_REFERRALS, PARTNER_UPDATES
from conduit_contracts.envelope import Message
from conduit_contracts.register_topics import (
    ADVICE,
    FORCES,
    HUB_APPROVALS,
    HUB_CONTACTS,
    OFFICERS,
    PARTNERS,
    PEOPLE,
    PEOPLE_COMMANDS,
    REGISTER_ANSWERS,
    REGISTER_COMMANDS,
    REGISTER_OF,
    REVOCATIONS,
)
from conduit_contracts.service_topics import dead_letter_topic, replay_topic
from conduit_contracts.topic import (
    BROKERS_TIME,
    CONSOLE,
    DUTY,
    FORCE,
    HUB,
    MAX_RECORD_BYTES,
    OPERATOR,
    PARTNER,
    PROGRAMME,
    REGISTRAR,
    SIGNER,
    Topic,
    TopicSpec,
)

__all__ = [
    "ADVICE",
    "BROKERS_TIME",
    "CONSOLE",
    "CONSOLE_ACTS",
    "DUTIES",
    "DUTY",
    "FORCE",
    "FORCES",
    "FORCE_CASES",
    "FORCE_RESPONSES",
    "HUB",
    "HUB_APPROVALS",
    "HUB_CONTACTS",
    "INTAKE_ATTACHMENTS",
    "INTAKE_DANGERS",
    "INTAKE_REFERRALS",
    "INTAKE_SANDBOX",
    "NOTICES",
    "NOTIFICATION_REVIEWS",
    "NOTIFICATION_SANDBOX",
    "OFFICERS",
    "OPERATOR",
    "PARTNER",
    "PARTNERS",
    "PARTNER_REFERRALS",
    "PARTNER_UPDATES",
    "PEOPLE",
    "PEOPLE_COMMANDS",
    "PRACTICE_QUESTIONS",
    "PROGRAMME",
    "REGISTER_ANSWERS",
    "REGISTER_COMMANDS",
    "REGISTER_OF",
    "REGISTRAR",
    "REGISTRY",
    "REVOCATIONS",
    "ROUTING_ATTACHMENTS",
    "ROUTING_CASES",
    "ROUTING_HANDOVERS",
    "ROUTING_REVIEWS",
    "SERVICES",
    "SIGNER",
    "TRIAGE_DECISIONS",
    "TRIAGE_REVIEWS",
    "Topic",
    "TopicSpec",
    "consumed_by",
    "dead_letter_topic",
    "keepers",
    "kept_by",
    "produced_by",
    "read_apart",
    "replay_topic",
    "snapshot_topic",
    "specs",
    "standing_apart",
]

_INTERNAL_PARTITIONS = 6

INTAKE_REFERRALS = Topic(
    template="intake.referrals.v1",
    owner="intake",
    producers=("intake",),
    consumers=("triage", "notification", "console"),
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
    consumers=("notification", "console"),
    messages=(intake.DangerReported,),
    key="partner_id",
    ordered=False,
)
"""A separate topic, so that danger never waits behind anything else."""
INTAKE_ATTACHMENTS = Topic(
    template="intake.attachments.v1",
    owner="intake",
    producers=("intake",),
    consumers=("routing", "console"),
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
    producers=(CONSOLE,),
    consumers=("triage",),
    messages=(triage.DecideReview, triage.NoteCall),
    partitions=_INTERNAL_PARTITIONS,
    edge=True,
    signed=True,
)
TRIAGE_DECISIONS = Topic(
    template="triage.decisions.v1",
    owner="triage",
    producers=("triage",),
    consumers=("routing", "notification", "console"),
    messages=(
        triage.ReviewOpened,
        triage.ReviewRaised,
        triage.InformationRequested,
        triage.ImmediateDangerRaised,
        triage.ReferralAccepted,
        triage.ReferralDeclined,
        triage.ReconsiderationRefused,
        triage.InformationForwarded,
        triage.WithdrawalForwarded,
        triage.CallNoted,
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
    producers=(CONSOLE,),
    consumers=("routing",),
    messages=(
        routing.NameHomeForce,
        routing.RerouteHandoff,
        routing.StandDownHandoff,
        routing.SendToProfessionalStandards,
        *(routing.NameInterimOwner, routing.ChaseHandoff, routing.EscalateHandoff),
        *(routing.RecordAcknowledgement, routing.RecordCall),
    ),
    partitions=_INTERNAL_PARTITIONS,
    edge=True,
    signed=True,
)
ROUTING_CASES = Topic(
    template="routing.cases.v1",
    owner="routing",
    producers=("routing",),
    consumers=("notification", "console"),
    messages=(
        routing.CaseRouted,
        routing.RoutingReviewOpened,
        routing.RoutingReviewClosed,
        routing.HomeForceNamed,
        routing.InterimOwnerNamed,
        *(routing.HandoffReceived, routing.HandoffAcknowledged, routing.HandoffAcknowledgedByTelephone),
        routing.HandoffDeclined,
        routing.HandoffStoodDown,
        routing.HandoffOverdue,
        routing.HandoffEscalated,
        routing.CaseHandedOver,
        routing.CaseWithdrawn,
        routing.TriageDeclineForwarded,
        routing.CaseRestricted,
        routing.ProfessionalStandardsInformed,
        routing.CallRecorded,
        *(routing.CommandIgnored, routing.CommandRefused, routing.CommandOutdated),
    ),
    key="referral_id, or command_id of an answer to an officer",
    partitions=_INTERNAL_PARTITIONS,
)
ROUTING_HANDOVERS = Topic(
    template="routing.handovers.v1",
    owner="routing",
    producers=("routing",),
    consumers=(PROGRAMME,),
    messages=(routing.HandoverCompleted,),
)
"""Apart from the cases: who asks partners how a hand-over went reads nothing else of them."""
ROUTING_ATTACHMENTS = Topic(
    template="routing.attachments.v1",
    owner="routing",
    producers=("routing",),
    consumers=("intake",),
    messages=(routing.AttachmentOpened, routing.AttachmentClosed),
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
    consumers=("console",),
    messages=(notification.NoticeSent, notification.NoticeFailed),
    key="notice_id",
)
NOTIFICATION_REVIEWS = Topic(
    template="notification.reviews.v1",
    owner="notification",
    producers=(CONSOLE,),
    consumers=("notification",),
    messages=(notification.TakeDutyTask,),
    key="task_id",
    edge=True,
    signed=True,
)
DUTIES = Topic(
    template="notification.duties.v1",
    owner="notification",
    producers=("notification",),
    consumers=("console",),
    messages=(notification.DutyTaskUpdated, notification.DutyTaskTaken, notification.DutyTaskNotTaken),
    key="task_id, or command_id of an answer to an officer",
)
CONSOLE_ACTS = Topic(
    template="console.acts.v1",
    owner="console",
    producers=("console",),
    consumers=("notification",),
    messages=(console.GlassBroken,),
)
PRACTICE_QUESTIONS = Topic(
    template="programme.questions.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("notification",),
    messages=(programme.PracticeQuestionOverdue, programme.PracticeQuestionSettled),
    key="question_id",
)
"""What is overdue of what partners ask without a referral. Nobody who reads it learns what was asked."""

REGISTRY: tuple[Topic, ...] = (
    REGISTER_COMMANDS,
    REGISTER_ANSWERS,
    PARTNERS,
    FORCES,
    HUB_CONTACTS,
    HUB_APPROVALS,
    PEOPLE_COMMANDS,
    REVOCATIONS,
    OFFICERS,
    PEOPLE,
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
    ROUTING_HANDOVERS,
    ROUTING_ATTACHMENTS,
    PARTNER_UPDATES,
    NOTIFICATION_SANDBOX,
    NOTIFICATION_REVIEWS,
    NOTICES,
    DUTIES,
    CONSOLE_ACTS,
    PRACTICE_QUESTIONS,
    ADVICE,
)
"""In flow order. Each service's dead letters, replay orders and snapshots are listed by `standing_apart`."""

SERVICES = ("intake", "triage", "routing", "notification", "console", PROGRAMME)
"""In flow order."""


_NOT_KEPT = (notification.NoticeSent, notification.DutyTaskTaken, notification.DutyTaskNotTaken)
"""What the console ignores, and what one officer alone is told, whom to call among it."""


def kept_by(service: str) -> tuple[type[Message], ...]:
    """The facts that a service keeps for as long as its cases, so that the console can be rebuilt from them."""
    # A register's topic forgets nothing.
    told = (topic for topic in REGISTRY if topic.owner == service and CONSOLE in topic.consumers and not topic.compacted)
    return tuple(message for topic in told for message in topic.messages if message not in _NOT_KEPT)


def keepers() -> tuple[str, ...]:
    """The services that keep facts, in flow order."""
    return tuple(service for service in SERVICES if kept_by(service))


def snapshot_topic(service: str) -> Topic:
    """The topic where a service publishes all facts that it keeps once more, when it is ordered to. They lack what people
    wrote where the case is closed, and what the console has from another service or never shows."""
    return Topic(
        template=f"{service}.snapshots.v1",
        owner=service,
        producers=(service,),
        consumers=(CONSOLE,),
        messages=kept_by(service),
        key="the order that asked for them",
        retention=timedelta(days=1),
        # A fact says where it stood first.
        max_record_bytes=MAX_RECORD_BYTES + 64 * 1024,
    )


def standing_apart() -> tuple[Topic, ...]:
    """What each service has beside the registry: its dead letters, its replay orders and, where it keeps any, its facts."""
    each = (made(service) for service in SERVICES for made in (dead_letter_topic, replay_topic))
    return (*each, *map(snapshot_topic, keepers()))


def read_apart(service: str) -> tuple[Topic, ...]:
    """What a service reads beside the registry."""
    return tuple(topic for topic in standing_apart() if service in topic.consumers)


def consumed_by(service: str) -> tuple[Topic, ...]:
    """The topics a service reads, in flow order."""
    return tuple(topic for topic in REGISTRY if service in topic.consumers)


def produced_by(service: str) -> tuple[Topic, ...]:
    """The topics a service writes, in flow order, without its dead letters."""
    return tuple(topic for topic in REGISTRY if service in topic.producers)


def specs(partner_ids: tuple[str, ...] = (), force_ids: tuple[str, ...] = ()) -> list[TopicSpec]:
    """Every topic to create for these partners and forces."""
    principals = {"partner_id": partner_ids, "force_id": force_ids, None: (None,)}
    topics = [*REGISTRY, *standing_apart()]
    return [
        TopicSpec(topic.name(principal), topic.partitions, topic.config, topic.made_with)
        for topic in topics
        for principal in principals[topic.parameter]
    ]
