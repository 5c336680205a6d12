"""One-time passwords: told to somebody who then chooses a password of their own."""

import secrets

ONE_TIME_HOURS = 24

_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""None that are taken for one another, since people tell each other these passwords."""

_GROUPS, _GROUP = 4, 4


def one_time_password() -> str:
    """A random password of 80 bits, in groups that can be read out."""
    groups = ("".join(secrets.choice(_CHARACTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
