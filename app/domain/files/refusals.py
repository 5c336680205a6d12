"""Why a file is refused."""

from enum import StrEnum


class FileCode(StrEnum):
    """The codes of refused files."""

    FILE_EMPTY = "FILE_EMPTY"
    FILE_TOO_LARGE = "FILE_TOO_LARGE"
    FILE_TYPE_NOT_ALLOWED = "FILE_TYPE_NOT_ALLOWED"
    FILE_DISGUISED = "FILE_DISGUISED"
    FILE_INFECTED = "FILE_INFECTED"
    FILE_NOT_SCANNED = "FILE_NOT_SCANNED"


class FileRefused(Exception):  # noqa: N818  It is an answer, not an error.
    """A file that may not be kept, with a sentence for whoever sent it.

    The sentence holds nothing of the file or its name.
    """

    def __init__(self, code: FileCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def disguised(reason: str) -> FileRefused:
    """The refusal of a file that isn't what its name says."""
    return FileRefused(
        FileCode.FILE_DISGUISED, f"The file isn't what its name says, or is damaged: {reason}."
    )


def not_allowed(reason: str) -> FileRefused:
    """The refusal of a file that is what it says, but nothing that may be kept."""
    return FileRefused(FileCode.FILE_TYPE_NOT_ALLOWED, f"{reason} can't be attached.")
