"""What serving images are built on, and what Microsoft's scoring server needs.

Owns names, versions and places, with their source. Deliberately writes no Dockerfile (`azml.image_dockerfile`).
"""

from __future__ import annotations

import re

BASE_IMAGE = "mcr.microsoft.com/azureml/minimal-py312-inference:latest"
"""Microsoft's current minimal base image for inference on CPUs (azure-ai-docs 2025-09-24,
concept-prebuilt-docker-images-inference: of the three that are supported the newest Python's; `latest` is what it
recommends, older tags are supported for six months)."""

SERVER = "azureml-inference-server-http==1.5.1"
"""Microsoft's scoring server, for conda files that do not bring it themselves."""
BRINGS_SERVER = re.compile(r"(azureml[-_.]inference[-_.]server[-_.]http|azureml[-_.]defaults)\b", re.IGNORECASE)
"""A requirement that brings the scoring server along."""

OLDEST_PYTHON = (3, 11)
"""The gateway in the image runs in the environment's own Python."""

APP_ROOT = "/var/azureml-app"
"""Where Azure ML's images have code and models (azureml-core 1.61, ContainerImage)."""
PORT = 5001
"""Where Azure ML's images listen (azureml-core 1.61, ContainerImage)."""
USER = 1000
"""Who the container runs as, by number: Kubernetes' runAsNonRoot looks at no name, and a base image of one's own may
have no `dockeruser`, whose number this is in Microsoft's (seen in Dockerfiles that build on them, 2026)."""
