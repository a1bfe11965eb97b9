"""What can go wrong, by kind: the command line's one line of text, and its exit code.

>>> import ulpscope
>>> try:
...     ulpscope.format("bf17")
... except ulpscope.UsageError as error:
...     print(error.exit_code, str(error)[:21])
2 unknown format 'bf17'
"""


class Error(Exception):
    """Anything that a caller can get wrong. The text is that of the command line."""

    exit_code = 4


class UsageError(Error, ValueError):
    """A name, an option or a combination of them (exit code 2 of the command line)."""

    exit_code = 2


class InputError(Error, ValueError):
    """A file or an array that is missing, malformed or disagrees with another (exit code 3)."""

    exit_code = 3


class ResourceError(Error, RuntimeError):
    """Memory, disk or another resource (exit code 4)."""
