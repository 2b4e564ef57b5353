"""The template's two workflows, step by step as they stand, in a git repository with the wheel just built.

The engine is real, the local Azure is Azure, and what stands for GitHub and Azure DevOps takes only what their APIs
document (`tests/support/pull_requests`). The tests build on each other, in order: one project goes from its first
release to a pull request, on GitHub, with state in a folder and a passphrase; the same in Azure Pipelines, from
`pulumi new`, meets the same stacks, which have moved to a blob container and a key vault.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

import azml_local
from azml_cli import plugin
from azml_local.tunnel import Tunnel
from tests.support import kept_state, pull_requests
from tests.support.clone import ROOT
from tests.support.elsewhere import build, environment_of, outside, predicted, run
from tests.support.pull_requests import TOKEN, AzureDevOps, GitHub, serving
from tests.support.workflows import GitHubRun, Machine, PipelinesRun, Ran, path_with
from tests.unit.local.support import until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

TEMPLATE = ROOT / "templates" / "online-endpoint"
STAGES = ["dev", "test", "prod"]
SHELL_STEPS = ["Install azml and Pulumi", "pulumi up", "Smoke", "What it runs now"]
SAME = "What the stage before runs, and nothing else"


@dataclass(frozen=True)
class Place:
    """What the tests share: an engine with its own home and backend, a running Azure, an environment with the wheel."""

    folder: Path
    wheel: Path
    shell: dict[str, str]
    azure: dict[str, str]
    proxy: Mapping[str, str]
    """Variables that lead the names of Azure's public cloud to the local one."""

    def machine(self, name: str, **variables: str) -> Machine:
        workspace = self.folder / name
        workspace.mkdir()
        (workspace / ".venv").symlink_to(self.folder / ".venv")
        return Machine(self.folder / f"{name}.git", workspace, self.shell | variables, self.azure)

    def git(self, name: str, *arguments: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        return run("git", *who, *arguments, cwd=self.folder / f"{name}.git")

    @property
    def variables(self) -> dict[str, str]:
        """What a person sets for the workflows: no secret among it."""
        names = {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"}
        return {
            **{name: self.azure[name] for name in names},
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / "passphrase"),
        }

    @property
    def in_azure(self) -> dict[str, str]:
        """Of a shell where somebody is signed in with `az`, and whose state is in Azure.

        `az` is whom Go's clients ask there: nothing but the local Azure has a variable with a secret, and with that one
        they would ask Microsoft's own cloud first whether the authority is known.
        """
        who = {"AZURE_TOKEN_CREDENTIALS": "AzureCLICredential", "PULUMI_BACKEND_URL": kept_state.BACKEND}
        return {**self.azure, **self.proxy, **who}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine: Path) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("ci")
    wheel = build("wheel", ROOT, folder / "dist")
    environment_of(folder / ".venv", "pip", f"azml[local] @ {wheel.as_uri()}")
    for name in ("state", "tools"):
        (folder / name).mkdir()
    (folder / "passphrase").write_text("correct horse")
    az = folder / "tools" / "az"
    az.write_text(f'#!/bin/sh\nexec {sys.executable} -I {ROOT / "tests/support/azure_cli.py"} "$@"\n')
    az.chmod(0o755)
    for one in (plugin.azure_native_stand_in(), plugin.docker_stand_in()):
        one.install(folder / "pulumi")
    azml_local.start(folder / "azure", lambda _: None)
    shell = outside(
        PATH=path_with(engine, folder / "tools"),
        PULUMI_HOME=str(folder / "pulumi"),
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION="true",
        PIP_NO_INDEX="1",  # what azml needs is there; only its wheel is put in
    )
    azure = azml_local.environment(folder / "azure")
    with Tunnel(azure["AZURE_AUTHORITY_HOST"], folder / "azure") as tunnel:
        yield Place(folder, wheel, shell, azure, tunnel.variables)
    azml_local.stop(folder / "azure")


