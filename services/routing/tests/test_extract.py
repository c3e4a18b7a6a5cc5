"""Need to know: the home force sees all, another force nothing of other areas, whatever the partner wrote."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit_contracts.concerned import content
from conduit_contracts.envelope import Message, dump
from conduit_contracts.geography import force_area, force_of_district, special_force
from conduit_contracts.ids import uuid7
from conduit_contracts.referral import OffencePlace, Person, PlaceKind, Referral, Role, Supplement
from conduit_contracts.routing import CaseDisseminated, InformationDisseminated
from conduit_routing import extract
from conduit_routing.case import ForceMark
from conduit_routing.policy import RoutingPolicy
from services.routing.tests.builders import (
    NOW,
    Desk,
    Recorder,
    accepted,
    acknowledged,
    declined,
    informed,
    name_home,
    person,
    place,
    referral,
    supplement,
)


def areas_of(person: Person) -> set[str | None]:
    codes = (person.home_district_code, person.present_district_code)
    return {force_of_district()[code] for code in codes if code}


AREAS = ["kent", "essex", "surrey", "btp", "mdp", None]


@st.composite
def places(draw: st.DrawFn, prefix: str) -> tuple[OffencePlace, ...]:
    kinds = st.sampled_from([PlaceKind.HOME, PlaceKind.RAILWAY, PlaceKind.UNKNOWN])
    drawn = draw(st.lists(st.tuples(st.sampled_from(AREAS), kinds, st.sampled_from([None, None, "FR"])), max_size=5))
    return tuple(
        place(f"{prefix}{number}", area, kind=kind, country=country) for number, (area, kind, country) in enumerate(drawn)
    )


@st.composite
def people(draw: st.DrawFn, prefix: str, place_ids: list[str]) -> tuple[Person, ...]:
    ties = st.lists(st.sampled_from(place_ids), max_size=3, unique=True) if place_ids else st.just([])
    lives = st.sampled_from([None, None, "kent", "essex", "dorset"])
    ages = st.sampled_from([None, 9, 17, 18, 40])
    agreed = st.sampled_from([None, NOW.date()])
    roles = st.sampled_from(list(Role))
    drawn = draw(st.lists(st.tuples(ties, lives, lives, roles, ages, agreed), max_size=6))
    return tuple(
        person(
            f"{prefix}{number}",
            *tied,
            lives=home,
            now_in=present,
            role=role,
            age_at_report=age,
            home_area_consented_on=consent,
            suspect_is_police=True if role is Role.SUSPECT and age == 40 else None,
            suspect_force_id=home if role is Role.SUSPECT and age == 40 else None,
        )
        for number, (tied, home, present, role, age, consent) in enumerate(drawn)
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Referral, tuple[Supplement, ...]]:
    first = draw(places("L"))
    more = draw(places(draw(st.sampled_from(["L", "M"]))))
    ids = [each.place_id for each in (*first, *more)]
    told = referral(first, draw(people("P", [each.place_id for each in first])))
    added = supplement(*more, persons=draw(people(draw(st.sampled_from(["P", "Q"])), ids)), corrects=draw(st.booleans()))
    return told, (added,)


class Oracle:
    """What a force may see, told apart from the code under test: record by record, in the simplest way."""

    def __init__(self, records: Iterable[Referral | Supplement], areas: Iterable[str]) -> None:
        told, mine = list(records), set(areas)
        self.all_places = {place.place_id for each in told for place in each.places}
        self.all_persons = {person.person_id for each in told for person in each.persons}
        self.places = {
            place.place_id for each in told for place in each.places if {force_area(place), special_force(place)} & mine
        }
        people = [person for each in told for person in each.persons]
        ages = {person.person_id: person.age_at_report for person in people if person.age_at_report is not None}
        victims = {person.person_id for person in people if person.role is Role.VICTIM}
        agreed = {person.person_id for person in people if person.home_area_consented_on}
        children = {each for each in victims if ages.get(each, 0) < 18}
        here = {person.person_id for person in people if areas_of(person) & mine}
        tied = {person.person_id for person in people if set(person.place_ids) & self.places}
        self.persons = tied | (here - (victims - children - agreed))
        self.looks_after_all = bool(children & here) and not any(force_area(place) for each in told for place in each.places)
        """Where it has the interim duty and nobody leads."""
        self.officers = {person.suspect_force_id for person in people if person.suspect_is_police}

    def check(self, message: Message) -> None:
        """Nothing of another area may appear anywhere in the record."""
        text = dump(message).decode()
        for place_id in self.all_places - self.places:
            assert f'"{place_id}"' not in text
            assert f"canary-place-{place_id}-end" not in text
        for person_id in self.all_persons - self.persons:
            assert f'"{person_id}"' not in text
            assert f"canary-name-{person_id}-end" not in text
        assert "canary-narrative" not in text
        assert "canary-text" not in text


def copies(outbox: Recorder) -> list[CaseDisseminated]:
    return [message for _, _, message in outbox.sent if isinstance(message, CaseDisseminated)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(told=cases(), later=st.booleans())
def test_nothing_of_another_area_ever_reaches_a_force_that_is_not_home(
    policy: RoutingPolicy, told: tuple[Referral, tuple[Supplement, ...]], *, later: bool
) -> None:
    desk, referral_id, held = Desk(policy), uuid7(), set[str]()
    first, added = told
    everything: list[Referral | Supplement] = [first, *added]
    if later:
        steps: list[tuple[Message, list[Referral | Supplement]]] = [
            (accepted(first, referral_id), [first]),
            (informed(referral_id, added[0]), everything),
        ]
    else:
        steps = [(accepted(first, referral_id, supplements=added), everything)]
    for message, records in steps:
        outbox, case = desk.deliver(message), desk.case(referral_id)
        for topic, _, sent in outbox.sent:
            force_id = topic.removeprefix("force.").removesuffix(".cases.v1")
            if topic == "routing.cases.v1":
                continue
            oracle = Oracle(records, [force_id])
            assert force_id not in oracle.officers, "sent by rule to the force of a suspect"
            assert force_id in held or None not in oracle.officers, "sent by rule, and the suspect's force is not known"
            owner = case.home_force is None and case.interim_owner == force_id and oracle.looks_after_all
            if force_id != case.home_force and not owner:
                oracle.check(sent)
        held |= set(case.handoffs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(told=cases())
def test_whoever_the_rules_name_every_person_and_place_is_with_the_home_force(
    policy: RoutingPolicy, told: tuple[Referral, tuple[Supplement, ...]]
) -> None:
    desk = Desk(policy)
    message = accepted(told[0], supplements=told[1])
    outbox = desk.deliver(message)
    home = desk.case(message.referral_id).home_force
    for copy in copies(outbox):
        if copy.force_id == home:
            assert copy.referral == told[0]
            assert copy.supplements == told[1]
            assert copy.persons == (*told[0].persons, *told[1][0].persons)
            assert copy.places == (*told[0].places, *told[1][0].places)
            assert copy.summary.narrative == "canary-narrative"
            assert copy.summary.persons_elsewhere == 0
        elif home is not None:
            assert copy.referral is None
            assert copy.supplements == ()


def test_a_force_sees_its_places_its_persons_and_how_many_are_elsewhere(desk: Desk) -> None:
    told = referral(
        [place("L1", "kent"), place("L2", "kent"), place("L3", "essex")],
        [person("V1", "L1", "L3"), person("V2", "L2"), person("V3", lives="essex"), person("V4")],
    )
    outbox = desk.deliver(accepted(told))
    essex = next(copy for copy in copies(outbox) if copy.force_id == "essex")
    assert [each.place_id for each in essex.places] == ["L3"]
    assert [(each.person_id, each.place_ids) for each in essex.persons] == [("V1", ("L3",)), ("V3", ())]
    assert essex.summary.persons_elsewhere == 2
    assert essex.forces == ("essex", "kent")
    assert essex.home_force == "kent"


def test_a_person_whose_places_all_show_is_shared_not_copied(desk: Desk) -> None:
    told = referral([place("L1", "kent"), place("L2", "kent"), place("L3", "essex")], [person("V1", "L3")])
    message = accepted(told)
    desk.deliver(message)
    held = desk.case(message.referral_id).told
    assert extract.scope_of(held, ("essex",), NOW.date()).of_persons(held.persons)[0] is held.persons[0]


def test_a_force_that_was_told_of_a_person_or_place_is_told_when_that_is_corrected(desk: Desk) -> None:
    told = referral([place("L1", "kent"), place("L2", "kent"), place("L3", "essex")], [person("V1", "L3")])
    message = accepted(told)
    desk.deliver(message)
    moved = supplement(place("L3", "kent"), persons=[person("V1", "L1")], corrects=True)
    outbox = desk.deliver(informed(message.referral_id, moved))
    correction = next(each for each in outbox.to("essex") if isinstance(each, InformationDisseminated))
    assert correction.corrects
    assert correction.text is None
    assert [each.place_id for each in correction.places] == ["L3"]
    assert [(each.person_id, each.place_ids) for each in correction.persons] == [("V1", ())]


def test_a_force_that_becomes_home_gets_the_whole_case_and_the_others_hear_who_leads(desk: Desk) -> None:
    told = referral([place("L1", "kent"), place("L2", "essex"), place("L3", "essex"), place("L4", "surrey")])
    message = accepted(told, supplements=(supplement(),))
    desk.deliver(message)
    outbox = desk.deliver(name_home(message.referral_id, "kent"))
    (copy,) = copies(outbox)
    assert (copy.force_id, copy.home_force, copy.referral) == ("kent", "kent", told)
    assert copy.supplements == message.supplements
    assert outbox.kinds("essex") == outbox.kinds("surrey") == ["HomeForceChanged"]


def test_a_force_that_stands_in_for_another_sees_what_that_one_saw(desk: Desk) -> None:
    told = referral(
        [place("L1", "kent"), place("L2", "kent"), place("L3", "essex")], [person("V1", "L3"), person("V2", "L1")]
    )
    message = accepted(told)
    desk.deliver(message)
    (copy,) = copies(desk.deliver(declined(message.referral_id, "essex", "surrey")))
    assert copy.force_id == "surrey"
    assert [each.place_id for each in copy.places] == ["L3"]
    assert [each.person_id for each in copy.persons] == ["V1"]
    assert copy.summary.narrative is None


@pytest.fixture
def _nothing_is_roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every case were too large for one record, and too large to be sent again."""
    monkeypatch.setattr(content, "ROOMY", 0)
    monkeypatch.setattr(extract, "SMALL", 0)


