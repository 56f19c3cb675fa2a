"""hf:… read by the real library from a hub on loopback; each read is a process of its own, as the library looks at its
environment once."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from harness.datasets.sources import read_source
from harness.errors import DataError

pytest.importorskip("datasets")

REPOSITORY, TYPED, GATED, COMMIT = "acme/loans", "acme/typed", "acme/gated", "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
CARD = b"""---
configs:
- config_name: small
  data_files: [{split: train, path: train.csv}, {split: test, path: test.csv}]
- config_name: large
  data_files: [{split: train, path: train.csv}]
---
"""
TEST = "income,region,granted\n1.5,north,yes\n2.5,NA,no\n,south,yes\n"
READ = """
import json, sys
from harness.datasets.sources import read_source
from harness.errors import UserError
for source in sys.argv[1:]:
    try:
        found = read_source(source)
        print(json.dumps({"csv": found.table.to_csv(index=False), "origin": found.origin, "fingerprint": found.fingerprint}))
    except UserError as error:
        print(json.dumps({"error": str(error)}))
"""


class Hub(BaseHTTPRequestHandler):
    """What the library asks of a hub, for repositories whose files all have one commit; notes what was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        path = self.path.partition("?")[0]
        name = next((name for name in self.server.files if f"/{name}/" in f"{path}/"), None)
        files = self.server.files.get(name)
        if files is None:
            return self.send(404, error="RepoNotFound")
        if found := re.fullmatch(rf"/datasets/{name}/resolve/([^/]+)/(.+)", path):
            if found[1] not in ("main", COMMIT):
                return self.send(404, error="RevisionNotFound")
            if name == GATED and found[2] != "README.md":  # as the real one does
                return self.send(403, error="GatedRepo")
            if (content := files.get(found[2])) is None:
                return self.send(404, error="EntryNotFound")
            return self.send(200, content, ETag=f'"{hashlib.sha1(content).hexdigest()}"')
        if re.fullmatch(rf"/api/datasets/{name}/tree/{COMMIT}", path):
            entries = [{"type": "file", "path": n, "oid": hashlib.sha1(c).hexdigest(), "size": len(c)} for n, c in files.items()]  # fmt: skip
            return self.send(200, json.dumps(entries).encode())
        if "/tree/" in path:  # no folder lies in any of them
            return self.send(404, error="EntryNotFound")
        told = {"id": name, "sha": COMMIT, "siblings": [{"rfilename": file} for file in files]}
        return self.send(200, json.dumps(told).encode())

    do_HEAD = do_GET

    def send(self, status, content=b"", error=None, **headers):
        self.send_response(status)
        told = {"X-Error-Code": error} if error else {}
        for name, value in {"X-Repo-Commit": COMMIT, "Content-Length": str(len(content)), **told, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def typed_parquet(path):
    """Columns of the kinds that only the hub has: classes, records, lists, bytes."""
    import datasets

    kinds = datasets.Features(
        {
            "risk": datasets.ClassLabel(names=["low", "high"]),
            "options": {"A": datasets.Value("string"), "B": datasets.Value("int32")},
            "words": datasets.List(datasets.Value("string")),
            "raw": datasets.Value("binary"),
        }
    )
    rows = {
        "risk": [1, 0, -1],
        "options": [{"A": "a", "B": 1}, {"A": "b", "B": 2}, {"A": "c", "B": 3}],
        "words": [["x"], [], ["y", "z"]],
        "raw": [b"1", b"2", b"3"],
    }
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(rows, features=kinds).to_parquet(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []
    train = b"income,region,granted\n9.5,west,no\n8.5,east,yes\n"
    server.files = {
        REPOSITORY: {"README.md": CARD, "train.csv": train, "test.csv": TEST.encode()},
        "acme/scripted": {"README.md": b"Runs code.", "scripted.py": b"raise SystemExit", "test.csv": TEST.encode()},
        "acme/pictures": {"README.md": b"No table.", "a.xyz": b"?"},
        "acme/torn": {"README.md": b"Torn.", "test.csv": b"a,b\n1,Jane\n1,2,3\n"},
        GATED: {"README.md": b"Ask for access.", "test.csv": TEST.encode()},
        TYPED: {"test.parquet": typed_parquet(folder / "test.parquet")},
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(hub, tmp_path):
    """Runs Python with a fresh cache and this hub."""

    def ran(*arguments, offline=False, token=None):
        own = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}"}
        own |= {"HF_HUB_OFFLINE": "1" if offline else "0", "HF_TOKEN": token or ""}
        done = subprocess.run(
            [sys.executable, *arguments], env={**os.environ, **own}, capture_output=True, text=True, cwd=tmp_path
        )
        assert "Traceback" not in done.stderr
        return done

    return ran


@pytest.fixture
def read(run):
    """Reads sources one after the other in one process."""

    def found(*sources, offline=False):
        return [json.loads(line) for line in run("-c", READ, *sources, offline=offline).stdout.splitlines()]

    return found


def test_a_split_comes_with_the_commit_that_it_was_loaded_from_and_stays_without_a_network(read, hub):
    (found,) = read(f"hf:{REPOSITORY}#small/test")
    assert found["csv"] == "income,region,granted\n1.5,north,yes\n2.5,,no\n,south,yes\n"
    assert found["origin"] == f"hf:{REPOSITORY}@{COMMIT}#small/test"
    hub.asked.clear()
    assert read(f"hf:{REPOSITORY}#small/test", found["origin"], offline=True) == [found, found]
    assert hub.asked == []


def test_without_a_network_a_kept_copy_is_not_taken_for_another_revision(read):
    read(f"hf:{REPOSITORY}#small/test")
    others = [f"hf:{REPOSITORY}@{revision}#small/test" for revision in ("v1", "f" * 40)]
    for said in read(*others, offline=True):
        assert f"the copy kept here is of commit {COMMIT}" in said["error"]


def test_offline_and_not_kept_says_what_to_do(read):
    (said,) = read(f"hf:{REPOSITORY}#small/test", offline=True)
    assert "is not kept from an earlier run. Run it once with a network and without HF_HUB_OFFLINE" in said["error"]


def test_classes_are_names_records_are_columns_and_what_is_no_cell_is_left_out(read):
    (found,) = read(f"hf:{TYPED}")
    assert found["csv"] == "risk,options.A,options.B\nhigh,a,1\nlow,b,2\n,c,3\n"
    assert found["origin"] == f"hf:{TYPED}@{COMMIT}#default/test"


def test_a_name_that_does_not_fit_says_which_do(read):
    wanted = [
        (f"hf:{REPOSITORY}#small/", "has several splits. Name one of: hf:acme/loans#small/train, hf:acme/loans#small/test"),
        (f"hf:{REPOSITORY}#small/validation", "has no split validation. Name one of"),
        (f"hf:{REPOSITORY}#test", "Config name is missing. Please pick one among the available configs: ['small', 'large']. Name"),
        (f"hf:{REPOSITORY}#smal/test", "BuilderConfig 'smal' not found. Available: ['small', 'large']. Name"),
        (f"hf:{REPOSITORY}@v9#small/test", "has no such data set or revision, or it needs a login"),
        (f"hf:{GATED}#test", "it needs a login. Check the name, or log in (HF_TOKEN), and accept its terms"),
        ("hf:acme/scripted#test", "it needs code of its own, which is never run"),
        ("hf:acme/pictures#test", "its files are no table"),
        ("hf:acme/torn#test", "its files are no table"),
        (f"hf:{REPOSITORY}#small/test[:x]", "the split can't be read"),
        ("hf:acme/other#test", "has no such data set or revision, or it needs a login"),
    ]  # fmt: skip
    for said, (_, says) in zip(read(*(source for source, _ in wanted)), wanted, strict=True):
        assert says in said["error"]
        assert "Jane" not in said["error"]


@pytest.mark.parametrize("source", ["hf:csv", "hf:a/b/c", "hf:acme/loans#a/b/c", "hf:"])
def test_what_is_no_name_is_refused_before_anything_is_loaded(source):
    with pytest.raises(DataError, match="names no data set of the hub"):
        read_source(source)


def test_a_local_folder_of_the_same_name_is_not_read_instead(tmp_path, monkeypatch):
    (tmp_path / "acme" / "loans").mkdir(parents=True)
    (tmp_path / "acme" / "loans" / "test.csv").write_text(TEST, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="There is a folder acme/loans here"):
        read_source(f"hf:{REPOSITORY}#test")


def test_without_the_library_the_message_has_the_pip_line(run):
    done = run("-c", "import sys; sys.modules['datasets'] = None\n" + READ, f"hf:{REPOSITORY}#small/test")
    assert "pip install 'vertical-harness[hub]'" in json.loads(done.stdout)["error"]


def test_an_audit_records_what_was_loaded_and_no_key(run, tmp_path):
    suite = f"""
name: own/loans
vertical: finance
data: {{source: "hf:{REPOSITORY}#small/test", label: {{column: granted, positive: "yes"}}, features: [income, region], split: {{test: 1.0}}}}
checks: [performance.classification, data.quality]
"""
    (tmp_path / "suite.yaml").write_text(suite, encoding="utf-8")
    pd.DataFrame({"id": [0, 1, 2], "label": ["yes", "no", "no"]}).to_csv(tmp_path / "p.csv", index=False)
    audit = ["-m", "harness.cli", "audit", "suite.yaml", "--model", "p.csv", "-o", "audit.json", "-o", "report.html"]
    assert run(*audit, token="hf_secret").returncode == 3
    text = (tmp_path / "audit.json").read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["data"]["source"] == f"hf:{REPOSITORY}@{COMMIT}#small/test"
    assert record["data"]["rows"] == 3
    assert "hf_secret" not in text
    assert f"hf:{REPOSITORY}@{COMMIT}#small/test" in (tmp_path / "report.html").read_text(encoding="utf-8")
    # The record's digest of the content holds the data to what was audited.
    card = f"title: t\nsource: s\nlicence: l\nreal_or_synthetic: real\nsha256: {record['data']['fingerprint'][7:]}\n"
    (tmp_path / "card.yaml").write_text(card, encoding="utf-8")
    (tmp_path / "suite.yaml").write_text(suite.replace("label:", "card: card.yaml, label:"), encoding="utf-8")
    assert run(*audit).returncode == 3
    (tmp_path / "suite.yaml").write_text(
        suite.replace("label:", "card: card.yaml, label:").replace("small/test", "small/train"), encoding="utf-8"
    )
    done = run(*audit)
    assert (done.returncode, "is not the table that its card describes" in done.stderr) == (2, True)
