"""openml:… read through scikit-learn from a server on loopback that speaks what it asks of OpenML."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import sklearn.datasets._openml as client

from harness.datasets.sources import read_source
from harness.errors import DataError

ARFF = """@relation loans
@attribute case STRING
@attribute age INTEGER
@attribute income NUMERIC
@attribute region {north,south}
@attribute grade {1,2}
@attribute granted {yes,no}
@data
c1,30,1.5,north,1,yes
c2,?,2.5,?,2,no
c3,41,?,south,1,yes
"""
COLUMNS = {"case": "string", "age": "numeric", "income": "numeric", "region": "nominal", "grade": "nominal", "granted": "nominal"}  # fmt: skip


def answers(address, arff, described):
    """What OpenML answers, by path; data set 31 is `loans`, version 1, with the digest of the file that it describes."""
    told = {
        "id": "31",
        "name": "loans",
        "version": "1",
        "status": "active",
        "format": "ARFF",
        "description": "d",
        "url": f"{address}/data/v1/download/7/loans.arff",
        "md5_checksum": hashlib.md5(described.encode()).hexdigest(),
    }
    features = [
        {
            "index": str(i),
            "name": name,
            "data_type": kind,
            "is_target": str(name == "granted").lower(),
            "is_ignore": "false",
            "is_row_identifier": str(name == "case").lower(),
            "number_of_missing_values": "0",
        }
        for i, (name, kind) in enumerate(COLUMNS.items())
    ]
    qualities = [{"name": "NumberOfInstances", "value": "3.0"}]
    return {
        "/api/v1/json/data/31": {"data_set_description": told},
        "/api/v1/json/data/features/31": {"data_features": {"feature": features}},
        "/api/v1/json/data/qualities/31": {"data_qualities": {"quality": qualities}},
        "/api/v1/json/data/list/data_name/loans/limit/2/data_version/1": {
            "data": {"dataset": [{"did": 31, "name": "loans", "version": 1, "status": "active"}]}
        },
        "/data/v1/download/7/loans.arff": arff,
    }


class OpenML(BaseHTTPRequestHandler):
    def do_GET(self):
        found = answers(f"http://127.0.0.1:{self.server.server_port}", self.server.arff, self.server.described).get(
            self.path
        )
        self.server.asked.append(self.path)
        content = (found if isinstance(found, str) else json.dumps(found)).encode()
        self.send_response(200 if found else 412)  # its own code for what it does not know
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def served(monkeypatch, tmp_path):
    """The server to which scikit-learn's addresses point; `asked` has the paths, `arff` is the file, `described` the one described."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), OpenML)
    server.asked, server.arff, server.described = [], ARFF, ARFF
    threading.Thread(target=server.serve_forever, daemon=True).start()
    point_to(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    yield server
    server.shutdown()
    server.server_close()


def point_to(monkeypatch, address):
    found = {name: value for name, value in vars(client).items() if str(value).startswith("https://www.openml.org/")}
    assert len(found) == 4
    for name, value in found.items():
        monkeypatch.setattr(client, name, value.replace("https://www.openml.org", address))


def test_an_id_and_a_name_with_its_version_give_the_same_table_with_the_types_of_a_file(served):
    by_id, by_name = read_source("openml:31"), read_source("openml:loans@1")
    table = by_id.table
    assert table.columns.to_list() == ["age", "income", "region", "grade", "granted"]
    assert table["granted"].to_list() == ["yes", "no", "yes"]
    assert table["grade"].to_list() == ["1", "2", "1"]  # names, as OpenML says, although they look like numbers
    assert [kind.kind for kind in table.dtypes[["age", "income", "grade"]]] == ["f", "f", "O"]
    assert np.isnan(table["age"][1]) and table["region"].isna().to_list() == [False, True, False]
    assert (
        (by_id.origin, by_id.fingerprint) == (by_name.origin, by_name.fingerprint) == ("openml:31", by_id.fingerprint)
    )


def test_what_was_fetched_is_kept_and_asked_once(served):
    first = read_source("openml:31")
    served.asked.clear()
    assert read_source("openml:31").fingerprint == first.fingerprint
    assert served.asked == []


def test_an_unknown_id_and_a_name_without_a_version_say_what_is_wanted(served):
    with pytest.raises(DataError, match="openml:99 can't be read: OpenML does not know it"):
        read_source("openml:99")
    served.asked.clear()
    for source in ("openml:loans", "openml:", "openml:loans@one", "openml:0"):
        with pytest.raises(DataError, match="Wanted: openml:ID, such as openml:31, or openml:NAME@VERSION"):
            read_source(source)
    assert served.asked == []


def test_a_file_that_is_not_the_one_described_is_refused(served):
    served.arff = ARFF.replace("1.5", "9.5")
    with pytest.raises(DataError, match="no longer what OpenML describes"):
        read_source("openml:31")


def test_a_file_that_is_no_table_is_refused_without_quoting_it(served):
    served.arff = served.described = ARFF.replace("c2,?,2.5", "c2,Jane,Doe,2.5")
    with pytest.raises(DataError, match="can't be read: it is sparse, no table, or") as caught:
        read_source("openml:31")
    assert "Jane" not in str(caught.value)


def test_without_a_network_and_nothing_kept_says_what_to_do(monkeypatch, tmp_path):
    point_to(monkeypatch, "http://127.0.0.1:9")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=r"can't be reached for openml:31 .* kept from an earlier run"):
        read_source("openml:31")
