"""Whatever the files hold: an estate, or problems. Never another error."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azml.spec import SpecError, StackSpec, load
from azml.spec.base import Spec
from azml.spec.fields import specs_in

unhurried = settings(suppress_health_check=[HealthCheck.too_slow])


def attempt(work: Callable[[], object]) -> None:
    """Run it; a `SpecError` must have problems that can be printed."""
    problems = None
    try:
        work()
    except SpecError as error:
        problems = error.problems
    assert problems is None or (problems and all(str(problem).strip() for problem in problems))


def field_names(model: type[Spec]) -> set[str]:
    names = set(model.model_fields) | set(model.elsewhere)
    for field in model.model_fields.values():
        for inner in specs_in(field.annotation):
            names |= field_names(inner)
    return names


KEYS = sorted(field_names(StackSpec) | {"extends", "file", "secure", "secret", "$schema", "<<", "unknown"})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(
        ["blue", "azureml:m@latest", "azureml:m:1", "Standard_DS3_v2", "Pulumi.dev.yaml", "layer.yaml", "."]
    ),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


@st.composite
def like(draw: st.DrawFn, model: type[Spec]) -> dict[str, Any]:
    """A block that is nearly right: known keys, values of the right shape and others."""
    fields = draw(st.lists(st.sampled_from(sorted(model.model_fields)), unique=True, max_size=6))
    block: dict[str, Any] = draw(st.dictionaries(st.sampled_from(KEYS), SCALARS, max_size=1))
    for name in fields:
        inner: list[type[Spec]] = sorted(specs_in(model.model_fields[name].annotation), key=lambda spec: spec.__name__)
        nested = draw(st.booleans())
        if inner and nested:
            one = like(draw(st.sampled_from(inner)))
            block[name] = draw(
                st.one_of(one, st.lists(one, max_size=3), st.dictionaries(st.text(max_size=5), one, max_size=2))
            )
        else:
            block[name] = draw(TREES)
    return block


def project(folder: Path, content: bytes) -> Path:
    (folder / "Pulumi.yaml").write_text("name: risk\n", encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_bytes(content)
    return folder


@unhurried
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode())))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        attempt(lambda: load(project(Path(folder), content), "dev"))


@unhurried
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#,?<~.0123 \n\t", max_size=120))
def test_no_yaml_breaks_the_reader(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        content = "config:\n  risk:estate:\n" + "".join(f"    {line}\n" for line in text.split("\n"))
        attempt(lambda: load(project(Path(folder), content.encode()), "dev"))


@unhurried
@given(TREES, TREES)
def test_no_tree_breaks_the_loader(estate: Any, layer: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        content = yaml.safe_dump({"config": {"risk:estate": estate}}, allow_unicode=True)
        Path(folder, "layer.yaml").write_text(yaml.safe_dump(layer, allow_unicode=True), encoding="utf-8")
        attempt(lambda: load(project(Path(folder), content.encode()), "dev"))
        attempt(lambda: load(Path(folder), "dev", estate))


@unhurried
@given(like(StackSpec))
def test_nothing_nearly_right_breaks_the_judge(estate: dict[str, Any]) -> None:
    attempt(lambda: StackSpec.from_args(estate))
    attempt(lambda: StackSpec.from_args({"stage": "dev", "workspace": {"name": "mlw-fuzz"}} | estate))
