"""Llamas of the hub, asked in three ways for three tasks.

The questions are those that :mod:`wattmark.models.smollm2` asks, with the model's own tokenizer,
end tokens and chat template.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from wattmark.contracts import HeldOutText, Inputs, Network, Output, Pipeline
from wattmark.errors import CorruptArchiveError, InputError
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_llama import llama_network, require_llama_weights
from wattmark.models.networks.held_out import held_out_texts
from wattmark.models.smollm2 import CONTEXT, LONG, SHORT, SOLVED
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: how tokenizers write a line end: as a byte of a word piece, or by itself
_LINE_ENDS = ("Ċ", "\n", "<0x0A>")
_HERE = "\ue000"  # of the private use area: in no article and no template


class HubLlama(ABC):
    """Weights, network and tokens; a subclass says what it is asked.

    ``length`` is that of its padded prompts, ``tokens`` the default number of new tokens.
    """

    task: ClassVar[str]
    length: ClassVar[int] = SHORT
    tokens: ClassVar[int | None] = 32

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("ForCausalLM",))

    @abstractmethod
    def prompt(self, example: str) -> list[int]:
        """The tokens that it is asked with, ``length`` at most."""

    @property
    def end(self) -> tuple[int, ...]:
        """The tokens that an answer ends with. Raises AssetError."""
        generation = self._files.settings("generation_config.json")
        given = generation.get("eos_token_id", self._files.config.get("eos_token_id"))
        return tuple(given) if isinstance(given, list) else () if given is None else (int(given),)

    @property
    def _sizes(self) -> tuple[dict[str, int], ...]:
        positions = self._files.size("max_position_embeddings")
        if positions < CONTEXT:
            raise InputError(
                f"{self.name} has {positions} positions, but the task {self.task} needs {CONTEXT}: "
                "choose a model with a longer context"
            )
        return tuple({"length": length, "context": CONTEXT} for length in (1, self.length))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._files.tokenizer()
        tokenizer.no_truncation()
        return tokenizer

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model cannot be run."""
        require_llama_weights(self._files)
        return self._files.info({"sizes": self._sizes})

    def networks(self) -> tuple[Network, ...]:
        """``decode``, for prompts and for single tokens. Raises AssetError, InputError."""
        return (llama_network(self._files, self._sizes),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy. ``tokens``: how many, pinned, or ``free``. Raises UnsupportedSetupError."""
        limit = CONTEXT - self.length
        asked = tokens_option(options, self.tokens, limit)
        return Greedy(self._sizes, tokens=asked, limit=limit, end=self.end)

    def preprocess(self, examples: Sequence[str]) -> list[Inputs]:
        """Prompts, each padded to ``length``."""
        pad = self.end[0] if self.end else 0
        return [padded_prompt(self.prompt(e), [self.length], pad) for e in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The new tokens as text, up to the first that ends an answer."""
        return str(self._tokenizer.decode(answer_tokens(output, self.end)))

    def _fitted(self, before: str, text: str, after: str, start: bool, raw: bool) -> list[int]:
        """Tokens of all three, ``text`` cut at its end, or at its ``start``, until they fit.

        ``raw`` texts have no tokens that begin a document yet. Raises InputError.
        """
        while True:
            whole = before + text + after
            ids: list[int] = self._tokenizer.encode(whole, add_special_tokens=raw).ids
            excess = len(ids) - self.length
            if excess <= 0:
                return ids
            if not text:
                raise InputError(
                    f"what {self.name} is asked in the task {self.task} takes {len(ids)} tokens "
                    f"of its tokenizer, of {self.length}: choose a model with a larger vocabulary"
                )
            pieces = self._tokenizer.encode(text, add_special_tokens=False).offsets
            if excess >= len(pieces):
                text = ""
            elif start:
                text = text[max(1, pieces[excess - 1][1]) :]
            else:
                text = text[: min(len(text) - 1, pieces[-excess][0])]


class HubTextGeneration(HubLlama):
    """Continues a text: the prompt is the text as it is, of a long one its last 160 tokens."""

    task = "text-generation"

    def prompt(self, example: str) -> list[int]:
        """The text's tokens."""
        return self._fitted("", example, "", start=True, raw=True)

    def held_out(self, texts: Sequence[tuple[str, str]]) -> list[HeldOutText]:
        """What it is judged by: the continuations of texts, after their beginnings."""
        rows = self._files.size("vocab_size")
        return held_out_texts(self._tokenizer, texts, self._sizes, self.length, rows)


class HubReasoning(HubLlama):
    """Solves a word problem after two that are solved step by step; an answer is one line.

    Chain-of-thought prompting: Wei et al., NeurIPS 2022, arXiv 2201.11903.
    """

    task = "reasoning"

    @property
    def end(self) -> tuple[int, ...]:
        """Also every token with a line end in it."""
        return (*super().end, *self._lines)

    @cached_property
    def _lines(self) -> list[int]:
        vocabulary = self._tokenizer.get_vocab()
        return sorted(n for token, n in vocabulary.items() if any(e in token for e in _LINE_ENDS))

    def prompt(self, example: str) -> list[int]:
        """Two solved problems, then this one; of a very long one the end."""
        return self._fitted(SOLVED, example, "\nA:", start=True, raw=True)


class HubSummarization(HubLlama):
    """Says an article in a sentence, by the model's chat template where it has one.

    Of a long article it sees the beginning.
    """

    task = "summarization"
    length = LONG

    @cached_property
    def _asked(self) -> tuple[str, str, bool]:
        """What stands before an article and after it, and whether it is no chat."""
        question = f"Summarize in one sentence: {_HERE}"
        settings = self._files.settings("tokenizer_config.json")
        template = self._files.text("chat_template.jinja") or settings.get("chat_template")
        if not isinstance(template, str):
            return "Summarize in one sentence: ", "\nSummary:", True
        from transformers import PreTrainedTokenizerFast

        special = {k: _content(settings.get(k)) for k in ("bos_token", "eos_token")}
        chat = PreTrainedTokenizerFast(
            tokenizer_object=self._tokenizer,
            chat_template=template,
            **{k: token for k, token in special.items() if token},
        )
        try:
            text = chat.apply_chat_template(
                [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
            )
        except Exception as error:  # whatever a template raises, in its sandbox
            raise CorruptArchiveError(f"the chat template of {self.name}: {error}") from error
        before, _, after = str(text).partition(_HERE)
        return before, after, False

    def prompt(self, example: str) -> list[int]:
        """The article, with what is asked of it before."""
        before, after, raw = self._asked
        return self._fitted(before, example, after, start=False, raw=raw)


def _content(token: object) -> str | None:
    """A special token's text, as tokenizer_config.json writes it: plain, or with settings."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None
