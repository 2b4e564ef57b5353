"""Errors of the storage service: a code in a header, and a small XML document."""

import re
from xml.sax.saxutils import escape

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that an XML 1.0 document cannot hold."""


class BlobError(Exception):
    """A refusal: HTTP status, the service's code, and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def document(self) -> bytes:
        """Write it the way the service does."""
        text = f"<Error><Code>{self.code}</Code><Message>{escape(NOT_XML.sub('?', self.message))}</Message></Error>"
        return b'<?xml version="1.0" encoding="utf-8"?>' + text.encode()
