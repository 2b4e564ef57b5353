"""A managed online deployment as ARM has it: what inputs make of it, and what is there already.

Owns the translation both ways and which of two values wins. Deliberately sends nothing (`managed_online_deployment`).
"""

from azml.resources.arm_id import ArmId
from azml.resources.handler import OWNER, Values, equal, present

RELEASE = "azml.release"
"""Property of a deployment: which release it is. ARM never lets it be altered."""
STABLE = "azml.deployment"
"""Property of a deployment: its name in the program, the same for all its releases."""
UNDER_WAY = frozenset({"Creating", "Updating", "Scaling", "Deleting"})
"""Provisioning states that end by themselves."""
BAD = frozenset({"Failed", "Canceled"})
"""Provisioning states of a deployment that did not come up, or not as it was wanted."""

_OURS = frozenset({RELEASE, STABLE, OWNER})
_SAME = (
    "model",
    "environmentId",
    "environmentVariables",
    "instanceType",
    "requestSettings",
    "livenessProbe",
    "readinessProbe",
    "appInsightsEnabled",
    "egressPublicNetworkAccess",
    "dataCollector",
    "modelMountPath",
    "description",
)
"""Inputs that are properties of the same name in ARM."""
_CODE = ("codeId", "scoringScript")
"""Inputs that are `codeConfiguration` in ARM."""


def body(location: str, found: Values | None, old: Values, inputs: Values, owner: str) -> Values:
    """The PUT: what is live, under what is wanted, without what left the program."""
    live: Values = {} if found is None else found["properties"]
    left = {name for name in _SAME if name in old and name not in inputs}
    kept = {name: value for name, value in live.items() if name not in left and name != "provisioningState"}
    properties = {
        **kept,
        "endpointComputeType": "Managed",
        "scaleSettings": live.get("scaleSettings") or {"scaleType": "Default"},
        **{name: inputs[name] for name in _SAME if inputs.get(name) is not None},
        "properties": {
            OWNER: owner,
            **(live.get("properties") or {}),
            **(inputs.get("properties") or {}),
            RELEASE: inputs["release"],
            STABLE: inputs["deployment"],
        },
    }
    if inputs.get("codeId") is not None:
        properties["codeConfiguration"] = {name: inputs[name] for name in _CODE}
    elif "codeId" in old:
        properties.pop("codeConfiguration", None)
    return {
        "location": location,
        "tags": tags(found, old, inputs),
        "sku": {"name": "Default", "capacity": capacity(found, old, inputs)},
        "properties": properties,
    }


def is_current(found: Values, old: Values, inputs: Values) -> bool:
    """Whether nothing but tags and count may differ: in order, as wanted, and nothing left the program."""
    properties = found["properties"]
    if state_of(found) != "Succeeded":
        return False
    if old and any(old.get(name) != inputs.get(name) for name in (*_SAME, *_CODE)):
        return False
    live = {**properties, **(properties.get("codeConfiguration") or {})}
    names = (*_SAME, *_CODE, "properties")
    return all(equal(inputs[name], live.get(name)) for name in names if inputs.get(name) is not None)


def state_of(found: Values) -> str:
    """A deployment's provisioning state."""
    return str(found["properties"].get("provisioningState", "Succeeded"))


def count(found: Values) -> int:
    """Instances that ARM says it has."""
    return int((found.get("sku") or {}).get("capacity") or 0)


def capacity(found: Values | None, old: Values, inputs: Values) -> int:
    """The wanted count where the program changed it, else the live one: an autoscaler may have moved it."""
    wanted = int(inputs["instanceCount"])
    if found is None or not old or old.get("instanceCount") != wanted:
        return wanted
    return count(found) or wanted


def tags(found: Values | None, old: Values, inputs: Values) -> dict[str, str]:
    """Live tags, without those that left the program, under those that are wanted."""
    wanted, live = inputs.get("tags") or {}, (found or {}).get("tags") or {}
    left = (old.get("tags") or {}).keys() - wanted.keys()
    return {**{name: value for name, value in live.items() if name not in left}, **wanted}


def inputs_of(id_: ArmId, found: Values) -> Values:
    """Give the inputs that would make what is there."""
    properties = found["properties"]
    own, code = properties.get("properties") or {}, properties.get("codeConfiguration") or {}
    return present(
        {
            "endpointId": id_.parent.text,
            "name": id_.name,
            "deployment": own.get(STABLE),
            "release": own.get(RELEASE),
            "instanceCount": count(found),
            "tags": found.get("tags") or None,
            "properties": {name: value for name, value in own.items() if name not in _OURS} or None,
            **{name: code.get(name) for name in _CODE},
            **{name: properties.get(name) for name in _SAME},
        }
    )


def outputs_of(found: Values) -> Values:
    """Give what only ARM knows."""
    return {"provisioningState": state_of(found)}
