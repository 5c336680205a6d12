"""What can go wrong with embedded services, told in one line."""


class ServiceError(Exception):
    """A service can't be had; the message says why and what to do, to whoever runs us."""

    def __init__(self, message: str) -> None:
        super().__init__("; ".join(message.strip().splitlines()))
