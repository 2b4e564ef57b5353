"""Names that something deleted still holds: what each setting does, and what is said before and after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from azml.resources.errors import Refused
from azml.resources.name_claim import NameClaimHandler
from azml.resources.wire import UNKNOWN
from azml_local.arm import errors as arm_errors
from tests.unit.local.support import Running
from tests.unit.resources.conftest import Azure

URN = "urn:pulumi:dev::p::azml:index:Workspace$azml:index:NameClaim::mlw-name"


def claim(of: str, wanted: str = "fail", **more: Any) -> dict[str, Any]:
    return NameClaimHandler().check({"resourceId": of, "location": "East US", "onSoftDeleted": wanted, **more})


def day(ahead: int = 0) -> str:
    return f"{datetime.now(UTC) + timedelta(days=ahead):%Y-%m-%d}"


def vault_body(azure: Azure, **properties: Any) -> dict[str, Any]:
    tenant = azure.get("/tenants")["value"][0]["tenantId"]
    base = {"tenantId": tenant, "sku": {"family": "A", "name": "standard"}, "softDeleteRetentionInDays": 7}
    return {"location": "eastus", "properties": {**base, **properties}}


def deleted_vault(azure: Azure, **properties: Any) -> str:
    id_ = f"{azure.theirs.group()}/providers/Microsoft.KeyVault/vaults/kv-{uuid4().hex[:12]}"
    azure.theirs.ok("PUT", id_, vault_body(azure, **properties))
    azure.theirs.ok("DELETE", id_)
    return id_


def deleted_workspace(azure: Azure) -> tuple[str, dict[str, Any]]:
    group = azure.theirs.group()
    id_ = azure.theirs.workspace(group)
    azure.theirs.ok("DELETE", id_)
    return id_, azure.theirs.workspace_body(group)


class TestVaults:
    def test_a_free_name_is_nobody_s_business(self, azure: Azure) -> None:
        id_ = f"{azure.theirs.group()}/providers/Microsoft.KeyVault/vaults/kv-{uuid4().hex[:12]}"
        for wanted in ("fail", "recover", "purge"):
            NameClaimHandler().foresee(azure.work(), claim(id_, wanted))
            assert NameClaimHandler().create(azure.work(), claim(id_, wanted))["createMode"] == "default"
        assert azure.said == []

    @pytest.mark.parametrize("step", ["foresee", "create"])
    def test_fail_names_the_twin_the_dates_and_the_choices(self, azure: Azure, step: str) -> None:
        id_ = deleted_vault(azure)
        with pytest.raises(Refused) as caught:
            getattr(NameClaimHandler(), step)(azure.work(), claim(id_))
        for words in (id_.rpartition("/")[2], f"deleted on {day()}", f"frees its name on {day(7)}", "recover", "purge"):
            assert words in str(caught.value)

    def test_recover_makes_the_vault_that_was(self, azure: Azure) -> None:
        id_ = deleted_vault(azure)
        handler = NameClaimHandler()
        handler.foresee(azure.work(), claim(id_, "recover"))
        assert "will be recovered" in azure.said[0][1]
        state = handler.create(azure.work(), claim(id_, "recover"))
        assert state["createMode"] == "recover"
        azure.theirs.ok("PUT", id_, vault_body(azure, createMode="recover"))
        again = claim(id_, "recover", revision="2")
        assert handler.difference(azure.work(), claim(id_, "recover"), state, again).changed == {"revision"}
        assert handler.update(azure.work(), state, again, state)["createMode"] == "default", "it exists by now"

    def test_purge_frees_the_name_and_a_preview_does_not(self, azure: Azure) -> None:
        id_ = deleted_vault(azure)
        shown = f"{id_.split('/resourceGroups')[0]}/providers/Microsoft.KeyVault/locations/eastus/deletedVaults"
        name = id_.rpartition("/")[2]
        NameClaimHandler().foresee(azure.work(), claim(id_, "purge"))
        assert "will be purged" in azure.said[0][1]
        assert azure.theirs.send("GET", f"{shown}/{name}").status_code == 200
        assert NameClaimHandler().create(azure.work(), claim(id_, "purge"))["createMode"] == "default"
        assert azure.theirs.send("GET", f"{shown}/{name}").status_code == 404
        azure.theirs.ok("PUT", id_, vault_body(azure))

    @pytest.mark.parametrize("step", ["foresee", "create"])
    def test_protection_from_purging_is_said(self, azure: Azure, step: str) -> None:
        id_ = deleted_vault(azure, enablePurgeProtection=True)
        with pytest.raises(Refused, match="purge protection"):
            getattr(NameClaimHandler(), step)(azure.work(), claim(id_, "purge"))

    def test_another_group_s_vault_is_left_alone(self, azure: Azure) -> None:
        theirs = deleted_vault(azure)
        ours = f"{azure.theirs.group()}/providers/Microsoft.KeyVault/vaults/{theirs.rpartition('/')[2]}"
        for wanted in ("recover", "purge"):
            with pytest.raises(Refused, match=theirs.rpartition("/")[2]):
                NameClaimHandler().create(azure.work(), claim(ours, wanted))

    def test_what_exists_is_no_twin(self, azure: Azure) -> None:
        id_ = f"{azure.theirs.group()}/providers/Microsoft.KeyVault/vaults/kv-{uuid4().hex[:12]}"
        azure.theirs.ok("PUT", id_, vault_body(azure))
        handler = NameClaimHandler()
        assert handler.create(azure.work(), claim(id_))["createMode"] == "default"
        assert handler.drift(azure.work(), claim(id_), {}) == {}
        assert handler.left(azure.work(), claim(id_)) is None
        assert handler.read(azure.work(), id_, claim(id_)) is not None
        azure.theirs.ok("DELETE", id_)
        assert handler.read(azure.work(), id_, claim(id_)) is None, "gone with its vault: it looks again"
        assert handler.drift(azure.work(), claim(id_), {}) != {}, "looking is always safe"
        purge = claim(id_, "purge")
        assert handler.drift(azure.work(), purge, purge) == {}, "not sure that it is made again"
        assert handler.drift(azure.work(), purge, claim(id_)) != {}, "told otherwise since it failed"

    @pytest.mark.parametrize("step", ["foresee", "create"])
    def test_who_has_a_role_on_the_group_alone_sees_no_deleted_vaults(
        self, azure: Azure, local: Running, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        """Microsoft.KeyVault/locations/deletedVaults/read is a permission on the subscription (built-in roles)."""
        id_ = deleted_vault(azure)
        shown = local.azure.types.get("Microsoft.KeyVault/locations/deletedVaults")

        def unwilling(*_: Any) -> None:
            raise arm_errors.ArmError(403, "AuthorizationFailed", "The client does not have authorization.")

        monkeypatch.setattr(shown, "find", unwilling)
        look = getattr(NameClaimHandler(), step)
        look(azure.work(), claim(id_))
        for wanted in ("recover", "purge"):
            with pytest.raises(Refused, match="role on the whole subscription") as caught:
                look(azure.work(), claim(id_, wanted))
            assert "on_soft_deleted: fail" in str(caught.value)


class TestWorkspaces:
    def test_fail_says_what_the_activity_log_knows(self, azure: Azure) -> None:
        id_, _ = deleted_workspace(azure)
        NameClaimHandler().foresee(azure.work(), claim(id_))
        NameClaimHandler().create(azure.work(), claim(id_))
        assert [severity for severity, _ in azure.said] == ["warning", "warning"]
        for words in (id_.rpartition("/")[2], f"deleted on {day()}", f"on {day(14)}", "recover", "purge"):
            assert words in azure.said[0][1]

    def test_nothing_is_said_of_one_that_never_was(self, azure: Azure) -> None:
        id_ = f"{azure.theirs.group()}/providers/Microsoft.MachineLearningServices/workspaces/mlw-{uuid4().hex[:8]}"
        for wanted in ("fail", "purge", "recover"):
            NameClaimHandler().foresee(azure.work(), claim(id_, wanted))
            assert NameClaimHandler().create(azure.work(), claim(id_, wanted))["createMode"] == "default"
        assert [text for severity, text in azure.said if severity != "status"] == []
        assert azure.theirs.send("GET", id_).status_code == 404

    def test_purge_frees_the_name_and_a_preview_does_not(self, azure: Azure) -> None:
        id_, body = deleted_workspace(azure)
        NameClaimHandler().foresee(azure.work(), claim(id_, "purge"))
        assert azure.theirs.refused("PUT", id_, body)[0] == 400
        NameClaimHandler().create(azure.work(), claim(id_, "purge"))
        azure.theirs.ok("PUT", id_, body)

    def test_recover_brings_it_back_and_says_how_to_take_it_over(self, azure: Azure) -> None:
        id_, _ = deleted_workspace(azure)
        NameClaimHandler().foresee(azure.work(URN), claim(id_, "recover"))
        assert azure.theirs.send("GET", id_).status_code == 404
        with pytest.raises(Refused) as caught:
            NameClaimHandler().create(azure.work(URN), claim(id_, "recover"))
        assert azure.get(id_)["properties"]["provisioningState"] == "Succeeded"
        for words in (
            "pulumi import azure-native:machinelearningservices:Workspace mlw ",
            id_,
            "--parent 'parent=urn:pulumi:dev::p::azml:index:Workspace::mlw'",
        ):
            assert words in str(caught.value)

    def test_where_the_portal_alone_recovers_it_is_said(
        self, azure: Azure, local: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(local.azure, "settings", replace(local.azure.settings, workspace_recovery="portal"))
        id_, _ = deleted_workspace(azure)
        with pytest.raises(Refused, match="Recently deleted"):
            NameClaimHandler().create(azure.work(URN), claim(id_, "recover"))


def test_what_is_not_known_yet_is_not_asked_about(azure: Azure) -> None:
    handler = NameClaimHandler()
    unknown = {**claim("x"), "resourceId": UNKNOWN}
    handler.foresee(azure.work(), unknown)
    assert handler.preview_id(unknown) == ""


def test_the_setting_alone_is_no_difference(azure: Azure) -> None:
    id_ = f"{azure.theirs.group()}/providers/Microsoft.KeyVault/vaults/kv-x"
    found = NameClaimHandler().difference(azure.work(), claim(id_), {}, claim(id_, "purge"))
    assert not found.changed
    assert not found.replaced
