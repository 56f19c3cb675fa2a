import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.engine import durable
from harness.engine.durable import require_writable, take_place, unfinished_folder, write_file, written_file
from harness.errors import UserError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_old_content_until_the_block_ends(tmp_path):
    path = tmp_path / "f"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    with written_file(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_text(encoding="utf-8") == "old"
    assert (path.read_text(encoding="utf-8"), names(tmp_path)) == ("new", ["f"])
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_error_in_the_block_leaves_the_old_content_and_no_temporary(tmp_path):
    write_file(tmp_path / "f", b"old")
    with pytest.raises(TypeError), written_file(tmp_path / "f") as stream:
        stream.writelines([b"half", "no bytes"])
    assert ((tmp_path / "f").read_bytes(), names(tmp_path)) == (b"old", ["f"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_devices_are_written_to_and_never_replaced(tmp_path):
    write_file(Path("/dev/null"), b"x")
    assert not Path("/dev/null").is_file()
    with pytest.raises(UserError, match=r"/dev/full can't be written: No space left on device. Free some space"):
        write_file(Path("/dev/full"), b"x")
    code = "import sys; from pathlib import Path; from harness.engine.durable import write_file\nprint('before')\nwrite_file(Path('/dev/stdout'), b'content\\n')\nprint('after')"
    with (tmp_path / "out").open("w", encoding="utf-8") as out:  # also where it leads to a plain file
        subprocess.run([sys.executable, "-c", code], check=True, stdout=out)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "before\ncontent\nafter\n"
    piped = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert piped.stdout == "before\ncontent\nafter\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE) as reader:
        write_file(tmp_path / "pipe", b"through")
        assert reader.communicate()[0] == b"through"
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_keeps_pointing(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "file")
    write_file(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "there" / "file").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("f/below", "Not a directory. A part of the path is a file"),
        ("x" * 300, "File name too long. Give a shorter name"),
        ("folder", "Is a directory|it is a folder"),
        ("/proc/f", "can't be written"),
    ],
)
@pytest.mark.parametrize("write", [lambda path: write_file(path, b"x"), require_writable])
def test_what_the_disk_refuses_is_told_in_plain_words(write, name, message, tmp_path):
    (tmp_path / "f").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=message):
        write(tmp_path / name)
    assert names(tmp_path) == ["f", "folder"]


def test_a_place_that_can_be_written_is_found_so_and_left_as_it_was(tmp_path):
    require_writable(tmp_path / "new" / "f")
    assert names(tmp_path / "new") == []


def test_what_a_dead_process_left_goes_with_the_next_write_and_what_a_living_one_writes_stays(tmp_path):
    code = (
        "import os, sys, signal; from pathlib import Path; from harness.engine.durable import written_file\n"
        "with written_file(Path('f')) as stream:\n stream.write(b'half'); print(flush=True); sys.stdin.read()\n"
        " os.kill(os.getpid(), signal.SIGKILL)"
    )
    words = [sys.executable, "-c", code]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": tmp_path}
    with subprocess.Popen(words, **pipes) as living:
        living.stdout.readline()
        write_file(tmp_path / "g", b"x")
        assert len(names(tmp_path)) == 2
        living.communicate()
    assert len(names(tmp_path)) == 2
    write_file(tmp_path / "g", b"x")
    assert names(tmp_path) == ["g"]


def build(target, content):
    with unfinished_folder(target.parent) as folder:
        (folder / content).write_text(content, encoding="utf-8")
        take_place(folder, target)


@pytest.mark.parametrize("platform", [sys.platform, "other"])
def test_a_folder_takes_the_place_of_another_whole(platform, tmp_path, monkeypatch):
    monkeypatch.setattr(durable.sys, "platform", platform)
    for content in ("a", "b"):
        build(tmp_path / "m", content)
        assert (names(tmp_path), names(tmp_path / "m")) == (["m"], [content])


def test_a_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "m").touch()
    with pytest.raises(UserError, match="Not a directory"):
        build(tmp_path / "m", "a")
    assert names(tmp_path) == ["m"]


def test_a_folder_that_was_removed_while_it_was_written_is_not_made_again(tmp_path):
    with unfinished_folder(tmp_path) as one:
        one.rmdir()
        with pytest.raises(UserError, match="the folder was removed while it was written"):
            write_file(one / "f", b"x")
    assert names(tmp_path) == []


def test_what_is_unfinished_can_be_removed_at_once(tmp_path):
    with unfinished_folder(tmp_path) as one:
        (one / "f").touch()
        durable.remove_unfinished()
        assert not one.exists()
