"""`python -m azml_local.docker ENGINE`: the plugin's process."""

import sys

from azml_protocol.messages import without_the_sdk

if __name__ == "__main__":
    without_the_sdk()
    from azml_local.docker.provider import Provider
    from azml_local.stand_in import server

    server.main("docker", "pulumi_docker", Provider, sys.argv[1:])