@pytest.fixture(scope="module")
def on_github(place: Place) -> Machine:
    """A repository from `azml init`, with the wheel in it and its stacks made once, by a person."""
    root = place.folder / "on_github.git"
    run(place.folder / ".venv/bin/azml", "init", root, "--name", "churn", cwd=place.folder)
    (root / "wheels").mkdir()
    (root / "wheels" / place.wheel.name).write_bytes(place.wheel.read_bytes())
    backend = {name: value for name, value in place.variables.items() if name.startswith("PULUMI_")}
    for stage in STAGES:
        run("pulumi", "stack", "init", stage, "--secrets-provider", "passphrase", cwd=root, **place.shell | backend)
    # The job has to install it.
    run(
        ROOT / ".venv/bin/uv", "pip", "uninstall", "-q", "--python", place.folder / ".venv/bin/python", "azml",
        cwd=root,
    )  # fmt: skip
    place.git("on_github", "init", "-q", "-b", "main")
    place.git("on_github", "add", "-A")
    place.git("on_github", "commit", "-qm", "begin")
    return place.machine("on_github")


def steps(machine: Machine) -> list[tuple[str, str]]:
    assert {one.code for one in machine.ran} == {0}, _log(machine.ran)
    return [(one.job, one.name) for one in machine.ran]


def _log(ran: list[Ran]) -> str:
    return "\n".join(f"--- {one.job}: {one.name}: {one.code}\n{one.said}" for one in ran if one.code)


def said(machine: Machine, step: str) -> list[str]:
    return [one.said for one in machine.ran if one.name == step]


def expected_steps() -> list[tuple[str, str]]:
    install, *rest = SHELL_STEPS
    return [(stage, step) for stage in STAGES for step in [install, *([] if stage == "dev" else [SAME]), *rest]]


def on_main(
    place: Place, machine: Machine, ref: str = "main", done: Mapping[str, dict[str, str]] | None = None
) -> bool:
    contexts = {"github": {"event_name": "push", "ref": "refs/heads/main"}, "vars": place.variables}
    machine.checkout(ref)
    run_ = GitHubRun(machine, contexts, ref, {"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/heads/main"})
    return run_.workflow(".github/workflows/azml.yml", done)


def test_on_github_main_goes_through_the_stages(place: Place, on_github: Machine) -> None:
    well = on_main(place, on_github)
    assert steps(on_github) == expected_steps()
    assert well
    assert [json.loads(each) for each in said(on_github, "Smoke")] == [predicted()] * 3
    for stage, text in zip(STAGES, said(on_github, "pulumi up"), strict=True):
        assert "public-network" in text, "the policies were asked"
        assert ("key-auth" in text) is (stage != "prod")
        assert ("stateful-delete-or-replace" in text) is (stage != "prod")
        assert "[mandatory]" not in text


def pull_request(place: Place, machine: Machine, service: GitHub, head: str) -> bool:
    event = {"pull_request": {"head": {"repo": {"full_name": head}}}}
    contexts = {
        "github": {
            "event_name": "pull_request", "ref": "refs/pull/7/merge", "repository": service.REPOSITORY,
            "event": event, "token": TOKEN,
        },
        "vars": place.variables,
    }  # fmt: skip
    machine.ran.clear()
    machine.checkout("change")
    run_ = GitHubRun(machine, contexts, "change", pull_requests.github_variables(service))
    return run_.workflow(".github/workflows/azml.yml")


REVIEWED = [
    ("preview", step) for step in ("Install azml and Pulumi", "azml validate", "azml preview", "Comment")
]  # fmt: skip


def test_on_github_a_pull_request_has_one_comment(place: Place, on_github: Machine) -> None:
    """A preview that fails is in the comment all the same (prod is protected); the next run changes the comment."""
    change(place, "on_github", "endpoints/diabetes/code/score.py", lambda text: text + "# faster\n")
    change(place, "on_github", "azure.yaml", lambda text: text.replace("name: mlw-", "name: ml-"))
    with serving(GitHub()) as service:
        assert not pull_request(place, on_github, service, service.REPOSITORY)
        assert [(one.job, one.name) for one in on_github.ran] == REVIEWED
        assert [one.code for one in on_github.ran] == [0, 0, 1, 0], _log(on_github.ran)
        (text,) = service.texts
        assert text.startswith("<!-- azml-preview: churn -->\n")
        for stage in STAGES:
            assert f"### `{stage}`" in text
        assert "because it is protected" in text
        assert "protect: false" in text
        assert on_github.again(on_github.ran[-1]).code == 0
        assert service.texts == [text]
        assert service.written == ["POST", "PATCH"]


def test_on_github_a_fork_gets_no_token(place: Place, on_github: Machine) -> None:
    with serving(GitHub()) as service:
        assert pull_request(place, on_github, service, "somebody/churn")
        assert (on_github.ran, service.asked) == ([], [])


