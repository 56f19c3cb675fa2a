"""Reads tables: CSV (gzip too), Parquet, JSON lines. Names stay as written; other cells get the type that all of a column have."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets.cells import (
    BLANKS,
    Columns,
    Table,
    column_name,
    inferred,
    typed_table,
    without_blanks,
    without_blanks_before_quotes,
    written_cells,
)
from harness.datasets.encodings import first_bytes, lines_of, marked_encoding
from harness.datasets.numbers import with_numbers
from harness.errors import DataError
from harness.spec.data import Read

if TYPE_CHECKING:
    import pandas as pd

_TEXT = (".csv", ".tsv", ".txt")
_NESTED = "it holds lists or records"
_BYTES = "it holds bytes"


def is_text(path: Path) -> bool:
    """Whether a file's name is that of a table written as text with separators."""
    return path.name.lower().removesuffix(".gz").endswith(_TEXT)


def separator_of(path: Path, separator: str) -> str:
    """What stands between a text file's cells: a tab in .tsv, else what the suite says."""
    return "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else separator


def open_table(
    path: Path, read: Read | None = None, missing: dict[str, list[Any]] | None = None, columns: Columns | None = None
) -> Table:
    """A table by its suffix; columns that are none of a table's are left out.

    A byte order mark says the encoding of a file that is said to be Unicode. Of a text file, columns without a name and a
    value and empty rows at the end are no part of the table. `missing` is the suite's: its words make no text of a column
    of numbers. Blanks around texts and names of columns are cut off.

    Raises:
        DataError: the file is missing, empty, or not what its suffix or the suite says.
    """
    import pandas as pd

    if not path.is_file():
        raise DataError(
            f"There is no data file {path}. Check the path (a suite's source is relative to the suite file)."
        )
    read, columns = read or Read(), columns or Columns()
    name = path.name.lower()
    try:
        if is_text(path):
            table = _read_text(path, read, columns)
        elif name.endswith(".parquet"):
            table = _read_parquet(path, columns)
        elif name.endswith((".jsonl", ".jsonl.gz")):
            table = _read_json_lines(path, read, columns)
        else:
            raise DataError(f"{path.name} has no known suffix. Wanted: .csv, .tsv, .txt, .parquet or .jsonl (.gz too).")
    except UnicodeError as error:
        where = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise DataError(
            f"{path} is not {read.encoding} text{where}. Save it as UTF-8, or name its encoding under data.read.encoding."
        ) from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError, OSError, EOFError) as error:
        raise DataError(
            f"{path} can't be read as {path.suffix} ({str(error).strip()}). Check that it is complete and not empty."
        ) from error
    if not len(table.frame):
        raise DataError(f"{path} holds no rows. Give a file with a header and one row at least.")
    if not table.frame.columns.is_unique:
        twice = ", ".join(sorted(set(table.frame.columns[table.frame.columns.duplicated()])))
        raise DataError(f"{path} has several columns of the name(s) {twice}. Give each column a name of its own.")
    return replace(table, frame=with_numbers(table.frame, read, missing or {}, path.name, columns.texts))


def _read_text(path: Path, read: Read, columns: Columns) -> Table:
    import pandas as pd

    separator, encoding = separator_of(path, read.separator), _encoding(path, read.encoding)
    source = _text_source(path, encoding, read.footer, separator)
    how: dict[str, Any] = {"sep": separator, "skiprows": read.skip, "encoding": encoding}
    header = list(pd.read_csv(source, nrows=0, index_col=False, **how).columns)
    _refuse_one_column(header, separator, path)
    if isinstance(source, io.StringIO):
        source.seek(0)
    as_text = {*columns.names, *columns.texts, *read.numbers}
    texts = [name for name in header if column_name(name) in as_text]
    frame = pd.read_csv(
        source,
        decimal=read.decimal,
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={name: ["", *read.missing_words] for name in header if name not in texts},
        low_memory=False,
        **how,
    )
    frame = _not_shifted(frame, path)
    frame.columns = [column_name(column) for column in frame.columns]
    if not frame.columns.is_unique:
        return Table(frame, frame.iloc[:, :0])
    frame, stripped = without_blanks(frame)
    cells = {name: frame[name].astype(object).where(frame[name] != "", None) for name in as_text & {*frame.columns}}
    frame = frame.assign(**cells)
    written, words = frame[[name for name in frame.columns if name in columns.names]].copy(), {}
    for name in {*cells, *stripped}:
        gone = frame[name].isin(read.missing_words)
        if name in columns.names and gone.any():
            words[name] = {str(word): int(count) for word, count in frame[name][gone].value_counts().items()}
        kept = frame[name].mask(gone, None)
        as_it_is = name in columns.texts or name in read.numbers
        frame[name] = pd.Series(kept.tolist(), index=frame.index) if as_it_is else inferred(kept, read.decimal)
    empty = [c for c in frame.columns if str(c).startswith("Unnamed: ") and frame[c].isna().all()]
    frame = frame.drop(columns=empty)
    filled = frame.notna().any(axis=1).to_numpy()
    if frame.shape[1] > 1 and filled.any():
        frame = frame.iloc[: len(filled) - filled[::-1].argmax()]
    return Table(frame, written.iloc[: len(frame)], stripped=stripped, words=words)


