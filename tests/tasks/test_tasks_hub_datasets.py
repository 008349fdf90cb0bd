"""Public data sets: from files as they are on the hub to examples that a task can score."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("datasets")
pytest.importorskip("huggingface_hub")

from hub_copies import COPIES, recording, write
from hub_server import COMMIT, NOWHERE, client, served

from wattmark import registry
from wattmark.errors import AssetError, CorruptArchiveError, MissingPackageError
from wattmark.tasks.hub.recordings import decoded

ROOT = Path(__file__).parents[2]
WHOLE = [(t, d) for t in registry.names("task") for d in registry.datasets(t)]


def dataset(task: str, name: str):
    return next(d for d in registry.datasets(task) if d.name == name)


@pytest.fixture(autouse=True)
def out_of_reach(monkeypatch, tmp_path):
    """Copies on disk need no hub."""
    use = client(monkeypatch, tmp_path)
    use(NOWHERE)
    return use


def right(task: str, label) -> str:
    """The prediction that is wholly right."""
    if task == "object-detection":
        return json.dumps([[box.name, 0.9, *box[1:]] for box in label])
    return str(label)


def test_every_data_set_has_a_copy_to_be_tested_with():
    assert {(task, d.name) for task, d in WHOLE} == set(COPIES)


@pytest.mark.parametrize(("task", "name"), list(COPIES))
def test_a_copy_like_the_hubs_gives_examples_that_the_task_scores(task, name, tmp_path):
    if name == "oscar":
        pytest.importorskip("zstandard")
    found = dataset(task, name)
    source, examples = found.draw(10, 0, write(tmp_path / "copy", task, name))
    assert examples and {e.source for e in examples} == {name}
    assert found.citation in source and str(tmp_path / "copy") in source
    for example in examples:
        assert (example.label is not None) == bool(found.label), "the label is as it is announced"
        if example.label is not None:
            score = registry.task(task).score(right(task, example.label), example.label)
            assert score == pytest.approx(1)


def test_what_an_example_holds(tmp_path):
    def drawn(task: str, name: str):
        folder = write(tmp_path / name, task, name)
        return sorted(dataset(task, name).draw(10, 0, folder)[1], key=lambda e: str(e.label))

    assert [(e.data, e.label) for e in drawn("text-classification", "imdb")] == [
        ("bad film", "negative"),
        ("good", "positive"),
    ]
    assert [e.data for e in drawn("text-classification", "tweet-eval")] == ["no", "yes"]
    words = drawn("text-generation", "wikitext")
    assert [len(e.data.split()) for e in words] == [64, 64]
    assert [e.label for e in words] == ["word63", "word64"]
    (question,) = drawn("extractive-question-answering", "squad-v2")
    assert question.data == ("Who saw it?", "Ann saw the Nile.") and question.label == "Ann"
    assert [e.label for e in drawn("sentence-similarity", "sts-b")] == [0, 0.5, 1]
    assert [e.label for e in drawn("reasoning", "gsm8k")] == [1005, 4]
    photograph = drawn("object-detection", "coco-2017")[0]
    assert photograph.data.startswith(b"\xff\xd8")
    assert photograph.label[1] == ("dog", 0.5, 0.5, 1, 1)
    (said,) = drawn("automatic-speech-recognition", "common-voice")
    assert said.data.shape == (1600,) and said.data.dtype == np.float32 and said.label == "Go on."
    (prompt, seed), *_ = (e.data for e in drawn("image-generation", "nouns"))
    assert prompt.startswith("a noun") and 0 <= seed < 2**31


def test_a_smaller_sample_is_the_start_of_a_larger_one(tmp_path):
    folder = write(tmp_path, "summarization", "arxiv")
    arxiv = dataset("summarization", "arxiv")
    assert arxiv.draw(2, 7, folder)[1] == arxiv.draw(3, 7, folder)[1][:2]


def test_the_hub_is_asked_once_for_data_files_at_a_commit(tmp_path, out_of_reach):
    repository = write(tmp_path / "imdb", "text-classification", "imdb")
    write(repository, "text-generation", "wikitext")  # another part of the repository
    imdb = dataset("text-classification", "imdb")
    with served(repository, kind="datasets", repo=imdb.repo) as (url, asked):
        out_of_reach(url)
        source, examples = imdb.draw(5, 0, None)
    fetched = {path for path in asked if "/resolve/" in path}
    file = COPIES["text-classification", "imdb"][0]
    assert fetched == {f"/datasets/{imdb.repo}/resolve/{COMMIT}/{file}"}
    assert f"hub data set {imdb.repo} at {COMMIT}" in source
    out_of_reach(NOWHERE)
    assert imdb.draw(5, 0, None) == (source, examples), "needs no network again"


def test_a_gated_data_set_asks_for_its_terms_and_a_token(tmp_path, out_of_reach):
    imagenet = dataset("image-classification", "imagenet")
    repository = write(tmp_path / "imagenet", "image-classification", "imagenet")
    with served(repository, kind="datasets", gated=imagenet.repo) as (url, asked):
        out_of_reach(url)
        page = f"huggingface.co/datasets/{imagenet.repo}"
        with pytest.raises(AssetError, match=f"gated: accept its terms.*{page}.*HF_TOKEN"):
            imagenet.draw(5, 0, None)
    assert imagenet.gated and not any("/resolve/" in path for path in asked)


def test_a_data_set_that_is_no_longer_there_and_a_hub_out_of_reach(tmp_path, out_of_reach):
    imdb = dataset("text-classification", "imdb")
    with pytest.raises(AssetError, match=r"out of reach.*NAME=folder:PATH"):
        imdb.draw(5, 0, None)
    with served(tmp_path, kind="datasets") as (url, _):
        out_of_reach(url)
        with pytest.raises(AssetError, match=r"does not exist.*a copy as NAME=folder:PATH"):
            imdb.draw(5, 0, None)


def test_a_folder_that_is_missing_or_laid_out_otherwise(tmp_path):
    imdb = dataset("text-classification", "imdb")
    with pytest.raises(AssetError, match=r"no folder .*nowhere"):
        imdb.draw(5, 0, tmp_path / "nowhere")
    (tmp_path / "other.parquet").touch()
    with pytest.raises(AssetError, match=r"no file of imdb \(plain_text/test.*it has other\.par"):
        imdb.draw(5, 0, tmp_path)


def copy_of_imdb(folder: Path, **columns) -> Path:
    """A copy with other columns."""
    import datasets

    (folder / "plain_text").mkdir()
    datasets.Dataset.from_dict(columns).to_parquet(folder / "plain_text" / "test.parquet")
    return folder


def test_columns_that_are_missing_are_named_with_those_found(tmp_path):
    folder = copy_of_imdb(tmp_path, review=["a"], text=["a"])
    with pytest.raises(AssetError, match=r"no column 'label', which holds the.*review, text"):
        dataset("text-classification", "imdb").draw(5, 0, folder)


@pytest.mark.parametrize("label", [-1, "good"])
def test_labels_that_are_none_are_told_with_their_row(tmp_path, label):
    folder = copy_of_imdb(tmp_path, text=["a"], label=[label])
    with pytest.raises(CorruptArchiveError, match=r"imdb, row 0 of folder .*label|invalid literal"):
        dataset("text-classification", "imdb").draw(5, 0, folder)


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "plain_text").mkdir()
    (tmp_path / "plain_text" / "test.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CorruptArchiveError, match=r"test\.parquet in .* cannot be read as parquet"):
        dataset("text-classification", "imdb").draw(5, 0, tmp_path)


def test_boxes_given_by_width_and_height_are_refused(tmp_path, monkeypatch):
    key = ("object-detection", "coco-2017")
    file, types, rows = COPIES[key]
    objects = {**rows[0]["objects"], "bbox": [[6.0, 4.0, 2.0, 2.0]] * 2}
    monkeypatch.setitem(COPIES, key, (file, types, [{**rows[0], "objects": objects}]))
    with pytest.raises(CorruptArchiveError, match="no edges in a picture of 8 x 6 pixels"):
        dataset(*key).draw(5, 0, write(tmp_path, *key))


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2), (44_100, 1)])
def test_recordings_come_as_16_khz_mono(rate, channels):
    samples = decoded(recording(rate, channels)["bytes"])
    spectrum = np.abs(np.fft.rfft(samples))
    assert samples.shape == (1600,) and samples.dtype == np.float32
    assert spectrum.argmax() == 44, "the tone is at 440 Hz, in steps of 10"
    assert np.abs(samples).max() == pytest.approx(20_000 / 32_768, rel=0.03)


@pytest.mark.skipif(importlib.util.find_spec("zstandard") is not None, reason="zstandard is there")
def test_zstandard_files_without_zstandard_name_the_cure(tmp_path):
    (tmp_path / "en_meta").mkdir()
    (tmp_path / "en_meta" / "en_meta_part_1.jsonl.zst").touch()
    with pytest.raises(MissingPackageError, match=r"install wattmark\[data\]"):
        dataset("text-generation", "oscar").draw(5, 0, tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("soundfile") is not None, reason="soundfile is there")
def test_flac_without_soundfile_names_the_cure():
    with pytest.raises(MissingPackageError, match=r"install wattmark\[data\]"):
        decoded(b"fLaC and so on")


def test_flac_is_read_by_soundfile():
    soundfile = pytest.importorskip("soundfile")
    import io

    file = io.BytesIO()
    tone = np.sin(np.arange(1600) / 9).astype(np.float32) / 2
    soundfile.write(file, tone, 16_000, format="FLAC", subtype="PCM_16")
    np.testing.assert_allclose(decoded(file.getvalue()), tone, atol=1e-4)
    with pytest.raises(CorruptArchiveError, match="cannot be read"):
        decoded(b"fLaC and so on")


def test_the_document_lists_every_data_set_as_the_code_has_it():
    table = re.findall(r"^\| (.+) \|$", (ROOT / "docs" / "data.md").read_text(), re.MULTILINE)
    told = {tuple(cell.strip("`") for cell in row.split(" | ")) for row in table}
    for task, d in WHOLE:
        repository = f"[{d.repo}](https://huggingface.co/datasets/{d.repo})"
        licence = d.licence + (" (gated)" if d.gated else "")
        row = (task, d.name, repository, d.split, licence, d.label or "none")
        assert row in told, " | ".join(row)
    assert len(told) == len(WHOLE) + 2, "no row but these, and the heading"
