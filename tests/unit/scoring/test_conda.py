import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from azml_local.scoring import DeploymentFailed
from azml_local.scoring.conda import read


def one(item: str) -> str:
    """The requirement that a single conda dependency becomes."""
    (requirement,) = read(f"dependencies:\n  - {item!r}\n").requirements
    return requirement


@pytest.mark.parametrize(
    ("conda", "pip"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy 1.26", "numpy==1.26.*"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4"),
        ("numpy==1.26.4=py311h64a7726_0", "numpy==1.26.4"),
        ("numpy >=1.20,<2", "numpy>=1.20,<2"),
        ("numpy>=1.20, <2.0a0", "numpy>=1.20,<2.0a0"),
        ("numpy>=1.20", "numpy>=1.20"),
        ("numpy>1.20,!=1.25.0", "numpy>1.20,!=1.25.0"),
        ("numpy~=1.26.0", "numpy~=1.26.0"),
        ("numpy *", "numpy"),
        ("conda-forge::numpy=1.26", "numpy==1.26.*"),
        ("numpy[version='>=1.20,<2']", "numpy>=1.20,<2"),
        ("Scikit-Learn=1.5", "scikit-learn==1.5.*"),
        ("pytorch=2.4", "torch==2.4.*"),
        ("py-xgboost-cpu>=2", "xgboost>=2"),
        ("opencv", "opencv-python-headless"),
        ("ray-default=2.9", "ray[default]==2.9.*"),
    ],
)
def test_conda_syntax_becomes_pip_syntax(conda: str, pip: str) -> None:
    assert one(conda) == pip
    Requirement(pip)  # and is what PEP 508 allows


@given(st.lists(st.integers(0, 40), min_size=1, max_size=3))
def test_a_single_equals_sign_means_any_later_part(parts: list[int]) -> None:
    version = ".".join(map(str, parts))
    accepts = Requirement(one(f"numpy={version}")).specifier
    assert version in accepts
    assert f"{version}.7" in accepts
    assert ".".join(map(str, [*parts[:-1], parts[-1] + 1])) not in accepts


def test_a_whole_file() -> None:
    conda = read(
        """
        name: model-env
        channels: [conda-forge, nodefaults]
        dependencies:
          - python=3.10.14
          - pip=24
          - cudatoolkit=11.8
          - scikit-learn=1.5
          - pip:
              - mlflow==2.14.1
              - inference-schema[numpy-support]>=1.7
              - --extra-index-url https://example.invalid/simple
        variables:
          OMP_NUM_THREADS: 1
        prefix: /opt/conda
        """
    )
    assert conda.python == "==3.10.14.*"
    assert conda.requirements == (
        "scikit-learn==1.5.*",
        "mlflow==2.14.1",
        "inference-schema[numpy-support]>=1.7",
        "--extra-index-url https://example.invalid/simple",
    )
    assert conda.variables == {"OMP_NUM_THREADS": "1"}
    assert len(conda.notes) == 1
    assert "cudatoolkit=11.8" in conda.notes[0]


@pytest.mark.parametrize("text", [None, "", "# nothing", "name: x", "dependencies:", "dependencies: []"])
def test_no_dependencies_is_no_problem(text: str | None) -> None:
    assert read(text).requirements == ()


def test_every_problem_is_named_with_its_way_out() -> None:
    text = """
        dependencies:
          - r-base=4.3
          - numpy=1.26|1.25
          - cudf
          - {conda: [x]}
          - pip: ["-r requirements.txt", "-e .", "good==1"]
        """
    with pytest.raises(DeploymentFailed) as caught:
        read(text)
    assert caught.value.code == "ImageBuildFailure"
    problems = caught.value.message.splitlines()[1:]
    assert len(problems) == 6
    for problem, named in zip(
        problems, ["r-base", "1.26|1.25", "cudf", "conda", "-r requirements.txt", "-e ."], strict=True
    ):
        assert named in problem


@pytest.mark.parametrize("text", ["dependencies: [", "- a list", "dependencies: numpy", "dependencies: [{pip: numpy}]"])
def test_what_is_no_conda_file_is_said(text: str) -> None:
    with pytest.raises(DeploymentFailed, match="cannot be built here"):
        read(text)
