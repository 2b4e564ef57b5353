"""The password of a token of a container registry: made once, known to the stack's state alone.

Owns making it. Azure shows a password only when it makes one, so a password that was made anew elsewhere makes this one
useless: the next update makes it again. Deliberately makes neither the token nor its scope: those are azure-native's.
"""

from datetime import datetime
from typing import TypedDict

import pulumi

from azml.resources.arm_id import ArmId
from azml.resources.errors import Refused
from azml.resources.handler import GONE, Handler, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.wire import has_unknown
from azml.resources.work import Work

ACR = "2024-11-01-preview"
"""API version of Microsoft.ContainerRegistry that has tokens: the one of azure-native 3.29's `Token`."""
PASSWORD = "password1"  # noqa: S105 - its name
"""Of the two that a token has. The second one is left to people."""


class RegistryCredentialArgs(TypedDict):
    """Arguments of `RegistryCredential`."""

    token_id: pulumi.Input[str]
    """ARM id of the token."""


class RegistryCredential(AzmlResource):
    """A password of a token. To have another, `pulumi up --replace` it."""

    username: pulumi.Output[str]
    """Name of the token: the user name that goes with the password."""
    password: pulumi.Output[str]
    """The password."""
    created: pulumi.Output[str]
    """When it was made, by Azure's clock."""

    def __init__(self, name: str, args: RegistryCredentialArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class RegistryCredentialHandler(Handler):
    """CRUD of `RegistryCredential`."""

    what = "registry credential"
    identity = frozenset({"tokenId"})
    computed = frozenset({"username", "password", "created"})
    kept = frozenset({"password", "created"})

    def check(self, inputs: Values) -> Values:
        """The token is named."""
        require(inputs, ["tokenId"], self.what)
        return inputs

    def arm_id(self, inputs: Values) -> ArmId:
        """That of the token."""
        return ArmId.parse(inputs["tokenId"])

    def create(self, work: Work, inputs: Values) -> Values:
        """Make the password; one that was there is void from now on."""
        token = self.arm_id(inputs)
        asked = {"tokenId": token.text, "name": PASSWORD}
        made = work.arm.act(f"{token.parent.text}/generateCredentials", ACR, work, asked)
        password = next(one for one in made["passwords"] if one["name"] == PASSWORD)
        return {
            **inputs,
            "username": made["username"],
            "password": password["value"],
            "created": password["creationTime"],
        }

    def left(self, work: Work, inputs: Values) -> Values | None:  # noqa: ARG002
        """Nothing: a password that no state has, nobody has."""
        return None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """Make it anew."""
        return self.create(work, inputs)

    def delete(self, work: Work, state: Values) -> None:
        """Nothing: it goes with its token."""

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:
        """The token is gone, or has another password since."""
        if has_unknown(inputs):
            return {}
        live = work.arm.find(inputs["tokenId"], ACR)
        if live is None:
            return {GONE: "The token is gone in Azure: its password is made again with it."}
        listed = (live["properties"].get("credentials") or {}).get("passwords") or []
        created = next((one.get("creationTime") for one in listed if one.get("name") == PASSWORD), None)
        if created is not None and _second(created) == _second(state["created"]):
            return {}
        return {"created": f"The password of {self.arm_id(inputs).name} was made anew in Azure: it is made once more."}

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:
        """Gone with its token; the rest is for state to know."""
        if not inputs:
            raise Refused("A registry credential cannot be imported: Azure shows no password a second time.")
        live = work.arm.find(id_, ACR)
        return None if live is None else (inputs, {**inputs, "username": self.arm_id(inputs).name})


def _second(time: str) -> datetime:
    """Azure writes fractions of a second with as many digits as it likes."""
    return datetime.fromisoformat(time).replace(microsecond=0)
