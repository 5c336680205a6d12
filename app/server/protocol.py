"""HTTP/1.1 and WebSocket as uvicorn speaks them, with an end to what a connection may hold.

A request's body has a limit of its own. uvicorn's parser keeps headers and trailers without any,
and does so before anyone has shown a token. What it sends waits for as long as a client takes
nothing of it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST_HEADER_BYTES = 65_536
"""Longest request line, headers and trailers together; what one read brings may come on top."""

_FRAMING_PER_BODY_BYTE = 16
"""What a body may take for its division into chunks."""

HEAD_SECONDS = 20.0
"""How long a connection may take until it has sent the headers of its first request, or of the next
one. uvicorn closes idle connections before that, but waits for ever where a byte comes now and
then, or where none ever came."""

STALLED_SECONDS = 60.0
"""How long a client may take nothing of what it was sent."""

END_STREAMS = "end_streams"
"""Under this name the application leaves in its state what ends its streams."""

_REFUSAL = b"The request's headers are too long."
_RESPONSE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\n"
    b"connection: close\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
)


class LimitedHttpProtocol(HttpToolsProtocol):
    """Ends a connection that sends headers without end or too slowly, or takes nothing of what it
    is sent.
    """

    _beside_body = 0
    _headless: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # As uvicorn has it.
        """Wait for the first request, but not for ever."""
        super().connection_made(transport)
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Take the headers, by which the request begins; what it may take is its own limit."""
        _cancel(self._headless)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it is here already."""
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()

    def _expect_head(self) -> None:
        _cancel(self._headless)
        self._headless = self.loop.call_later(HEAD_SECONDS, self.transport.close)

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

    def pause_writing(self) -> None:
        """Wait for the client, but not for ever."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        _cancel(self._stalled)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _cancel(self._headless)
        _cancel(self._stalled)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Take no more requests. Streams have no end of their own that one could wait for."""
        end_streams = self.app_state.get(END_STREAMS)
        if end_streams is not None:
            end_streams()
        super().shutdown()


class LimitedWebSocketProtocol(WebSocketsSansIOProtocol):
    """Ends a connection that takes nothing of what it is sent, and reads nothing of it meanwhile.

    uvicorn answers each ping as it comes, so that pings without end would fill its memory.
    """

    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Wait for the client, but not for ever."""
        super().pause_writing()
        self.transport.pause_reading()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        _cancel(self._stalled)
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    async def receive(self) -> Any:
        """The next message; taking it lets uvicorn read on, but not before it can write."""
        message = await super().receive()
        if not self.writable.is_set() and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _cancel(self._stalled)
        super().connection_lost(exc)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
