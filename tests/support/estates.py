"""Estates of every kind that the spec takes, for hypothesis: all blocks, all optional fields, values at their limits.

Owns which values make sense together. What there is comes from the spec's own JSON Schema, so a new field is in without
a line here; one whose value is more than its type says (a path, an address, a reference) has its line in `_sense`. What
the spec refuses beside something else is taken out again.
"""

import copy
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from azml.spec import SpecError, StackSpec

Strategy = st.SearchStrategy[Any]

NAME = "name1"
"""Name of everything that exists already: ids and addresses that must fit each other do."""
CONFIG = {"token": "hunter2"}
"""Secrets of the project that estates may name."""

_ID = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers"
_ROUNDS = 20
"""Times that a value is judged again after what was wrong in it was taken out."""


def write_files(folder: Path) -> None:
    """Write what estates refer to on this machine."""
    for name, text in {
        "model/weights.bin": "w",
        "code/score.py": "def init(): ...",
        "build/Dockerfile": "FROM scratch",
        "conda.yml": "dependencies: [python=3.11]",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def estates(folder: Path, *whole: str) -> Strategy:
    """Estates as plain values, accepted by `StackSpec.from_args`; `folder` has been through `write_files`.

    With `whole` blocks, these in all their variety and the others only as far as they must be: more of what matters in
    a bounded number of examples.
    """
    schema = StackSpec.model_json_schema()
    maker = _Maker(schema["$defs"], _sense(folder))
    wanted = {"stage", "tags", *whole} if whole else set(schema["properties"])
    blocks = {key: node for key, node in schema["properties"].items() if key in wanted}
    made = maker.block("", {"properties": blocks, "required": [*whole, "stage"]})
    return made.map(_in_a_workspace).map(_with_traffic).map(_accepted)


class _Maker:
    """Strategies of a schema's nodes; blocks are made once each."""

    def __init__(self, definitions: dict[str, Any], sense: dict[str, Strategy]) -> None:
        self._definitions, self._sense = definitions, sense
        self._blocks: dict[str, Strategy] = {}

    def block(self, name: str, schema: dict[str, Any]) -> Strategy:
        """An object, its optional fields each there or not. What exists already is rare: it excludes the rest."""
        fields = {key: self._field(name, key, node) for key, node in schema["properties"].items()}
        existing = fields.pop("existing", None)
        needed = {"path", "image", *schema.get("required", ())} & fields.keys()
        made = st.fixed_dictionaries(
            {key: fields[key] for key in needed},
            optional={key: field for key, field in fields.items() if key not in needed},
        )
        if existing is None:
            return made
        theirs = st.fixed_dictionaries({"existing": existing}, optional=fields)
        return st.integers(0, 9).flatmap(lambda n: theirs if n == 0 else made)

    def _field(self, block: str, key: str, node: dict[str, Any]) -> Strategy:
        known = self._sense.get(f"{block}.{key}", self._sense.get(key))
        return self._node(node, key) if known is None else known

    def _node(self, node: dict[str, Any], key: str) -> Strategy:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            if name not in self._blocks:
                self._blocks[name] = self.block(name, self._definitions[name])
            return self._blocks[name]
        if options := node.get("anyOf") or node.get("oneOf"):
            return st.one_of([self._node(option, key) for option in _told_apart(options)])
        if "enum" in node:
            return st.sampled_from(node["enum"])
        if node["type"] == "array":
            return st.lists(self._node(node["items"], key), min_size=1, max_size=3)
        if node["type"] == "object":
            inner = node.get("additionalProperties")
            of = self._node(inner, key) if isinstance(inner, dict) else _TEXT
            return st.dictionaries(_KEYS, of, min_size=1, max_size=2)
        return self._scalar(node, key)

    def _scalar(self, node: dict[str, Any], key: str) -> Strategy:
        if node["type"] == "boolean":
            return st.booleans()
        if node["type"] in ("integer", "number"):
            low, high = node.get("minimum", 0), node.get("maximum", 9)
            return st.sampled_from(sorted({low, min(low + 1, high), high}))
        if (form := node.get("description", "")).startswith("/subscriptions/"):
            return st.just(f"{_ID}/{form.partition(' or ')[0].partition('/providers/')[2].replace('NAME', NAME)}")
        if key == "name":
            low, high = node.get("minLength", 3), min(node.get("maxLength", 20), 60)
            return st.sampled_from([NAME, "other2", "a" * low, "b" * high])
        return _TEXT


def _told_apart(options: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Options but nothing and other spellings: how a value may be spelled is no business of a body."""
    kept = [option for option in options if option.get("type") != "null"]
    if any("enum" in option or option.get("type") in ("boolean", "integer", "number") for option in kept):
        return [kept[0]]
    return kept


_TEXT = st.sampled_from(["x", "Größe: 5 µm", "a 'b' \"c\"\nd", "0"])
_KEYS = st.sampled_from(["request", "team", "KEY_1"])


def _sense(folder: Path) -> dict[str, Strategy]:
    """Values of fields, by name or by `Block.name`, that must mean something."""
    machine = f"{_ID}/Microsoft.MachineLearningServices"
    identity = f"{_ID}/Microsoft.ManagedIdentity/userAssignedIdentities"
    vault = f"https://{NAME}.vault.azure.net"
    ranges = st.sampled_from(["203.0.113.7", "203.0.113.0/24"])
    probe = st.integers(1, 60)

    def asset(kind: str, inline: Strategy) -> Strategy:
        return inline | st.sampled_from(
            [
                f"azureml:{NAME}@latest",
                "azureml:elsewhere:3",
                f"azureml://registries/r/{kind}/m/versions/1",
                f"{machine}/workspaces/w/{kind}/m/versions/1",
            ]
        )

    return {
        "location": st.sampled_from(["eastus", "West Europe"]),
        "resource_group": st.sampled_from(["rg", {"existing": _ID.removesuffix("/providers")}]),
        "ModelSpec.path": st.just(str(folder / "model")),
        "ModelSpec.flavors": st.just({"python_function": {"loader_module": "m"}}),
        "BuildSpec.path": st.just(str(folder / "build")),
        "BuildSpec.dockerfile_path": st.just("Dockerfile"),
        "conda_file": st.sampled_from([str(folder / "conda.yml"), {"dependencies": ["python=3.11"]}]),
        "CodeConfigurationSpec.code": st.just(str(folder / "code")),
        "scoring_script": st.just("score.py"),
        "RouteSpec.path": st.just("/score"),
        "version": st.sampled_from(["1", 3, "v1.2"]),
        "endpoint_name": st.nothing(),
        "OnlineDeploymentSpec.model": asset("models", st.just({"path": str(folder / "model")})),
        "OnlineDeploymentSpec.environment": asset("environments", st.just({"image": "registry.example/i:1"})),
        "instance_type": st.sampled_from(["Standard_DS3_v2", "standard_nc4as_t4_v3"]),
        "environment_variables": st.dictionaries(
            _KEYS, st.sampled_from(["v", 5, True, {"secret": "token"}, {"key_vault": f"{vault}/secrets/s"}]), max_size=2
        ),
        **dict.fromkeys(("initial_delay", "period", "timeout"), probe),
        "user_assigned_identities": st.lists(
            st.sampled_from([NAME, "id-2"]).map(lambda name: {"resource_id": f"{identity}/{name}"}),
            min_size=1,
            max_size=2,
            unique_by=str,
        ),
        "ip_rules": st.lists(ranges, min_size=1, max_size=2),
        "NetworkAclsSpec.ip_rules": st.lists(ranges.map(lambda value: {"value": value}), min_size=1, max_size=2),
        "address_prefixes": st.lists(ranges, min_size=1, max_size=2),
        "port_ranges": st.sampled_from(["443", "80, 8080-8089", 5]),
        "service_tag": st.just("DataFactory"),
        "FqdnRuleSpec.destination": st.sampled_from(["www.contoso.com", "*.fabrikam.com"]),
        "fqdns": st.just(["files.example.org"]),
        "service_resource_id": st.just(f"{_ID}/Microsoft.Storage/storageAccounts/{NAME}"),
        "subresource_target": st.sampled_from(["blob", "file"]),
        "key_uri": st.sampled_from([f"{vault}/keys/k/{'0' * 32}", f"{vault}/keys/k"]),
        "custom_subnet": st.just(f"{_ID}/Microsoft.Network/virtualNetworks/{NAME}/subnets/{NAME}"),
    }


def _in_a_workspace(estate: dict[str, Any]) -> dict[str, Any]:
    return {"workspace": {"name": NAME}, **estate}


def _with_traffic(estate: dict[str, Any]) -> dict[str, Any]:
    """All to an endpoint's first deployment, a copy to its second: shares made at random never add up."""
    made = copy.deepcopy(estate)
    for endpoint in made.get("online_endpoints", []):
        names = [deployment["name"] for deployment in endpoint.get("deployments", [])]
        if names:
            endpoint["traffic"] = {names[0]: 100}
        if mirrored := endpoint.pop("mirror_traffic", None):
            endpoint["mirror_traffic"] = dict.fromkeys(names[1:2], min(50, *mirrored.values()))
    return made


def _accepted(estate: dict[str, Any]) -> dict[str, Any]:
    """Take out what is refused until nothing is; an estate that nothing helps is none."""
    made = copy.deepcopy(estate)
    for _ in range(_ROUNDS):
        try:
            StackSpec.from_args(made)
        except SpecError as error:
            for problem in error.problems:
                _take_out(made, problem.path.split("."))
        else:
            return made
    assume(False)
    return made


def _take_out(block: Any, path: list[str]) -> None:
    """Remove what is at the path, or what is nearest around it: things in lists are named by their name or index."""
    around, key, here = None, None, block
    for step in path:
        found = step if isinstance(here, dict) and step in here else _index(here, step)
        if found is None:
            break
        around, key, here = here, found, here[found]
    if around is not None:
        del around[key]


def _index(items: Any, step: str) -> int | None:
    if not isinstance(items, list):
        return None
    named = [index for index, item in enumerate(items) if isinstance(item, dict) and item.get("name") == step]
    return named[-1] if named else int(step) if step.isdigit() and int(step) < len(items) else None
