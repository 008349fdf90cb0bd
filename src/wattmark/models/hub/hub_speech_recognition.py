"""Whispers of the hub: ``WhisperForConditionalGeneration`` with 80 mel bands, in English.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023 (arXiv
2212.04356).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError, InputError
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_whisper_weights import named_weights, parameter_shapes
from wattmark.models.networks.log_mel import BANDS, FRAMES, ONE_WINDOW, speech_features
from wattmark.models.networks.whisper import Dimensions, decoder, encoder
from wattmark.models.whisper_tiny_en import LIMIT
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

_BEGIN, _LANGUAGE, _TASK, _PLAIN = (
    "<|startoftranscript|>",
    "<|en|>",
    "<|transcribe|>",
    "<|notimestamps|>",
)
#: rows of the embedding of a model for English alone; all others are multilingual
_ENGLISH_VOCABULARY = 51_864


class HubSpeechRecognition:
    """Speech in, tokens of its transcript out. The encoder always does the work of 30 s."""

    task = "automatic-speech-recognition"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("WhisperForConditionalGeneration",))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return self._files.tokenizer()

    @cached_property
    def _generation(self) -> Mapping[str, object]:
        return {**self._files.config, **self._files.settings("generation_config.json")}

    @cached_property
    def _prompt(self) -> tuple[int, ...]:
        """What a transcript in English begins with. Raises AssetError."""
        several = self._files.size("vocab_size") != _ENGLISH_VOCABULARY
        several = bool(self._generation.get("is_multilingual", several))
        texts = (_BEGIN, _LANGUAGE, _TASK, _PLAIN) if several else (_BEGIN, _PLAIN)
        vocabulary = self._tokenizer.get_vocab()
        if missing := [text for text in texts if text not in vocabulary]:
            raise AssetError(
                f"the tokenizer of {self.name} has no token {', '.join(missing)}: it is not that "
                "of a Whisper; take all files from the same model"
            )
        return tuple(vocabulary[text] for text in texts)

    @cached_property
    def _end(self) -> int:
        return self._files.size("eos_token_id")

    @property
    def _limit(self) -> int:
        """Most new tokens: half the text context, as ``sample_len`` of whisper/decoding.py."""
        return min(LIMIT, self._files.size("max_target_positions") // 2)

    @cached_property
    def _sizes(self) -> Dimensions:
        size, config = self._files.size, self._files.config
        width, heads = size("d_model"), size("encoder_attention_heads")
        needed = {
            "num_mel_bins": BANDS,
            "max_source_positions": FRAMES // 2,
            "decoder_attention_heads": heads,
            "encoder_ffn_dim": 4 * width,
            "decoder_ffn_dim": 4 * width,
        }
        for key, value in needed.items():
            if size(key) != value:
                raise InputError(
                    f"{self.name} has {key} {config[key]}, but {value} is what can be run: choose "
                    "a Whisper of the sizes tiny to large-v2"
                )
        return Dimensions(
            bands=BANDS,
            frames=FRAMES,
            width=width,
            heads=heads,
            encoder_layers=size("encoder_layers"),
            decoder_layers=size("decoder_layers"),
            vocabulary=size("vocab_size"),
            positions=size("max_target_positions"),
            context=len(self._prompt) + self._limit,
        )

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model cannot be run."""
        self._files.require_weights(parameter_shapes(self._sizes))
        info = self._files.info({"limit": self._limit, "prompt": self._prompt})
        return info.model_copy(update={"description": f"{info.description}; {ONE_WINDOW}"})

    def networks(self) -> tuple[Network, ...]:
        """``encode`` features (1, 80, 3000), and ``decode``. Raises AssetError, InputError."""
        sizes = self._sizes
        features = InputSpec("features", "float32", (1, sizes.bands, sizes.frames))
        tokens = (
            InputSpec("input_ids", "int64", (1, "length")),
            InputSpec("start", "int64", (1,)),
            InputSpec("last", "int64", (1,)),
        )
        return (
            Network("encode", (features,), self._encoder, writes=sizes.cross()),
            Network(
                "decode",
                tokens,
                self._decoder,
                axes={"length": (1, len(self._prompt))},
                reads=sizes.cross() + sizes.cache(),
                writes=sizes.cache(),
            ),
        )

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy until the end token (``tokens=free``), or a pinned number of tokens.

        Suppressed tokens are those of the model's generation settings. Raises AssetError, and
        UnsupportedSetupError for another option or a bad value.
        """
        return Greedy(
            [{"length": len(self._prompt)}],
            tokens=tokens_option(options, None, self._limit),
            limit=self._limit,
            end=(self._end,),
            banned=self._suppressed("suppress_tokens"),
            banned_first=self._suppressed("begin_suppress_tokens"),
            encode=("query", 1),
        )

    def preprocess(self, examples: Sequence[NDArray[np.float32]]) -> list[Inputs]:
        """16 kHz mono samples as log-mel features of 30 s, and the prompt.

        Logs a warning where speech is longer, for the rest of it is not heard.
        """
        prompt = padded_prompt(self._prompt, (len(self._prompt),))
        return [{"features": heard, **prompt} for heard in speech_features(examples)]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The transcript, as Whisper writes it: with capitals, figures and punctuation."""
        ids = answer_tokens(output, (self._end,))
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _suppressed(self, key: str) -> list[int]:
        tokens = self._generation.get(key) or []
        rows = self._files.size("vocab_size")
        if not isinstance(tokens, list) or not all(
            isinstance(token, int) and token < rows for token in tokens
        ):
            raise AssetError(f"{key} of {self.name} is no list of its tokens: {tokens!r}")
        return tokens

    def _encoder(self) -> torch.nn.Module:
        return encoder(self._sizes, named_weights(self._files.tensors(), self._sizes))

    def _decoder(self) -> torch.nn.Module:
        return decoder(self._sizes, named_weights(self._files.tensors(), self._sizes))