def _text_source(path: Path, encoding: str, footer: int, separator: str) -> Path | io.StringIO:
    """The file as it is; or its text, where blanks may stand before quotes, or without its last lines, of which those without a
    cell do not count."""
    raw = first_bytes(path, -1)
    if not footer and not any(sign in raw for sign in (b' "', b'\t"', b"\0")):
        return path
    text = without_blanks_before_quotes(raw.decode(encoding), separator)
    if footer:
        lines = lines_of(text)
        while lines and not lines[-1].strip(BLANKS + separator):
            lines.pop()
        text = "".join(lines[:-footer])
    return io.StringIO(text)


def _read_parquet(path: Path, columns: Columns) -> Table:
    """The columns that are a table's: records become columns (`options.A`), decimals numbers; lists and bytes are left out."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = pq.ParquetFile(path).read()
    while any(pa.types.is_struct(kind) for kind in found.schema.types):
        found = found.flatten()
    left_out = {}
    for field in found.schema:
        if pa.types.is_nested(field.type):
            left_out[field.name] = _NESTED
        elif pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            left_out[field.name] = _BYTES
    kept = found.drop_columns(list(left_out))
    named = [name for name in kept.column_names if column_name(name) in columns.names]
    written = {name: written_cells(kept.column(name).to_pylist()) for name in named}
    for place, field in enumerate(kept.schema):
        if pa.types.is_decimal(field.type):
            kept = kept.set_column(place, field.name, kept.column(place).cast(pa.float64()))
    return typed_table(kept.to_pandas(), written, left_out, columns)


def _read_json_lines(path: Path, read: Read, columns: Columns) -> Table:
    import pandas as pd

    encoding = _encoding(path, read.encoding)
    frame = pd.read_json(
        path,
        lines=True,
        encoding=encoding,
        dtype=False,
        convert_dates=False,
        precise_float=True,
    )
    flat = _flat(frame)
    left_out = flat.attrs.pop("left_out", {})
    names = [name for name in map(str, flat.columns) if column_name(name) in columns.names]
    lines = first_bytes(path, -1).decode(encoding).split("\n") if names else []
    rows = [json.loads(line, parse_int=str, parse_float=str) for line in lines if line.strip()]
    return typed_table(flat, {name: written_cells(_at(row, name) for row in rows) for name in names}, left_out, columns)


def _at(row: dict[str, Any], name: str) -> Any:
    """What a record holds under a name (`options.A` of a record in it); None where it holds nothing."""
    if name in row:
        return row[name]
    part: Any = row
    for key in name.split("."):
        part = part.get(key) if isinstance(part, dict) else None
    return part


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """The table with records as columns (`options.A`) and without columns that hold a list somewhere."""
    import pandas as pd

    left_out: dict[str, str] = {}
    parts = []
    for name, column in table.items():
        known = column.dropna() if column.dtype.kind == "O" else column.iloc[:0]
        nested = known.map(lambda cell: isinstance(cell, list | dict))
        if len(known) and known.map(lambda cell: isinstance(cell, dict)).all():
            records = [cell if isinstance(cell, dict) else {} for cell in column]
            inner = _flat(pd.DataFrame(records, index=table.index))
            left_out |= {f"{name}.{own}": why for own, why in inner.attrs.pop("left_out", {}).items()}
            parts.append(inner.add_prefix(f"{name}."))
        elif nested.any():
            left_out[str(name)] = _NESTED
        else:
            parts.append(column.to_frame())
    flat = pd.concat(parts, axis=1) if parts else table.iloc[:, :0]
    flat.attrs = {"left_out": left_out} if left_out else {}
    return flat


def _refuse_one_column(header: list[str], separator: str, path: Path) -> None:
    """DataError where the only column's name holds a sign that separates cells elsewhere."""
    mark = next((mark for mark in (";", "\t", "|", ",") if mark != separator and mark in header[0]), None)
    if len(header) == 1 and mark is not None:
        raise DataError(
            f"{path.name} has one column only where {separator!r} separates cells (data.read.separator), and {mark!r} stands in its "
            f"header: {header[0]!r}. Save it with {separator!r} between cells; or, if the suite's own data are written so too, write "
            f"data.read.separator: {json.dumps(mark)} (and data.read.decimal, if numbers have a comma)."
        )


def _not_shifted(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table; DataError where pandas took a first column without a name for row names and moved the rest."""
    import pandas as pd

    if isinstance(table.index, pd.RangeIndex):
        return table
    raise DataError(
        f"{path.name} has rows with more cells than its header has names. Remove lines above the header and extra "
        "separators, or name every column."
    )


def _encoding(path: Path, encoding: str) -> str:
    """The encoding to read with: the file's own mark where a Unicode one is said; UTF-8 may have a mark."""
    named = encoding.lower().replace("_", "-")
    mark = marked_encoding(first_bytes(path, 4)) if named.startswith("utf") else None
    return "utf-8-sig" if (mark or named) in ("utf-8", "utf8") else mark or encoding
