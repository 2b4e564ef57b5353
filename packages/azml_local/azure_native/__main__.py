"""`python -m azml_local.azure_native ENGINE`: the plugin's process."""

import sys

from azml_protocol.messages import without_the_sdk

if __name__ == "__main__":
    without_the_sdk()
    from azml_local.azure_native.provider import Provider
    from azml_local.stand_in import server

    server.main("azure-native", "pulumi_azure_native", Provider, sys.argv[1:])
