"""Workflow files of GitHub Actions and Azure Pipelines, read and run: their shell steps, in order, as they stand.

Owns the little of both languages that the template's files use: expressions, conditions, outputs, templates. What it
does not know is an error, so that a file cannot use it unseen. Actions and tasks are not run: checkout is a clone, a
login adds the variables of whom it signs in, others do nothing.
"""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_WORDS = re.compile(r"'[^']*'|&&|\|\||!(?!=)|[A-Za-z_][\w-]*(?:\.[\w-]+)*")
_SET = re.compile(r"^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Ran:
    """One shell step."""

    job: str
    name: str
    code: int
    said: str
    text: str
    more: Mapping[str, str]


@dataclass
class Machine:
    """Where steps run: a checkout of a repository, and the variables of a machine with Pulumi on it."""

    repository: Path
    workspace: Path
    variables: Mapping[str, str]
    signed_in: Mapping[str, str]
    """Variables that a login adds."""
    ran: list[Ran] = field(default_factory=list)

    def checkout(self, ref: str) -> None:
        """As a runner does it that keeps what git ignores."""
        if not (self.workspace / ".git").exists():
            self._git("init", "-q")
        self._git("fetch", "-q", str(self.repository), ref)
        self._git("checkout", "-q", "--force", "FETCH_HEAD")
        (self.workspace / "preview.md").unlink(missing_ok=True)

    def shell(self, job: str, name: str, text: str, more: Mapping[str, str]) -> Ran:
        """Run a step's text with bash."""
        done = subprocess.run(
            ["bash", "-e", "-c", text],
            cwd=self.workspace, env={**self.variables, **more}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
        )  # fmt: skip
        self.ran.append(Ran(job, name, done.returncode, done.stdout, text, more))
        return self.ran[-1]

    def again(self, step: Ran) -> Ran:
        """The same step, as the next run has it."""
        return self.shell(step.job, step.name, step.text, step.more)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.workspace, check=True, capture_output=True)


@dataclass(frozen=True)
class GitHubRun:
    """One event and what it starts. `contexts` has `github` and `vars`."""

    machine: Machine
    contexts: Mapping[str, Mapping[str, Any]]
    ref: str
    variables: Mapping[str, str]
    """What GitHub itself sets."""

    def workflow(self, file: str, done: Mapping[str, dict[str, str]] | None = None) -> bool:
        """Run its jobs, each after what it needs; whether all went well.

        `done` are outputs of jobs that went well before: a re-run of the others.
        """
        document = _read(self.machine.workspace / file)
        outputs: dict[str, Any] = dict(done or {})
        well = True
        for name, job in document["jobs"].items():
            if name in outputs:
                continue
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            scope = {**self.contexts, "needs": {each: {"outputs": outputs.get(each, {})} for each in needed}}
            if any(each not in outputs for each in needed) or not _holds(job.get("if", "success()"), scope, {}):
                continue
            made = self._job(name, job, scope, _map(document.get("env", {}), scope))
            well = well and made is not None
            if made is not None:
                outputs[name] = made
        return well

    def _job(
        self, name: str, job: dict[str, Any], scope: Mapping[str, Any], env: dict[str, str]
    ) -> dict[str, str] | None:
        if "uses" in job:
            return self._called(name, job, scope)
        env = {**env, **_map(job.get("env", {}), scope)}
        steps: dict[str, Any] = {}
        failed = False
        for step in job["steps"]:
            facts = {"success": not failed, "hashFiles": self._hash_files}
            if not _holds(step.get("if", "success()"), {**scope, "steps": steps}, facts):
                continue
            if "uses" in step:
                env = {**env, **self._action(step, scope, job)}
                continue
            handed_on = self.machine.workspace.parent / "github-output"
            handed_on.write_text("")
            own = {**self.variables, **env, **_map(step.get("env", {}), scope), "GITHUB_OUTPUT": str(handed_on)}
            title = step.get("name", step["run"])
            failed = self.machine.shell(name, title, str(_filled(step["run"], scope)), own).code != 0 or failed
            if "id" in step:
                lines = (line.partition("=") for line in handed_on.read_text().splitlines())
                steps[step["id"]] = {"outputs": {key: value for key, _, value in lines}}
        if failed:
            return None
        return _map(job.get("outputs", {}), {**scope, "steps": steps})

    def _called(self, name: str, job: dict[str, Any], scope: Mapping[str, Any]) -> dict[str, str] | None:
        document = _read(self.machine.workspace / job["uses"])
        call = document["on"]["workflow_call"]
        defaults = {key: each.get("default") for key, each in call["inputs"].items()}
        inputs = {**defaults, **_map(job.get("with", {}), scope)}
        assert set(inputs) == set(defaults), "inputs that the called workflow does not have"
        ((job_name, called),) = document["jobs"].items()
        made = self._job(f"{name}", called, {**self.contexts, "inputs": inputs}, {})
        if made is None:
            return None
        wanted = {key: each["value"] for key, each in call["outputs"].items()}
        return _map(wanted, {"jobs": {job_name: {"outputs": made}}})

    def _action(self, step: dict[str, Any], scope: Mapping[str, Any], job: dict[str, Any]) -> dict[str, str]:
        given = _map(step.get("with", {}), scope)
        action = step["uses"].partition("@")[0]
        if action == "actions/checkout":
            self.machine.checkout(self.ref)
        elif action == "azure/login":
            assert job["permissions"]["id-token"] == "write"
            assert all(given[name] for name in ("client-id", "tenant-id", "subscription-id"))
            return dict(self.machine.signed_in)
        else:
            assert action == "actions/setup-python", action
        return {}

    def _hash_files(self, pattern: str) -> str:
        return "hash" if (self.machine.workspace / pattern).exists() else ""


