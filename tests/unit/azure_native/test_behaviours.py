"""The marks that `docs/azure-native.md` is made of: each says something, from a place that is known, once."""

from collections import Counter

import pytest

from tests.support.behaviours import FILES, STEPS, Behaviour, behaviours


@pytest.mark.parametrize("behaviour", behaviours(), ids=lambda one: one.test)
def test_a_mark_says_what_and_where_it_is_read(behaviour: Behaviour) -> None:
    file, _, function = behaviour.source.partition(": ")
    assert file in FILES
    assert function.isidentifier()
    assert behaviour.what


def test_every_step_of_a_resources_life_is_there_and_nothing_twice() -> None:
    found = behaviours()
    assert {one.step for one in found} == set(STEPS)
    assert [what for what, times in Counter(one.what for one in found).items() if times > 1] == []
