"""Which class handles which resource of azml: the one table of them."""

from azml.resources.code_version import CodeVersion, CodeVersionHandler
from azml.resources.container_trial import ContainerTrial, ContainerTrialHandler
from azml.resources.data_version import DataVersion, DataVersionHandler
from azml.resources.environment_version import EnvironmentVersion, EnvironmentVersionHandler
from azml.resources.handler import Handler
from azml.resources.image_alias import ImageAlias, ImageAliasHandler
from azml.resources.managed_online_deployment import ManagedOnlineDeployment, ManagedOnlineDeploymentHandler
from azml.resources.managed_online_endpoint import ManagedOnlineEndpoint, ManagedOnlineEndpointHandler
from azml.resources.model_version import ModelVersion, ModelVersionHandler
from azml.resources.name_claim import NameClaim, NameClaimHandler
from azml.resources.registry_credential import RegistryCredential, RegistryCredentialHandler
from azml.resources.resource import AzmlResource, token
from azml.resources.rollout import Rollout, RolloutHandler
from azml.resources.service_keys import ServiceKeys, ServiceKeysHandler
from azml.resources.workspace_network_acls import WorkspaceNetworkAcls, WorkspaceNetworkAclsHandler

RESOURCES: dict[type[AzmlResource], Handler] = {
    CodeVersion: CodeVersionHandler(),
    ContainerTrial: ContainerTrialHandler(),
    DataVersion: DataVersionHandler(),
    EnvironmentVersion: EnvironmentVersionHandler(),
    ImageAlias: ImageAliasHandler(),
    ManagedOnlineDeployment: ManagedOnlineDeploymentHandler(),
    ManagedOnlineEndpoint: ManagedOnlineEndpointHandler(),
    ModelVersion: ModelVersionHandler(),
    NameClaim: NameClaimHandler(),
    RegistryCredential: RegistryCredentialHandler(),
    Rollout: RolloutHandler(),
    ServiceKeys: ServiceKeysHandler(),
    WorkspaceNetworkAcls: WorkspaceNetworkAclsHandler(),
}

HANDLERS: dict[str, Handler] = {token(resource.__name__): handler for resource, handler in RESOURCES.items()}
"""By type token."""
