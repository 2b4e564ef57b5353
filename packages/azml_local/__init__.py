"""Azure on a laptop: a control plane that behaves like Azure's, blobs as files, and deployments that really score.

Owns the emulation and its process. Deliberately holds nothing that a real deployment imports. This module and what it
imports are of the standard library: the command line pays for it at each start.
"""

from azml_local.process import NotRunning, Status, environment, reset, start, status, stop

__all__ = ["NotRunning", "Status", "environment", "reset", "start", "status", "stop"]
