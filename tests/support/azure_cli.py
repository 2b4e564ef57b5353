"""What stands for `az` where somebody is signed in to the local Azure: its subscription, and tokens for a resource.

Signed in is who has the variables of the local Azure; anybody else is told what `az` tells him.
"""

import json
import os
import ssl
import sys
import time
import urllib.parse
import urllib.request


def main(arguments: list[str]) -> None:
    """Answer the two commands that are asked for: `account show`, `account get-access-token`."""
    who = {name: os.environ.get(f"AZURE_{name}", "") for name in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID")}
    if not all(who.values()):
        sys.exit("ERROR: Please run 'az login' to setup account.")
    if arguments[:2] == ["account", "show"]:
        sys.stdout.write(os.environ["AZURE_SUBSCRIPTION_ID"] + "\n")
        return
    assert arguments[:2] == ["account", "get-access-token"], arguments
    resource = arguments[arguments.index("--resource") + 1]
    url = f"{os.environ['AZURE_AUTHORITY_HOST']}/{who['TENANT_ID']}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": who["CLIENT_ID"], "client_secret": who["CLIENT_SECRET"]}
    asked = urllib.parse.urlencode({**form, "scope": f"{resource}/.default"}).encode()
    trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    with direct.open(url, asked) as answer:
        token = json.load(answer)
    until = int(time.time()) + token["expires_in"]
    json.dump({"accessToken": token["access_token"], "expires_on": until, "tokenType": "Bearer"}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
