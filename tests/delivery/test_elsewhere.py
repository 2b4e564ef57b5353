"""azml without its clone: a wheel in an empty folder, a project begun there, and a program of somebody else.

Expected predictions come from the sample's model in plain Python. The tests share one folder and build on each other,
in order: what a stranger does after `pip install 'azml[local]'`.
"""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest
import yaml

from tests.support.clone import ROOT
from tests.support.documents import commands
from tests.support.elsewhere import SAMPLE, Elsewhere, build, environment_of, outside, predicted, run

pytestmark = pytest.mark.engine

VERSION = version("azml")
PROGRAM = """
import pulumi
import pulumi_azml as azml

workspace = azml.Workspace("theirs", name="mlw-theirs", location="eastus")
endpoint = azml.OnlineEndpoint(
    "theirs",
    name="theirs",
    workspace_id=workspace.workspace_id,
    deployments=[
        azml.OnlineDeploymentArgs(
            name="ridge",
            model={"name": "diabetes", "path": "diabetes/model"},
            environment={"name": "diabetes", "image": "example.com/base:1", "conda_file": "diabetes/conda.yml"},
            code_configuration={"code": "diabetes/code", "scoring_script": "score.py"},
            instance_type="Standard_DS2_v2",
            instance_count=1,
        )
    ],
)
pulumi.export("uri", endpoint.scoring_uri)
pulumi.export("endpoint", endpoint.endpoint_id)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Elsewhere]:
    """An empty folder, but for an environment with azml in it. `engine` has it built where it is not."""
    place = tmp_path_factory.mktemp("my serving #1, 50%20?")
    wheel = build("wheel", ROOT, tmp_path_factory.mktemp("wheel") / "dist")
    environment_of(place / ".venv", f"azml[local] @ {wheel.as_uri()}")
    made = Elsewhere(place, engine)
    yield made
    made.azml("local", "stop")


@pytest.fixture(scope="module")
def variables(folder: Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What points Pulumi, and a program that is not azml's, at the local Azure of the folder."""
    environment = json.loads(folder.azml("local", "env", "--json").stdout)
    return environment | {
        "PATH": f"{folder.engine}:{outside()['PATH']}",
        "PULUMI_HOME": str(folder.root / ".azml" / "pulumi"),
        "PULUMI_BACKEND_URL": tmp_path_factory.mktemp("state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "theirs",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def test_the_document_tells_to_type_what_is_run_here() -> None:
    """Its blocks are marked so, and not run where the documents' other commands are."""
    here = f"run by {Path(__file__).relative_to(ROOT)}"
    told = [each.text for each in commands(ROOT / "docs" / "own-repository.md") if each.elsewhere == here]
    assert told == [
        "python3 -m venv .venv",
        f".venv/bin/pip install '/path/to/azml-{VERSION}-py3-none-any.whl[local]'",
        ".venv/bin/azml init",
        ".venv/bin/azml up --local",
        f"pulumi package add azml@{VERSION}",
    ]


def test_nothing_of_the_clone_is_there(folder: Elsewhere) -> None:
    code = "import sys, azml, azml_cli, azml_gateway, azml_local; print(*sys.path, *(m.__file__ for m in "
    code += "(azml, azml_cli, azml_gateway, azml_local)), sep='\\n')"
    where = run(folder.root / ".venv" / "bin" / "python", "-P", "-c", code, cwd=folder.root).splitlines()
    assert not [path for path in where if Path(path).is_relative_to(ROOT)]
    assert all(Path(path).is_relative_to(folder.root / ".venv") for path in where[-4:])


def test_the_wheel_has_the_engine_that_the_clone_has(folder: Elsewhere) -> None:
    """The same sources, so the one that is built already."""
    code = "from azml_cli import share; print(share.folder('engine') / 'build.py')"
    python = folder.root / ".venv" / "bin" / "python"
    builder = run(python, "-c", code, cwd=folder.root).strip()
    assert Path(builder).is_relative_to(folder.root)
    found = run(python, builder, "--find-only", cwd=folder.root)
    assert found == run(python, ROOT / "engine" / "build.py", "--find-only", cwd=folder.root)


def test_init_and_up_give_the_prediction(folder: Elsewhere) -> None:
    done = folder.azml("init")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Next\n  .venv/bin/azml up --local\n")
    done = folder.azml("up", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    answer = lines[lines.index("requests/diabetes.json") + 1].split(maxsplit=1)
    assert answer[0] == "diabetes"
    assert json.loads(answer[1]) == predicted()
    providers = [resource for resource in folder.state if resource["type"] == "pulumi:providers:azml"]
    assert [provider["inputs"]["version"] for provider in providers] == [VERSION], "an older plugin would be refused"


def test_the_policies_are_a_program(folder: Elsewhere, variables: dict[str, str]) -> None:
    """As docs/own-repository.md says: in stage dev they advise, by the rules of the wheel."""
    stack = {"PULUMI_BACKEND_URL": (folder.root / ".azml" / "state").as_uri(), "PULUMI_CONFIG_PASSPHRASE": "azml-local"}
    preview = ["preview", "--stack", "local", "--policy-pack", ".venv/bin/azml-policies", "--non-interactive"]
    said = run(folder.engine / "pulumi", *preview, cwd=folder.root, **{**variables, **stack})
    assert f"azml@v{VERSION} (local: " in said
    assert "[advisory] [severity: high]  key-auth" in said
    assert "[mandatory]" not in said


def test_the_next_command_can_be_copied(folder: Elsewhere) -> None:
    done = folder.azml("invoke", "diabetes", "--request", "requests/diabetes.json")
    assert json.loads(done.stdout) == predicted()


def test_pulumi_new_takes_the_same_template(folder: Elsewhere, variables: dict[str, str], tmp_path: Path) -> None:
    template = ROOT / "templates" / "online-endpoint"
    new = ["new", template, "--generate-only", "--yes", "--name", "theirs", "--dir", tmp_path / "new"]
    run(folder.engine / "pulumi", *new, cwd=tmp_path, **variables)
    folder_azml = folder.root / ".venv" / "bin" / "azml"
    run(folder_azml, "init", tmp_path / "init", "--name", "theirs", cwd=tmp_path)
    files = {path.relative_to(tmp_path / "new") for path in (tmp_path / "new").rglob("*") if path.is_file()}
    for path in files - {Path("Pulumi.yaml"), Path("base.yaml")}:
        assert (tmp_path / "new" / path).read_bytes() == (tmp_path / "init" / path).read_bytes()
    assert yaml.safe_load((tmp_path / "new" / "base.yaml").read_text()) == yaml.safe_load(
        (tmp_path / "init" / "base.yaml").read_text()
    )
    new = yaml.safe_load((tmp_path / "new" / "Pulumi.yaml").read_text())
    init = yaml.safe_load((tmp_path / "init" / "Pulumi.yaml").read_text())
    assert new["runtime"]["options"].pop("virtualenv") == ".venv"
    assert new["config"].pop("pulumi:tags")["value"] == {"pulumi:template": str(template)}
    assert new == init
    assert run(folder_azml, "validate", cwd=tmp_path / "new") == "4 stacks are valid\n"


def test_real_stacks_find_the_plugin_that_is_installed(
    folder: Elsewhere, variables: dict[str, str], tmp_path: Path
) -> None:
    home = {**variables, "PULUMI_HOME": str(tmp_path)}
    run(folder.root / ".venv" / "bin" / "azml", "plugin", "install", cwd=tmp_path, **home)
    (listed,) = json.loads(run(folder.engine / "pulumi", "plugin", "ls", "--json", cwd=tmp_path, **home))
    assert (listed["name"], listed["kind"], listed["version"]) == ("azml", "resource", VERSION)
    schema = json.loads(run(folder.engine / "pulumi", "package", "get-schema", "azml", cwd=tmp_path, **home))
    ours = json.loads((ROOT / "schemas" / "package.schema.json").read_text())
    assert schema["version"] == VERSION
    assert set(schema["resources"]) == set(ours["resources"])


def test_a_program_that_has_only_the_generated_sdk(
    folder: Elsewhere, variables: dict[str, str], tmp_path: Path
) -> None:
    """Another project in an environment without azml: `pulumi package add`, then components like any other's."""
    pulumi = folder.engine / "pulumi"
    environment_of(tmp_path / ".venv", "pulumi", "parver", "pip", "setuptools", "wheel")
    options = {"toolchain": "pip", "virtualenv": ".venv"}
    project = {"name": "theirs", "runtime": {"name": "python", "options": options}}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    (tmp_path / "requirements.txt").write_text("")
    # pip takes what the lock has put there and fetches nothing; 0 is how it is told not to isolate builds.
    run(
        pulumi, "package", "add", f"azml@{VERSION}",
        cwd=tmp_path, **{**variables, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"},
    )  # fmt: skip
    assert "sdks/azml" in (tmp_path / "requirements.txt").read_text()
    shutil.copytree(SAMPLE, tmp_path / "diabetes")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    run(pulumi, "stack", "init", "theirs", cwd=tmp_path, **variables)
    run(pulumi, "up", "--yes", "--skip-preview", cwd=tmp_path, **variables)
    out = json.loads(run(pulumi, "stack", "output", "--json", cwd=tmp_path, **variables))
    request = (SAMPLE / "sample-request.json").read_bytes()
    headers = {"Authorization": f"Bearer {folder.arm_keys(out['endpoint'])}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(out["uri"], request, headers)) as answer:
        assert json.load(answer) == predicted()
    run(pulumi, "destroy", "--yes", "--skip-preview", cwd=tmp_path, **variables)


def test_it_goes_without_a_trace(folder: Elsewhere) -> None:
    done = folder.azml("destroy", "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert folder.state == []
    assert json.loads(folder.azml("local", "status", "--json").stdout)["endpoints"] == []
    assert folder.azml("local", "stop").returncode == 0
    running = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in running if str(folder.root) in command]
    made = {path.name for path in folder.root.iterdir() if path.name != "__pycache__"}
    ours = {path.name for path in (ROOT / "templates" / "online-endpoint").iterdir()}
    assert made == ours | {".venv", ".azml", "schemas"}


def test_without_the_extra_it_is_said_what_to_install(folder: Elsewhere) -> None:
    run(
        ROOT / ".venv" / "bin" / "uv",
        "pip",
        "uninstall",
        "-q",
        "--python",
        folder.root / ".venv" / "bin" / "python",
        "trustme",
        cwd=folder.root,
    )
    done = folder.azml("local", "start")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The local Azure is not installed: trustme.\nAdd it: pip install 'azml[local]'\n"
