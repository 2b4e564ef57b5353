"""Where a deployment's files are, and its own copies of model and code.

    deployments/<name>-<hash>/<generation>/
        code/                              what AML_APP_ROOT points to
        azureml-models/<model>/<version>/  what AZUREML_MODEL_DIR points to, as in Azure's containers
        InferenceServer.log, StorageInitializer.log

A generation is one start of a deployment. Copies, not links: a blob that is written again must not change what serves.
"""

import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from azml_local.scoring.contract import Deployment, DeploymentFailed

CONTAINERS = ("InferenceServer", "StorageInitializer")


def folder(root: Path, id_: str, name: str) -> Path:
    """Return the folder of a resource: its name, and a hash of its id, since names repeat in other workspaces."""
    return root / f"{name}-{hashlib.sha256(id_.lower().encode()).hexdigest()[:8]}"


def generations(deployment: Path) -> list[Path]:
    """List the generations of a deployment, oldest first."""
    if not deployment.is_dir():
        return []
    return sorted((each for each in deployment.iterdir() if each.name.isdecimal()), key=lambda each: int(each.name))


@dataclass(frozen=True)
class Staged:
    """A deployment's copies. `code` is None without a code configuration."""

    folder: Path
    code: Path
    model_dir: Path
    script: str

    @property
    def log(self) -> Path:
        """The log of the scoring server."""
        return self.folder / "InferenceServer.log"


def stage(deployment: Deployment, root: Path) -> Staged:
    """Copy model and code into a new generation. Raises `DeploymentFailed` (BadArgument) where something is missing."""
    script = _script(deployment)
    if deployment.model is not None and not deployment.model.exists():
        label = f"{deployment.model_name}:{deployment.model_version}"
        raise DeploymentFailed(
            "BadArgument", f"The files of model {label} are not in the workspace's storage any more."
        )
    last = [int(each.name) for each in generations(root)]
    made = root / str(max(last, default=0) + 1)
    try:
        return _copied(deployment, made, script)
    except OSError:  # no room: give back what was taken
        shutil.rmtree(made, ignore_errors=True)
        raise


def _copied(deployment: Deployment, made: Path, script: str) -> Staged:
    model_dir = made / "azureml-models" / deployment.model_name / deployment.model_version
    model_dir.mkdir(parents=True)
    code = made / "code"
    with (made / "StorageInitializer.log").open("w", encoding="utf-8", buffering=1) as log:

        def note(text: str) -> None:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} azml - {text}\n")

        if deployment.code is not None:
            shutil.copytree(deployment.code, code)
            note(f"Code: {_summary(code)} to AML_APP_ROOT={code}")
        if deployment.model is None:
            note("Model: none")
        else:
            target = model_dir / deployment.model.name
            if deployment.model.is_dir():
                shutil.copytree(deployment.model, target)
            else:
                shutil.copyfile(deployment.model, target)
            label = f"{deployment.model_name}:{deployment.model_version}"
            note(f"Model {label}: {_summary(target)} to AZUREML_MODEL_DIR={model_dir}")
            for file in _files(target)[:200]:
                note(f"  $AZUREML_MODEL_DIR/{file.relative_to(model_dir)}")
    return Staged(made, code, model_dir, script)


def remove(generation: Path) -> None:
    """Delete a generation's copies and logs."""
    shutil.rmtree(generation, ignore_errors=True)


def keep_logs(failed: Path, running: Sequence[Path]) -> None:
    """Delete the copies of a generation that failed, its logs say why; and generations that failed before it.

    `running` are the generations that have instances: of an update that failed half-way it is one of them.
    """
    if failed not in running:
        for each in failed.iterdir():
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
    for other in generations(failed.parent):
        if other != failed and other not in running:
            remove(other)


def _script(deployment: Deployment) -> str:
    code, script = deployment.code, deployment.scoring_script
    if code is None or script is None:
        raise DeploymentFailed(
            "BadArgument",
            f"The deployment '{deployment.name}' has no code and scoring script, so there is nothing to run here: "
            "custom containers and MLflow models without code are not emulated. Add code_configuration.",
        )
    wanted = (code / script).resolve()
    if not wanted.is_relative_to(code.resolve()) or not wanted.is_file():
        has = ", ".join(str(file.relative_to(code)) for file in _files(code)[:20]) or "nothing"
        raise DeploymentFailed(
            "BadArgument",
            f"The scoring script '{script}' is not in the code folder, which has: {has}. "
            "code_configuration.scoring_script is a path relative to code_configuration.code.",
        )
    return script


def _files(path: Path) -> list[Path]:
    return sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]


def _summary(path: Path) -> str:
    files = _files(path)
    return f"{len(files)} file{'' if len(files) == 1 else 's'}, {sum(file.stat().st_size for file in files)} bytes"
