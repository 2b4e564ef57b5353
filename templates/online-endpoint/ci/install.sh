#!/usr/bin/env bash
# azml from the wheel that it is given: AZML_WHEEL (a path or a URL), else the one in wheels/. Never by its name alone.
set -euo pipefail
. ci/environment.sh

wheel=${AZML_WHEEL:-}
if [ -z "$wheel" ]; then
  wheels=(wheels/azml-*.whl)
  if [ ${#wheels[@]} -ne 1 ] || [ ! -f "${wheels[0]}" ]; then
    echo "There has to be one wheel of azml: in wheels/, or set the variable AZML_WHEEL to its path or URL." >&2
    exit 1
  fi
  wheel=${wheels[0]}
fi
[ -d .venv ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check "$wheel"

if [ "$(pulumi version 2> /dev/null)" != "v$PULUMI_VERSION" ]; then
  curl -fsSL https://get.pulumi.com | sh -s -- --version "$PULUMI_VERSION"
fi
azml plugin install
