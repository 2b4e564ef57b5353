"""Where a container service is called: the one rule, for whoever makes it and whoever asks it."""

from azml.resources.container_groups import Address

SCORE = "/score"
"""Route of Microsoft's inference server."""
_PORTS = {"http": 80, "https": 443}


def uri(address: Address, cname: str | None) -> str:
    """Where to send requests to: by the certificate's name where there is one."""
    scheme = "http" if cname is None else "https"
    port = "" if address.port == _PORTS[scheme] else f":{address.port}"
    return f"{scheme}://{cname or address.host}{port}{SCORE}"
