"""Why an instance did not come up, as far as its log tells: the likely cause and what to change.

Reads the words of Python and of azureml-inference-server-http 1.5. Guesses are labelled as such; the log lines always
come along.
"""

import re
import signal

LINES = 25
"""How many of the last log lines a message carries."""

_NOISE = "Error while fetching model IDs"
"""The scoring server logs a traceback for a model version that is no number, and goes on: not a cause of anything."""


def explain(log: str, code: int | None, fault: str | None = None) -> str:
    """Say what went wrong, the likely cause and the last log lines.

    `code`: the exit code, None while it runs. `fault`: why a server that runs had to be ended, such as `was ended:
    OOMKilled, its processes used …`.
    """
    log = _without_noise(log)
    lines = log.strip().splitlines()[-LINES:]
    return f"{_outcome(code, fault)} {_cause(log, code, fault)}\nLast lines of its log:\n" + "\n".join(lines)


def _outcome(code: int | None, fault: str | None) -> str:
    if fault is not None:
        return f"The scoring server {fault} before it was ready."
    if code is None:
        return "The scoring server did not become ready in time."
    if code < 0:
        return f"The scoring server was ended by {signal.Signals(-code).name} before it was ready."
    return f"The scoring server ended with exit code {code} before it was ready."


def _cause(log: str, code: int | None, fault: str | None) -> str:
    if fault is not None and "OOMKilled" in fault:
        return (
            "Likely cause: model and packages need more memory than the instance type has. Choose a larger "
            "instance_type, or a smaller WORKER_COUNT where every worker loads the model."
        )
    last = _last_exception(log)
    in_init = "User's init function failed" in log
    if match := re.search(r"ModuleNotFoundError: No module named '([^']+)'", last):
        if match[1].split(".")[0] in ("azureml_inference_server_http", "gunicorn"):
            return "Likely cause: the conda file pins packages that leave out azureml-inference-server-http."
        return (
            f"Likely cause: the module '{match[1]}' is neither in the conda file nor beside the scoring script. "
            "Add its package to the conda file's dependencies, or its file to the code folder."
        )
    if match := re.search(r"does not have a (init|run)\(\) function", log):
        return f"Likely cause: the scoring script defines no {match[1]}(): it needs both init() and run(data)."
    if match := re.search(r"FileNotFoundError: .*?'([^']+)'", last):
        return (
            f"Likely cause: {_where(in_init=in_init)} opens '{match[1]}', which is not there. The model is below the "
            "folder in AZUREML_MODEL_DIR, under the name that it was registered with (see the StorageInitializer log)."
        )
    if last:
        return f"Likely cause: {_where(in_init=in_init)} raised {last}"
    if code == -signal.SIGKILL:
        return "Likely cause: out of memory (the system kills with SIGKILL), or somebody ended it."
    if code is None:
        probe = "readiness" if fault is None else "liveness"
        return f"Likely cause: init() takes longer than the {probe} probe allows (initial_delay, failure_threshold)."
    return "Its log should say why."


def _where(*, in_init: bool) -> str:
    return "init() of the scoring script" if in_init else "the scoring script, while being imported,"


def _last_exception(log: str) -> str:
    """The last line of the last traceback: `SomeError: text`. Chained ones end in the server's own wrapper: skipped."""
    found = re.findall(
        r"^((?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning)(?:: .*)?)$", log, re.MULTILINE
    )
    own = [line for line in found if not line.startswith("azureml_inference_server_http.")]
    return own[-1] if own else ""


def _without_noise(log: str) -> str:
    lines = log.splitlines()
    kept: list[str] = []
    skipping = False
    for line in lines:
        stamped = re.match(r"\d{4}-\d\d-\d\d ", line) is not None
        skipping = _NOISE in line or (skipping and not stamped)
        if not skipping:
            kept.append(line)
    return "\n".join(kept)