@pytest.mark.usefixtures("_nothing_is_roomy")
def test_a_case_too_large_for_one_record_goes_out_without_repeats_and_what_was_added_follows_it(desk: Desk) -> None:
    told = referral(
        [place("L1", "kent"), place("L2", "kent"), place("L3", "essex"), place("L4", "kent")], [person("V1", "L3")]
    )
    added = supplement(place("M1", "essex"), persons=[person("V2", "M1")])
    outbox = desk.deliver(accepted(told, supplements=(added,)))
    home, *after_home = outbox.to("kent")
    assert isinstance(home, CaseDisseminated)
    assert (home.referral, home.persons, home.places, home.supplements) == (told, (), (), ())
    assert (home.summary.narrative, home.adds_to) == (None, None)
    part, *after_part = outbox.to("essex")
    assert isinstance(part, CaseDisseminated)
    assert [each.person_id for each in part.persons] == ["V1"]
    assert [each.text for each in after_home if isinstance(each, InformationDisseminated)] == ["canary-text"]
    assert [each.text for each in after_part if isinstance(each, InformationDisseminated)] == [None]


@pytest.mark.usefixtures("_nothing_is_roomy")
def test_a_force_that_holds_a_large_case_is_sent_what_is_new_and_acknowledges_that(desk: Desk) -> None:
    message = accepted(referral([place("L1", "kent")]), supplements=(supplement(text="first"),))
    desk.deliver(message, acknowledged(message.referral_id, "kent"))
    outbox = desk.deliver(informed(message.referral_id, supplement(place("M1", "kent"), text="second")))
    standing, news = outbox.to("kent")
    assert isinstance(standing, CaseDisseminated)
    assert isinstance(news, InformationDisseminated)
    assert (standing.part, standing.adds_to, standing.because) == (2, 1, "information_added")
    assert (standing.referral, standing.persons, standing.places, standing.supplements) == (None, (), (), ())
    assert news.text == "second"
    assert desk.deliver(acknowledged(message.referral_id, "kent", part=1)).sent == []
    assert desk.deliver(acknowledged(message.referral_id, "kent", part=2)).kinds()[-1] == "CaseHandedOver"