@dataclass(frozen=True)
class PipelinesRun:
    """One run of azure-pipelines.yml. `predefined` are variables by Azure's names for them (`Build.Reason`)."""

    machine: Machine
    predefined: Mapping[str, str]
    group: Mapping[str, str]
    """The variable group."""
    ref: str

    def pipeline(self, file: str) -> bool:
        """Run its stages, each after what it depends on; whether all went well."""
        self.machine.checkout(self.ref)
        document = _read(self.machine.workspace / file)
        variables = dict(self.predefined)
        for each in document["variables"]:
            variables |= self.group if "group" in each else {each["name"]: str(each["value"])}
        handed_on: dict[str, dict[str, str]] = {}
        done: list[str] = []
        well = True
        for stage in [stage for entry in document["stages"] for stage in self._stages(entry)]:
            ready = all(each in done for each in stage.get("dependsOn", []))
            if not _judged(stage["condition"], variables, succeeded=ready):
                continue
            (job,) = stage["jobs"]
            made = self._job(stage["stage"], job, variables, handed_on)
            well = well and made is not None
            if made is not None:
                done.append(stage["stage"])
                handed_on[stage["stage"]] = made
        return well

    def _stages(self, entry: dict[str, Any]) -> list[dict[str, Any]]:
        if "template" not in entry:
            return [entry]
        template = _read(self.machine.workspace / entry["template"])
        names = {each["name"] for each in template.pop("parameters")}
        assert names == set(entry["parameters"]), "parameters that the template does not have, or that it lacks"
        return list(_expanded(template["stages"], {"parameters": entry["parameters"]}))

    def _job(
        self, stage: str, job: dict[str, Any], around: dict[str, str], handed_on: dict[str, dict[str, str]]
    ) -> dict[str, str] | None:
        variables = {**around}
        for each in job.get("variables", []):
            variables[each["name"]] = _handed_on(each["value"], handed_on)
        steps = job["steps"] if "job" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        name = job.get("job") or job["deployment"]
        outputs: dict[str, str] = {}
        failed = False
        for step in steps:
            if not _judged(step.get("condition", "succeeded()"), variables, succeeded=not failed):
                continue
            if (made := self._step(stage, step, variables)) is None:
                continue
            failed = failed or made.code != 0
            for key, value in _SET.findall(made.said):
                outputs[f"{name}.{step['name']}.{key}"] = value
        return None if failed else outputs

    def _step(self, stage: str, step: dict[str, Any], variables: Mapping[str, str]) -> Ran | None:
        env = {re.sub(r"\W", "_", name).upper(): value for name, value in variables.items()}
        if "bash" in step:
            own = {name: self._macro(value) for name, value in step.get("env", {}).items()}
            return self.machine.shell(stage, step["displayName"], step["bash"], {**env, **own})
        if step.get("task") == "AzureCLI@2":
            inputs = step["inputs"]
            assert (inputs["scriptType"], inputs["scriptLocation"]) == ("bash", "inlineScript")
            assert inputs["azureSubscription"]
            signed_in = self.machine.signed_in if inputs["addSpnToEnvironment"] else {}
            return self.machine.shell(stage, step["displayName"], inputs["inlineScript"], {**env, **signed_in})
        if "checkout" in step:
            self.machine.checkout(self.ref)
        else:
            assert step["task"] == "UsePythonVersion@0", step
        return None

    def _macro(self, value: str) -> str:
        return re.sub(r"\$\(([\w.]+)\)", lambda found: self.predefined[found[1]], value)


