"""Why a run failed, out of the journal. Its lines are those that the engine 3.259 wrote."""

import json
from pathlib import Path
from typing import Any

from azml_cli.failures import Failure, of_run

ROLLOUT = "urn:pulumi:local::serving::azml:index:OnlineEndpoint$azml:index:Rollout::diabetes-rollout"
DEPLOYMENT = "urn:pulumi:local::serving::azml:index:OnlineEndpoint$azml:index:ManagedOnlineDeployment::diabetes-b"


def said(message: str, urn: str | None = None, severity: str = "error") -> str:
    about: dict[str, Any] = {} if urn is None else {"urn": urn}
    event = {"message": f"<{{%reset%}}>{message}<{{%reset%}}>\n", "color": "raw", "severity": severity}
    return json.dumps({"sequence": 1, "timestamp": 1, "diagnosticEvent": {**about, **event}})


def test_each_reason_once_and_in_its_own_words(tmp_path: Path) -> None:
    lines = [
        said("traffic: a 90 %, b 10 %", ROLLOUT, "info"),
        said("Release b was put back.\n  golden[0]\n    expected 1\n    seen 2", ROLLOUT),
        said("1 error occurred:\n\t* Deployment b: NotReady\nLast lines of its log:\n  KeyError\n\n", DEPLOYMENT),
        said("Release b was put back.\n  golden[0]\n    expected 1\n    seen 2", ROLLOUT),
        said("update failed"),
        '{"sequence": 9, "diagnosticEvent": {"urn": "urn:pul',
    ]
    journal = tmp_path / "events.json"
    journal.write_text("\n".join(lines))
    rollout, deployment = of_run(journal)
    assert rollout == Failure(
        "azml:index:Rollout", "diabetes-rollout", "Release b was put back.\n  golden[0]\n    expected 1\n    seen 2"
    )
    assert rollout.headline == "Release b was put back."
    assert deployment.reason == "Deployment b: NotReady\nLast lines of its log:\n  KeyError"


def test_a_plugin_that_was_killed(tmp_path: Path) -> None:
    """The engine calls it a bug of the provider, always; the resource's own reason is gRPC's."""
    journal = tmp_path / "events.json"
    journal.write_text(said("error reading from server: EOF", ROLLOUT))
    (rollout,) = of_run(journal)
    assert rollout.headline.startswith("The plugin of azml ended before it was done: it was killed, or")
    assert rollout.headline.endswith("Run it again: it goes on from what is there.")
    assert rollout.reason.endswith("error reading from server: EOF")


def test_without_a_journal_nothing_is_known(tmp_path: Path) -> None:
    assert of_run(tmp_path / "events.json") == []
