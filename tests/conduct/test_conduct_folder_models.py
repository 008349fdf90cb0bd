"""A model in a folder that a plan names from where it is run: workers stand elsewhere."""

from __future__ import annotations

from pathlib import Path

from wattmark.conduct.preparing import from_anywhere


def test_a_folder_is_named_from_the_root_and_other_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ann")
    assert from_anywhere("folder:models/gpt2") == f"folder:{Path.cwd()}/models/gpt2"
    assert from_anywhere("folder:/models/gpt2") == "folder:/models/gpt2"
    assert from_anywhere("folder:~/gpt2") == "folder:/home/ann/gpt2"
    assert from_anywhere("folder:~nobody-of-this-name/x") == "folder:~nobody-of-this-name/x"
    assert from_anywhere("hub:org/name@main") == "hub:org/name@main"
    assert from_anywhere("minilm-l6-qa") == "minilm-l6-qa"
