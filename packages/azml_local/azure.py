"""What every part of a local Azure may need, in one place."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from azml_local.arm.store import Store
from azml_local.home import Home, Identity
from azml_local.settings import Settings
from azml_local.tokens import Tokens

if TYPE_CHECKING:
    from azml_local.arm.faults import Faults
    from azml_local.arm.operations import Operations
    from azml_local.arm.types import Types
    from azml_local.blobs.files import BlobFiles
    from azml_local.containers import ContainerPlane
    from azml_local.registry import Registries
    from azml_local.scoring import DataPlane


@dataclass
class Azure:
    """One local Azure. `types` and `operations` need it themselves: whoever puts it together sets them right after."""

    home: Home
    identity: Identity
    settings: Settings
    store: Store
    tokens: Tokens
    blobs: "BlobFiles"
    registries: "Registries"
    plane: "DataPlane"
    containers: "ContainerPlane"
    faults: "Faults"
    url: str
    """`https://127.0.0.1:PORT`."""
    types: "Types" = field(init=False)
    operations: "Operations" = field(init=False)

    @property
    def authority(self) -> str:
        """Host and port, as in the suffix of blob addresses."""
        return self.url.removeprefix("https://")
