"""Container services by the names that people gave them: where they are, how they are asked, what they say.

Owns finding them: the group's id and the keys are outputs of the stack, the address is ARM's answer. Deliberately
prints nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azml_cli import render

if TYPE_CHECKING:
    from azml.resources.arm_id import ArmId
    from azml.resources.service_client import ServiceClient
    from azml.spec.container_service import ContainerServiceSpec
    from azml_cli.azure import StackAzure

RECENT_LINES = 12


@dataclass
class Service:
    """A container service of a stack, which is up."""

    there: "StackAzure"
    spec: "ContainerServiceSpec"
    id: "ArmId"

    @cached_property
    def group(self) -> dict[str, Any]:
        """What ARM says of its group."""
        from azml.resources.container_groups import ACI

        return self.there.arm.get(self.id.text, ACI)

    def client(self) -> "ServiceClient":
        """What asks it, by the stack's own key; ends the command where nothing can."""
        from azml.resources.container_groups import Address
        from azml.resources.service_client import ServiceClient, Tls

        address = Address.of(self.group)
        if address is None:
            render.fail(f"Service {self.spec.name} has no address: priority is spot, or its group is not up.")
        key, ssl = None, self.spec.ssl
        if self.spec.auth_mode == "key":
            key = (self.there.output("container_service_keys") or {})[self.spec.name]["primary"]
        tls = None if ssl is None else Tls(ssl.cname, ssl.cert_file.read_text(encoding="ascii"))
        return ServiceClient(address, key, tls)

    def log(self, lines: int) -> str:
        """The end of its container's log."""
        from azml.resources.container_groups import log

        return log(self.there.arm, self.id, self.group, lines).rstrip("\n")

    def recent_log(self) -> str:
        """What its container said last, as the end of a message."""
        return f"\n\nLast lines of its log (more: azml logs {self.spec.name}):\n{self.log(RECENT_LINES)}"


def service(there: "StackAzure", name: str) -> Service | None:
    """The container service that a stack calls so; None where it has none. Ends the command where it is not up."""
    from azml.resources.arm_id import ArmId

    spec = next((each for each in there.spec.container_services if each.name == name), None)
    if spec is None:
        return None
    id_ = (there.output("container_services") or {}).get(name)
    if id_ is None:
        render.fail(f"Container service {name} is not up yet.\nMake it: azml up --local, or pulumi up -s STACK")
    return Service(there, spec, ArmId.parse(id_))
