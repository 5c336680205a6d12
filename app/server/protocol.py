"""HTTP/1.1 as uvicorn speaks it, with an end to what a request may hold beside its body.

The body has a limit of its own. uvicorn's parser keeps headers and trailers without any, and does
so before anyone has shown a token.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 65_536
"""Longest request line, headers and trailers together; what one read brings may come on top."""

_FRAMING_PER_BODY_BYTE = 16
"""What a body may take for its division into chunks."""

_REFUSAL = b"The request's headers are too long."
_RESPONSE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """Ends a connection that sends headers without end."""

    _beside_body = 0

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        self._beside_body += len(data)
        super().data_received(data)
        if self._beside_body > MOST_HEADER_BYTES and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_RESPONSE)
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, which does not count here."""
        self._beside_body = max(0, self._beside_body - _FRAMING_PER_BODY_BYTE * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count anew: the request is whole."""
        self._beside_body = 0
        super().on_message_complete()
