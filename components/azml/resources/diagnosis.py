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
        r"SyntaxError|IndentationError",
        "The scoring script is no valid Python for the environment's version: the line is in the log.",
    ),
    _Cause(
        r"ResolvePackageNotFound|PackagesNotFound|No solution found|No matching distribution found",
        "The conda file asks for packages, or versions of them, that do not exist together: the log names them.",
    ),
    _Cause(
        r"MemoryError|OOMKilled|[Oo]ut of memory",
        "The instance type has too little memory for the model: choose a bigger one.",
    ),
    _Cause(
        r"OutOfQuota|[Qq]uota",
        "The subscription has no cores left for this instance type in the region. A managed deployment needs 1.2 "
        "times its instances. Ask for quota, choose another instance type, or lower instance_count.",
    ),
    _Cause(
        r"manifest unknown|ImagePull|pull access denied|UNAUTHORIZED",
        "The image could not be pulled: check its name, and that the endpoint's identity has AcrPull on its registry.",
    ),
    _Cause(
        r"AuthorizationPermissionMismatch|AuthorizationFailed",
        "The endpoint's identity may not read the model: it needs Storage Blob Data Reader on the workspace's "
        "storage account.",
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
"""Most specific first."""


def likely_cause(text: str) -> str | None:
    """Advice for the first pattern that fits, None where nothing is recognised."""
    for cause in _CAUSES:
        found = re.search(cause.pattern, text)
        if found:
            return cause.advice.format(*(group or "" for group in found.groups()))
    return None
