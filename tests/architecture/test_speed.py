"""No test depends on the machine's speed: where nobody sets a limit of time, there is none."""

from hypothesis import settings


def test_a_generated_case_may_take_as_long_as_it_takes() -> None:
    assert settings().deadline is None
