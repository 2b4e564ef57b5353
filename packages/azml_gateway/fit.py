"""Which requests are fit to be answered, judged by their heads: what RFC 9112 says a server must turn down.

What is no HTTP at all, or tells its length twice, the parser has turned down before.
"""

from azml_gateway.call import Call


class UnfitError(Exception):
    """The request is not answered as asked. Arguments: status, text."""


def check(call: Call, names: list[bytes]) -> None:
    """Raise `UnfitError`. `names` are those of all headers."""
    if call.version not in ("1.0", "1.1"):
        raise UnfitError(505, b"HTTP/1.1 is spoken here, and 1.0; this is HTTP/%b." % call.version.encode())
    if call.version == "1.1" and names.count(b"host") != 1:  # RFC 9112 §3.2
        raise UnfitError(400, b"HTTP/1.1 wants one Host header; this request has %d." % names.count(b"host"))
    if b"transfer-encoding" in names:
        if call.version == "1.0":  # RFC 9112 §6.1
            raise UnfitError(400, b"HTTP/1.0 has no Transfer-Encoding.")
        if call.header[b"transfer-encoding"].lower() != b"chunked" or names.count(b"transfer-encoding") > 1:
            raise UnfitError(501, b"The only Transfer-Encoding that is understood is chunked.")
