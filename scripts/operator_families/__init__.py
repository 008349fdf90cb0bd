"""Small networks of the model families that the reader is tried on, with random weights.

Made from configurations of transformers, or here where it has no such family. They have every
operator of a real member and none of its size.
"""

from __future__ import annotations

from operator_families.images import EFFICIENT_NET, RES_NET, VIT
from operator_families.maps import U_NET, YOLO
from operator_families.text import BERT, LLAMA, LLAMA_CACHED
from operator_families.whisper import WHISPER_DECODER, WHISPER_ENCODER
from wattmark.contracts import Network

#: a family's name and the network that stands for it
FAMILIES: dict[str, Network] = {
    "BERT": BERT,
    "ViT": VIT,
    "ResNet": RES_NET,
    "EfficientNet": EFFICIENT_NET,
    "Llama": LLAMA,
    "Llama, cached": LLAMA_CACHED,
    "Whisper encoder": WHISPER_ENCODER,
    "Whisper decoder, cached": WHISPER_DECODER,
    "U-Net": U_NET,
    "YOLO": YOLO,
}
