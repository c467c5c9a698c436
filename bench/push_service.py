"""A push service that takes everything at once: bare asyncio and nothing of ours, so that it slows nobody down."""

from __future__ import annotations

import asyncio
import sys

ANSWER = b"HTTP/1.1 201 Created\r\nLocation: /m/1\r\nTTL: 86400\r\nContent-Length: 0\r\n\r\n"
LENGTH = b"content-length:"


class Service(asyncio.Protocol):
    """One connection: as many posts as come, each answered when its whole body is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins with nothing read."""
        assert isinstance(transport, asyncio.Transport)
        self.wire = transport
        self.read = b""

    def data_received(self, data: bytes) -> None:
        """Answers every whole post in what was read."""
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            head = self.read[:end].lower()
            place = head.find(LENGTH)
            length = int(head[place + len(LENGTH) :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self.read) < end + 4 + length:
                return
            self.read = self.read[end + 4 + length :]
            self.wire.write(ANSWER)


async def main(port: int) -> None:
    """Serves until it is stopped."""
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
