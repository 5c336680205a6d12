"""Free TCP ports for embedded services."""

import random
import socket

LOOPBACK = "127.0.0.1"

# Below the ports that systems hand out to outgoing connections, so that none of those takes a
# port between our look and the service's own bind; also with `GRPC_OFFSET` added.
_CANDIDATES = range(10_240, 22_000)
GRPC_OFFSET = 10_000


def free_ports(count: int) -> list[int]:
    """Different ports that nothing listens on, neither there nor `GRPC_OFFSET` above."""
    found: list[int] = []
    for port in random.sample(_CANDIDATES, len(_CANDIDATES)):
        if len(found) == count:
            break
        if _is_free(port) and _is_free(port + GRPC_OFFSET):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
