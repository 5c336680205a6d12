"""Why a command can't go on."""


class CommandError(Exception):
    """Something that whoever runs the command can put right; the message says it in one line."""
