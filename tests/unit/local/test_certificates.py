"""The server's certificate: made once, again near its end, and again when it lacks a name; the authority stays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azml_local import certificates
from azml_local.home import Home


def test_what_is_missing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    home.make()
    made = certificates.ensure(home).read_bytes()
    authority = home.ca.read_bytes()
    assert certificates.ensure(home).read_bytes() == made
    renewed = certificates.ensure(home, datetime.now(UTC) + timedelta(days=390)).read_bytes()
    assert renewed != made
    monkeypatch.setattr(certificates, "NAMES", (*certificates.NAMES, "new.azlocal.test"))
    assert certificates.ensure(home).read_bytes() != renewed
    assert home.ca.read_bytes() == authority
