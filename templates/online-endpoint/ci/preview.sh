#!/usr/bin/env bash
# What the change does to each of the stages: in the log, and as a comment in preview.md. Exit code 3: FAIL_ON has it.
set -euo pipefail
. ci/environment.sh

azml preview "$@" --markdown preview.md --fail-on "$FAIL_ON" \
  --policy-pack "$PWD/.venv/bin/azml-policies" --policy-pack-config policies.json
