"""The coverage page cannot say more than is so: what is declared has a witness or a reason, and evidence."""

from pathlib import Path

import pytest

from azml_local.namespaces import declared
from tests.contract import witness
from tests.support import coverage

OPERATIONS = [(name, operation) for name, found in coverage.declared_operations().items() for operation in found]


@pytest.mark.parametrize(("name", "operation"), OPERATIONS)
def test_an_operation_has_a_witness_or_a_reason(name: str, operation: str) -> None:
    found, reason = coverage.witnessed().get((name, operation)), (name, operation) in coverage.WITHOUT_WITNESS
    seen = found is not None and found.works
    assert seen or reason, "write a contract test and run `make witness`, or say why in tests/support/coverage.py"
    assert not (seen and reason), "it has a witness: take it from WITHOUT_WITNESS"


def test_reasons_are_for_what_is_declared() -> None:
    assert set(coverage.WITHOUT_WITNESS) <= set(OPERATIONS)


@pytest.mark.parametrize("type_", [type_ for type_ in declared() if type_.operations], ids=lambda type_: type_.type)
def test_a_type_names_its_evidence(type_: type) -> None:
    assert type_.evidence, "say in its declaration where the behaviour is documented"


@pytest.mark.parametrize("name", coverage.settings_choices())
def test_every_value_of_a_setting_is_tried(name: str) -> None:
    assert coverage.settings_choices()[name] <= coverage.settings_tested().get(name, set())


def test_the_record_is_of_tests_that_there_are() -> None:
    for test in witness.read():
        path, name = Path("tests/contract", test.partition("::")[0]), test.rpartition("::")[2].partition("[")[0]
        assert f"def {name}(" in (coverage.ROOT / path).read_text(encoding="utf-8")
