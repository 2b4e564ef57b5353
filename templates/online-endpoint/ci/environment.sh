# Sourced by the other scripts: programs of this project, and who is signed in.
PULUMI_VERSION=3.259.0
export PATH="$PWD/.venv/bin:$HOME/.pulumi/bin:$PATH"
export PULUMI_SKIP_UPDATE_CHECK=true

# Azure Pipelines gives its service connection's token to AzureCLI@2 (addSpnToEnvironment); GitHub's is asked for anew
# whenever it is needed.
if [ -n "${idToken:-}" ]; then
  export ARM_USE_OIDC=true ARM_CLIENT_ID="$servicePrincipalId" ARM_TENANT_ID="$tenantId" ARM_OIDC_TOKEN="$idToken"
  ARM_SUBSCRIPTION_ID=$(az account show --query id --output tsv)
  export ARM_SUBSCRIPTION_ID
fi
