"""The tab of logins: every attempt to enter the account."""

from app.auth.permissions import Permission
from app.models.login import Login as LoginModel
from app.models.login import LoginFailure
from app.resolvers.fields import column, expression
from app.schema.enums import described
from app.schema.node import AccountRecord, record
from app.schema.opt_in import ip_text

described(
    LoginFailure,
    "Why an attempt to log in was refused. The customer is never told.",
    {
        "WRONG_PASSWORD": "The password was wrong.",
        "WRONG_CODE": "The second factor was wrong.",
        "LOGIN_BLOCKED": "The customer is blocked.",
        "PASSWORD_EXPIRED": "The one-time password was too old.",
        "TOO_MANY_ATTEMPTS": "There were too many attempts before.",
    },
)


@record(LoginModel, needs=Permission.LOGIN_READ, description="An attempt to log in.")
class Login(AccountRecord):
    """One attempt, or many that failed alike; `createdAt` says when the first was."""

    succeeded: bool = column("Whether it was let in.", where=True)
    failure: LoginFailure | None = column("Why it was refused.", where=True)
    ip: str | None = expression(ip_text, "The internet address it came from.", where=True)
    user_agent: str | None = column("The program it came from.", where=True)
    attempts: int = column(
        "For how many attempts it stands: of failures without end only the number is kept, and "
        "`changedAt` says when the last one was."
    )