@pytest.mark.usefixtures("_nothing_is_roomy")
def test_a_force_that_sees_more_of_what_was_told_before_is_sent_its_whole_part(desk: Desk) -> None:
    places = [place("L1", "kent"), place("L2", "kent"), place("L3", "kent"), place("L4", "surrey")]
    message = accepted(referral(places), supplements=(supplement(persons=[person("V1", "L3")]),))
    desk.deliver(message)
    outbox = desk.deliver(informed(message.referral_id, supplement(place("L3", "surrey"), corrects=True)))
    whole, *after = outbox.to("surrey")
    assert isinstance(whole, CaseDisseminated)
    assert (whole.part, whole.adds_to) == (2, None)
    assert [each.person_id for news in after for each in news.persons] == ["V1"]
    assert outbox.kinds("kent") == ["CaseDisseminated", "InformationDisseminated"]


class Ledger:
    """A force's record of a case, kept as the contract says: what it holds after each message."""

    def __init__(self) -> None:
        self.persons: set[str] = set()
        self.places: set[str] = set()
        self.texts: list[str] = []

    def take(self, message: object) -> None:
        if isinstance(message, CaseDisseminated) and message.adds_to is None:
            self.__init__()  # type: ignore[misc]
        if isinstance(message, CaseDisseminated) and message.referral is not None:
            self._note(message.referral)
        if isinstance(message, CaseDisseminated):
            self.texts += [each.text for each in message.supplements]
        if isinstance(message, CaseDisseminated | InformationDisseminated):
            self._note(message)
        if isinstance(message, InformationDisseminated) and message.text is not None:
            self.texts.append(message.text)

    def _note(self, told: Any) -> None:
        self.persons |= {each.person_id for each in told.persons}
        self.places |= {each.place_id for each in told.places}


