"""Deployments that really score: environments, inference servers and gateways as supervised processes.

Owns everything between "this deployment is wanted" and an HTTP answer. Deliberately knows nothing of ARM: resources,
operations, states and stored bodies belong to the control plane, which speaks to `DataPlane` alone.
"""

from azml_local.scoring.contract import Deployment, DeploymentFailed, Endpoint, Probe, Report, TokenVerifier
from azml_local.scoring.plane import DataPlane

__all__ = ["DataPlane", "Deployment", "DeploymentFailed", "Endpoint", "Probe", "Report", "TokenVerifier"]
