"""The Dockerfile of a serving image, written out by hand: what the image holds, where, and who runs it.

From docs/images.md and the documents of Azure ML: AZUREML_MODEL_DIR is the version's folder of one model and the folder
above all of several; `docker build` reads `$NAME` in what is not quoted.
"""

from azml.image_dockerfile import dockerfile

MODELS = "/var/azureml-app/azureml-models"
WHOLE = """\
FROM mcr.microsoft.com/base:1
USER root
COPY environment /opt/azml/environment
RUN conda env create --quiet --prefix /opt/azml/env --file /opt/azml/environment/conda.yml \
&& /opt/azml/env/bin/python -m pip install --no-cache-dir --requirement /opt/azml/environment/requirements.txt \
&& conda clean --all --yes
COPY gateway /opt/azml/gateway
COPY models/0 /var/azureml-app/azureml-models
COPY models/1 /var/azureml-app/azureml-models
COPY code /var/azureml-app/code
COPY azml /var/azureml-app/azml
ENV OMP_NUM_THREADS="1"
ENV AML_APP_ROOT="/var/azureml-app/code"
ENV AZUREML_ENTRY_SCRIPT="score.py"
ENV AZUREML_MODEL_DIR="/var/azureml-app/azureml-models"
ENV AZML_EXTRA_FILES="/var/azureml-app/azml/extra"
ENV AZML_PORT="5001"
ENV HOME="/tmp"
LABEL azml.models="grün:1,help:2"
WORKDIR /opt/azml/gateway
EXPOSE 5001
USER 1000
ENTRYPOINT ["/opt/azml/env/bin/python", "-m", "azml_gateway.container"]
"""
TWO = [("grün", "1"), ("help", "2")]


def test_every_line() -> None:
    folders, variables, labels = ["models/0", "models/1"], {"OMP_NUM_THREADS": "1"}, {"azml.models": "grün:1,help:2"}
    assert dockerfile("mcr.microsoft.com/base:1", "score.py", TWO, folders, variables, labels) == WHOLE


def test_where_the_code_finds_its_models() -> None:
    def told(*models: tuple[str, str]) -> list[str]:
        lines = dockerfile("b:1", "score.py", models, ["models/0"] * len(models), {}, {}).splitlines()
        return [line.partition("=")[2] for line in lines if "AZUREML_MODEL_DIR" in line]

    assert told() == []
    assert told(("churn", "7")) == [f'"{MODELS}/churn/7"']
    assert told(("churn", "7"), ("churn", "8")) == [f'"{MODELS}"']
