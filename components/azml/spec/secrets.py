"""Values that the estate only points to: secrets of the Pulumi project and of a key vault.

Owns the two pointers. Deliberately never holds, reads or prints a value.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from azml.spec.base import Spec
from azml.spec.types import AnyText, written


class PulumiSecret(Spec):
    """A secret of this Pulumi project: `pulumi config set --secret NAME`."""

    secret: Annotated[str, written(r"([\w-]+:)?[\w.-]+", "the name of a config key", "letters, digits, _ . -")]
    """Name of the secret's config key, without the project's namespace."""


class KeyVaultSecret(Spec):
    """A secret of a key vault."""

    key_vault: Annotated[
        str,
        written(
            r"https://[a-zA-Z0-9-]+\.vault\.[a-z.]+/secrets/[a-zA-Z0-9-]+(/[a-zA-Z0-9]+)?/?",
            "the identifier of a secret",
            "https://VAULT.vault.azure.net/secrets/NAME, with or without a version",
        ),
    ]
    """Secret identifier: https://VAULT.vault.azure.net/secrets/NAME, with or without a version."""


def _kind(value: Any) -> str:
    if isinstance(value, KeyVaultSecret) or (isinstance(value, dict) and "key_vault" in value):
        return "<key_vault>"
    return "<secret>" if isinstance(value, dict | PulumiSecret) else "<text>"


Variable = Annotated[
    Annotated[AnyText, Tag("<text>")]
    | Annotated[PulumiSecret, Tag("<secret>")]
    | Annotated[KeyVaultSecret, Tag("<key_vault>")],
    Discriminator(_kind),
    Field(description="Text, `{secret: NAME}` or `{key_vault: URI}`."),
]
"""The value of an environment variable."""
