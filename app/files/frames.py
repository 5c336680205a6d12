"""What the two sides of a pipe to a worker agree on."""

import struct

LENGTHS = struct.Struct(">II")
"""How long the two parts are that follow: name and content, or findings and thumbnail."""

READY = b"!"
"""What a worker says once it can take files."""
