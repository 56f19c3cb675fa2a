import gzip
import json
import re

import pandas as pd
import pytest

from harness.datasets.cells import Columns
from harness.datasets.readers import open_table
from harness.errors import DataError
from harness.spec.data import Read

TABLE = pd.DataFrame({"name": ["Ümit", "Ana, B.", "Zoë"], "rate": [1.5, -2.25, 1000.0], "count": [1, 2, 3]})
CSV = 'name,rate,count\nÜmit,1.5,1\n"Ana, B.",-2.25,2\nZoë,1000.0,3\n'
GERMAN = "name;rate;count\nÜmit;1,5;1\nAna, B.;-2,25;2\nZoë;1000,0;3\n"
LINES = '{"name":"Ümit","rate":1.5,"count":1}\n{"name":"Ana, B.","rate":-2.25,"count":2}\n{"name":"Zoë","rate":1000.0,"count":3}\n'

WAYS = {
    "plain": ("t.csv", CSV.encode(), None),
    "byte order mark": ("t.csv", b"\xef\xbb\xbf" + CSV.encode(), None),
    "windows lines": ("t.csv", CSV.replace("\n", "\r\n").encode(), None),
    "semicolon and comma": ("t.csv", GERMAN.encode(), Read(separator=";", decimal=",")),
    "latin-1": ("t.csv", CSV.encode("latin-1"), Read(encoding="latin-1")),
    "utf-16 by its mark": ("t.csv", CSV.encode("utf-16"), None),
    "utf-16-le with a mark": ("t.csv", CSV.encode("utf-16"), Read(encoding="utf-16-le")),
    "utf-32 by its mark": ("t.csv", CSV.encode("utf-32"), None),
    "tabs in txt": (
        "t.txt",
        CSV.replace("Ana, B.", "Ana").replace(",", "\t").replace("Ana", "Ana, B.").encode(),
        Read(separator="\t"),
    ),
    "grouped": ("t.csv", GERMAN.replace("1000,0", "1.000,0").encode(), Read(separator=";", decimal=",", thousands=".")),
    "separators and blank lines at the end": ("t.csv", (CSV.replace("\n", ",\n") + ",,,\n,,,\n\n").encode(), None),
    "utf-16": ("t.csv", CSV.encode("utf-16"), Read(encoding="utf-16")),
    "tabs": ("t.tsv", GERMAN.replace(";", "\t").encode(), Read(decimal=",")),
    "gzip": ("t.csv.gz", gzip.compress(CSV.encode()), None),
    "gzip with a mark": ("t.csv.gz", gzip.compress(b"\xef\xbb\xbf" + CSV.encode()), None),
    "gzip tabs": ("t.tsv.gz", gzip.compress(GERMAN.replace(";", "\t").encode()), Read(decimal=",")),
    "capital suffix": ("T.CSV", CSV.encode(), None),
    "json lines": ("t.jsonl", LINES.encode(), None),
    "gzip json lines": ("t.jsonl.gz", gzip.compress(LINES.encode()), None),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_a_table_gives_the_same_table(way, tmp_path):
    name, content, read = WAYS[way]
    (tmp_path / name).write_bytes(content)
    pd.testing.assert_frame_equal(open_table(tmp_path / name, read).frame, TABLE, check_dtype=False)


def test_parquet_gives_the_same_table(tmp_path):
    TABLE.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(open_table(tmp_path / "t.parquet").frame, TABLE)


def test_words_for_missing_are_missing_and_others_stay(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\nNA,x\n,n/a\nnull,-\nNone,0\n", encoding="utf-8")
    table = open_table(tmp_path / "t.csv").frame
    assert table["a"].isna().all()
    assert table["b"].to_list() == ["x", "n/a", "-", "0"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "can't be read"),
        ("t.csv", b"a,b\n", "holds no rows"),
        ("t.csv", b"a\n\xff\xfe\n", "is not utf-8 text"),
        ("t.parquet", b"PAR1 cut short", "can't be read"),
        ("t.jsonl", b'{"a": 1}\n{"a": ', "can't be read"),
        ("t.csv.gz", b"no gzip", "can't be read"),
        ("t.csv", b"a,b\n1,2\n\xff\xfe\n", "is not utf-8 text"),
        ("t.csv", "a,b\n1,ü\n".encode("utf-16")[:-1], "is not utf-16 text|is not utf-8 text"),
        ("t.xlsx", b"", "no known suffix"),
    ],
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(name, content, says, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        open_table(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no data file .*none\.csv"):
        open_table(tmp_path / "none.csv")


def test_rows_wider_than_the_header_are_refused_not_shifted(tmp_path):
    (tmp_path / "t.csv").write_text("y,x,k\nno,0,a,\nyes,1,b,\n", encoding="utf-8")
    with pytest.raises(DataError, match="more cells than its header"):
        open_table(tmp_path / "t.csv")


def test_numbers_of_json_lines_are_those_of_csv_to_the_last_digit(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'\xef\xbb\xbf{"x": 0.6}\n{"x": 0.1}\n')
    assert open_table(tmp_path / "t.jsonl").frame["x"].tolist() == [0.6, 0.1]


def test_two_columns_of_one_name_in_a_file_with_types_are_refused(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="several columns of the name"):
        open_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("sign", ["\u2028", "\x85", "\x0c"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_sign_that_only_unicode_lets_end_a_line_is_part_of_a_cell(suffix, sign, tmp_path):
    rows, path = [{"id": f"0{i}", "note": f"a{sign}b"} for i in range(3)], tmp_path / f"t.{suffix}"
    if suffix == "csv":
        lines = ["id,note", *(f"{row['id']},{row['note']}" for row in rows), f"Total,3{sign}4"]
    else:
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes("\n".join(lines).encode())
    found = open_table(path, Read(footer=int(suffix == "csv")), columns=Columns(["id"]))
    assert found.written["id"].tolist() == ["00", "01", "02"]
    assert found.frame["note"].tolist() == [f"a{sign}b"] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_blanks_before_a_quoted_cell_do_not_hide_its_quotes(encoding, tmp_path):
    text = 'id, "place", n, note\n 01, "Rome, Italy", "1", ""\n 02,\t"a ""b, c""", "2", x "y"\n'
    (tmp_path / "t.csv").write_text(text, encoding=encoding)
    found = open_table(tmp_path / "t.csv", Read(encoding=encoding), columns=Columns(["id"])).frame
    assert found["place"].tolist() == ["Rome, Italy", 'a "b, c"']
    assert (found["id"].tolist(), found["n"].tolist()) == ([1, 2], [1, 2])
    assert [found["note"].isna()[0], found["note"][1]] == [True, 'x "y"']


@pytest.mark.parametrize("blank", ["\u2003", "\u200b", "\ufeff", "\u2007", "\x0b"])
def test_every_blank_of_unicode_is_cut_off_cells_and_names_of_columns(blank, tmp_path):
    (tmp_path / "t.csv").write_text(f"{blank}id,{blank}word{blank}\n{blank}01,{blank}a b{blank}\n", encoding="utf-8")
    found = open_table(tmp_path / "t.csv", columns=Columns(["id"]))
    assert (found.written["id"].tolist(), found.frame["word"].tolist()) == (["01"], ["a b"])


@pytest.mark.parametrize(("mark", "separator"), [(";", ","), ("\t", ","), (",", ";")])
def test_a_file_whose_cells_another_sign_separates_is_told_so_and_read_as_advised(mark, separator, tmp_path):
    (tmp_path / "t.csv").write_text(f"id{mark}x\n1{mark}0.5\n2{mark}1.5\n")
    with pytest.raises(DataError, match=re.escape(f"data.read.separator: {json.dumps(mark)}")):
        open_table(tmp_path / "t.csv", Read(separator=separator))
    assert open_table(tmp_path / "t.csv", Read(separator=mark)).frame["x"].tolist() == [0.5, 1.5]
    (tmp_path / "t.csv").write_text(f"id{separator}x\n1{separator}0.5\n2{separator}1.5\n")
    assert open_table(tmp_path / "t.csv", Read(separator=separator)).frame["x"].tolist() == [0.5, 1.5]
    (tmp_path / "t.csv").write_text("x\n0.5\n1.5\n")
    assert open_table(tmp_path / "t.csv", Read(separator=separator)).frame["x"].tolist() == [0.5, 1.5]
