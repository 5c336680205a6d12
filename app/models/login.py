"""Logins: every attempt to enter an account."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import CustomerRecord, at_most, in_account, one_of, personal


class LoginFailure(StrEnum):
    """Why an attempt was refused; the customer is never told."""

    WRONG_PASSWORD = "WRONG_PASSWORD"  # noqa: S105  This is a reason, no password.
    WRONG_CODE = "WRONG_CODE"
    LOGIN_BLOCKED = "LOGIN_BLOCKED"
    PASSWORD_EXPIRED = "PASSWORD_EXPIRED"  # noqa: S105  As above.
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"


class Login(CustomerRecord):
    """One attempt, successful where no failure is named.

    Whoever guesses without end must not fill the table: of failures beyond some in an hour only
    the number is kept, as `attempts` of the newest one, whose `changed_at` says when the last was.
    """

    __tablename__ = "login"
    __table_args__ = (
        *in_account(),
        CheckConstraint("succeeded = (failure IS NULL)", name="outcome"),
        at_most("user_agent", 500),
        CheckConstraint("attempts > 0", name="attempts_positive"),
    )

    succeeded: Mapped[bool]
    failure: Mapped[str | None] = mapped_column(one_of("failure", LoginFailure))
    ip: Mapped[IPv4Address | IPv6Address | None] = mapped_column(INET, info=personal())
    user_agent: Mapped[str | None] = mapped_column(info=personal())
    attempts: Mapped[int] = mapped_column(Integer, server_default="1")
