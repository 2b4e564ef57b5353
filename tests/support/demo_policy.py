"""`make demo-policy`: what the pack says of Microsoft's own FPGA sample, by the real engine.

Ends well where the cluster is refused. The provider takes everything, so that nobody needs Azure to see it.
"""

import sys
import tempfile
from pathlib import Path

from azml_cli.engine import bin_dir
from tests.support.policy_engine import ROOT, PolicyEngine


def main() -> None:
    """Preview samples/aks-floor as stage prod would see it."""
    with tempfile.TemporaryDirectory(prefix="azml-") as folder:
        engine = PolicyEngine.make(Path(folder), bin_dir())
        project = ROOT / "samples" / "aks-floor"
        engine.run(project, "stack", "init")
        done, findings = engine.with_pack("preview", project)
        engine.run(project, "stack", "rm", "--yes")
    sys.stdout.write(done.stdout + done.stderr)
    sys.exit(0 if done.returncode and [each["policyName"] for each in findings] == ["aks-12-vcpu"] else 1)


if __name__ == "__main__":
    main()
