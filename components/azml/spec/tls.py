"""A service's own certificate: the files, and that they belong together.

Owns the block `ssl`. Deliberately not who trusts the certificate, and not the DNS record that leads its name to the
service.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Tag

from azml.spec.base import Finding, Spec, rule
from azml.spec.paths import LocalFile
from azml.spec.secrets import PulumiSecret
from azml.spec.types import written

_HOST_NAME = r"(?=.{1,253}$)[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)+"


def _form(value: Any) -> str:
    return "<secret>" if isinstance(value, dict | PulumiSecret) else "<file>"


class TlsSpec(Spec):
    """A certificate, its key, and the name that it is for: all three, or no TLS."""

    elsewhere: ClassVar = {
        "ssl_cert_pem_file": "write cert_file",
        "ssl_key_pem_file": "write key_file",
        "ssl_cname": "write cname",
        "leaf_domain_label": "Azure makes certificates for AKS only: bring one of your own",
    }

    cert_file: LocalFile
    """PEM file with the certificate, and after it those that lead to a root."""
    key_file: Annotated[
        Annotated[PulumiSecret, Tag("<secret>")] | Annotated[LocalFile, Tag("<file>")], Discriminator(_form)
    ]
    """PEM file with the certificate's key, without a passphrase; or `{secret: NAME}`, whose value is such a text."""
    cname: Annotated[
        str, written(_HOST_NAME, "the name of a host", "a DNS name with a dot, such as models.contoso.com")
    ]
    """DNS name that the certificate is for and clients call: a CNAME record of yours leads it to the service."""

    @rule
    def _a_certificate_and_its_key(self) -> Iterator[Finding]:
        own_key = self.key_file if isinstance(self.key_file, Path) else None
        if (why := _unreadable(self.cert_file)) is not None:
            yield Finding(f"is no PEM certificate: {why}", ("cert_file",), str(self.cert_file))
        elif own_key is not None and (why := _apart(self.cert_file, own_key)) is not None:
            yield Finding(
                f"is not the key of the certificate: {why}",
                ("key_file",),
                str(own_key),
                allowed=f"the PEM key, without a passphrase, that {self.cert_file.name} was made with",
            )


def _unreadable(certificate: Path) -> str | None:
    try:
        ssl.create_default_context(cadata=certificate.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        return getattr(error, "reason", None) or str(error)
    return None


def _apart(certificate: Path, key: Path) -> str | None:
    try:
        # A passphrase would be asked for at the terminal: an empty one is given instead.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:
        return getattr(error, "reason", None) or str(error)
    return None