def change(place: Place, name: str, file: str, edit: Callable[[str], str]) -> None:
    place.git(name, "checkout", "-q", "-B", "change")
    path = place.folder / f"{name}.git" / file
    before = path.read_text()
    path.write_text(edit(before))
    assert path.read_text() != before
    place.git(name, "commit", "-qam", "change")


def test_on_github_other_content_goes_no_further(place: Place, on_github: Machine) -> None:
    """A stage file with a model of its own: what dev runs is not what test would run, and test is not touched."""
    place.git("on_github", "checkout", "-q", "-B", "change", "main")
    other = "    models:\n      - name: diabetes\n        path: endpoints/diabetes/code\n"
    change(
        place, "on_github", "Pulumi.test.yaml", lambda text: text.replace("  stage: test\n", f"  stage: test\n{other}")
    )
    backend = {name: value for name, value in place.variables.items() if name.startswith("PULUMI_")}
    dev = run("bash", "ci/versions.sh", "dev", cwd=on_github.workspace, **place.shell | backend)
    on_github.ran.clear()
    assert not on_main(place, on_github, "change", {"dev": {"versions": dev.strip()}})
    assert [(one.job, one.name, one.code) for one in on_github.ran] == [("test", SHELL_STEPS[0], 0), ("test", SAME, 1)]
    refused = on_github.ran[-1].said
    assert "Stack test is not what the stage before runs" in refused
    assert re.search(r"in test +ridge: model diabetes:", refused)


@pytest.fixture(scope="module")
def in_pipelines(place: Place, on_github: Machine) -> Machine:
    """The same project from `pulumi new`; its stacks are moved, as docs/ci.md says, and nothing is to be made."""
    kept_state.make(place.azure, place.proxy)
    root = place.folder / "in_pipelines.git"
    new = ["new", TEMPLATE, "--generate-only", "--yes", "--name", "churn", "--dir", root]
    backend = {name: value for name, value in place.variables.items() if name.startswith("PULUMI_")}
    run("pulumi", *new, cwd=place.folder, **place.shell | backend)
    place.git("in_pipelines", "init", "-q", "-b", "main")
    for stage in STAGES:
        own = root / f"Pulumi.{stage}.yaml"
        assert "encryptionsalt" not in own.read_text()
        own.write_text(place.git("on_github", "show", f"main:{own.name}"))
        before, after = place.shell | place.in_azure | backend, place.shell | place.in_azure
        exported = place.folder / f"{stage}.json"
        run("pulumi", "stack", "change-secrets-provider", kept_state.SECRETS, "--stack", stage, cwd=root, **before)
        run("pulumi", "stack", "export", "--stack", stage, "--file", exported, cwd=root, **before)
        run(
            "pulumi", "stack", "init", stage, "--no-select", "--secrets-provider", kept_state.SECRETS, cwd=root, **after
        )
        run("pulumi", "stack", "import", "--stack", stage, "--file", exported, cwd=root, **after)
        written = yaml.safe_load(own.read_text())
        assert written["secretsprovider"] == kept_state.SECRETS
        assert "encryptionsalt" not in written
    place.git("in_pipelines", "add", "-A")
    place.git("in_pipelines", "commit", "-qm", "begin")
    return place.machine("in_pipelines", **place.proxy, NO_PROXY=place.azure["NO_PROXY"])


def pipeline(place: Place, machine: Machine, ref: str, predefined: dict[str, str]) -> bool:
    machine.ran.clear()
    group = {"PULUMI_BACKEND_URL": kept_state.BACKEND, "AZML_WHEEL": str(place.wheel)}
    signed_in = {
        **place.in_azure, "idToken": "jwt", "servicePrincipalId": place.azure["AZURE_CLIENT_ID"],
        "tenantId": place.azure["AZURE_TENANT_ID"],
    }  # fmt: skip
    run_ = PipelinesRun(replace(machine, signed_in=signed_in), predefined, group, ref)
    return run_.pipeline("azure-pipelines.yml")


