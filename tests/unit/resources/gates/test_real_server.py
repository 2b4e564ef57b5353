"""A release whose run() fails, on Microsoft's inference server in a local Azure: what the gates find and say."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from azml.resources.arm import Arm
from azml.resources.arm_id import ArmId
from azml.resources.code_version import CodeVersionHandler
from azml.resources.environment_version import EnvironmentVersionHandler
from azml.resources.gates import ask
from azml.resources.gates.verdict import Outcome
from azml.resources.handler import ML
from azml.resources.scoring import DEPLOYMENT_HEADER
from tests.unit.local import support
from tests.unit.local.support import FakePlane, running
from tests.unit.resources.conftest import Azure
from tests.unit.resources.gates.conftest import NEW, OLD

SCORE = """
import json

def init():
    pass

def run(data):
    return [row["age"] * 2 for row in json.loads(data)["data"]]
"""
REQUEST = {"data": [{"age": 20.5}]}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """A workspace in a local Azure that scores."""
    with running(tmp_path_factory.mktemp("scores"), scores=True) as found, pytest.MonkeyPatch.context() as patch:
        who = found.azure.identity
        patch.setenv("AZURE_AUTHORITY_HOST", found.url)
        patch.setenv("AZURE_TENANT_ID", who.tenant_id)
        patch.setenv("AZURE_CLIENT_ID", who.client_id)
        patch.setenv("AZURE_CLIENT_SECRET", who.client_secret)
        patch.setenv("ARM_CLOUD_METADATA_URL", f"{found.url}/metadata/endpoints?api-version=2019-05-01")
        patch.setenv("REQUESTS_CA_BUNDLE", str(found.home.bundle))
        patch.setenv("SSL_CERT_FILE", str(found.home.bundle))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        with support.Arm(found) as theirs:
            arm = Arm()
            yield Azure(arm, theirs, FakePlane(), theirs.workspace(theirs.group()))
            arm.close()


@pytest.fixture(scope="module")
def endpoint(real: Azure, tmp_path_factory: pytest.TempPathFactory) -> ArmId:
    """Two releases: the new one reads a field that requests do not have."""
    work = real.work(seconds=240)
    environment = EnvironmentVersionHandler()
    wanted = environment.check(
        {"workspaceId": real.workspace, "name": "e", "image": "mcr.microsoft.com/azureml/minimal:1"}
    )
    environment.create(work, wanted)
    made = real.endpoint()
    for name, script in ((OLD, SCORE), (NEW, SCORE.replace('row["age"]', 'row["visits"]'))):
        folder = tmp_path_factory.mktemp(name)
        (folder / "score.py").write_text(script)
        code = CodeVersionHandler()
        given = code.check({"workspaceId": real.workspace, "name": name, "path": str(folder)})
        code.create(work, given)
        real.deployment(
            made,
            name,
            codeId=code.arm_id(given).text,
            environmentId=environment.arm_id(wanted).text,
            model=None,
        )
    return ArmId.parse(made)


def test_a_release_that_fails_in_run(real: Azure, endpoint: ArmId, tmp_path: Path) -> None:
    request, answer = tmp_path / "request.json", tmp_path / "answer.json"
    request.write_text(json.dumps(REQUEST))
    answer.write_text("[41]")
    gates = {"smoke": [str(request)], "golden": [{"request": str(request), "expected": str(answer)}], "schema": True}
    good = ask.before_live(real.work(), gates, endpoint, OLD, None)
    assert [(verdict.gate, verdict.outcome) for verdict in good] == [
        ("smoke[0]", Outcome.PASS),
        ("golden[0]", Outcome.PASS),
        ("schema", Outcome.FAIL),
    ]
    assert "@output_schema" in good[-1].advice

    since = datetime.now(UTC)
    _ask(real, endpoint, 25)
    gates = {"smoke": [str(request)], "maxErrorRate": 0.01, "metrics": {"grain": "PT1S", "lag": "PT1S"}}
    found = _known(real, gates, endpoint, since)
    assert (found.gate, found.outcome) == ("max_error_rate", Outcome.FAIL)
    assert found.seen == "100.00% of 25 requests, 25 of them failed (424: 25)"

    bad = ask.before_live(real.work(), gates, endpoint, NEW, OLD)
    assert bad[0].seen.startswith("424 (the model itself: 500): ")
    text = ask.report(real.work(), gates, endpoint, NEW, [found, *bad], since)
    assert "Gate max_error_rate failed" in text
    assert "Gate smoke[0] failed" in text
    assert 'score.py", line 8, in run' in text
    assert "  KeyError: 'visits'\n" in text
    assert "Likely cause: The scoring script looks for 'visits'" in text
    assert "site-packages" not in text


def _ask(real: Azure, endpoint: ArmId, times: int) -> None:
    """As a client does; each answer is a failure."""
    uri = real.arm.get(endpoint.text, ML)["properties"]["scoringUri"]
    key = real.arm.post(f"{endpoint.text}/listKeys", ML)["primaryKey"]
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", DEPLOYMENT_HEADER: NEW}
    for _ in range(times):
        with pytest.raises(urllib.error.HTTPError, match="424") as failed:
            urllib.request.urlopen(urllib.request.Request(uri, json.dumps(REQUEST).encode(), headers))
        failed.value.close()


def _known(real: Azure, gates: dict[str, Any], endpoint: ArmId, since: datetime) -> Any:
    """The verdict on figures, once all requests are in them."""
    began = since.replace(microsecond=0)
    deadline = time.monotonic() + 20
    while True:
        (found,) = ask.figures(real.work(), gates, endpoint, NEW, OLD, began, 10)
        if "of 25 requests" in found.seen or time.monotonic() > deadline:
            return found
        time.sleep(0.2)
