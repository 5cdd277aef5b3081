"""What goes wrong in an adapter or in data, said so that it can be mended."""

from __future__ import annotations


class DataError(Exception):
    """Data that cannot be used: says which file and row, and what to do.

    `uri` names the file, `row` the line or row number in it, from 1.
    """

    def __init__(
        self, message: str, *, uri: str | None = None, row: int | None = None, help: str = ""
    ) -> None:
        super().__init__(message)
        self.uri, self.row, self.help = uri, row, help

    def __str__(self) -> str:
        message = super().__str__()
        if self.uri is None:
            return message
        place = self.uri if self.row is None else f"{self.uri}:{self.row}"
        return f"`{place}`: {message}"


class AdapterError(Exception):
    """An adapter could not do what was asked: the message says what, `help` what to do.

    `transient`: the same call may succeed later, so a step's `retry:` applies.
    """

    def __init__(self, message: str, *, help: str = "", transient: bool = False) -> None:
        super().__init__(message)
        self.help, self.transient = help, transient
