"""The keys that clients of a service show: made once, and known to the stack's state alone.

Owns making them. They change with nothing: not with an image, not with a setting. Deliberately keeps no key that
somebody else made (the component takes those as they are), and has nothing in Azure.
"""

import secrets
from typing import TypedDict

import pulumi

from azml.resources.errors import Refused
from azml.resources.handler import Handler, Values, require
from azml.resources.resource import AzmlResource
from azml.resources.work import Work

BYTES = 32
"""Of randomness in a key: as many as an endpoint's own keys have, in 43 letters and digits of base64url."""


class ServiceKeysArgs(TypedDict):
    """Arguments of `ServiceKeys`."""

    service: pulumi.Input[str]
    """Name of the service."""


class ServiceKeys(AzmlResource):
    """Two keys of a service. To have others, `pulumi up --replace` it."""

    primary_key: pulumi.Output[str]
    """The first key."""
    secondary_key: pulumi.Output[str]
    """The second key, to change clients over to while the first one is replaced."""

    def __init__(self, name: str, args: ServiceKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)


class ServiceKeysHandler(Handler):
    """CRUD of `ServiceKeys`."""

    what = "pair of keys"
    computed = frozenset({"primaryKey", "secondaryKey"})
    kept = computed
    silent = frozenset({"service"})

    def check(self, inputs: Values) -> Values:
        """The service is named."""
        require(inputs, ["service"], self.what)
        return inputs

    def create(self, work: Work, inputs: Values) -> Values:  # noqa: ARG002
        """Make them."""
        return {**inputs, **{name: secrets.token_urlsafe(BYTES) for name in sorted(self.kept)}}

    def left(self, work: Work, inputs: Values) -> Values | None:  # noqa: ARG002
        """Nothing: keys that no state has, nobody has."""
        return None

    def update(self, work: Work, old: Values, inputs: Values, state: Values) -> Values:  # noqa: ARG002
        """They stay what they are."""
        return {**inputs, **{name: state[name] for name in self.kept}}

    def delete(self, work: Work, state: Values) -> None:
        """Nothing is there."""

    def drift(self, work: Work, inputs: Values, state: Values) -> dict[str, str]:  # noqa: ARG002
        """Nothing is there that could."""
        return {}

    def read(self, work: Work, id_: str, inputs: Values) -> tuple[Values, Values] | None:  # noqa: ARG002
        """What state says; keys of another stack are not to be had."""
        if not inputs:
            raise Refused("Keys of a service cannot be imported: give your own as primary_key and secondary_key.")
        return inputs, dict(inputs)

    def preview_id(self, inputs: Values) -> str:  # noqa: ARG002
        """Unknown: it is made up."""
        return ""

    def id_of(self, inputs: Values, outputs: Values) -> str:  # noqa: ARG002
        """That of the keys is the service's name."""
        return str(inputs["service"])
