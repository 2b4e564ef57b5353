"""Asset versions: immutable, named by their content, archived instead of deleted.

Owns what models, codes and environments share: adopting a version that is there with the same content, refusing one
with other content, archiving and bringing back. Deliberately nothing of what is in them (one file a kind).
"""

from typing import Any, ClassVar

from azml.resources.arm_id import ArmId
from azml.resources.content import VERSION_LENGTH
from azml.resources.errors import Refused
from azml.resources.handler import ML, Difference, Handler, Live, Values, present, require
from azml.resources.wire import UNKNOWN, has_unknown
from azml.resources.work import Work

CONTENT = "azml.content"
"""Property of a version that says which content it was made from. ARM never lets it be altered."""


class AssetHandler(Handler):
    """CRUD of one kind of asset version."""

    collection: ClassVar[str]
    """Its place under a workspace: models, codes or environments."""
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
        if found is None:
            return None
        properties = found["properties"]
        own = {key: value for key, value in (properties.get("properties") or {}).items() if key != CONTENT}
        inputs = {
            "workspaceId": id_.parent.parent.text,
            "name": id_.parent.name,
            "version": id_.name,
            "contentHash": (properties.get("properties") or {}).get(CONTENT),
            "description": properties.get("description"),
            "tags": properties.get("tags") or None,
            "properties": own or None,
            **self.seen(properties),
        }
        return Live(present(inputs), {"archived": properties.get("isArchived", False)})

    def difference(self, work: Work, old: Values, state: Values, inputs: Values) -> Difference:
        """As everywhere, but a version's content cannot change: said here, so that a preview says it."""
        found = super().difference(work, old, state, inputs)
        if not found.replaced and "contentHash" in found.changed and not has_unknown(inputs["contentHash"]):
            raise Refused(
                f"{inputs['name']} {inputs['version']} has other content now, and a version never changes.\n"
                "Give the new content a new version, or leave `version` out: azml then names it by its content."
            )
        return found

    def compare(self, inputs: Values, live: Live) -> dict[str, str]:
        """Archived, or described otherwise, behind our back. What a version was made from cannot drift."""
        drifted = super().compare(inputs, live)
        if live.outputs["archived"]:
            drifted["archived"] = f"The {self.what} was archived in Azure: it is brought back."
        return {name: remark for name, remark in drifted.items() if name in {"archived", "tags", "description"}}

    def create(self, work: Work, inputs: Values) -> Values:
        """Adopt the version if it is there with this content, else make it."""
        id_ = self.arm_id(inputs)
        found = work.arm.find(id_.text, ML)
        if found is None:
            return self._make(work, id_, inputs)
        self._same_content(id_, found["properties"], inputs)
        return self._keep(work, id_, found, inputs, {})

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Tags and description in place; made again where it is gone."""
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
        own = {**inputs.get("properties", {}), CONTENT: inputs["contentHash"]}
        common = {"description": inputs.get("description"), "tags": inputs.get("tags")}
        self._put(work, id_, {**present(common), **self.body(work, inputs), "properties": own, "isArchived": False})
        return {**inputs, "archived": False}

    def _keep(self, work: Work, id_: ArmId, found: Values, inputs: Values, old: Values) -> Values:
        """Bring tags, description and the archive flag to what is wanted; nothing else of a version can change."""
        live = found["properties"]
        left_out = (old.get("tags") or {}).keys() - (inputs.get("tags") or {}).keys()
        tags = {key: value for key, value in (live.get("tags") or {}).items() if key not in left_out}
        wanted = {**live, "tags": {**tags, **(inputs.get("tags") or {})}, "isArchived": False}
        if inputs.get("description") is not None:
            wanted["description"] = inputs["description"]
        if wanted != {"tags": {}, "isArchived": False, **live}:
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
