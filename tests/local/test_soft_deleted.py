"""A resource group that outlives its stack: up, destroy, and up again with each `on_soft_deleted`, on the real engine.

Expected: concept-soft-delete.md and key-vault-recovery.md (docs): a deleted workspace keeps its name for 14 days, a
vault for the days that it says, both can be recovered or purged. The tests build on each other, in order.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from azml_cli.project import Project
from azml_local import environment
from tests.support.clone import WORKSPACE, Clone
from tests.support.third_party import ThirdParty, third_party

pytestmark = pytest.mark.engine

VAULT = "azure-native:keyvault:Vault"
ESTATE = """
config:
  serving:estate:
    stage: dev
    tags: {{team: {team}}}
    workspace:
      name: mlw-again
      location: eastus
      resource_group: rg-mine
      identity: {{type: system_assigned}}
      on_soft_deleted: {setting}
"""


@pytest.fixture(name="others", scope="module")
def _others(clone: Clone) -> Iterator[ThirdParty]:
    """Whose group it is."""
    assert clone.azml("local", "start").returncode == 0
    with third_party(clone.server) as found:
        group = f"/subscriptions/{clone.server['subscription_id']}/resourcegroups/rg-mine"
        found.send("PUT", group, "2024-03-01", {"location": "eastus"})
        yield found


def pulumi(clone: Clone, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a user does without azml's own command."""
    variables = clone.environment | Project(clone.root).pulumi_environment(clone.engine)
    variables |= environment(clone.root / ".azml/local")
    return subprocess.run(
        [clone.engine / "pulumi", *arguments, "--stack", "local", "--non-interactive"],
        cwd=clone.root, env=variables, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def up(clone: Clone, setting: str, team: str = "risk", preview: bool = False) -> tuple[int, str]:
    """Run an update with a setting; exit code and everything that was said."""
    file = clone.root / "stacks/Pulumi.local.yaml"
    salt = re.findall("(?m)^encryptionsalt:.*$", file.read_text())
    file.write_text("\n".join([ESTATE.format(setting=setting, team=team), *salt, ""]))
    done = pulumi(clone, "preview") if preview else clone.azml("up", "--local")
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return done.returncode, said


def destroy(clone: Clone) -> None:
    done = clone.destroy()
    assert done.returncode == 0, done.stdout + done.stderr


def vault_of(clone: Clone) -> str:
    return clone.id_of(VAULT)


def test_fail_names_the_twin_in_the_preview_and_makes_none(clone: Clone, others: ThirdParty) -> None:
    code, said = up(clone, "fail")
    assert code == 0, said
    vault, subscription = vault_of(clone).rpartition("/")[2], clone.server["subscription_id"]
    destroy(clone)
    today = datetime.now(UTC)
    code, said = up(clone, "fail", preview=True)
    assert code != 0
    assert f"A key vault {vault} was deleted on {today:%Y-%m-%d}" in said
    assert f"frees its name on {today + timedelta(days=90):%Y-%m-%d}" in said
    assert "on_soft_deleted: recover" in said
    buried = f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults/{vault}"
    others.send("POST", f"{buried}/purge", "2024-11-01")
    code, said = up(clone, "fail")
    assert code != 0
    assert f"A workspace mlw-again was deleted on {today:%Y-%m-%d}" in said
    assert f"frees the name on {today + timedelta(days=14):%Y-%m-%d}" in said
    assert "Soft-deleted workspace exists" in said, "Azure's own words stand beside"


def test_purge_makes_new_ones(clone: Clone, others: ThirdParty) -> None:
    code, said = up(clone, "purge")
    assert code == 0, said
    assert "is purged for good" in said
    assert others.get(clone.id_of(WORKSPACE), "2025-12-01")["tags"] == {"team": "risk"}


def test_recover_has_the_vault_back_and_hands_the_workspace_over(clone: Clone, others: ThirdParty) -> None:
    workspace, vault = clone.id_of(WORKSPACE), vault_of(clone)
    model = f"{workspace}/models/kept/versions/1"
    others.send(
        "PUT", model, "2025-12-01", {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}}
    )
    destroy(clone)
    code, said = up(clone, "recover")
    assert code != 0
    assert "is recovered" in said
    command = re.search(r"pulumi (import .+?--yes)", said, re.DOTALL)
    assert command is not None, said
    taken = pulumi(clone, *shlex.split(command[1].replace("\\\n", " ")))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    code, said = up(clone, "recover", team="churn")
    assert code == 0, said
    assert (clone.id_of(WORKSPACE), vault_of(clone)) == (workspace, vault)
    assert others.get(model, "2025-12-01")["name"] == "1"
    for id_, version in ((workspace, "2025-12-01"), (vault, "2024-11-01")):
        assert others.get(id_, version)["tags"] == {"team": "churn"}, "it is written in the ordinary way from here on"
    code, said = up(clone, "recover", team="churn", preview=True)
    assert code == 0, said
    assert not re.search(r"\d+ to (create|update|delete|replace)", said)
