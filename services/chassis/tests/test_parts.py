"""A batch in parts: no part is heavier than it must be, and what belongs together stays together, in order."""

from hypothesis import given
from hypothesis import strategies as st

from conduit_chassis.parts import in_parts

KEYS = st.sampled_from(["a", "b", "c", "d", None])


@given(keys=st.lists(KEYS, max_size=30), weights=st.dictionaries(KEYS, st.integers(1, 20)), most=st.integers(1, 15))
def test_all_of_a_key_is_in_one_part_in_order_and_no_part_of_several_keys_is_too_heavy(
    keys: list[str | None], weights: dict[str | None, int], most: int
) -> None:
    things = [(key, (key, number)) for number, key in enumerate(keys)]
    parts = list(in_parts(things, weights, most))
    assert sorted(number for part in parts for _, number in part) == list(range(len(keys)))
    for key in set(keys):
        holding = [part for part in parts if any(of == key for of, _ in part)]
        assert len(holding) == 1
        numbers = [number for of, number in holding[0] if of == key]
        assert numbers == sorted(numbers)
    for part in parts:
        heavy = [weights[key] for key in {of for of, _ in part} if key in weights]
        assert len(heavy) < 2 or sum(heavy) <= most


def test_what_weighs_little_stays_whole() -> None:
    assert list(in_parts([("a", 1), ("b", 2), ("a", 3)], {"a": 5, "b": 5}, 10)) == [[1, 2, 3]]
