"""The benchmark without servers runs through every service as it is today."""

from conduit_contracts.topics import INTAKE_REFERRALS, TRIAGE_DECISIONS
from tests.benchmarks.pieces import through


def test_a_referral_goes_through_every_service_that_hears_of_it_without_servers() -> None:
    spent = through(50)
    reached = {service for (service, part), value in spent.items() if part == "records read" and value > 0}
    assert reached >= {"intake", *INTAKE_REFERRALS.consumers, *TRIAGE_DECISIONS.consumers}
    assert spent["routing", "events"] > 1, "a referral has a case, and a record for each force"
