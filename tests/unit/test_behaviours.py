"""The marks that the stand-ins' pages are made of: each says something, from a place that is known, once."""

from collections import Counter

import pytest

from tests.support.behaviours import AZURE_NATIVE, PAGES, STEPS, Behaviour, Page, behaviours

ALL = [pytest.param(page, one, id=f"{page.name} {one.test}") for page in PAGES for one in behaviours(page)]


@pytest.mark.parametrize(("page", "behaviour"), ALL)
def test_a_mark_says_what_and_where_it_is_read(page: Page, behaviour: Behaviour) -> None:
    file, _, function = behaviour.source.partition(": ")
    assert file in page.files
    assert function.isidentifier()
    assert behaviour.what


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_step_of_a_resources_life_is_there_and_nothing_twice(page: Page) -> None:
    """An image cannot be imported, and has no functions."""
    found = behaviours(page)
    assert {one.step for one in found} == set(STEPS) - (set() if page == AZURE_NATIVE else {"Import", "Invoke"})
    assert [what for what, times in Counter(one.what for one in found).items() if times > 1] == []
