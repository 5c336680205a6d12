"""What tests of actions and routines without the application have at hand."""

from collections.abc import AsyncIterator

import pytest

from app.encryption import Keyring
from app.files.inspection import FileInspector
from app.settings import Settings
from app.storage import Storage
from app.work.files import Staging
from app.work.perform import Performer
from app.writing import Writing


@pytest.fixture
async def performer(settings: Settings) -> AsyncIterator[Performer]:
    """Does actions and routines without the application around it."""
    writing = Writing(settings)
    writing.open()
    storage, inspector = Storage(settings), FileInspector(settings)
    staging = Staging(writing, storage, inspector, settings.unclaimed_file_seconds)
    yield Performer(writing, Keyring.from_settings(settings), storage, staging)
    await writing.close()
