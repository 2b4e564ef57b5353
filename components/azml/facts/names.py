"""What Azure allows as names: one rule a kind of resource.

Owns lengths and patterns with their source. Deliberately does not make names (`azml.naming`) and does not judge them
(`azml.spec`).

Sources: docs = Azure "naming rules and restrictions for Azure resources" and the Azure ML pages named beside a rule;
sdk = path parameter patterns in azure-mgmt-machinelearningservices 2.0.0b2, azure-mgmt-containerregistry 10.3.0,
azure-mgmt-keyvault and azure-ai-ml 1.35.2. Read in August 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class NameRule:
    """What a name of one kind must look like. Lengths count characters, both limits included."""

    what: str
    """With its article."""
    shortest: int
    longest: int
    pattern: str
    words: str
    unique: str
    """Where the name may exist once."""

    def fits(self, name: str) -> bool:
        """Whether Azure takes the name."""
        return self.shortest <= len(name) <= self.longest and re.fullmatch(self.pattern, name) is not None

    @property
    def allowed(self) -> str:
        """The rule as one phrase."""
        return f"{self.shortest} to {self.longest} characters: {self.words}"


_DASHED = "letters, digits and dashes, starting with a letter and not ending with a dash"

ONLINE_ENDPOINT = NameRule(
    "an online endpoint", 3, 32, r"[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?", _DASHED, "the Azure region"
)
"""how-to-manage-quotas.md (2026-01-27) and azure-ai-ml's own pattern."""

ONLINE_DEPLOYMENT = NameRule("a deployment", 3, 32, r"[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?", _DASHED, "the endpoint")
"""As for endpoints; azure-ai-ml checks it at submission only."""

WORKSPACE = NameRule(
    "a workspace",
    3,
    32,
    r"[a-zA-Z0-9][a-zA-Z0-9_-]*",
    "letters, digits, underscores and dashes, starting with a letter or digit",
    "the resource group",
)
"""The sdk allows 3 to 33, the service-limits page 2 to 32: what both allow."""

ASSET = NameRule(
    "an asset",
    1,
    255,
    r"[a-zA-Z0-9][a-zA-Z0-9_-]*",
    "letters, digits, underscores and dashes, starting with a letter or digit",
    "the workspace",
)
"""Models, environments, code and data (sdk)."""

LOG_ANALYTICS = NameRule(
    "a Log Analytics workspace",
    4,
    63,
    r"[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]",
    "letters, digits and inner dashes",
    "the resource group",
)
"""resource-name-rules (docs)."""

CONTAINER_REGISTRY = NameRule("a container registry", 5, 50, r"[a-zA-Z0-9]*", "letters and digits", "all of Azure")
"""azure-mgmt-containerregistry 10.3.0."""

REGISTRY = NameRule(
    "an Azure ML registry",
    3,
    33,
    r"[a-zA-Z0-9][a-zA-Z0-9_-]*",
    "letters, digits, underscores and dashes, starting with a letter or digit",
    "all of Azure",
)
"""sdk. Assets are found by the registry's name alone, azureml://registries/NAME/…, so it is taken once."""

STORAGE_ACCOUNT = NameRule("a storage account", 3, 24, r"[a-z0-9]*", "lower case letters and digits", "all of Azure")
"""docs."""

KEY_VAULT = NameRule(
    "a key vault",
    3,
    24,
    r"[a-zA-Z](?!.*--)[a-zA-Z0-9-]*[a-zA-Z0-9]",
    "letters, digits and single dashes, starting with a letter and ending with a letter or digit",
    "all of Azure",
)
"""Length and characters: azure-mgmt-keyvault; first and last character and the double dash: docs."""

USER_ASSIGNED_IDENTITY = NameRule(
    "a user-assigned identity",
    3,
    128,
    r"[a-zA-Z0-9][a-zA-Z0-9_-]*",
    "letters, digits, underscores and dashes, starting with a letter or digit",
    "the resource group",
)
"""docs."""

RESOURCE_GROUP = NameRule(
    "a resource group",
    1,
    90,
    r"[\w\-.()]*[\w\-()]",
    "letters, digits, underscores, dashes, parentheses and full stops, not ending with a full stop",
    "the subscription",
)
"""docs."""

CONTAINER_GROUP = NameRule(
    "a container group",
    1,
    63,
    r"[a-z0-9](?!.*--)([a-z0-9-]*[a-z0-9])?",
    "lower case letters, digits and single dashes, not at the ends",
    "the resource group",
)
"""container-instances-troubleshooting.md (2026-07-25); the double dash: resource-name-rules."""

DNS_NAME_LABEL = NameRule(
    "a DNS name label",
    5,
    63,
    r"[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?",
    "letters, digits and inner dashes",
    "the Azure region",
)
"""container-instances-troubleshooting.md (2026-07-25)."""

CONTAINER_VARIABLE = NameRule(
    "an environment variable of a container",
    1,
    63,
    r"[a-zA-Z0-9_]*",
    "letters, digits and underscores",
    "the container",
)
"""container-instances-troubleshooting.md (2026-07-25)."""

TAG_VALUE_LENGTH = 256
"""Characters in the value of a tag (docs: "Use tags to organize your Azure resources")."""
