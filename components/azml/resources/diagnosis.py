"""Why a deployment probably failed, from what Azure said and what the container wrote.

Owns the patterns and the advice. Deliberately never hides the words it was drawn from: they are shown with it.
"""

import re
from typing import NamedTuple


class _Cause(NamedTuple):
    pattern: str
    advice: str


_CAUSES = (
    _Cause(
        r"ModuleNotFoundError: No module named '([\w.]+)'",
        "The environment has no package for '{0}'. Add it to the conda file (a package's name may differ from its "
        "module's), or put the module into the code folder.",
    ),
    _Cause(
        r"ImportError: cannot import name '(\w+)' from '([\w.]+)'",
        "'{1}' in the environment has no '{0}': pin the version that the code was written for in the conda file.",
    ),
    _Cause(
        r"FileNotFoundError: .*?'([^']+)'",
        "The scoring script opens '{0}', which is not there. The model lies below the folder that the variable "
        "AZUREML_MODEL_DIR names, under the file or folder name that was registered.",
    ),
    _Cause(
        r"(?i)InconsistentVersionWarning|unpickl|can't get attribute|incompatible dtype|STACK_GLOBAL requires str",
        "The model was saved with other versions of its libraries than the environment has: pin those versions in "
        "the conda file.",
    ),
    _Cause(
        r"(?:module|object) .*has no attribute '(init|run)'|does not (?:have|define) (?:an? )?(init|run)\b",
        "The scoring script needs both functions: init() and run(data).",
    ),
    _Cause(
        r"KeyError: (?:'([^']+)'|\"([^\"]+)\")",
        "The scoring script looks for '{0}{1}', which is not in what it was given: the request has another form than "
        "run() expects, or the model was trained with other columns.",
    ),
    _Cause(
        r"A value is not provided for the '(\w+)' parameter",
        "run() wants '{0}', which the request does not have: this release takes requests of another form than the one "
        "before, and its clients will have to change with it.",
    ),
    _Cause(
        r"X has (\d+) features?, but (\w+) is expecting (\d+) features?",
        "The request has {0} features, and the model was trained with {2}: this release wants other requests than the "
        "one before, or run() prepares them for another model.",
    ),
    _Cause(
        r"feature names should match|[Ff]eature names? (?:unseen|seen|must be)|columns are missing|not in index",
        "The features have other names, or another order, than those that the model was trained with: give them to "
        "the model in its own order (feature_names_in_ of scikit-learn lists it).",
    ),
    _Cause(
        r"the JSON object must be str, bytes or bytearray, not (\w+)",
        "run() parses what is parsed already ({0}): with @input_schema its parameters are Python values. Leave "
        "json.loads out, or the decorator.",
    ),
    _Cause(
        r"Object of type (\w+) is not JSON serializable",
        "run() gives a {0}, which is no JSON: give what .tolist() makes of an array, or .to_dict() of a table.",
    ),
    _Cause(
        r"JSONDecodeError",
        "run() got a request that is no JSON, or no longer the text it expects: compare the request file with what "
        "the script reads.",
    ),
    _Cause(
        r"could not convert string to float|Unable to coerce|invalid literal for (?:int|float)",
        "The request has text where the model wants numbers: the encoding of categories belongs in the model's "
        "pipeline, or in run().",
    ),
    _Cause(
        r"SyntaxError|IndentationError",
        "The scoring script is no valid Python for the environment's version: the line is in the log.",
    ),
    _Cause(
        r"ResolvePackageNotFound|PackagesNotFound|No solution found|No matching distribution found",
        "The conda file asks for packages, or versions of them, that do not exist together: the log names them.",
    ),
    _Cause(
        r"MemoryError|OOMKilled|[Oo]ut of memory|sent SIGKILL",
        "The instance has too little memory for the model: choose a bigger instance type (a container service: more "
        "memory_gb), or fewer workers (WORKER_COUNT: each loads the model). If it grew with the requests, run() keeps "
        "what it should drop.",
    ),
    _Cause(
        r"OutOfQuota|[Qq]uota",
        "The subscription has no cores left for this instance type in the region. A managed deployment needs 1.2 "
        "times its instances. Ask for quota, choose another instance type, or lower instance_count.",
    ),
    _Cause(
        r"manifest unknown|ImagePull|pull access denied|UNAUTHORIZED|InaccessibleImage",
        "The image could not be pulled: check its name, and that the identity that pulls it has AcrPull on its "
        "registry. A role that was just given takes some minutes.",
    ),
    _Cause(
        r"AuthorizationPermissionMismatch|AuthorizationFailed",
        "The endpoint's identity may not read the model: it needs Storage Blob Data Reader on the workspace's "
        "storage account.",
    ),
    _Cause(
        r"WORKER TIMEOUT",
        "A request took longer than the server lets a worker take: make run() faster, or raise "
        "request_settings.request_timeout_ms.",
    ),
    _Cause(
        r"line \d+, in run\b",
        "run() of the scoring script failed on a request that the release before may well have answered: the lines of "
        "the log say where.",
    ),
    _Cause(
        r"Worker \(pid:\d+\) (?:exited with code (?!3\b)\d+|was sent SIG(?:SEGV|ABRT|BUS|ILL|FPE))",
        "A worker of the server ended on a request instead of answering it: run() calls sys.exit() or os._exit(), or "
        "native code of a library crashed.",
    ),
    _Cause(
        r"\binit\b",
        "init() of the scoring script failed: the last lines of the log say where.",
    ),
    _Cause(
        r"[Ll]iveness|[Rr]eadiness|probe",
        "The container did not answer its probes in time: raise initial_delay, or make init() faster.",
    ),
)
"""Most specific first. A worker's exit code 3 is gunicorn's word for an init() that failed."""

_TELEMETRY = re.compile(
    r"(?:.*Error while fetching model IDs\n)?(?:Traceback \(most recent call last\):\n)?"
    r"(?:[ ]+File \".*/appinsights_client\.py\".*\n(?:[ ]{4}.*\n)*)+\S.*\n?"
)


def without_telemetry(log: str) -> str:
    """The log without a traceback that Azure ML's server writes of itself at each start.

    azureml-inference-server-http 1.5.1 takes each entry of AZUREML_MODEL_DIR for a version number, in
    server/appinsights_client.py, and logs what that raises. It says nothing about the model.
    """
    return _TELEMETRY.sub("", log)


def likely_cause(text: str) -> str | None:
    """Advice for the first pattern that fits, None where nothing is recognised."""
    text = without_telemetry(text)
    for cause in _CAUSES:
        found = re.search(cause.pattern, text)
        if found:
            return cause.advice.format(*(group or "" for group in found.groups()))
    return None
