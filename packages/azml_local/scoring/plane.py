"""The data plane: from wanted endpoints and deployments to running processes."""

from pathlib import Path

from azml_local.scoring.contract import Deployment, Endpoint, Report, TokenVerifier


class DataPlane:
    """Runs every endpoint and deployment of one local Azure, under `home`.

    Operations on one endpoint may overlap; they are put in order here. Nothing is remembered about what was wanted:
    after a restart the control plane puts everything again (ports and built environments are kept).
    """

    def __init__(self, home: Path, verify_token: TokenVerifier) -> None:
        raise NotImplementedError

    async def put_endpoint(self, endpoint: Endpoint) -> str:
        """Start or refresh the endpoint's gateway; the scoring URI. Idempotent; traffic and keys changes go here too."""
        raise NotImplementedError

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """End the endpoint with all its deployments. Unknown: nothing to do."""
        raise NotImplementedError

    async def put_deployment(self, deployment: Deployment, report: Report) -> None:
        """Build the environment, start the instances, wait until they are ready, then let them serve.

        For an id that runs already: new instances are up before the old go, and a change of `instances` alone (or of request settings)
        restarts nothing. Raises `DeploymentFailed`; what ran before keeps serving.
        """
        raise NotImplementedError

    async def delete_deployment(self, deployment_id: str) -> None:
        """End the deployment. Unknown: nothing to do."""
        raise NotImplementedError

    def logs(self, deployment_id: str, container: str, tail: int) -> str:
        """The last `tail` lines of `InferenceServer` or `StorageInitializer`; also of a deployment that failed."""
        raise NotImplementedError

    async def prepare_environment(self, image: str | None, conda: str | None) -> None:
        """Build an environment early, to overlap with other work. Failures are left to the deployment that needs it."""
        raise NotImplementedError

    async def close(self) -> None:
        """End every child process."""
        raise NotImplementedError
