"""Small folders laid out like the hub's repositories, with their files, columns and types."""

from __future__ import annotations

import csv
import io
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Audio, ClassLabel, Features, Image, List, Value
from PIL import Image as Pictures

TEXT = Value("string")
LONG = " ".join(f"word{number}" for number in range(70))


def picture(shade: int = 90) -> dict[str, Any]:
    """A cell with an image of 8 x 6 pixels."""
    file = io.BytesIO()
    Pictures.new("RGB", (8, 6), (shade, 0, 0)).save(file, "JPEG")
    return {"bytes": file.getvalue(), "path": "0.jpg"}


def recording(rate: int = 16_000, channels: int = 1) -> dict[str, Any]:
    """A cell with a tenth of a second of a 440 Hz tone."""
    time = np.arange(rate // 10) / rate
    tone = (20_000 * np.sin(2 * np.pi * 440 * time)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as opened:
        opened.setnchannels(channels)
        opened.setsampwidth(2)
        opened.setframerate(rate)
        opened.writeframes(np.repeat(tone, channels).tobytes())
    return {"bytes": file.getvalue(), "path": "0.wav"}


def _answer(*texts: str) -> dict[str, Any]:
    row = {"id": "1", "title": "t", "context": "Ann saw the Nile.", "question": "Who saw it?"}
    return {**row, "answers": {"text": list(texts), "answer_start": [0] * len(texts)}}


_SQUAD = {
    **dict.fromkeys(("id", "title", "context", "question"), TEXT),
    "answers": {"text": List(TEXT), "answer_start": List(Value("int32"))},
}
_COCO_OBJECTS = {
    "bbox_id": List(Value("int64")),
    "category": List(ClassLabel(num_classes=80)),
    "bbox": List(List(Value("float64"), length=4)),
    "area": List(Value("int64")),
}
_SHOWN = {"image": Image()}
_SHOWS = [{"image": picture(shade)} for shade in (10, 90, 200)]
_AIES = ("data/train-00000-of-00001.parquet", _SHOWN, _SHOWS)

#: (task, data set) -> file, types (None: not Parquet), rows
COPIES: dict[tuple[str, str], tuple[str, dict[str, Any] | None, list[dict[str, Any]]]] = {
    ("text-classification", "imdb"): (
        "plain_text/test-00000-of-00001.parquet",
        {"text": TEXT, "label": ClassLabel(names=["neg", "pos"])},
        [{"text": "bad<br /><br />film", "label": 0}, {"text": "good", "label": 1}],
    ),
    ("text-classification", "tweet-eval"): (
        "sentiment/test-00000-of-00001.parquet",
        {"text": TEXT, "label": ClassLabel(names=["negative", "neutral", "positive"])},
        [{"text": text, "label": n} for n, text in enumerate(("no", "so so", "yes"))],
    ),
    ("text-classification", "yelp"): (
        "plain_text/test-00000-of-00001.parquet",
        {"text": TEXT, "label": ClassLabel(names=["1", "2"])},
        [{"text": "cold soup", "label": 0}, {"text": "good soup", "label": 1}],
    ),
    ("text-generation", "wikitext"): (
        "wikitext-2-raw-v1/test-00000-of-00001.parquet",
        {"text": TEXT},
        [{"text": ""}, {"text": " = Title = \n"}, {"text": LONG}, {"text": f"a {LONG}"}],
    ),
    ("text-generation", "oscar"): (
        "en_meta/en_meta_part_1.jsonl.zst",
        None,
        [{"content": f"{n}\n{LONG}", "warc_headers": {}, "metadata": {}} for n in range(3)],
    ),
    ("text-generation", "ultrachat"): (
        "data/test_sft-00000-of-00001-f7dfac4afe5b93f4.parquet",
        {"prompt": TEXT, "prompt_id": TEXT, "messages": List({"content": TEXT, "role": TEXT})},
        [
            {"prompt": text, "prompt_id": text, "messages": [{"content": text, "role": "user"}]}
            for text in ("Why?", "How?")
        ],
    ),
    ("text-generation", "aies-sample"): (
        "data/train-00000-of-00001.parquet",
        {"text": TEXT},
        [{"text": LONG}, {"text": f"a {LONG}"}],
    ),
    ("reasoning", "gsm8k"): (
        "main/test-00000-of-00001.parquet",
        {"question": TEXT, "answer": TEXT},
        [{"question": "2 + 2?", "answer": "It is 4.\n#### 4"},
         {"question": "1000 + 5?", "answer": "#### 1,005"}],
    ),
    ("summarization", "cnn-dailymail"): (
        "3.0.0/test-00000-of-00001.parquet",
        {"article": TEXT, "highlights": TEXT, "id": TEXT},
        [{"article": f"News {n}. More.", "highlights": f"News {n} .", "id": "x"} for n in range(3)],
    ),
    ("summarization", "samsum"): (
        "test.csv",
        None,
        [{"id": str(n), "dialogue": f"Ann: Hi {n}\nBob: Hi", "summary": f"{n} hello"}
         for n in range(3)],
    ),
    ("summarization", "arxiv"): (
        "document/test-00000-of-00001.parquet",
        {"article": TEXT, "abstract": TEXT},
        [{"article": f"we prove {n} .", "abstract": f"a proof of {n}"} for n in range(3)],
    ),
    ("extractive-question-answering", "squad-v2"): (
        "squad_v2/validation-00000-of-00001.parquet", _SQUAD, [_answer("Ann", "ann"), _answer()],
    ),
    ("extractive-question-answering", "xtreme"): (
        "XQuAD.en/validation-00000-of-00001.parquet", _SQUAD, [_answer("Ann"), _answer("Nile")],
    ),
    ("extractive-question-answering", "squadshifts"): (
        "nyt/test/0000.parquet", _SQUAD, [_answer("Ann"), _answer("the Nile")],
    ),
    ("sentence-similarity", "sts-b"): (
        "stsb/validation-00000-of-00001.parquet",
        {"sentence1": TEXT, "sentence2": TEXT, "label": Value("float32"), "idx": Value("int32")},
        [{"sentence1": "a", "sentence2": "b", "label": rating, "idx": 0} for rating in (0, 2.5, 5)],
    ),
    ("sentence-similarity", "sentence-compression"): (
        "pair/train-00000-of-00001.parquet",
        {"text": TEXT, "simplified": TEXT},
        [{"text": f"a long one {n}", "simplified": "one"} for n in range(3)],
    ),
    ("sentence-similarity", "phrase-similarity"): (
        "PS-hard/test/0000.parquet",
        {**dict.fromkeys(("phrase1", "phrase2", "sentence1", "sentence2"), TEXT),
         "label": ClassLabel(names=["negative", "positive"]), "idx": Value("int64")},
        [{"phrase1": "p", "phrase2": "q", "sentence1": "a p", "sentence2": "a q", "label": n,
          "idx": n} for n in (0, 1)],
    ),
    ("image-classification", "imagenet"): (
        "data/validation-00000-of-00014.parquet",
        {**_SHOWN, "label": ClassLabel(num_classes=1000)},
        [{**row, "label": n} for n, row in zip((0, 7, 999), _SHOWS, strict=True)],
    ),
    ("image-classification", "food-101"): (
        "data/validation-00000-of-00003.parquet",
        {**_SHOWN, "label": ClassLabel(num_classes=101)},
        [{**row, "label": 6} for row in _SHOWS],
    ),
    ("image-classification", "beans"): (
        "data/test-00000-of-00001.parquet",
        {"image_file_path": TEXT, **_SHOWN, "labels": ClassLabel(num_classes=3)},
        [{**row, "image_file_path": "x", "labels": 0} for row in _SHOWS],
    ),
    ("image-classification", "aies-sample"): _AIES,
    ("object-detection", "coco-2017"): (
        "data/val-00000-of-00002-c4f2e391ee4aba11.parquet",
        {"image_id": Value("int64"), **_SHOWN, "width": Value("int64"), "height": Value("int64"),
         "objects": _COCO_OBJECTS},
        [{"image_id": 1, "width": 8, "height": 6, **row,
          "objects": {"bbox_id": [1, 2], "category": [0, 16], "area": [6, 4],
                      "bbox": [[0.0, 0.0, 4.0, 3.0], [4.0, 3.0, 8.0, 6.0]]}} for row in _SHOWS],
    ),
    ("object-detection", "plastic-in-river"): (
        "default/test/0000.parquet",
        {**_SHOWN, "litter": {"label": List(ClassLabel(num_classes=4)),
                              "bbox": List(List(Value("float32"), length=4))}},
        [{**row, "litter": {"label": [1], "bbox": [[0.5, 0.5, 0.1, 0.1]]}} for row in _SHOWS],
    ),
    ("object-detection", "aies-sample"): _AIES,
    ("automatic-speech-recognition", "librispeech"): (
        "clean/test/0000.parquet",
        {"file": TEXT, "audio": Audio(sampling_rate=16_000), "text": TEXT,
         "speaker_id": Value("int64"), "id": TEXT},
        [{"file": "x", "audio": recording(), "text": said, "speaker_id": 1, "id": "x"}
         for said in ("GO FORWARD", "AND STOP")],
    ),
    ("automatic-speech-recognition", "common-voice"): (
        "en/test/test-00000-of-00013.parquet",
        {"client_id": TEXT, "path": TEXT, "audio": Audio(sampling_rate=48_000), "sentence": TEXT},
        [{"client_id": "x", "path": "x", "audio": recording(48_000, 2), "sentence": "Go on."},
         {"client_id": "x", "path": "x", "audio": recording(48_000), "sentence": " "}],
    ),
    ("automatic-speech-recognition", "peoples-speech"): (
        "test/test-00000-of-00008.parquet",
        {"id": TEXT, "audio": Audio(sampling_rate=16_000), "duration_ms": Value("int32"),
         "text": TEXT},
        [{"id": "x", "audio": recording(), "duration_ms": 100, "text": "yes"}],
    ),
    ("image-captioning", "coco-2014"): (
        "data/val-00000-of-00013.parquet",
        {"question_id": TEXT, **_SHOWN, "question": TEXT, "answer": List(TEXT)},
        [{**row, "question_id": "x", "question": "Describe it.", "answer": ["red", "a red one"]}
         for row in _SHOWS],
    ),
    ("image-captioning", "new-yorker"): (
        "explanation/test/0000.parquet",
        {**_SHOWN, "image_description": TEXT, "label": TEXT},
        [{**row, "image_description": "a red field", "label": "it is red"} for row in _SHOWS],
    ),
    ("image-captioning", "aies-sample"): _AIES,
    ("image-generation", "coco-captions"): (
        "data/test-00000-of-00001.parquet",
        {"filepath": TEXT, "sentids": List(Value("int64")), "sentences": List(TEXT)},
        [{"filepath": "x", "sentids": [1], "sentences": [f"a dog {n}", "x"]} for n in range(3)],
    ),
    ("image-generation", "diffusiondb"): (
        "metadata.parquet",
        {"image_name": TEXT, "prompt": TEXT, "seed": Value("uint32")},
        [{"image_name": "x", "prompt": f"a castle {n}", "seed": 1} for n in range(3)],
    ),
    ("image-generation", "nouns"): (
        "data/train-00000-of-00001-72206f7d9a3e29b2.parquet",
        {**_SHOWN, "text": TEXT},
        [{**row, "text": f"a noun {n}"} for n, row in enumerate(_SHOWS)],
    ),
}  # fmt: skip
for _name in ("wikitext", "oscar", "ultrachat"):
    COPIES["reasoning", _name] = COPIES["text-generation", _name]


def write(folder: Path, task: str, name: str) -> Path:
    """The copy of a data set in ``folder``, with a file beside it that must never be run."""
    file, types, rows = COPIES[task, name]
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.py").write_text("raise SystemExit('code of a repository was run')")
    if types is not None:
        # the schema carries the types of ``datasets``, as the hub's files do
        schema = Features(types).arrow_schema
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    elif file.endswith(".csv"):
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        import zstandard

        text = "\n".join(map(json.dumps, rows))
        path.write_bytes(zstandard.ZstdCompressor().compress(text.encode()))
    return folder
