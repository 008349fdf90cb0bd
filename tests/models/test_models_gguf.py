from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import CorruptArchiveError
from wattmark.models.weights.gguf_file import read_gguf
from wattmark.models.weights.gguf_llama import byte_pair_tokenizer, llama_config, llama_weights

gguf = pytest.importorskip("gguf")

NUMBERS = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)


@pytest.fixture
def write(tmp_path):
    """``write(metadata=..., tensors=...)`` writes a GGUF file with the field's own library."""

    def written(architecture="llama", strings=None, numbers=None, lists=None, tensors=None):
        path = tmp_path / "model.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        for key, value in (strings or {}).items():
            writer.add_string(key, value)
        for key, value in (numbers or {}).items():
            (writer.add_uint32 if isinstance(value, int) else writer.add_float32)(key, value)
        for key, values in (lists or {}).items():
            writer.add_array(key, values)
        for name, (array, kind) in (tensors or {}).items():
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return written


def tiny_llama(**changes):
    """Metadata and tensors of a llama of one layer, two heads and one key-value head."""
    rng = np.random.default_rng(1)
    shapes = {
        "token_embd": (40, 64), "output_norm": (64,), "blk.0.attn_norm": (64,),
        "blk.0.attn_q": (64, 64), "blk.0.attn_k": (32, 64), "blk.0.attn_v": (32, 64),
        "blk.0.attn_output": (64, 64), "blk.0.ffn_norm": (64,), "blk.0.ffn_gate": (96, 64),
        "blk.0.ffn_up": (96, 64), "blk.0.ffn_down": (64, 96),
    }  # fmt: skip
    kind = gguf.GGMLQuantizationType.F32
    tensors = {
        f"{name}.weight": (rng.normal(size=shape).astype(np.float32), kind)
        for name, shape in shapes.items()
    }
    numbers = {
        "llama.block_count": 1, "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 1, "llama.feed_forward_length": 96,
        "llama.rope.freq_base": 5e5, "llama.attention.layer_norm_rms_epsilon": 1e-5,
    }  # fmt: skip
    return {"numbers": numbers, "tensors": tensors, **changes}


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0", "Q4_1"])
def test_file_is_read_as_the_fields_library_reads_it(write, kind):
    kind = gguf.GGMLQuantizationType[kind]
    path = write(
        strings={"general.name": "tiny: naïve"},
        numbers={"llama.block_count": 3, "llama.rope.freq_base": 0.5},
        lists={"tokenizer.ggml.tokens": ["a", "Ġb", "é"], "tokenizer.ggml.token_type": [1, 1, 3]},
        tensors={"a": (NUMBERS, kind), "b": (NUMBERS[:2] * 2, gguf.GGMLQuantizationType.F32)},
    )
    ours, theirs = read_gguf(path), gguf.GGUFReader(path)
    for key, value in ours.metadata.items():
        assert theirs.fields[key].contents() == value
    assert len(ours.metadata) == 6
    for tensor in theirs.tensors:
        expected = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        assert np.array_equal(ours.array(tensor.name), expected.astype(np.float32))
    assert np.array_equal(ours.array("b"), NUMBERS[:2] * 2)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.9])
def test_file_cut_short_is_an_error_that_names_it(write, share):
    path = write(**tiny_llama())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CorruptArchiveError, match=r"model\.gguf (is cut short|is not a GGUF)"):
        llama_weights(read_gguf(path))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "weights.gguf").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(CorruptArchiveError, match="is not a GGUF file"):
        read_gguf(tmp_path / "weights.gguf")
    (tmp_path / "weights.gguf").write_bytes(b"GGUF" + (9).to_bytes(4, "little") + bytes(100))
    with pytest.raises(CorruptArchiveError, match="version 9"):
        read_gguf(tmp_path / "weights.gguf")


def test_sizes_of_a_llama(write):
    config = llama_config(read_gguf(write(**tiny_llama())))
    assert (config.vocabulary, config.width, config.layers) == (40, 64, 1)
    assert (config.heads, config.kv_heads, config.head_width, config.feed_forward) == (2, 1, 32, 96)
    assert (config.rotary_base, config.norm_epsilon) == (5e5, 1e-5)


def test_other_architectures_are_refused(write):
    with pytest.raises(CorruptArchiveError, match="'gemma' model"):
        llama_config(read_gguf(write(architecture="gemma")))


def test_rows_of_queries_and_keys_are_put_back(write):
    """The inverse of ``LlamaModel.permute`` in llama.cpp's convert_hf_to_gguf.py."""
    tiny = tiny_llama()
    rows = np.arange(64, dtype=np.float32)[:, None].repeat(64, 1)

    def permuted(weights, heads):
        halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
        return halves.swapaxes(1, 2).reshape(weights.shape)

    kind = gguf.GGMLQuantizationType.F32
    tiny["tensors"]["blk.0.attn_q.weight"] = permuted(rows, 2), kind
    tiny["tensors"]["blk.0.attn_k.weight"] = permuted(rows[:32], 1), kind
    weights = llama_weights(read_gguf(write(**tiny)))
    assert np.array_equal(weights["model.layers.0.self_attn.q_proj.weight"], rows)
    assert np.array_equal(weights["model.layers.0.self_attn.k_proj.weight"], rows[:32])


def test_tokenizer_of_another_kind_is_refused(write):
    path = write(
        strings={"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "qwen2"}, **tiny_llama()
    )
    with pytest.raises(CorruptArchiveError, match="gpt2/qwen2"):
        byte_pair_tokenizer(read_gguf(path))
