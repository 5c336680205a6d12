"""Everything that is done with an uploaded file before it may be kept."""

from app.domain.files.checks import check_size
from app.domain.files.kinds import kind_of
from app.domain.files.names import safe_name
from app.files.sandbox import InspectedFile, Sandbox
from app.files.scanner import VirusScanner
from app.scalars import UploadedFile
from app.settings import Settings


class FileInspector:
    """Inspects files: one for each worker, with processes that start at the first file."""

    def __init__(self, settings: Settings) -> None:
        self._sandbox = Sandbox(settings.file_check_processes, settings.file_check_timeout_seconds)
        self._scanner = None
        if settings.clamd_address is not None:
            self._scanner = VirusScanner(settings.clamd_address, settings.clamd_timeout_seconds)

    async def inspect(self, uploaded: UploadedFile) -> InspectedFile:
        """Check a file, make its thumbnail and have it scanned, where a scanner is set.

        Raises:
            FileRefused: with one of `FileCode`, and a sentence for whoever sent it.
        """
        check_size(uploaded.size_bytes)
        kind_of(safe_name(uploaded.name))
        inspected = await self._sandbox.check(uploaded.content, uploaded.name)
        if self._scanner is not None:
            await self._scanner.scan(uploaded.content)
        return inspected

    async def close(self) -> None:
        """End the processes; call it once, when no more files come."""
        await self._sandbox.close()
