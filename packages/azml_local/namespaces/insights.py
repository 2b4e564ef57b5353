"""Microsoft.OperationalInsights and Microsoft.Insights: where telemetry goes. Nothing is collected here."""

import base64
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any, ClassVar

from azml_local.arm.call import Call
from azml_local.arm.errors import ArmError
from azml_local.arm.store import Resource
from azml_local.arm.types import Reply, ResourceType, Write, action


class LogWorkspaces(ResourceType):
    """A Log Analytics workspace."""

    type = "Microsoft.OperationalInsights/workspaces"
    evidence = "ARM's types 2023-09-01"
    not_enforced = "nothing is collected; retention, caps, network access"
    puts = Reply(follow="Azure-AsyncOperation")
    patches = Reply()
    patchable = ("tags", "properties", "identity")
    defaults: ClassVar = {
        "properties": {
            "sku": {"name": "PerGB2018"},
            "retentionInDays": 30,
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "workspaceCapping": {"dailyQuotaGb": -1},
        }
    }

    def fill(self, write: Write) -> None:
        """The workspace's own id and keys."""
        write.properties.setdefault("customerId", str(uuid.uuid4()))
        write.properties.setdefault("createdDate", _now())
        write.properties["modifiedDate"] = _now()
        write.hidden.setdefault("keys", [_key(), _key()])

    @action("sharedKeys")
    def shared_keys(self, resource: Resource, _call: Call) -> dict[str, Any]:
        """Show both keys."""
        primary, secondary = resource.hidden["keys"]
        return {"primarySharedKey": primary, "secondarySharedKey": secondary}


class Components(ResourceType):
    """An Application Insights component."""

    type = "Microsoft.Insights/components"
    evidence = "ARM's types 2020-02-02"
    not_enforced = "nothing is collected; the connection string leads nowhere"
    puts = Reply(created=200)
    patches = Reply()
    defaults: ClassVar = {
        "properties": {
            "Application_Type": "web",
            "RetentionInDays": 90,
            "publicNetworkAccessForIngestion": "Enabled",
            "publicNetworkAccessForQuery": "Enabled",
            "IngestionMode": "LogAnalytics",
        }
    }

    def check(self, write: Write) -> None:
        """The workspace it writes to must be there."""
        workspace = write.properties.get("WorkspaceResourceId")
        if workspace is not None and self.azure.store.get(workspace) is None:
            raise ArmError(400, "BadRequest", f"The workspace '{workspace}' in WorkspaceResourceId was not found.")

    def fill(self, write: Write) -> None:
        """Ids and the connection string. It names an address that does not exist: nothing leaves the machine."""
        made = write.properties
        made.setdefault("AppId", str(uuid.uuid4()))
        made.setdefault("InstrumentationKey", str(uuid.uuid4()))
        made.setdefault("CreationDate", _now())
        made |= {"ApplicationId": write.id.name, "Name": write.id.name, "TenantId": self.azure.identity.subscription_id}
        made["ConnectionString"] = (
            f"InstrumentationKey={made['InstrumentationKey']};IngestionEndpoint=https://ingestion.azlocal.test/;"
            f"ApplicationId={made['AppId']}"
        )


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


DECLARED = (LogWorkspaces, Components)
