"""Asset versions: immutable, named by their content, archived instead of deleted.

Owns what models, codes and environments share: adopting a version that is there with the same content, refusing one
with other content, writing what may change, archiving and bringing back. Deliberately nothing of what is in them (one
file a kind).
"""

from typing import Any, ClassVar

from azml.resources.arm_id import ArmId
from azml.resources.content import VERSION_LENGTH
from azml.resources.errors import Refused
from azml.resources.handler import GONE, ML, Difference, Handler, Live, Values, equal, present, require
from azml.resources.wire import UNKNOWN, has_unknown
from azml.resources.work import Work

CONTENT = "azml.content"
"""Property of a version that says which content it was made from. ARM never lets it be altered."""


class AssetHandler(Handler):
    """CRUD of one kind of asset version."""

    collection: ClassVar[str]
    """Its place under a workspace: models, codes, environments or data."""
    texts: ClassVar[tuple[str, ...]] = ("description",)
    """Inputs that may change in place, called the same in ARM. Tags may too, and properties may be added."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Inputs besides the content that Azure keeps as they were when the version was made."""
    identity = frozenset({"workspaceId", "name", "version"})
    silent = frozenset({"path"})
    """The same content lies elsewhere on another machine."""

    def content(self, inputs: Values) -> str:
        """Digest of what the version is made from. No network."""
        raise NotImplementedError

    def body(self, work: Work, inputs: Values) -> Values:
        """What makes the version: `properties` of the PUT, after whatever upload it needs."""
        raise NotImplementedError

    def seen(self, properties: Values) -> Values:
        """Inputs that the kind's own live properties amount to."""
        raise NotImplementedError

    def check(self, inputs: Values) -> Values:
        """Fill in content and version. Both come from what lies on this machine."""
        require(inputs, ["workspaceId", "name"], self.what)
        content: Any = inputs.get("contentHash")
        if content is None:
            content = UNKNOWN if has_unknown(inputs) else self.content(inputs)
        version: Any = UNKNOWN if content is UNKNOWN else content[:VERSION_LENGTH]
        return {"version": version, **inputs, "contentHash": content}

    def arm_id(self, inputs: Values) -> ArmId:
        """The version's id."""
        workspace = ArmId.parse(inputs["workspaceId"])
        return workspace.child(self.collection, inputs["name"]).child("versions", inputs["version"])

    def look(self, work: Work, id_: ArmId) -> Live | None:
        """What is there; an archived version is there too."""
        found = work.arm.find(id_.text, ML)
        return None if found is None else self._live(id_, found["properties"])

    def _live(self, id_: ArmId, properties: Values) -> Live:
        own = {key: value for key, value in (properties.get("properties") or {}).items() if key != CONTENT}
        inputs = {
            "workspaceId": id_.parent.parent.text,
            "name": id_.parent.name,
            "version": id_.name,
            "contentHash": (properties.get("properties") or {}).get(CONTENT),
            **{name: properties.get(name) or None for name in self.texts},
            "tags": properties.get("tags") or None,
            "properties": own or None,
            **self.seen(properties),
        }
        return Live(present(inputs), {"archived": properties.get("isArchived", False)})

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """As everywhere, but most of a version cannot change: said here, so that a preview says it."""
        found = super().difference(work, old, state, inputs)
        if not found.replaced and "contentHash" in found.changed and not has_unknown(inputs["contentHash"]):
            raise Refused(
                f"{inputs['name']} {inputs['version']} has other content now, and a version never changes.\n"
                "Give the new content a new version, or leave `version` out: azml then names it by its content."
            )
        if not found.replaced and GONE not in found.drifted:
            own, wanted = old.get("properties") or {}, inputs.get("properties") or {}
            removed = [] if has_unknown(wanted) else sorted(own.keys() - wanted.keys())
            fixed = [name for name in self.fixed if name in found.changed and not has_unknown(inputs.get(name))]
            _refuse(inputs, [*fixed, *_named([*_altered(own, wanted), *removed])])
        return found

    def compare(self, inputs: Values, live: Live) -> dict[str, str]:
        """Archived, or described otherwise, behind our back. What a version was made from cannot drift."""
        found = super().compare(inputs, live)
        drifted = {name: remark for name, remark in found.items() if name in {*self.texts, "tags"}}
        for name in (*self.texts, "tags"):
            if inputs.get(name) and not has_unknown(inputs[name]) and name not in live.inputs:
                drifted[name] = f"{name} is not set in Azure: it is set again."
        missing = (inputs.get("properties") or {}).keys() - (live.inputs.get("properties") or {}).keys()
        if missing:
            drifted["properties"] = f"properties lack {', '.join(sorted(missing))} in Azure: added again."
        if live.outputs["archived"]:
            drifted["archived"] = f"The {self.what} was archived in Azure: it is brought back."
        return drifted

    def create(self, work: Work, inputs: Values) -> Values:
        """Adopt the version if it is there with this content, else make it."""
        id_ = self.arm_id(inputs)
        found = work.arm.find(id_.text, ML)
        if found is None:
            return self._make(work, id_, inputs)
        self._same_content(id_, found["properties"], inputs)
        live = self._live(id_, found["properties"]).inputs
        fixed = [name for name in self.fixed if name in inputs and not equal(inputs[name], live.get(name))]
        _refuse(inputs, [*fixed, *_named(_altered(live.get("properties") or {}, inputs.get("properties") or {}))])
        return self._keep(work, id_, found, inputs, {})

    def left(self, work: Work, inputs: Values) -> Values | None:
        """The version, where it has this content: whoever made it, it is the same."""
        found = work.arm.find(self.arm_id(inputs).text, ML)
        if found is None or (found["properties"].get("properties") or {}).get(CONTENT) != inputs["contentHash"]:
            return None
        return {**inputs, "archived": found["properties"].get("isArchived", False)}

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """What may change, in place; made again where it is gone."""
        id_ = self.arm_id(inputs)
        found = work.arm.find(id_.text, ML)
        return self._make(work, id_, inputs) if found is None else self._keep(work, id_, found, inputs, old)

    def delete(self, work: Work, state: Values) -> None:
        """Archive: what was deployed from it can come back. With its workspace gone there is nothing to do."""
        id_ = self.arm_id(state)
        found = work.arm.find(id_.text, ML)
        if found is not None and not found["properties"].get("isArchived"):
            self._put(work, id_, {**found["properties"], "isArchived": True})

    def _make(self, work: Work, id_: ArmId, inputs: Values) -> Values:
        if self.content(inputs) != inputs["contentHash"]:
            raise Refused(f"{inputs.get('path', id_.name)} changed while it was being deployed. Run `pulumi up` again.")
        own = {**(inputs.get("properties") or {}), CONTENT: inputs["contentHash"]}
        common = {name: inputs.get(name) for name in (*self.texts, "tags")}
        self._put(work, id_, {**present(common), **self.body(work, inputs), "properties": own, "isArchived": False})
        return {**inputs, "archived": False}

    def _keep(self, work: Work, id_: ArmId, found: Values, inputs: Values, old: Values) -> Values:
        """Bring what may change to what is wanted: no property that is there is altered or taken away."""
        live = found["properties"]
        left_out = (old.get("tags") or {}).keys() - (inputs.get("tags") or {}).keys()
        tags = {key: value for key, value in (live.get("tags") or {}).items() if key not in left_out}
        gone = {name for name in self.texts if old.get(name) is not None and inputs.get(name) is None}
        wanted = {
            **{name: value for name, value in live.items() if name not in gone},
            **present({name: inputs.get(name) for name in self.texts}),
            "tags": {**tags, **(inputs.get("tags") or {})},
            "properties": {**(inputs.get("properties") or {}), **(live.get("properties") or {})},
            "isArchived": False,
        }
        if wanted != {"tags": {}, "properties": {}, "isArchived": False, **live}:
            self._put(work, id_, wanted)
        return {**inputs, "archived": False}

    def _put(self, work: Work, id_: ArmId, properties: Values) -> None:
        writable = {key: value for key, value in properties.items() if key != "provisioningState"}
        work.arm.put(id_.text, ML, {"properties": writable}, work)

    def _same_content(self, id_: ArmId, properties: dict[str, Any], inputs: Values) -> None:
        content = (properties.get("properties") or {}).get(CONTENT)
        if content == inputs["contentHash"]:
            return
        whose = "with other content" if content else "and was not made by azml"
        raise Refused(
            f"{id_.parent.name} {id_.name} exists in workspace {id_.parent.parent.name} already, {whose}; "
            "a version never changes.\nGive yours another version, or leave `version` out: azml then names it by its "
            f"content. To use the one that exists, refer to it as azureml:{id_.parent.name}:{id_.name}."
        )


def _altered(before: Values, wanted: Values) -> list[str]:
    """Properties that are there and would get another value."""
    return sorted(key for key, value in wanted.items() if key in before and not equal(value, before[key]))


def _named(properties: list[str]) -> list[str]:
    return [f"property {key}" for key in properties]


def _refuse(inputs: Values, changed: list[str]) -> None:
    """`Refused` where something would change that Azure keeps as it was."""
    if changed:
        raise Refused(
            f"{inputs['name']} {inputs['version']} was made with another {', '.join(changed)}, and that never changes: "
            "of a version's properties Azure lets new ones be added, none altered or removed.\n"
            "Put back what was there, or give yours another `version`."
        )