def test_in_pipelines_main_goes_through_the_stages(place: Place, in_pipelines: Machine) -> None:
    """From another folder, by another service: and nothing of the stacks changes."""
    well = pipeline(place, in_pipelines, "main", {"Build.Reason": "IndividualCI", "TF_BUILD": "True"})
    assert steps(in_pipelines) == expected_steps()
    assert well
    for text in said(in_pipelines, "pulumi up"):
        assert re.search(r"Resources:\n    \d+ unchanged\n", text), text
    assert [json.loads(each) for each in said(in_pipelines, "Smoke")] == [predicted()] * 3


def test_in_pipelines_a_pull_request_has_one_comment(place: Place, in_pipelines: Machine) -> None:
    """Its identity may only read: nothing of the state is written, and the vault's key only decrypts."""
    log = place.folder / "azure" / "logs" / "arm.log"
    before = len(log.read_text().splitlines())
    change(place, "in_pipelines", "endpoints/diabetes/code/score.py", lambda text: text + "# faster\n")
    with serving(AzureDevOps()) as service:
        variables = {"Build.Reason": "PullRequest", "System.AccessToken": TOKEN}
        variables |= pull_requests.azure_devops_variables(service)
        assert pipeline(place, in_pipelines, "change", variables), _log(in_pipelines.ran)
        assert steps(in_pipelines) == REVIEWED
        (text,) = service.texts
        assert text.startswith("<!-- azml-preview: churn -->\n")
        assert "no downtime" in text.splitlines()[2]
        assert all(f"online endpoint diabetes-{stage}" in text for stage in STAGES)
        assert in_pipelines.again(in_pipelines.ran[-1]).code == 0
        assert service.written == ["POST", "PATCH"]
        assert service.texts == [text]
    asked = [line.split()[2:4] for line in log.read_text().splitlines()[before:]]
    on_state = {method for method, path in asked if path.startswith(f"/{kept_state.CONTAINER}")}
    assert on_state == {"GET", "HEAD"}
    with_key = {path.partition("?")[0] for _, path in asked if path.startswith("/keys/")}
    assert with_key == {f"/keys/{kept_state.KEY}/decrypt"}


_SLOW = """
import time
from pathlib import Path
import pulumi
Path("running").touch()
while not Path("go").exists():
    time.sleep(0.02)
pulumi.export("word", pulumi.Config().require_secret("word"))
"""


@pytest.mark.usefixtures("in_pipelines")
def test_in_a_container_a_second_writer_is_refused(place: Place, tmp_path: Path) -> None:
    """While one `up` is at work another one touches nothing, and the lock of a killed one is let go by a person.

    A secret is read with the vault's key alone.
    """
    options = {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}
    (tmp_path / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": "slow", "runtime": {"name": "python", "options": options}})
    )
    (tmp_path / "__main__.py").write_text(_SLOW)
    shell = outside(**place.shell | place.in_azure)
    up = ["pulumi", "up", "--stack", "dev", "--yes", "--skip-preview"]
    run("pulumi", "stack", "init", "dev", "--secrets-provider", kept_state.SECRETS, cwd=tmp_path, **shell)
    run("pulumi", "config", "set", "--secret", "word", "hush", cwd=tmp_path, **shell)

    def at_work() -> subprocess.Popen[bytes]:
        with (tmp_path / "up.log").open("w") as log:
            made = subprocess.Popen(up, cwd=tmp_path, env=shell, stdout=log, stderr=log, start_new_session=True)
        until(lambda: (tmp_path / "running").exists() or made.poll() is not None, seconds=60)
        return made

    def refused() -> bool:
        second = subprocess.run(up, cwd=tmp_path, env=shell, capture_output=True, text=True, timeout=60, check=False)
        return second.returncode == 1 and "the stack is currently locked by 1 lock(s)" in second.stderr

    first = at_work()
    assert refused()
    (tmp_path / "go").touch()
    assert first.wait(60) == 0, (tmp_path / "up.log").read_text()
    output = ["pulumi", "stack", "output", "word"]
    assert run(*output, cwd=tmp_path, **shell).strip() == "[secret]"
    assert run(*output, "--show-secrets", cwd=tmp_path, **shell).strip() == "hush"
    assert "hush" not in run("pulumi", "stack", "export", cwd=tmp_path, **shell)
    for name in ("go", "running"):
        (tmp_path / name).unlink()
    killed = at_work()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(60)
    assert refused(), "its lock is still there"
    run("pulumi", "cancel", "--stack", "dev", "--yes", cwd=tmp_path, **shell)
    run("pulumi", "destroy", "--yes", "--skip-preview", cwd=tmp_path, **shell)
