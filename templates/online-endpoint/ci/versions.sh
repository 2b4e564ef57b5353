#!/usr/bin/env bash
# What a stage runs, on one line.
set -euo pipefail
. ci/environment.sh

pulumi stack output versions --stack "$1" --non-interactive
