import subprocess
import sys
from pathlib import Path

from harness.engine.cache import AnswerCache

WRITER = """
import sys
from pathlib import Path
import numpy as np
from harness.engine.cache import AnswerCache
from harness.engine.durable import unfinished_folder, write_file
from harness.workflows.run_folders import finish

own = sys.argv[1]
sys.stdin.read()  # all begin at once
cache = AnswerCache(Path("cache/c.sqlite"))
for i in range(20):
    cache.put([(f"{own}-{i}".encode(), np.full(3, float(i)))])
    write_file(Path("index"), own.encode() * 1000)
with unfinished_folder(Path("runs")) as folder:
    write_file(folder / "audit.json", own.encode())
    print(finish(folder, "s-m", "sha256:" + own.zfill(2) + "ab" * 31))
assert cache.keeps
"""


def test_twenty_writers_at_once_lose_nothing_and_leave_no_temporary(tmp_path):
    def writer(number):
        words = [sys.executable, "-c", WRITER, str(number)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(words, cwd=tmp_path, text=True, **pipes)

    writers = [writer(number) for number in range(20)]
    for process in writers:
        process.stdin.close()
        process.stdin = None
    ended = [process.communicate() for process in writers]
    assert [process.returncode for process in writers] == [0] * 20, ended
    assert [error for _, error in ended if error] == []
    for number, (run, _) in enumerate(ended):
        assert (tmp_path / run.strip() / "audit.json").read_text(encoding="utf-8") == str(number)
    stored = AnswerCache(tmp_path / "cache" / "c.sqlite").get(
        [f"{k}-{i}".encode() for k in range(20) for i in range(20)]
    )
    assert len(stored) == 400
    content = (tmp_path / "index").read_text(encoding="utf-8")
    assert content in {str(number) * 1000 for number in range(20)}
    assert list(Path(tmp_path).rglob(".unfinished-*")) == []
