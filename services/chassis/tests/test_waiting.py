"""What waits by sender and key, and that a batch in two parts keeps each key's order."""

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.consumer import waiting
from conduit_chassis.consumer.waiting import Waiting, few_first
from conduit_chassis.records import Reader, Record, named_partner
from conduit_chassis.testing import raw_record
from conduit_contracts.kits.batches import UnreadableBatch
from conduit_contracts.topics import INTAKE_REFERRALS, PARTNER_REFERRALS

PLACE, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)
CROWD = waiting.CROWD // waiting.COST_OF_ANY


def made(offset: int, key: str | None, partner: str | None, more: int = 0) -> Record:
    named = f'"partner_id":"{partner}",' if partner else ""
    return raw_record("t", key, [], f'{{"id":1,{named}"words":"{"x" * more}"}}'.encode())._replace(offset=offset)


def numbers(parts: list[list[Record]]) -> list[list[int]]:
    return [[each.offset for each in part] for part in parts]


def split(records: list[Record]) -> list[list[int]]:
    return numbers([list(part) for part in few_first(records, named_partner)])


class TestWhose:
    def test_a_partners_topic_is_its_own_and_events_between_services_name_whom_they_are_about(self) -> None:
        reader = Reader("intake", (PARTNER_REFERRALS, INTAKE_REFERRALS), {})
        topic = PARTNER_REFERRALS.name("northlight")
        assert reader.sender(made(0, "a", "another")._replace(topic=topic)) == topic
        assert reader.sender(made(0, "a", "northlight")._replace(topic=INTAKE_REFERRALS.name())) == "northlight"

    def test_what_names_nobody_or_cannot_be_read_is_nobodys(self) -> None:
        assert named_partner(made(0, "a", None)) is None
        assert named_partner(made(0, "a", None)._replace(value=None)) is None
        assert named_partner(made(0, "a", "x")._replace(value=UnreadableBatch(b'"partner_id":"x"', 0, 0, "x"))) is None

    def test_words_within_a_text_name_nobody(self) -> None:
        assert named_partner(raw_record("t", "a", [], b'{"text":"\\"partner_id\\":\\"x\\"","partner_id":"y"}')) == "y"


class TestWhoHasFew:
    def test_nobody_where_nobody_has_a_crowd(self) -> None:
        assert waiting.with_few({}) == set()
        assert waiting.with_few({"one": waiting.CROWD - 1, "two": 1}) == set()

    def test_whoever_has_little_where_another_has_one(self) -> None:
        found = {"one": waiting.CROWD, "two": waiting.FEW, "three": waiting.FEW + 1, "four": 1}
        assert waiting.with_few(found) == {"two", "four"}

    def test_a_part_of_a_large_crowd_is_few_but_no_crowd_is(self) -> None:
        for crowd in (4 * waiting.CROWD, 1_000 * waiting.CROWD):
            found = {"one": crowd, "two": waiting.FEW_AT_MOST, "three": waiting.FEW_AT_MOST + 1, "four": crowd}
            assert waiting.with_few(found) == {"two"}


class TestABatch:
    def test_is_whole_where_nobody_has_a_crowd(self) -> None:
        assert split([made(0, "a", "one"), made(1, "b", "two"), made(2, "c", None)]) == [[0, 1, 2]]
        assert split([]) == [[]]

    def test_begins_with_who_has_few_where_another_has_a_crowd(self) -> None:
        records = [*(made(n, f"k{n}", "one") for n in range(CROWD)), made(900, "a", "two"), made(901, "b", "three")]
        assert split(records) == [[900, 901], list(range(CROWD))]

    def test_large_ones_are_a_crowd(self) -> None:
        records = [*(made(n, f"k{n}", "one", 226_000) for n in range(4)), made(9, "a", "two")]
        assert split(records) == [[9], [0, 1, 2, 3]]

    def test_is_whole_where_all_have_many(self) -> None:
        records = [made(n, f"k{n}", f"p{n % 2}") for n in range(2 * CROWD)]
        assert split(records) == [list(range(2 * CROWD))]

    def test_keeps_a_key_together_that_two_would_have(self) -> None:
        """An officer's answer names nobody, and is about a partner's referral."""
        records = [*(made(n, f"k{n}", "one") for n in range(CROWD)), made(900, "a", "two"), made(901, "a", None)]
        assert split(records) == [[*range(CROWD), 900, 901]]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two", None])), max_size=40))
def test_no_record_is_lost_and_each_keys_keep_their_order(kinds: list[tuple[str, str | None]]) -> None:
    size = waiting.FEW // 3
    records = [made(n, key, whose, size if whose == "one" else 0) for n, (key, whose) in enumerate(kinds)]
    found = [record for part in few_first(records, named_partner) for record in part]
    assert sorted(found) == sorted(records)
    for key in b"a", b"b", b"c":
        assert [each for each in found if each.key == key] == [each for each in records if each.key == key]


class TestWhatWaits:
    def test_a_sender_has_what_its_keys_cost_until_they_are_passed(self) -> None:
        found = Waiting()
        for offset, (key, cost) in enumerate([(b"a", 3), (b"b", 4), (b"a", 5)]):
            found.add(PLACE, key, offset, "one", cost)
        found.add(OTHER, b"a", 7, "two", 1)
        assert (found.costs, found.count) == ({"one": 12, "two": 1}, 3)
        found.passed(PLACE, 2)
        assert (found.costs, found.last(PLACE, b"b"), found.last(PLACE, b"a")) == ({"one": 8, "two": 1}, -1, 2)
        found.done(PLACE, b"a", 1)
        assert found.last(PLACE, b"a") == 2
        found.done(PLACE, b"a", 2)
        found.forget(OTHER)
        assert (found.costs, found.count, found.partitions) == ({}, 0, set())

    @given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 3)), max_size=30))
    def test_what_waits_is_what_is_not_passed(self, steps: list[tuple[bytes, int]]) -> None:
        found, handled, log = Waiting(), 0, list[bytes]()
        for key, back in steps:
            found.add(PLACE, key, len(log), key.decode(), 1)
            log.append(key)
            handled = max(handled, len(log) - back)
            found.passed(PLACE, handled)
            left = {each: at for at, each in enumerate(log) if at >= handled}
            assert {each: found.last(PLACE, each) for each in (b"a", b"b", b"c") if found.last(PLACE, each) >= 0} == left
            assert found.count == len(left) == len(found.costs)
