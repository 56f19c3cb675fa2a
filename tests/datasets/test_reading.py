"""Files as other programs write them: how they are read, number by number, and what is told."""

import gzip
import json

import pandas as pd
import pytest

from harness.datasets.encodings import guess_encoding
from harness.datasets.reading import read_guessed
from harness.errors import DataError


def written(tmp_path, text, name="t.csv", encoding="utf-8"):
    content = text.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return tmp_path / name


def read(tmp_path, text, name="t.csv", encoding="utf-8"):
    source, reading = read_guessed(written(tmp_path, text, name, encoding))
    return source.table, reading


UMLAUTS = "name\tGröße\nJürgen\t94,3\nŽofie\t101,5\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252"]
)
@pytest.mark.parametrize("name", ["t.txt", "t.tsv", "t.csv", "t.tsv.gz"])
def test_unicode_text_of_a_spreadsheet_is_read_with_and_without_its_mark(tmp_path, encoding, name):
    table, reading = read(tmp_path, UMLAUTS, name, encoding)
    assert list(table.columns) == ["name", "Größe"]
    assert table["name"].to_list() == ["Jürgen", "Žofie"]
    assert table["Größe"].to_list() == [94.3, 101.5]
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("text", "encoding", "wanted"),
    [
        ("姓名,是否违约\n张三,是\n", "gbk", "gb18030"),
        ("Häuser,Größe\n", "latin-1", "latin-1"),
        ("„gut“,5 €\n", "windows-1252", "windows-1252"),
        ("a,b\n1,2\n", "ascii", "utf-8"),
        ("姓名\n", "utf-8", "utf-8"),
    ],
)
def test_encodings_without_a_mark_are_told_apart(text, encoding, wanted):
    assert guess_encoding(text.encode(encoding)) == wanted


def test_a_column_that_can_be_read_in_one_way_decides_for_those_that_can_be_read_in_two(tmp_path):
    table, reading = read(tmp_path, "size\tsales\n94,3\t310.041\n88,1\t12.500\n", "t.tsv")
    assert table["size"].to_list() == [94.3, 88.1]
    assert table["sales"].to_list() == [310041, 12500]
    assert (reading.read.decimal, reading.read.thousands, reading.warnings) == (",", ".", ())
    table, reading = read(tmp_path, "size\tsales\n94.3\t310.041\n88.1\t12.500\n", "t.tsv")
    assert table["sales"].to_list() == [310.041, 12.5]
    assert reading.warnings == ()


@pytest.mark.parametrize(
    ("text", "wanted", "told"),
    [
        ("a;b\n1,234;x\n2,500;y\n", [1.234, 2.5], True),
        ('a,b\n"1,234",x\n"2,500",y\n', [1234, 2500], True),
        ("a;b\n1.234;x\n2.500;y\n", [1.234, 2.5], True),
        ("a,b\n1.234,x\n2.500,y\n", [1.234, 2.5], False),
        ("a;b\n1.234;x\n0.500;y\n", [1.234, 0.5], False),
        ("a;b\n1.234.567;x\n2.500;y\n", [1234567, 2500], False),
    ],
)
def test_numbers_that_can_be_read_in_two_ways_are_told(tmp_path, text, wanted, told):
    table, reading = read(tmp_path, text)
    assert table["a"].to_list() == wanted
    assert any("two ways" in warning for warning in reading.warnings) == told


def test_columns_that_contradict_each_other_are_each_read_as_written_and_told(tmp_path):
    table, reading = read(tmp_path, "a;b;c\n1,5;2.5;1\n0,5;0.25;2\n7,25;1.0;3\n")
    assert table["a"].to_list() == [1.5, 0.5, 7.25]
    assert table["b"].to_list() == [2.5, 0.25, 1.0]
    assert reading.warnings == (
        "Numbers have a decimal comma in 'a' and a decimal point in 'b': each column is read as it is written. See whether "
        "that is meant.",
    )


def test_a_column_written_in_two_ways_is_told_and_stays_text(tmp_path):
    table, reading = read(tmp_path, "a;b\n1,5;x\n0.5;y\n7,25;z\n")
    assert table["a"].to_list() == ["1,5", "0.5", "7,25"]
    assert "'a' holds numbers written in ways that contradict each other ('1,5', '0.5')" in reading.warnings[0]


