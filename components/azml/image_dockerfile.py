"""The Dockerfile of a serving image: always the same instructions, everything that varies is data.

    /opt/azml/env                the Python environment, from the conda file
    /opt/azml/gateway            azml's gateway, the entry of the image
    /var/azureml-app/code        the scoring code (AML_APP_ROOT)
    /var/azureml-app/azureml-models/NAME/VERSION/…    the models
    /var/azureml-app/azml        manifest.json, request schema and sample, extra/ (AZML_EXTRA_FILES)

Written for Docker, which is not run here: the docker stand-in of the local Azure follows the same lines. Line by line:
`conda` is on the PATH of Microsoft's inference base images, which make their own environment with the same command
(Azure/azureml-assets, minimal-py311-inference/context/Dockerfile, 2026); a base image of one's own needs it, too.
`--prefix` wins over the name in the conda file. pip is in every environment with Python unless conda was told otherwise
(`add_pip_as_python_dependency`). Packages are installed as root, readable for all; the container runs as a user without
rights. No `$PATH` and no `$LD_LIBRARY_PATH`: the entry is named in full, and puts the environment's own folders before
the base image's for the scoring server. Layers that change often come last. Deliberately nothing with a date, and
no commit: both would make another image of equal content (`ImageAlias` records the commit beside the image).
"""

import json
from collections.abc import Mapping, Sequence

from azml.facts.inference_images import APP_ROOT, PORT, USER

PREFIX = "/opt/azml/env"
GATEWAY = "/opt/azml/gateway"
ENVIRONMENT = "/opt/azml/environment"
MODELS = f"{APP_ROOT}/azureml-models"
OWN = f"{APP_ROOT}/azml"


def dockerfile(
    base: str,
    script: str,
    models: Sequence[tuple[str, str]],
    folders: Sequence[str],
    conda_variables: Mapping[str, str],
    labels: Mapping[str, str],
) -> str:
    """The text. `models` are names and versions in the order of their `folders` in the context."""
    variables = {
        **conda_variables,  # nothing activates the environment
        "AML_APP_ROOT": f"{APP_ROOT}/code",
        "AZUREML_ENTRY_SCRIPT": script,
        **_model_dir(models),
        "AZML_EXTRA_FILES": f"{OWN}/extra",
        "AZML_PORT": str(PORT),
        "HOME": "/tmp",  # noqa: S108 - the one folder that any user may write to, in any base image
    }
    commands = (
        f"conda env create --quiet --prefix {PREFIX} --file {ENVIRONMENT}/conda.yml",
        f"{PREFIX}/bin/python -m pip install --no-cache-dir --requirement {ENVIRONMENT}/requirements.txt",
        "conda clean --all --yes",
    )
    lines = [
        f"FROM {base}",
        "USER root",
        f"COPY environment {ENVIRONMENT}",
        f"RUN {' && '.join(commands)}",
        f"COPY gateway {GATEWAY}",
        *(f"COPY {folder} {MODELS}" for folder in folders),
        f"COPY code {APP_ROOT}/code",
        f"COPY azml {OWN}",
        *(f"ENV {name}={_quoted(value)}" for name, value in variables.items()),
        *(f"LABEL {name}={_quoted(value)}" for name, value in labels.items()),
        f"WORKDIR {GATEWAY}",
        f"EXPOSE {PORT}",
        f"USER {USER}",
        f'ENTRYPOINT ["{PREFIX}/bin/python", "-m", "azml_gateway.container"]',
    ]
    return "".join(f"{line}\n" for line in lines)


def _model_dir(models: Sequence[tuple[str, str]]) -> dict[str, str]:
    """As az ml documents it: the version's folder of one model, the folder above all of several."""
    if not models:
        return {}
    return {"AZUREML_MODEL_DIR": "/".join([MODELS, *models[0]]) if len(models) == 1 else MODELS}


def _quoted(text: str) -> str:
    """A word that Docker takes as it is: variables are put into double quotes, too."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$")
