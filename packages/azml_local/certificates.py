"""HTTPS on loopback: a certificate authority of this home's own, and the server's certificate.

Owns making and renewing both. Run as a process of its own (`python -m azml_local.certificates HOME`) so that the server
never loads the cryptography it needs only once in a while. The authority is trusted by environment variables, never
system-wide.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azml_local.home import Home, write_json, write_private

NAMES = ("127.0.0.1", "localhost", "*.blob.core.azlocal.test", "*.blob.core.windows.net", "*.vault.azure.net")
"""Those of the public cloud lead here through `tunnel` alone."""
_CA_DAYS, _LEAF_DAYS, _RENEW_DAYS = 3650, 397, 30  # 397: the longest that public clients accept for a leaf


def server(home: Home) -> Path:
    """Name the file of the server's certificate and key."""
    return home.certificates / "server.pem"


def ensure(home: Home, now: datetime | None = None) -> Path:
    """Give the server's certificate with its key; makes what is missing or near its end. ≈ 0.5 s when it does."""
    until = home.certificates / "until.json"
    leaf = server(home)
    now = now or datetime.now(UTC)
    good = leaf.exists() and home.ca.exists() and home.bundle.exists() and until.exists()
    kept = json.loads(until.read_text()) if good else {}
    if kept.get("names") == [*NAMES] and datetime.fromisoformat(kept["leaf"]) - now > timedelta(days=_RENEW_DAYS):
        return leaf
    command = [sys.executable, "-m", __name__, str(home.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"certificates could not be made: {done.stderr.strip().splitlines()[-1:]}")
    return leaf


def _make(home: Home) -> None:
    import certifi
    import trustme

    now = datetime.now(UTC)
    until = home.certificates / "until.json"
    kept = json.loads(until.read_text()) if until.exists() else None
    key = home.certificates / "ca.key.pem"
    fresh = kept is not None and datetime.fromisoformat(kept["ca"]) - now > timedelta(days=_LEAF_DAYS)
    if fresh and key.exists() and home.ca.exists():
        authority = trustme.CA.from_pem(home.ca.read_bytes(), key.read_bytes())
        ca_until = datetime.fromisoformat(kept["ca"]) if kept else now
    else:
        authority = trustme.CA(organization_name="azml local Azure")
        ca_until = now + timedelta(days=_CA_DAYS)
        write_private(key, authority.private_key_pem.bytes())
        write_private(home.ca, authority.cert_pem.bytes())
    leaf_until = now + timedelta(days=_LEAF_DAYS)
    leaf = authority.issue_cert(*NAMES, organization_name="azml local Azure", not_after=leaf_until)
    write_private(server(home), leaf.private_key_and_cert_chain_pem.bytes())
    write_private(home.bundle, Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())
    write_json(until, {"ca": ca_until.isoformat(), "leaf": leaf_until.isoformat(), "names": NAMES})


if __name__ == "__main__":
    _make(Home(Path(sys.argv[1])))
