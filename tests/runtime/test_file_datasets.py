"""Files as data sets: what is found, what is read, and what is said where that cannot be."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kitchen.runtime.adapters.files import contents as contents_module
from kitchen.runtime.adapters.files.sources import READERS
from kitchen.runtime.ports import DataError
from tests.runtime.data_files import QUESTIONS, store, told, write

ROW = '{"question": "a", "answer": "b"}\n'


def text(content: str | bytes) -> Callable[[Path], object]:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(data)


def cut_short(path: Path) -> None:
    write(path, QUESTIONS)
    path.write_bytes(path.read_bytes()[:-40])


def damaged_page(path: Path) -> None:
    rows = pa.table({"text": [f"row {at}" for at in range(500)]})
    pq.write_table(rows, path, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[80:120] = bytes(40)
    path.write_bytes(data)


#: A source, the file it names, and what is wrong there.
FAULTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "not json": ("a.jsonl", "a.jsonl", text(ROW + ROW + '{"question": "a", }\n')),
    "not closed": ("a.jsonl", "a.jsonl", text(ROW + '{"question": "a"')),
    "a json array": ("a.json", "a.json", text('[{"text": "a"},\n {"text": "b"}]')),
    "a json string": ("a.jsonl", "a.jsonl", text(ROW + '\n"text"\n')),
    "deep json": ("a.jsonl", "a.jsonl", text(ROW + "[" * 100_000 + "\n")),
    "a huge number": ("a.jsonl", "a.jsonl", text('{"a": ' + "9" * 5000 + "}\n")),
    "not utf-8": ("a.jsonl", "a.jsonl", text(ROW.encode() + b'{"text": "caf\xe9"}\n')),
    "a long line": ("a.jsonl", "a.jsonl", text(ROW + " " * 2000 + ROW)),
    "blank lines": ("a.jsonl", "a.jsonl", text("\n\n")),
    "an empty file": ("a.jsonl", "a.jsonl", text("")),
    "an empty csv": ("a.csv", "a.csv", text("")),
    "a csv of a header": ("a.csv", "a.csv", text("question,answer\n")),
    "a csv row too long": ("a.csv", "a.csv", text('question,answer\n"a\nb",c\nd,e,f\n')),
    "a csv row too short": ("a.csv", "a.csv", text("question,answer\na\n")),
    "a csv quote left open": ("a.csv", "a.csv", text('question,answer\na,b\nc,"d\n')),
    "a csv header twice": ("a.csv", "a.csv", text("text,text\na,b\n")),
    "parquet cut short": ("a.parquet", "a.parquet", cut_short),
    "parquet that is none": ("a.parquet", "a.parquet", text(ROW)),
    "arrow cut short": ("a.arrow", "a.arrow", cut_short),
    "yaml without talks": ("a.yml", "a.yml", text("categories: [a]\n")),
    "yaml of mappings": ("a.yml", "a.yml", text("conversations:\n- - a\n  - b: c\n")),
    "yaml with an alias": ("a.yml", "a.yml", text("conversations:\n- - &a b\n  - *a\n")),
    "deep yaml": ("a.yml", "a.yml", text("conversations: " + "[" * 50_000)),
    "broken yaml": ("a.yml", "a.yml", text("conversations:\n- - a\n  - 'b\n")),
    "a misspelled name": ("chatt.jsonl", "chat.jsonl", text(ROW)),
    "a missing folder": ("data/chat.jsonl", "chat.jsonl", text(ROW)),
    "a folder": ("data", "data/chat.jsonl", text(ROW)),
    "no match": ("*.jsonl", "chat.csv", text(ROW)),
    "an unknown kind": ("chat.jsnl", "chat.jsnl", text(ROW)),
    "no kind at all": ("chat", "chat", text(ROW)),
    "no such package": ("package:no_such_thing/*.yml", "chat.jsonl", text(ROW)),
    "a dotted package": ("package:os.path/*.yml", "chat.jsonl", text(ROW)),
    "a module": ("package:json.py/*", "chat.jsonl", text(ROW)),
    "out of a package": ("package:chatterbot_corpus/../../*.yml", "chat.jsonl", text(ROW)),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_said(
    case: str, tmp_path: Path, golden: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == "a long line":
        monkeypatch.setattr("kitchen.runtime.text_rows.LONGEST_LINE", 1000)
    source, name, make = FAULTS[case]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    make(tmp_path / name)
    with pytest.raises(DataError) as refusal:
        store(tmp_path).open(source)
    assert str(tmp_path) not in told(refusal.value)
    assert told(refusal.value) == golden


def test_a_page_that_is_damaged_is_found_when_it_is_read(tmp_path: Path) -> None:
    damaged_page(tmp_path / "a.parquet")
    files = store(tmp_path)
    with pytest.raises(DataError, match="cannot be read as a Parquet file"):
        list(files.rows(files.open("a.parquet")))


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS).chmod(0)
    if os.access(tmp_path / "a.jsonl", os.R_OK):
        os.remove(tmp_path / "a.jsonl")
        os.symlink("a.jsonl", tmp_path / "a.jsonl")  # root reads everything, but no loop
    with pytest.raises(DataError, match=r"a\.jsonl|cannot be read"):
        store(tmp_path).open("a.jsonl")


def test_files_read_together_have_the_same_columns(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", QUESTIONS)
    write(tmp_path / "b.parquet", [{"text": "a"}])
    with pytest.raises(
        DataError, match=r"its columns are `text`; those of `a\.parquet`"
    ) as refusal:
        store(tmp_path).open("*.parquet")
    assert refusal.value.uri == "b.parquet"


def test_files_of_one_pattern_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv", "deep/c.parquet", "d.arrow"):
        write(tmp_path / name, [{"text": name}])
    files = store(tmp_path)
    rows = list(files.rows(files.open("**/*.[jcpa]*")))
    assert [(row.uri, row.number, row.fields["text"]) for row in rows] == [
        ("a.csv", 2, "a.csv"),
        ("b.jsonl", 1, "b.jsonl"),
        ("d.arrow", 1, "d.arrow"),
        ("deep/c.parquet", 1, "deep/c.parquet"),
    ]


def test_the_number_of_a_row_is_that_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + f"{ROW}\n  \r\n{ROW}".encode())
    (tmp_path / "a.csv").write_text('text\n"two\nlines"\n\n"one"\n')
    (tmp_path / "a.yml").write_text("conversations:\n# first\n- - a\n  - b\n- alone\n- - c\n")
    files = store(tmp_path)
    numbers = {
        name: [row.number for row in files.rows(files.open(name))]
        for name in ("a.jsonl", "a.csv", "a.yml")
    }
    assert numbers == {"a.jsonl": [1, 4], "a.csv": [2, 5], "a.yml": [3, 5, 6]}


def test_yaml_scalars_are_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("conversations:\n- - 1984\n  - No\n  - ~\n- 'a: b'\n")
    files = store(tmp_path)
    first, second = (row.fields["messages"] for row in files.rows(files.open("a.yml")))
    assert [(one["role"], one["content"]) for one in first] == [
        ("user", "1984"),
        ("assistant", "No"),
        ("user", "~"),
    ]
    assert second == [{"role": "user", "content": "a: b"}]


def test_an_arrow_file_may_be_a_stream(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(QUESTIONS)
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    files = store(tmp_path)
    dataset = files.open("a.arrow")
    assert [row.fields for row in files.rows(dataset)] == QUESTIONS
    assert dataset.rows == len(QUESTIONS)


def test_a_source_is_found_from_the_recipe_s_folder_or_by_its_whole_path(tmp_path: Path) -> None:
    path = write(tmp_path / "data" / "a.jsonl", QUESTIONS)
    (tmp_path / "recipes").mkdir()
    digests = {
        store(tmp_path / "recipes").open(source).digest
        for source in ("../data/a.jsonl", str(path), str(path.parent / "*.jsonl"))
    }
    assert len(digests) == 1


def test_a_package_is_found_without_importing_it(tmp_path: Path) -> None:
    already = {name for name in sys.modules if name.startswith("chatterbot_corpus")}
    files = store(tmp_path)
    corpus = files.open("package:chatterbot_corpus/data/english/*.yml")
    assert corpus.rows == 2026
    first = next(files.rows(corpus))
    assert first.uri == "package:chatterbot_corpus/data/english/ai.yml"
    assert first.fields["messages"][0] == {"role": "user", "content": "What is AI?"}
    assert {name for name in sys.modules if name.startswith("chatterbot_corpus")} == already


SUFFIXES = sorted(READERS)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=6)), max_size=4)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(edits=EDITS, junk=st.binary(max_size=60))
def test_any_bytes_are_rows_or_a_fault_of_the_data(
    suffix: str, edits: list[tuple[float, int, bytes]], junk: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        data = bytearray(write(path, QUESTIONS).read_bytes() if edits else junk)
        for place, removed, added in edits:
            start = int(place * len(data))
            data[start : start + removed] = added
        path.write_bytes(data)
        files = store(Path(folder))
        with suppress(DataError):
            dataset = files.open(path.name)
            assert len(list(files.rows(dataset))) == dataset.rows > 0


# ------------------------------------------------------------------------------------- digests


def test_a_digest_is_of_the_bytes_alone(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    shutil.copy(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    write(tmp_path / "c.jsonl", QUESTIONS[:-1])
    shutil.copy(tmp_path / "a.jsonl", tmp_path / "d.ndjson")
    digest = {name: store(tmp_path).open(f"{name}.*").digest for name in "abcd"}
    assert digest["a"] == digest["b"]
    assert len(set(digest.values())) == 3


def test_contents_are_read_once_while_the_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.jsonl", QUESTIONS)
    reads = count_reads(monkeypatch)
    monkeypatch.setattr(contents_module, "SETTLED", -1)
    first = store(tmp_path).open("a.jsonl")
    assert store(tmp_path).open("a.jsonl") == first
    assert reads == ["a.jsonl"]
    write(path, QUESTIONS[:4])
    assert store(tmp_path).open("a.jsonl").rows == 4
    assert reads == ["a.jsonl", "a.jsonl"]


def test_contents_of_a_fresh_file_are_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    reads = count_reads(monkeypatch)
    monkeypatch.setattr(contents_module, "SETTLED", 10**15)
    store(tmp_path).open("a.jsonl")
    store(tmp_path).open("a.jsonl")
    assert reads == ["a.jsonl", "a.jsonl"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]", b'{"digest": 1'])
def test_damage_to_what_was_kept_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    monkeypatch.setattr(contents_module, "SETTLED", -1)
    first = store(tmp_path).open("a.jsonl")
    (kept,) = (tmp_path / "cache" / "contents").iterdir()
    kept.write_bytes(damage)
    assert store(tmp_path).open("a.jsonl") == first


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reads: list[str] = []
    read = contents_module._read_contents

    def counted(file: Any) -> Any:
        reads.append(file.uri)
        return read(file)

    monkeypatch.setattr(contents_module, "_read_contents", counted)
    return reads


def test_a_file_that_changes_between_its_digest_and_its_rows_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    dataset = files.open("a.jsonl")
    write(tmp_path / "a.jsonl", QUESTIONS[:3])
    with pytest.raises(DataError, match="it changed while it was being read"):
        files.rows(dataset)
    with pytest.raises(DataError, match="it changed while it was being read"):
        store(tmp_path).rows(dataset)


def test_a_file_that_changes_under_its_reader_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", QUESTIONS)
    files = store(tmp_path)
    rows = files.rows(files.open("a.jsonl"))
    next(rows)
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write(ROW)
    with pytest.raises(DataError, match="it changed while it was being read"):
        list(rows)


# ------------------------------------------------------------------------------------- columns


def test_kept_columns_are_mapped_from_arrow_files(tmp_path: Path) -> None:
    import numpy as np

    files = store(tmp_path)
    files.keep("key", [{"ids": np.arange(5, dtype=np.int32)}])
    path = tmp_path / "cache" / "columns" / "key" / "ids.arrow"
    assert pa.ipc.open_file(str(path)).read_all()["ids"].to_pylist() == [0, 1, 2, 3, 4]
    assert sorted(file.name for file in path.parent.iterdir()) == ["MANIFEST.json", "ids.arrow"]
    columns = files.cached("key")
    assert columns is not None
    assert not columns["ids"].flags.owndata


def test_damaged_columns_are_made_anew(tmp_path: Path) -> None:
    import numpy as np

    files = store(tmp_path)
    files.keep("key", [{"ids": np.arange(500, dtype=np.int32)}])
    path = tmp_path / "cache" / "columns" / "key" / "ids.arrow"
    path.write_bytes(path.read_bytes()[:-100])
    assert files.cached("key") is None
    kept = files.keep("key", [{"ids": np.arange(3, dtype=np.int32)}])
    assert kept["ids"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("key", ["", "..", "a/b", "/a", "a\0", "a" * 200])
def test_keys_of_columns_are_plain(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="is no key"):
        store(tmp_path).cached(key)
