"""What the control plane asks of the data plane: endpoints, deployments, and the one way a deployment fails.

Owns the words both sides share. Holds no behaviour, and nothing of ARM's JSON: the control plane turns a stored
resource into these, so the data plane never parses a request body.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

AuthMode = Literal["Key", "AMLToken", "AADToken"]


@dataclass(frozen=True)
class Probe:
    """When an instance counts as ready or alive. Seconds and counts; the defaults are Azure's.

    Source: reference-yaml-deployment-managed-online (10 / 10 / 2 / 1 / 30).
    """

    initial_delay_s: float = 10
    period_s: float = 10
    timeout_s: float = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class Updates:
    """How an update in place treats instances, where Azure does not document it.

    `capacity`: `reduced` (nodes are updated where they are, the others serve; the last one that serves goes after its
    successor is there), `reserve` (new instances first, within the 20 % that quota reserves) or `interrupted` (as
    `reduced`, and an only instance goes first, too). `failed`: an update that fails `stops` where it is, or
    `rolls_back`.
    """

    capacity: Literal["reduced", "reserve", "interrupted"] = "reduced"
    failed: Literal["stops", "rolls_back"] = "stops"


@dataclass(frozen=True)
class Endpoint:
    """A stable address: who may call it, and which deployment gets which share.

    `traffic` and `mirror` are percent by deployment name; a name that has no deployment (yet) is no error here.
    `keys` are (primary, secondary) and count only in mode `Key`.
    """

    id: str
    name: str
    auth_mode: AuthMode
    keys: tuple[str, str]
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployment:
    """One model with its code and environment, run by `instances` processes.

    `model` is a file or folder; `AZUREML_MODEL_DIR` will be a folder that contains it. `scoring_script` is relative to
    `code`. `image` is only a label here: no container runs, `conda` (the text of a conda file) makes the environment.
    Routes come from the environment's inference config. `memory_bytes` is what all processes of an instance may take
    together (None: no limit). Defaults are those of ARM.
    """

    id: str
    name: str
    endpoint_id: str
    model: Path | None = None
    code: Path | None = None
    scoring_script: str | None = None
    image: str | None = None
    conda: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    instances: int = 1
    request_timeout_s: float = 5
    max_concurrent: int = 1
    max_queue_wait_s: float = 0.5
    liveness: Probe = Probe()
    readiness: Probe = Probe()
    startup: Probe | None = None
    memory_bytes: float | None = None
    updates: Updates = Updates()
    scoring_route: str = "/score"
    model_name: str = "model"
    model_version: str = "1"


class DeploymentFailed(Exception):  # noqa: N818 - the word Azure uses for the outcome
    """A deployment did not come up; what served before still does.

    `code` is Azure's (troubleshoot-online-endpoints: ImageBuildFailure, ResourceNotReady, BadArgument …); `message`
    says what went wrong, the likely cause, what to change, and ends in the last log lines where there are any.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


TokenVerifier = Callable[[Endpoint, str], bool]
"""Says whether a token may call an endpoint (mode AMLToken, AADToken). Called on the event loop: must not block."""

Report = Callable[[str], None]
"""Takes one line of progress."""