@st.composite
def growing(draw: st.DrawFn) -> tuple[Referral, list[Supplement]]:
    """A referral and what is added and corrected one after the other, under few ids, so that they meet."""
    known = draw(places("L"))
    told, added = referral(known, draw(people("P", [each.place_id for each in known]))), []
    ids = {each.place_id for each in known}
    for number in range(draw(st.integers(1, 4))):
        more = draw(places("L"))
        ids |= {each.place_id for each in more}
        added.append(supplement(*more, persons=draw(people("P", sorted(ids))), corrects=True, text=f"said {number}"))
    return told, added


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(told=growing(), roomy=st.sampled_from([0, 3_000, 1_000_000]), small=st.sampled_from([0, 2_000, 64_000]))
def test_however_large_the_case_each_force_holds_its_whole_part_and_no_more(
    policy: RoutingPolicy, told: tuple[Referral, list[Supplement]], roomy: int, small: int
) -> None:
    with pytest.MonkeyPatch.context() as limits:
        limits.setattr(content, "ROOMY", roomy)
        limits.setattr(extract, "SMALL", small)
        desk, referral_id, ledgers = Desk(policy), uuid7(), defaultdict[str, Ledger](Ledger)
        for step in (accepted(told[0], referral_id), *(informed(referral_id, added) for added in told[1])):
            for topic, _, message in desk.deliver(step).sent:
                ledgers[topic.removeprefix("force.").removesuffix(".cases.v1")].take(message)
        case = desk.case(referral_id)
        for force_id in case.told_forces:
            scope, ledger = extract.scope_for(case, case.handoffs[force_id]), ledgers[force_id]
            persons = {each for each in case.told.ties if scope.sees_person(each)}
            places_seen = {each for each in case.told.latest_places if scope.sees_place(each)}
            assert ledger.persons >= persons
            assert ledger.places >= places_seen
            assert scope is not extract.WHOLE or set(ledger.texts) == {added.text for added in told[1]}
            if (force_id, ForceMark.HAS_ALL) not in case.marks:
                # Whoever is known by now to be an adult may have been shown as a child.
                adults = {each for each in case.told.ties if case.told.people.keeps_home_to_itself(each, NOW.date())}
                assert ledger.persons - persons <= adults
                assert ledger.places == places_seen
