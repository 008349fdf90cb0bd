"""Captioners of the hub: ``VisionEncoderDecoderModel`` of a ViT (or DeiT) and a GPT-2.

Such as ``nlpconnect/vit-gpt2-image-captioning``. Captions are greedy, where a repository's own
settings may ask for a search over several beams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wattmark.contracts import Inputs, InputSpec, Network, Output, Pipeline
from wattmark.errors import AssetError, InputError
from wattmark.models.hub.hub_captioner_module import decode_network, encode_network
from wattmark.models.hub.hub_encoder import load_pretrained
from wattmark.models.hub.hub_files import ModelFiles
from wattmark.models.hub.hub_image_processor import ImageProcessor, Picture, image_processor
from wattmark.pipelines.greedy import Greedy, answer_tokens, padded_prompt, tokens_option
from wattmark.records import ModelInfo

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: most tokens of a caption: four times COCO's mean length
LIMIT = 40
_ENCODERS, _DECODERS = ("vit", "deit"), ("gpt2",)
_PATCHES = "encoder.embeddings.position_embeddings"
_WORDS = "decoder.transformer.wte.weight"
_POSITIONS = "decoder.transformer.wpe.weight"


class HubImageCaptioning:
    """Picture (1, 3, height, width) float32 in, a caption of at most 40 tokens out.

    ``encode`` writes every layer's cross-attention keys and values, ``decode`` gives the logits
    of the next token.
    """

    task = "image-captioning"

    def __init__(self, name: str) -> None:
        self.name = name
        self._files = ModelFiles(name, self.task, ("VisionEncoderDecoderModel",))

    @cached_property
    def _parts(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Settings of encoder and decoder. Raises AssetError, InputError."""
        config = self._files.config
        encoder, decoder = config.get("encoder") or {}, config.get("decoder") or {}
        kinds = encoder.get("model_type"), decoder.get("model_type")
        if kinds[0] not in _ENCODERS or kinds[1] not in _DECODERS:
            raise InputError(
                f"{self.name} is made of {kinds[0]!r} and {kinds[1]!r}; captioners that can be "
                f"run have {' or '.join(_ENCODERS)} and {' or '.join(_DECODERS)}"
            )
        return encoder, decoder

    def _size(self, weight: str) -> tuple[int, ...]:
        """A weight's shape. Raises AssetError where it is missing."""
        shape = self._files.shapes.get(weight)
        if shape is None:
            raise AssetError(f"the weight {weight} of {self.name} is missing: fetch it again")
        return shape

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return self._files.tokenizer(rows=self._size(_WORDS)[0])

    @cached_property
    def _processor(self) -> ImageProcessor:
        """Raises InputError where pictures are not of the size that the encoder has patches for."""
        encoder, _ = self._parts
        settings = self._files.settings("preprocessor_config.json")
        made = image_processor(settings, self._files.config, self.name)
        side = encoder.get("image_size", 224)
        expected = tuple(side) if isinstance(side, list) else (side, side)
        if (made.height, made.width) != expected:
            raise InputError(
                f"preprocessor_config.json of {self.name} gives pictures of {made.height} x "
                f"{made.width}, but its encoder takes {expected[0]} x {expected[1]}: take both "
                "files from the same model"
            )
        return made

    @cached_property
    def _special(self) -> tuple[int, int]:
        """The token that a caption begins with, and the one that ends it. Raises AssetError."""
        _, decoder = self._parts
        given = {**decoder, **self._files.config, **self._files.settings("generation_config.json")}
        begin: Any = given.get("decoder_start_token_id", given.get("bos_token_id"))
        end: Any = given.get("eos_token_id")
        rows = self._size(_WORDS)[0]
        if not all(isinstance(token, int) and 0 <= token < rows for token in (begin, end)):
            raise AssetError(
                f"the settings of {self.name} name no tokens that begin and end a caption "
                f"(decoder_start_token_id {begin!r}, eos_token_id {end!r} of {rows} tokens)"
            )
        return begin, end

    def info(self) -> ModelInfo:
        """Identity. Raises AssetError, and InputError where the model cannot be run."""
        size = (self._processor.height, self._processor.width)
        words = self._tokenizer.get_vocab_size()
        limits = {"limit": LIMIT, "size": size, "special": self._special, "words": words}
        return self._files.info(limits)

    def networks(self) -> tuple[Network, ...]:
        """``encode`` and ``decode``; a prompt is the begin token alone, so no axis varies."""
        _, decoder = self._parts
        heads = int(decoder.get("n_head") or decoder.get("num_attention_heads") or 12)
        _, width = self._size(_WORDS)
        asks = ".crossattention.q_attn.weight"
        self._size(f"decoder.transformer.h.0{asks}")
        layers = sum(name.endswith(asks) for name in self._files.shapes)
        context = min(LIMIT, self._size(_POSITIONS)[0])

        def state(prefix: str, positions: int) -> tuple[InputSpec, ...]:
            shape = (1, heads, positions, width // heads)
            pairs = [(layer, kind) for layer in range(layers) for kind in ("key", "value")]
            return tuple(InputSpec(f"{prefix}_{kind}_{n}", "float32", shape) for n, kind in pairs)

        cross, cache = state("cross", self._size(_PATCHES)[1]), state("self", context)
        shape = (1, 3, self._processor.height, self._processor.width)
        token = (
            InputSpec("input_ids", "int64", (1, 1)),
            InputSpec("start", "int64", (1,)),
            InputSpec("last", "int64", (1,)),
        )
        image = InputSpec("image", "float32", shape)
        return (
            Network("encode", (image,), lambda: encode_network(self._loaded()), writes=cross),
            Network(
                "decode",
                token,
                lambda: decode_network(self._loaded()),
                reads=(*cross, *cache),
                writes=cache,
            ),
        )

    def pipeline(self, options: Mapping[str, str]) -> Pipeline:
        """Greedy; ``tokens`` pins the length, by default a caption ends with its end token.

        Raises AssetError, UnsupportedSetupError.
        """
        limit = min(LIMIT, self._size(_POSITIONS)[0])
        tokens = tokens_option(options, default=None, limit=limit)
        return Greedy((), tokens=tokens, limit=limit, end=(self._special[1],), encode=("image", 1))

    def preprocess(self, examples: Sequence[Picture]) -> list[Inputs]:
        """Pictures, scaled and normalised as the repository says. Raises AssetError, InputError."""
        prompt = padded_prompt([self._special[0]], [1])
        return [{"image": self._processor(picture), **prompt} for picture in examples]

    def postprocess(self, output: Output, inputs: Inputs) -> str:
        """The caption, without special tokens."""
        ids = answer_tokens(output, (self._special[1],))
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _loaded(self) -> Any:
        """The whole captioner. Raises AssetError."""
        return load_pretrained(self._files, "VisionEncoderDecoderModel")
