"""What holds state cannot be deleted or replaced by a change of the program."""

from azml_policies.rule import PASS, Resource, Rule, Run, Severity, Verdict, fail
from azml_policies.tokens import IMAGES

TYPES = frozenset(
    {
        IMAGES,
        "azure-native:machinelearningservices:Workspace",
        "azure-native:machinelearningservices:Registry",
        "azure-native:storage:StorageAccount",
        "azure-native:storage:BlobContainer",
        "azure-native:keyvault:Vault",
        "azure-native:operationalinsights:Workspace",
        "azure-native:iothub:IotHubResource",
    }
)


def judge(resource: Resource, _run: Run) -> Verdict:
    """Judge whether the engine would refuse to delete or replace it."""
    if resource.protect:
        return PASS
    return fail(
        f"{resource.type.rpartition(':')[2]} {resource.name} is not protected: a change may delete or replace it."
    )


RULE = Rule(
    id="stateful-delete-or-replace",
    title="What holds state is protected from delete and replace",
    severity=Severity.CRITICAL,
    cause=(
        "A workspace, ML registry, container registry, storage account or container, key vault, log workspace or IoT"
        " hub without the resource option protect."
    ),
    explanation=(
        "A rename or another region replaces such a resource, and a line that is removed deletes it, with models,"
        " images, data, keys or device identities in it. The engine shows a pack no deletes; it refuses delete and"
        " replace of what is protected, in preview already."
    ),
    remedy=(
        "protect: true in azml's estate; else protect=True in the resource's options, or in those of its component; for"
        " all of a program: a transform with pulumi.runtime.register_resource_transform"
    ),
    types=TYPES,
    judge=judge,
)
