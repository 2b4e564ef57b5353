"""A service's own certificate: the files, and that they and the name belong together.

Owns the block `ssl`. Deliberately not who trusts the certificate, and not the DNS record that leads its name to the
service.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Tag

from azml.spec.base import Finding, Spec, rule
from azml.spec.paths import LocalFile
from azml.spec.secrets import PulumiSecret
from azml.spec.types import written

_LABEL = r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HOST_NAME = rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})+"
"""Labels of at most 63 letters, 253 in all (RFC 1035, 2.3.4)."""

_HOSTNAME_MISMATCH = 62
"""X509_V_ERR_HOSTNAME_MISMATCH of OpenSSL's x509_vfy.h."""


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
        elif own_key is not None and not _is_for(self.cname, self.cert_file, own_key):
            yield Finding(
                f"is not a name that {self.cert_file.name} is for: clients would refuse the service",
                ("cname",),
                self.cname,
                allowed="a name of the certificate, which has them as subject alternative names",
                fix="write that name, or bring a certificate for this one",
            )


def _unreadable(certificate: Path) -> str | None:
    try:
        ssl.create_default_context(cafile=certificate)
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        return getattr(error, "reason", None) or str(error)
    return None


def _is_for(name: str, certificate: Path, key: Path) -> bool:
    """Whether clients that trust the certificate take it under the name: a handshake with one, all in memory.

    Its dates do not count: what is valid here stays so.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=name)
    service = server.wrap_bio(up, down, server_side=True)
    try:
        for side in (client, service, client):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_code != _HOSTNAME_MISMATCH
    return True


def _apart(certificate: Path, key: Path) -> str | None:
    try:
        # A passphrase would be asked for at the terminal: an empty one is given instead.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, lambda: "")
    except (OSError, ValueError) as error:
        return getattr(error, "reason", None) or str(error)
    return None
