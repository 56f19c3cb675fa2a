"""Reads tables: CSV (gzip too), Parquet, JSON lines. Cells stay as written until roles give them meaning."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.datasets.encodings import first_bytes, marked_encoding
from harness.datasets.numbers import with_numbers
from harness.errors import DataError
from harness.spec.suite import Read

if TYPE_CHECKING:
    import pandas as pd

MISSING_WORDS = ["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None"]
_TEXT = (".csv", ".tsv", ".txt")
_NESTED = "it holds lists or records"
_BYTES = "it holds bytes"


def is_text(path: Path) -> bool:
    """Whether a file's name is that of a table written as text with separators."""
    return path.name.lower().removesuffix(".gz").endswith(_TEXT)


def separator_of(path: Path, separator: str) -> str:
    """What stands between a text file's cells: a tab in .tsv, else what the suite says."""
    return "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else separator


def read_table(path: Path, read: Read | None = None, missing: dict[str, list[Any]] | None = None) -> pd.DataFrame:
    """A table by its suffix; columns that are none of a table are left out and stand, with why, in `attrs["left_out"]`.

    A byte order mark says the encoding of a file that is said to be Unicode. Of a text file, columns without a name and a
    value and empty rows at the end are no part of the table. `missing` is the suite's: its words make no text of a column
    of numbers.

    Raises:
        DataError: the file is missing, empty, or not what its suffix or the suite says.
    """
    import pandas as pd

    if not path.is_file():
        raise DataError(
            f"There is no data file {path}. Check the path (a suite's source is relative to the suite file)."
        )
    read = read or Read()
    name = path.name.lower()
    try:
        if is_text(path):
            table = _read_text(path, read)
        elif name.endswith(".parquet"):
            table = _read_parquet(path)
        elif name.endswith((".jsonl", ".jsonl.gz")):
            table = _read_json_lines(path, read)
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
    if not len(table):
        raise DataError(f"{path} holds no rows. Give a file with a header and one row at least.")
    table.columns = [str(column) for column in table.columns]
    if not table.columns.is_unique:
        twice = ", ".join(sorted(set(table.columns[table.columns.duplicated()])))
        raise DataError(f"{path} has several columns of the name(s) {twice}. Give each column a name of its own.")
    return with_numbers(table, read, missing or {}, path.name)


def _read_text(path: Path, read: Read) -> pd.DataFrame:
    import pandas as pd

    separator, encoding = separator_of(path, read.separator), _encoding(path, read.encoding)
    table = pd.read_csv(
        _above_footer(path, encoding, read.footer, separator) if read.footer else path,
        sep=separator,
        skiprows=read.skip,
        decimal=read.decimal,
        encoding=encoding,
        dtype=dict.fromkeys(read.numbers, str),
        keep_default_na=False,
        na_values=MISSING_WORDS,
        low_memory=False,
    )
    table = _not_shifted(table, path)
    table.columns = [str(column).removeprefix("\ufeff") for column in table.columns]
    empty = [c for c in table.columns if str(c).startswith("Unnamed: ") and table[c].isna().all()]
    table = table.drop(columns=empty)
    filled = table.notna().any(axis=1).to_numpy()
    if table.shape[1] > 1 and filled.any():
        table = table.iloc[: len(filled) - filled[::-1].argmax()]
    return table


def _above_footer(path: Path, encoding: str, footer: int, separator: str) -> io.StringIO:
    """The file's text without its last lines, of which those without a cell do not count."""
    lines = first_bytes(path, -1).decode(encoding).splitlines(keepends=True)
    while lines and not lines[-1].strip(f" \t\r\n{separator}"):
        lines.pop()
    return io.StringIO("".join(lines[:-footer]))


def _read_parquet(path: Path) -> pd.DataFrame:
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
        elif pa.types.is_decimal(field.type):
            place = found.schema.get_field_index(field.name)
            found = found.set_column(place, field.name, found.column(place).cast(pa.float64()))
    table: pd.DataFrame = found.drop_columns(list(left_out)).to_pandas()
    table.attrs = {"left_out": left_out} if left_out else {}
    return table


def _read_json_lines(path: Path, read: Read) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_json(
        path,
        lines=True,
        encoding=_encoding(path, read.encoding),
        dtype=False,
        convert_dates=False,
        precise_float=True,
    )
    return _flat(table)


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
