"""Reads tables: CSV (gzip too), Parquet, JSON lines. Cells stay as written until roles give them meaning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness.spec.suite import Read

if TYPE_CHECKING:
    import pandas as pd

_MISSING_WORDS = ["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None"]


def read_table(path: Path, read: Read | None = None) -> pd.DataFrame:
    """A table by its suffix; DataError where the file is missing, empty, or not what its suffix says."""
    import pandas as pd

    if not path.is_file():
        raise DataError(
            f"There is no data file {path}. Check the path (a suite's source is relative to the suite file)."
        )
    read = read or Read()
    name = path.name.lower()
    try:
        if name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
            separator = "\t" if ".tsv" in name else read.separator
            table = pd.read_csv(
                path,
                sep=separator,
                decimal=read.decimal,
                thousands=read.thousands,
                encoding=_without_mark(read.encoding),
                keep_default_na=False,
                na_values=_MISSING_WORDS,
                low_memory=False,
            )
            table = _not_shifted(table, path)
        elif name.endswith(".parquet"):
            table = pd.read_parquet(path)
        elif name.endswith((".jsonl", ".jsonl.gz")):
            table = pd.read_json(
                path,
                lines=True,
                encoding=_without_mark(read.encoding),
                dtype=False,
                convert_dates=False,
                precise_float=True,
            )
        else:
            raise DataError(f"{path.name} has no known suffix. Wanted: .csv, .tsv, .parquet or .jsonl (.gz too).")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {read.encoding} text (byte {error.start}). Save it as UTF-8, or name its "
            "encoding under data.read.encoding."
        ) from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError, OSError) as error:
        raise DataError(
            f"{path} can't be read as {path.suffix} ({error}). Check that it is complete and not empty."
        ) from error
    if not len(table):
        raise DataError(f"{path} holds no rows. Give a file with a header and one row at least.")
    table.columns = [str(column) for column in table.columns]
    return table


def _not_shifted(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The table; DataError where pandas took a first column without a name for row names and moved the rest."""
    import pandas as pd

    if isinstance(table.index, pd.RangeIndex):
        return table
    raise DataError(
        f"{path.name} has rows with more cells than its header has names. Remove the extra separators, or name every column."
    )


def _without_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
