#!/usr/bin/env bash
# Makes one stage true, by the policies of its level: the preview before it refuses what only the whole program tells.
set -euo pipefail
. ci/environment.sh

pulumi up --stack "$1" --yes --non-interactive --suppress-outputs \
  --policy-pack "$PWD/.venv/bin/azml-policies" --policy-pack-config policies.json
