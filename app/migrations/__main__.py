"""Write the next migration: `python -m app.migrations "add complaints"`, or `make migration`."""

import sys

from app.embedded.services import provided
from app.migrations.current import is_current
from app.migrations.run import migrate, revise
from app.settings import settings


def main() -> None:
    """Compare the models with a database of the newest migration, and write what differs."""
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        raise SystemExit('Say what the migration does, like: make migration NAME="add complaints"')
    with provided(settings()) as complete:
        if complete.owner_database_url is None:
            raise SystemExit("Set ABOKONTO_OWNER_DATABASE_URL, or leave both databases unset.")
        url = complete.owner_database_url.get_secret_value()
        if not is_current(url):
            migrate(url)
        path = revise(url, message)
    sys.stdout.write(f"Read and complete it before it is committed: {path}\n")


if __name__ == "__main__":
    main()
