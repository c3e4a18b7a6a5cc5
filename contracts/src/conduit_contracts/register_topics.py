"""The programme's registers and its national advice as topics: compacted, so that the last record of each key stays for
good. And the orders by which the registers of partners, forces and people are changed."""

from conduit_contracts import programme
from conduit_contracts.topic import DUTY, FORCE, PARTNER, PROGRAMME, REGISTRAR, SIGNER, Topic

_FOLLOWERS = ("triage", "routing", "notification", SIGNER, "console", PROGRAMME)
"""Who must know who the officers are."""

REGISTER_COMMANDS = Topic(
    template="programme.commands.v1",
    owner=PROGRAMME,
    producers=(REGISTRAR,),
    consumers=("intake", PROGRAMME),
    messages=(
        programme.RegisterPartner,
        programme.RegisterForce,
        programme.SuspendPartner,
        programme.ResumePartner,
    ),
    key="partner_id or force_id",
    ordered=False,
)
"""Each says what it was decided on, so none waits behind one that cannot be read: least of all a suspension. Intake heeds
suspensions alone."""
REGISTER_ANSWERS = Topic(
    template="programme.answers.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=(),
    messages=(programme.OrderRefused,),
    key="partner_id, force_id or person_id",
    audience=REGISTRAR,
)
"""What is said of orders that changed nothing. The others are answered by the register itself."""
PARTNERS = Topic(
    template="programme.partners.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("intake", "notification", "console", PROGRAMME),
    messages=(programme.PartnerRegistered,),
    key="partner_id",
    compacted=True,
    audience=REGISTRAR,
)
"""Its writer reads it as well: what an earlier release wrote stands there until it is changed."""
FORCES = Topic(
    template="programme.forces.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=("notification", "console", PROGRAMME),
    messages=(programme.ForceRegistered,),
    key="force_id",
    compacted=True,
    audience=REGISTRAR,
)
REGISTER_OF = {PARTNER: PARTNERS, FORCE: FORCES}
"""By kind of organisation, the register in which its entries stand."""
HUB_CONTACTS = Topic(
    template="programme.hub.v1",
    owner=PROGRAMME,
    producers=(REGISTRAR,),
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
PEOPLE_COMMANDS = Topic(
    template="programme.people-commands.v1",
    owner=PROGRAMME,
    producers=(REGISTRAR,),
    consumers=(PROGRAMME,),
    messages=(
        programme.RegisterHubPerson,
        programme.RegisterPartnerPerson,
        programme.RegisterForcePerson,
        programme.RemovePerson,
    ),
    key="person_id",
    ordered=False,
)
"""Apart from the orders for organisations: intake, which reads those, learns of no officer."""
REVOCATIONS = Topic(
    template="programme.revocations.v1",
    owner=PROGRAMME,
    producers=(REGISTRAR,),
    consumers=(),
    messages=(programme.RightsRevoked,),
    key="person_id",
    compacted=True,
    followers=_FOLLOWERS,
)
"""Whoever may write here can keep people out, and let nobody in. So it does not wait for the writer of the registers."""
OFFICERS = Topic(
    template="programme.officers.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=(PROGRAMME,),
    messages=(programme.HubPersonRegistered,),
    key="person_id",
    compacted=True,
    followers=_FOLLOWERS,
    audience=REGISTRAR,
)
"""The hub's people. A topic of their own: a partner's desk of its own would not read who the officers are."""
PEOPLE = Topic(
    template="programme.people.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=(PROGRAMME,),
    messages=(programme.PartnerPersonRegistered, programme.ForcePersonRegistered),
    key="person_id",
    compacted=True,
    followers=(PROGRAMME,),
    audience=REGISTRAR,
)
"""The partners' and the forces' own people, who work at their desks."""
ADVICE = Topic(
    template="programme.advice.v1",
    owner=PROGRAMME,
    producers=(PROGRAMME,),
    consumers=(),
    messages=(programme.AdvicePublished, programme.AdviceWithdrawn),
    key="note_id",
    compacted=True,
    audience=FORCE,
)
"""One for all forces: each reads from its beginning what holds. What is withdrawn leaves no words behind."""