def _read(file: Path) -> dict[str, Any]:
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    # YAML 1.1 takes the word `on` for true, and both services do not.
    return {"on" if key is True else key: value for key, value in document.items()}


def _map(values: Mapping[str, Any], scope: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(_filled(value, scope)) for name, value in values.items()}


def _filled(text: Any, scope: Mapping[str, Any]) -> Any:
    """A text with its expressions evaluated; one that is an expression only keeps its type."""
    if not isinstance(text, str):
        return text
    if (whole := _EXPRESSION.fullmatch(text)) is not None and "}}" not in whole[1]:
        return _evaluated(whole[1], scope, {})
    return _EXPRESSION.sub(lambda found: str(_evaluated(found[1], scope, {})), text)


def _expanded(value: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, scope) for item in value]
    return _filled(value, scope)


def _holds(condition: str, scope: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """A GitHub condition: without a word about the job's state it means `success() && …`."""
    text = whole[1] if (whole := _EXPRESSION.fullmatch(condition.strip())) else condition
    if facts and not re.search(r"\b(success|failure|always|cancelled)\(", text) and not facts["success"]:
        return False
    return bool(_evaluated(text, scope, facts))


def _evaluated(expression: str, scope: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
    functions: dict[str, Callable[..., Any]] = {
        "success": lambda: facts.get("success", True),
        "cancelled": lambda: False,
        "join": lambda by, items: by.join(items),
    }
    if "hashFiles" in facts:
        functions["hashFiles"] = facts["hashFiles"]

    def word(found: re.Match[str]) -> str:
        text = found[0]
        if text in _PYTHON:
            return _PYTHON[text]
        return text if text.startswith("'") or text in functions else f"_({text!r})"

    known = {**functions, "_": lambda path: _at(scope, path), "__builtins__": {}}
    return eval(_WORDS.sub(word, expression.strip()), known)


_PYTHON = {"&&": " and ", "||": " or ", "!": " not "}


def _at(scope: Mapping[str, Any], path: str) -> Any:
    """The value at a path. A variable of the repository that is not set is empty; anything else has to be there."""
    value: Any = scope
    for part in path.split("."):
        if part not in value:
            assert path.startswith("vars."), f"{path} is in no context"
            return ""
        value = value[part]
    return value


def _judged(condition: str, variables: Mapping[str, str], *, succeeded: bool) -> bool:
    """A condition of Azure Pipelines."""
    known = {
        "and_": lambda *values: all(values),
        "eq": lambda one, other: one == other,
        "ne": lambda one, other: one != other,
        "succeeded": lambda: succeeded,
        "succeededOrFailed": lambda: True,
        "variables": variables,
        "__builtins__": {},
    }
    return bool(eval(condition.replace("and(", "and_("), known))


def _handed_on(value: str, outputs: Mapping[str, Mapping[str, str]]) -> str:
    """A variable's value; `$[ stageDependencies.… ]` is what a step of an earlier stage set."""
    if not value.startswith("$["):
        return value
    found = re.fullmatch(r"\$\[ stageDependencies\.(\w+)\.(\w+)\.outputs\['(\w+)\.(\w+)\.(\w+)'\] \]", value)
    assert found is not None, value
    stage, job, again, step, name = found.groups()
    assert job == again, "a deployment job's outputs have its own name in theirs"
    return outputs[stage][f"{job}.{step}.{name}"]


def path_with(*folders: Path) -> str:
    """A PATH that begins with these."""
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])
