#!/usr/bin/env bash
# Asks each endpoint of a stage: requests/ENDPOINT.json is sent to ENDPOINT-STAGE. What is no answer of the model fails.
set -euo pipefail
. ci/environment.sh

for request in requests/*.json; do
  azml invoke "$(basename "$request" .json)-$1" --stack "$1" --request "$request"
done