def test_decimal_commas_are_not_taken_for_the_separator(tmp_path):
    table, _ = read(tmp_path, "a;b;c\n" + "1,5;2,5;3,5\n" * 20)
    assert table.to_numpy().tolist() == [[1.5, 2.5, 3.5]] * 20


EXPORTS = {
    "grouped": ('id,x\na,"15,507.98"\nb,"7,382.56"\n', [15507.98, 7382.56], {"thousands": ","}),
    "dollars": ('id,x\na,"$70,523"\nb,"-$1,200"\n', [70523, -1200], {"decimal": ".", "thousands": ",", "unit": "$"}),
    "per cent": ("id,x\na,3.83%\nb,12%\n", [3.83, 12], {"decimal": ".", "unit": "%"}),
    "euros": ("id;x\na;1 234,50 €\nb;99,00 €\n", [1234.5, 99], {"decimal": ",", "thousands": " ", "unit": "€"}),
    "French": ("id;x\na;2\u202f318,25\nb;1\u00a0000,5\n", [2318.25, 1000.5], {"decimal": ",", "thousands": " "}),
    "Swiss": ("id;x\na;23'017.87\nb;5.5\n", [23017.87, 5.5], {"thousands": "'"}),
    "minus after": ("id;x\na;104,90-\nb;3,5\n", [-104.9, 3.5], {"decimal": ","}),
    "brackets": ("id,x\na,(104.9)\nb,3.5\n", [-104.9, 3.5], {"decimal": "."}),
    "yuan": ("id,x\na,¥1200.5\nb,¥3\n", [1200.5, 3], {"decimal": ".", "unit": "¥"}),
    "grams": (
        "id,x\n" + "".join(f"{i},{i}.5 kg\n" for i in range(12)),
        [i + 0.5 for i in range(12)],
        {"decimal": ".", "unit": "kg"},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_amounts_are_numbers_and_how_they_are_written_stands_in_the_suite(tmp_path, name):
    text, wanted, how = EXPORTS[name]
    table, reading = read(tmp_path, text)
    assert table["x"].to_list() == wanted
    assert reading.warnings == ()
    if name in ("grouped", "French", "Swiss"):
        assert reading.read.numbers == {}
        assert {k: getattr(reading.read, k) for k in how} == how
    else:
        assert reading.read.numbers["x"].model_dump(exclude_none=True) == how


@pytest.mark.parametrize(
    "cells", [["12.10.2017", "01.02.2018"], ["3 rooms", "4 rooms"], ["A12", "B13"], ["10115-2", "1-4"]]
)
def test_dates_names_and_codes_are_no_numbers(tmp_path, cells):
    table, reading = read(tmp_path, "x;y\n" + "".join(f"{cell};1,5\n" for cell in cells))
    assert table["x"].to_list() == cells
    assert reading.read.numbers == {}
    assert reading.warnings == ()


@pytest.mark.parametrize("word", ["?", "n/a", "-", ".", "NULL", "#N/A", "缺失"])
def test_a_word_among_numbers_only_is_missing_and_among_texts_it_stays(tmp_path, word):
    text = "hb,kind\n" + "".join(f"{13 + i / 10},a{i}\n" for i in range(5)) + f"{word},{word}\n"
    table, reading = read(tmp_path, text)
    assert table["hb"].dropna().to_list() == [13.0, 13.1, 13.2, 13.3, 13.4]
    if word != "NULL":  # missing everywhere, without being told
        assert reading.missing == {"hb": [word]}
        assert reading.warnings == (f"{word!r} stands in 'hb' beside numbers only: taken as missing (1 cells).",)
        assert table["kind"].iloc[-1] == word


def test_a_column_of_numbers_and_something_else_is_told_with_what_is_no_number(tmp_path):
    text = "crp,low\n" + "".join(f"{i}.5,{i}\n" for i in range(8)) + "<0.5,?\n<0.5,x\n"
    table, reading = read(tmp_path, text)
    assert table["crp"].iloc[-1] == "<0.5"
    assert reading.missing == {}
    assert reading.warnings[0].startswith(
        "'crp' is a number in 8 of 10 filled cells, but not in '<0.5' (2): it is read as text"
    )
    assert "not in '?' (1), 'x' (1)" in reading.warnings[1]
    _, reading = read(tmp_path, text.replace("<0.5", "-inf"))
    assert reading.warnings[0] == "'crp' holds infinite numbers ('-inf'), which few models take. Write others."
    clean, reading = read(tmp_path, text.replace("<0.5", "0.5").replace("?", "3").replace("x", "4"))
    assert reading.warnings == ()
    assert clean.dtypes.map(lambda kind: kind.kind).to_list() == ["f", "i"]
    _, reading = read(tmp_path, "code\n1\n2\n3\n4\n5\n6\n7\nx\nx\nx\n")
    assert reading.warnings == ()  # 70 % are numbers: names, some of them digits


def test_codes_that_lose_a_first_zero_as_numbers_are_told(tmp_path):
    _, reading = read(tmp_path, "zip,rate\n01067,0.5\n89073,0\n")
    assert reading.warnings == (
        "'zip' is read as numbers, so '01067' loses its first 0. If these are codes, write them with a letter in the file, such as c01067.",
    )


def test_headers_columns_and_last_rows_that_look_wrong_are_told(tmp_path):
    rows = "".join(f"{i},{i},,a\n" for i in range(30))
    table, reading = read(tmp_path, "x,x,nothing,who\n" + rows + "435,435,,Total\n")
    told = reading.warnings
    assert table["who"].iloc[-1] == "Total"
    assert told[1:] == (
        "2 columns are called 'x': the later ones are read as 'x.1' and so on.",
        "'nothing' holds nothing.",
    )
    assert (
        told[0]
        == "The last row looks like a total ('who' is 'Total'): take it out of the file, or it is read as a case."
    )
    _, reading = read(tmp_path, "x,y,z,who\n" + rows.replace(",,", ",0,"))
    assert reading.warnings == ()


@pytest.mark.parametrize("end", ["", ",,,\n,,,\n\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_total_below_the_rows_and_titles_above_the_header_are_left_out_and_told(tmp_path, end, encoding):
    rows = "".join(f"{i},{i}.5,m,yes\n" for i in range(30))
    text = "Loans of 2024\n\nmade by hand,,,\nx,y,sex,label\n" + rows + "Total,450,,\n" + end
    table, reading = read(tmp_path, text, encoding=encoding)
    assert table["x"].to_list() == list(range(30))
    assert table["y"].to_list() == [i + 0.5 for i in range(30)]
    assert (reading.read.skip, reading.read.footer) == (3, 1)
    assert reading.warnings == (
        "The first 3 line(s) stand above the header and are left out (data.read.skip): 'Loans of 2024'.",
        "The last row looks like a total ('x' is 'Total'): it is left out (data.read.footer).",
    )


@pytest.mark.parametrize("header", [",0", "a,", "x,y,z"])
def test_a_header_with_a_gap_is_no_title_and_total_as_a_value_no_total(tmp_path, header):
    count = len(header.split(","))
    rows = "".join(",".join(["Total" if i > 5 else "BP", "1", "2"][:count]) + "\n" for i in range(9))
    table, reading = read(tmp_path, f"{header}\n{rows}")
    assert len(table) == 9
    assert (reading.read.skip, reading.read.footer) == (0, 0)
    assert [line for line in reading.warnings if "total" in line] == []


def test_a_last_row_that_may_be_a_case_is_told_and_kept(tmp_path):
    rows = "".join(f"BP{i},1,2\n" for i in range(9))
    table, reading = read(tmp_path, f"who,a,b\n{rows}Total,9,18\n")
    assert len(table) == 10
    assert "take it out of the file, or it is read as a case" in reading.warnings[0]
    table, reading = read(tmp_path, "who,a,b\nBP,1,2\nTotal,1,\n")
    assert len(table) == 2  # too few rows to tell
    assert reading.warnings == ()


def test_a_title_does_not_hide_the_separator(tmp_path):
    table, reading = read(tmp_path, "Loans of 2024\nx;y\n" + "1,5;2,5\n" * 30)
    assert table.columns.to_list() == ["x", "y"]
    assert table["y"].to_list() == [2.5] * 30
    assert reading.read.skip == 1


def test_separators_and_blank_lines_at_the_end_make_no_columns_and_no_rows(tmp_path):
    table, reading = read(tmp_path, "a;b;;\n1;x;;\n;;;\n2;y;;\n;;;\n;;;\n\n\n")
    assert list(table.columns) == ["a", "b"]
    assert table["b"].isna().to_list() == [False, True, False]
    assert reading.warnings == ()


@pytest.mark.parametrize("first", ["5,3.1,no", "6,148,72,35,0", "1,1,yes"])
def test_a_first_row_of_data_is_refused(tmp_path, first):
    with pytest.raises(DataError, match="looks like data"):
        read(tmp_path, f"{first}\n" * 4)


@pytest.mark.parametrize("first", ["id,2019,2020,2021", "400.5,401,401.5", "0,1,2,y", "x,y,7", "x,y,z,7,3"])
def test_numbers_that_name_columns_are_taken_as_names(tmp_path, first):
    table, _ = read(tmp_path, f"{first}\n" + ",".join("1" * len(first.split(","))) + "\n")
    assert list(table.columns) == first.split(",")


LINES = [
    {"x": 1.5, "tags": ["a"], "at": {"city": "Ulm", "geo": [1, 2]}, "mixed": 1},
    {"x": 2.5, "tags": [], "at": None, "mixed": {"y": 1}},
]


def test_records_become_columns_and_lists_are_left_out_and_told(tmp_path):
    table, reading = read(tmp_path, "\n".join(map(json.dumps, LINES)), "t.jsonl")
    assert list(table.columns) == ["x", "at.city"]
    assert table["at.city"].iloc[0] == "Ulm"
    assert pd.isna(table["at.city"].iloc[1])
    assert set(reading.left_out) == {"tags", "at.geo", "mixed"}
    assert "'tags' was left out: it holds lists or records." in reading.warnings


def test_lists_and_bytes_of_parquet_are_left_out_and_decimals_are_numbers(tmp_path):
    from decimal import Decimal

    columns = {
        "x": [1.5, 2.5],
        "tags": [["a"], []],
        "at": [{"city": "Ulm"}, {"city": "Bonn"}],
        "raw": [b"1", b"2"],
        "price": [Decimal("1.50"), Decimal("2.25")],
        "paid": ["1.234,50 €", "7,00 €"],
        "zip": ["01234", "89073"],
    }
    pd.DataFrame(columns).to_parquet(tmp_path / "t.parquet")
    source, reading = read_guessed(tmp_path / "t.parquet")
    assert reading.left_out == {"tags": "it holds lists or records", "raw": "it holds bytes"}
    assert source.table["at.city"].to_list() == ["Ulm", "Bonn"]
    assert source.table["price"].to_list() == [1.5, 2.25]
    assert source.table["price"].dtype == float
    assert source.table["paid"].to_list() == [1234.5, 7.0]
    assert source.table["zip"].to_list() == ["01234", "89073"]
    assert list(reading.read.numbers) == ["paid"]


def test_a_file_that_is_packed_is_looked_at_too(tmp_path):
    found = read_guessed(written(tmp_path, "a;b\n1,5;x\n2,5;y\n", "t.csv.gz"))[1].read
    assert (found.separator, found.decimal) == (";", ",")
    (tmp_path / "bad.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match="can't be read"):
        read_guessed(tmp_path / "bad.csv.gz")


def test_the_lines_of_a_suite_give_the_same_reading(tmp_path):
    import yaml

    from harness.spec.data import Read

    for text in ("a;b\n1,5;3 %\n2,5;4 %\n", "a\tb\n1,5\t2\n", 'a,b\n"1,500.5",2\n', "a,b\n1,2\n"):
        _, reading = read(tmp_path, text)
        document = yaml.safe_load("data:\n  source: x\n" + "\n".join(reading.lines))
        assert Read.model_validate(document["data"].get("read", {})) == reading.read


def test_of_two_signs_that_cut_every_line_the_one_that_makes_more_cells_is_taken(tmp_path):
    table, _ = read(tmp_path, "a,b;c;d\n" + "1,5;2;3\n" * 20)
    assert table.columns.to_list() == ["a,b", "c", "d"]
    assert table["a,b"].to_list() == [1.5] * 20


@pytest.mark.parametrize("odd", ["<0.5", "inf", "1,5"])
def test_one_odd_cell_in_a_long_column_is_seen(tmp_path, odd):
    numbers = "".join(f"{i}.25\n" for i in range(25_000))
    _, reading = read(tmp_path, f"x;y\n{numbers}{odd}\n".replace("\n", ";1\n").replace("y;1", "y"))
    assert "'x'" in reading.warnings[0]
    _, reading = read(tmp_path, f"x;y\n{numbers}".replace("\n", ";1\n").replace("y;1", "y"))
    assert reading.warnings == ()
