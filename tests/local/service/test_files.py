"""writeFiles, readFiles, listFiles, removeFiles: and no way out of the session's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from agentcore_local.service.limits import Limits


def test_texts_and_blobs_are_written_and_read_back(local: Any) -> None:
    session = local.session()
    binary = bytes(range(256))
    written = session.invoke(
        "writeFiles",
        content=[
            {"path": "dir/data.csv", "text": "name,größe\n"},
            {"path": "picture.png", "blob": binary},
        ],
    )
    assert written["content"] == [{"type": "text", "text": "Successfully wrote all 2 files"}]
    assert "structuredContent" not in written
    text, blob = session.invoke("readFiles", paths=["dir/data.csv", "picture.png"])["content"]
    assert text == {
        "type": "resource",
        "resource": {
            "type": "text",
            "uri": "file:///dir/data.csv",
            "mimeType": "text/csv",
            "text": "name,größe\n",
        },
    }
    assert blob["resource"]["type"] == "blob"
    assert blob["resource"]["blob"] == binary
    assert blob["resource"]["mimeType"] == "image/png"


def test_a_list_tells_files_from_directories(local: Any) -> None:
    session = local.session()
    content = [{"path": "a.txt", "text": "abc"}, {"path": "d/e.json", "text": "{}"}]
    session.invoke("writeFiles", content=content)
    top = session.invoke("listFiles", directoryPath="")["content"]
    assert top == [
        {
            "type": "resource_link",
            "uri": "file:///a.txt",
            "name": "a.txt",
            "mimeType": "text/plain",
            "size": 3,
        },
        {
            "type": "resource_link",
            "uri": "file:///d",
            "name": "d",
            "description": "Directory",
        },
    ]
    (inner,) = session.invoke("listFiles", directoryPath="d")["content"]
    assert inner["uri"] == "file:///d/e.json"
    assert session.invoke("listFiles", path="d")["content"] == [inner]
    assert session.invoke("listFiles", directoryPath="none")["isError"] is True


def test_files_and_directories_are_removed(local: Any) -> None:
    session = local.session()
    content = [{"path": "a.txt", "text": ""}, {"path": "d/e", "text": ""}]
    session.invoke("writeFiles", content=content)
    assert session.invoke("removeFiles", paths=["a.txt", "d"])["isError"] is False
    assert session.invoke("listFiles")["content"] == []
    missing = session.invoke("removeFiles", paths=["a.txt"])
    assert missing["isError"] is True
    assert missing["content"][0]["text"] == "File not found: a.txt"


def test_what_is_missing_is_an_error_beside_what_is_there(local: Any) -> None:
    session = local.session()
    session.invoke("writeFiles", content=[{"path": "there", "text": "yes"}])
    result = session.invoke("readFiles", paths=["there", "missing"])
    assert result["isError"] is True
    assert [block["type"] for block in result["content"]] == ["resource", "text"]


def test_if_one_file_cannot_be_written_none_is(local: Any) -> None:
    session = local.session()
    session.invoke("writeFiles", content=[{"path": "d/e", "text": ""}])
    for wrong in ({"path": "../out", "text": ""}, {"path": "d", "text": ""}, {"path": "neither"}):
        result = session.invoke("writeFiles", content=[{"path": "first", "text": ""}, wrong])
        assert result["isError"] is True
    assert [b["name"] for b in session.invoke("listFiles")["content"]] == ["d"]


def test_a_path_through_a_file_is_an_error_without_this_machines_paths(local: Any) -> None:
    session = local.session()
    session.invoke("writeFiles", content=[{"path": "f", "text": ""}])
    result = session.invoke("writeFiles", content=[{"path": "f/g", "text": ""}])
    assert result["isError"] is True
    assert "/sessions/" not in result["content"][0]["text"]


OUTSIDE = ["/etc/passwd", "..", "../../etc/passwd", "a/../../x", "", "null\0byte", "link", "link/x"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out(local: Any, tmp_path: Path, path: str) -> None:
    session = local.session()
    secret = tmp_path / "x"
    secret.write_text("secret")
    session.run(f"import os; os.symlink({str(tmp_path)!r}, 'link')")
    read = session.invoke("readFiles", paths=[path])
    assert read["isError"] is True
    assert [block["type"] for block in read["content"]] == ["text"]
    assert session.invoke("writeFiles", content=[{"path": path, "text": "!"}])["isError"] is True
    if path:
        listed = session.invoke("listFiles", directoryPath=path)
        assert listed["isError"] is True
    if path != "link":  # the link itself may go
        assert session.invoke("removeFiles", paths=[path])["isError"] is True
    assert secret.read_text() == "secret"
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["x"]


def test_removing_a_link_leaves_what_it_points_to(local: Any, tmp_path: Path) -> None:
    session = local.session()
    (tmp_path / "kept").write_text("kept")
    session.run(
        f"import os; os.symlink({str(tmp_path)!r}, 'out'); os.symlink('circle', 'circle'); "
        "os.mkdir('d'); os.symlink('d', 'in')"
    )
    removed = session.invoke("removeFiles", paths=["out", "circle", "in/"])
    assert removed["isError"] is False
    assert [b["name"] for b in session.invoke("listFiles")["content"]] == ["d"]
    assert (tmp_path / "kept").exists()


def test_links_in_a_circle_and_names_too_long_are_errors(local: Any) -> None:
    session = local.session()
    session.run("import os; os.symlink('a', 'b'); os.symlink('b', 'a')")
    for path in ("a", "a/b", "n" * 300):
        assert session.invoke("readFiles", paths=[path])["isError"] is True
        content = [{"path": path, "text": ""}]
        assert session.invoke("writeFiles", content=content)["isError"] is True
        assert session.invoke("listFiles", directoryPath=path)["isError"] is True
    assert session.invoke("removeFiles", paths=["n" * 300])["isError"] is True


def test_what_is_no_file_is_not_waited_for(local: Any) -> None:
    session = local.session()
    session.invoke("executeCommand", command="mkfifo pipe")
    assert session.invoke("readFiles", paths=["pipe"])["isError"] is True
    assert session.invoke("writeFiles", content=[{"path": "pipe", "text": "x"}])["isError"] is True


def test_links_within_the_folder_are_followed(local: Any) -> None:
    session = local.session()
    session.invoke("writeFiles", content=[{"path": "real", "text": "here"}])
    session.run("import os; os.symlink('real', 'alias')")
    (block,) = session.invoke("readFiles", paths=["alias"])["content"]
    assert block["resource"]["text"] == "here"


def test_the_working_directory_itself_stays(local: Any) -> None:
    session = local.session()
    for path in (".", "a/.."):
        assert session.invoke("removeFiles", paths=[path])["isError"] is True
    assert session.invoke("listFiles")["isError"] is False


def test_files_go_with_their_session(local: Any) -> None:
    session = local.session()
    folder = Path(session.run("import os; print(os.getcwd())")["structuredContent"]["stdout"])
    assert folder.is_dir()
    session.stop()
    assert not folder.parent.exists()


def test_what_no_client_could_read_is_an_error_that_says_so(local: Any) -> None:
    session = local.session()
    # Each of these bytes is six characters of JSON.
    session.invoke("executeCommand", command="head -c 5000000 /dev/zero > zeros")
    with pytest.raises(ClientError, match=r"30000\d\d\d bytes on the wire"):
        session.invoke("readFiles", paths=["zeros"])
    assert session.run("print('still there')")["structuredContent"]["stdout"] == "still there"


def test_a_file_as_large_as_is_allowed_goes_both_ways(start_local: Any) -> None:
    limit = 3_000_000
    local = start_local(limits=Limits(requests_per_second={}, payload_bytes=limit))
    session = local.session()
    data = b"\xff" * limit
    session.invoke("writeFiles", content=[{"path": "big", "blob": data}])
    (block,) = session.invoke("readFiles", paths=["big"])["content"]
    assert block["resource"]["blob"] == data
    too_much = [{"path": "bigger", "blob": data + b"1"}]
    code, _, _ = local.error(session.invoke, tool="writeFiles", content=too_much)
    assert code == "ValidationException"
    session.invoke("executeCommand", command="echo >> big")
    result = session.invoke("readFiles", paths=["big"])
    assert result["isError"] is True
    assert "Too large" in result["content"][0]["text"]
