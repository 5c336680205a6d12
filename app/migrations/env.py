"""What Alembic runs for each command: the connection comes from `app.migrations.run`."""

from alembic import context

from app.models import Base


def _run() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


_run()
