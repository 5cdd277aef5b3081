"""Rows of text files, read line by line, so that a row that cannot be read has a line number."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from kitchen.runtime.ports import DataError, Row

LONGEST_LINE = 64 * 2**20  #: bytes; a file without line ends must not fill the memory


def jsonl_rows(path: Path, uri: str) -> Iterator[Row]:
    """One JSON object a line; empty lines are passed over."""
    for number, line in _lines(path, uri):
        if line.isspace():
            continue
        try:
            fields = json.loads(line)
        except json.JSONDecodeError as cause:
            raise DataError(
                f"column {cause.colno} is not JSON: {cause.msg.lower()}",
                uri=uri,
                row=number,
                help=_jsonl_cure(number, line),
            ) from cause
        except (ValueError, RecursionError) as cause:
            raise DataError(
                "a number is too long, or lists stand too deep in one another, to be read",
                uri=uri,
                row=number,
                help="write the number as a string, or leave the field out",
            ) from cause
        if not isinstance(fields, dict):
            raise DataError(
                f"the line holds {kind_of(fields)}, not an object",
                uri=uri,
                row=number,
                help=_jsonl_cure(number, line),
            )
        yield Row(fields, uri, number)


def _jsonl_cure(number: int, line: str) -> str:
    if number == 1 and line.lstrip().startswith("["):
        return "the file is one JSON array: write its items one to a line, `jq -c '.[]'` does it"
    return 'one JSON object stands on each line: `{"messages": ...}`'


def kind_of(value: object) -> str:
    """What a value of a row is, in words."""
    names = {
        int: "a number",
        float: "a number",
        bool: "true or false",
        str: "a string",
        dict: "an object",
    }
    return names.get(type(value), "null" if value is None else f"a {type(value).__name__}")


def csv_rows(path: Path, uri: str) -> Iterator[Row]:
    """Rows under a header line; every field is text. A row is numbered by the line it begins on."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader((line for _, line in _lines(path, uri)), strict=True)
    header: list[str] = []
    begins = 1
    try:
        for values in reader:
            if not header:
                header = _header(values, uri)
            elif values:
                if len(values) != len(header):
                    raise DataError(
                        f"the header has {len(header)} fields, this row {len(values)}",
                        uri=uri,
                        row=begins,
                        help="put quotes round a field that holds a comma or a line end",
                    )
                yield Row(dict(zip(header, values, strict=True)), uri, begins)
            begins = reader.line_num + 1
    except csv.Error as cause:
        raise DataError(
            f"the row is not CSV: {cause}",
            uri=uri,
            row=begins,
            help="close the quotes, and write a quote inside a field twice",
        ) from cause


def _header(names: list[str], uri: str) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"the column `{twice[0]}` stands twice in the header",
            uri=uri,
            row=1,
            help="give each column a name of its own",
        )
    return names


def _lines(path: Path, uri: str) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(line) > LONGEST_LINE:
                raise DataError(
                    f"the line is longer than {LONGEST_LINE >> 20} MiB",
                    uri=uri,
                    row=number,
                    help="one row stands on each line; break the file into lines",
                )
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as cause:
                raise DataError(
                    f"byte {cause.start + 1} of the line is not UTF-8",
                    uri=uri,
                    row=number,
                    help="convert the file: `iconv -f latin1 -t utf-8`",
                ) from cause
