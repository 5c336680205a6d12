"""Files of an action: checked and stored before its transaction, claimed in it.

Neither parsing a file nor sending it to the object store may hold a lock, and a transaction can't
take the store along. So the database is told first what the store may come to hold:

1. The files are checked. Nothing has been written yet.
2. A transaction of its own writes an `UnclaimedFile` for each, under a key that nobody can guess.
3. The store takes the files and their thumbnails under these keys.
4. The action's transaction deletes the `UnclaimedFile` and writes the `File` in its place.

Whatever ends this in between leaves at most an `UnclaimedFile`, never a `File` without its object,
since that is written last. And no object is unknown: either row is there from before it is stored.
What was not claimed is taken back at once where the action was refused, and swept where nobody was
left to do that (`app/work/sweep.py`). Both mark it doomed first, and a doomed one can't be claimed.
So an action that is slower than the sweep fails, and does not commit to a file that is gone. And
where nobody knows whether a transaction committed, the row that it deleted or left tells.
"""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from app.domain.files.refusals import FileCode, FileRefused
from app.domain.files.thumbnails import THUMBNAIL_TYPE
from app.errors import Refusal, Refused, UserErrorCode
from app.files.inspection import FileInspector
from app.files.sandbox import InspectedFile
from app.models import Customer, File
from app.models.file import FilePurpose, thumbnail_key
from app.scalars import UploadedFile
from app.storage import Storage
from app.work.shelf import Shelf, Stored, claim
from app.writing import Writing

if TYPE_CHECKING:
    from app.work.unit import Work

MOST_FILES = 5
"""How many files an action takes, which is as many as an activity has."""

FILE_REFUSALS = (
    UserErrorCode.TOO_MANY_FILES,
    *(UserErrorCode(code.value) for code in FileCode),
)
"""What an action with files may be refused with because of them."""


@dataclasses.dataclass(frozen=True)
class StagedFile:
    """A file that was checked and stored, and waits for its row."""

    key: str
    inspected: InspectedFile

    @property
    def stored(self) -> Stored:
        """What its row will say of it."""
        checked = self.inspected.checked
        return Stored(
            self.key,
            checked.name,
            checked.content_type,
            checked.size_bytes,
            checked.sha256,
            has_thumbnail=self.inspected.thumbnail is not None,
        )


class Staged:
    """The files of one request."""

    def __init__(self, files: Sequence[tuple[UploadedFile, StagedFile]] = ()) -> None:
        # They are told apart by what they are, not by what they hold: two may be equal.
        self._files = {id(uploaded): staged for uploaded, staged in files}
        self._uploaded = [uploaded for uploaded, _ in files]

    @property
    def keys(self) -> list[str]:
        """The keys that they are stored under."""
        return [staged.key for staged in self._files.values()]

    def of(self, uploaded: UploadedFile) -> StagedFile:
        """What became of a file of the input."""
        return self._files[id(uploaded)]


class Staging:
    """Checks and stores the files of a worker's actions."""

    def __init__(
        self, writing: Writing, storage: Storage, inspector: FileInspector, seconds: float
    ) -> None:
        self._writing = writing
        self._shelf = Shelf(writing, storage, seconds)
        self._inspector = inspector

    @asynccontextmanager
    async def staged(self, input: object, token_hash: bytes) -> AsyncIterator[Staged]:
        """The files of an input, stored for as long as the block runs, and on if they are claimed.

        Raises:
            Refused: for each file that may not be kept, with its path.
            ApiError: UNAVAILABLE when the store doesn't take them.
        """
        uploads = list(_uploads(input))
        if not uploads:
            yield Staged()
            return
        _check_count(uploads)
        inspected = await self._inspected(uploads)
        begin = partial(self._writing.transaction, token_hash)
        keys = await self._shelf.announce(len(uploads), begin)
        files = [
            (uploaded, StagedFile(key, one))
            for (_, uploaded), key, one in zip(uploads, keys, inspected, strict=True)
        ]
        try:
            await self._store(files)
            yield Staged(files)
        except Exception:
            await self._shelf.take_back(keys, begin)
            raise
        # A request that was repeated is answered without them.
        await self._shelf.take_back(keys, begin)

    async def _inspected(
        self, uploads: list[tuple[tuple[str, ...], UploadedFile]]
    ) -> list[InspectedFile]:
        """Check all files, and tell of all that is wrong with them."""
        found = await asyncio.gather(
            *(self._inspector.inspect(uploaded) for _, uploaded in uploads), return_exceptions=True
        )
        refusals = []
        for (path, _), one in zip(uploads, found, strict=True):
            if isinstance(one, FileRefused):
                refusals.append(Refusal(UserErrorCode(one.code.value), one.message, path))
            elif isinstance(one, BaseException):
                raise one
        if refusals:
            raise Refused.because(refusals)
        return [one for one in found if isinstance(one, InspectedFile)]

    async def _store(self, files: list[tuple[UploadedFile, StagedFile]]) -> None:
        objects = []
        for uploaded, staged in files:
            checked, picture = staged.inspected.checked, staged.inspected.thumbnail
            objects.append((staged.key, uploaded.content, checked.content_type))
            if picture is not None:
                objects.append((thumbnail_key(staged.key), picture, THUMBNAIL_TYPE))
        await self._shelf.put(objects)


async def keep(
    work: "Work", customer: Customer, uploads: Sequence[UploadedFile], purpose: FilePurpose
) -> list[File]:
    """Claim files of the input for a customer: their rows, which have keys.

    Raises:
        ApiError: UNAVAILABLE when the request took so long that they were swept away.
    """
    stored = [work.files.of(uploaded).stored for uploaded in uploads]
    return await claim(work, customer.id, stored, purpose)


def _check_count(uploads: list[tuple[tuple[str, ...], UploadedFile]]) -> None:
    if len(uploads) > MOST_FILES:
        path, _ = uploads[MOST_FILES]
        raise Refused(
            UserErrorCode.TOO_MANY_FILES, f"There can be at most {MOST_FILES} files.", *path[:-1]
        )


def _uploads(
    value: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], UploadedFile]]:
    """All files in an input, each with its path."""
    if isinstance(value, UploadedFile):
        yield path, value
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _uploads(member, (*path, str(place)))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _uploads(getattr(value, field.name), (*path, field.name))
