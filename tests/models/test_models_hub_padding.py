"""A padded text is answered as transformers answers the text alone, or the model is refused."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import WORDS, change, save  # noqa: E402

from wattmark.errors import AssetError, InputError  # noqa: E402
from wattmark.models.hub.hub_files import ModelFiles, model_files  # noqa: E402
from wattmark.models.hub.hub_question_answering import HubQuestionAnswering  # noqa: E402
from wattmark.models.hub.hub_sentence_similarity import HubSentenceSimilarity  # noqa: E402
from wattmark.models.hub.hub_text_classification import HubTextClassification  # noqa: E402

TEXTS = ("a good film", "Ann saw it . who did 3 + 3 = 7 film film a bad", "a " * 40 + "film")
#: the same sizes by the names that families give them
TINY = {
    "vocab_size": len(WORDS), "id2label": {0: "NEGATIVE", 1: "POSITIVE"}, "head_dim": 8,
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 140, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 140,
    "d_model": 16, "n_layers": 2, "n_heads": 2, "emb_dim": 16, "encoder_layers": 2, "dim": 16,
    "decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "d_ff": 32,
    "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "ffn_dim": 32, "hidden_dim": 32, "d_kv": 8,
    "num_layers": 2, "num_heads": 2, "embedding_size": 16, "num_key_value_heads": 2, "d_inner": 32,
    "word_embed_proj_dim": 16, "attention_window": 8, "rotary_dim": 4, "max_seq_len": 140,
    "attention_types": [[["global", "local"], 1]], "dff": 32, "eos_token_id": 2,
    **{f"{part}_groups": 1 for part in ("q", "k", "v", "intermediate", "output")},
}  # fmt: skip
ENCODERS = """
    Bert DistilBert Roberta XLMRoberta Camembert Albert Electra Deberta DebertaV2 MPNet MobileBert
    SqueezeBert Longformer BigBird XLM Flaubert RoFormer RemBert Ernie Esm ModernBert Data2VecText
    RobertaPreLayerNorm
""".split()  # noqa: SIM905
DECODERS = """
    GPT2 GPTNeo GPTJ GPTNeoX GPTBigCode OpenAIGPT OPT Bloom Mpt Llama Mistral Qwen2 Qwen3 Gemma Phi
    StableLm
""".split()  # noqa: SIM905
BOTH = ("Bart", "MT5")
READ_PADDING = ("FNet", "ConvBert", "Nystromformer", "Yoso", "XLNet")
#: in these a position that is not set is the library's own
UNSET = {"XLNet": ("max_position_embeddings", "num_hidden_layers"), "MT5": ("head_dim",)}


def saved(folder, family, head, pad=0):
    """A tiny random model in a folder; without ``pad_token_id`` in config.json for pad None."""
    torch.manual_seed(1)
    config_class = getattr(transformers, f"{family}Config")
    known = config_class()
    given = {
        key: value for key, value in TINY.items()
        if key not in UNSET.get(family, ()) and (hasattr(known, key) or key == "id2label")
    }  # fmt: skip
    model = save(
        folder, getattr(transformers, family + head)(config_class(pad_token_id=0, **given))
    )
    if pad is None:
        change(folder / "config.json", pad_token_id=None)
        model.config.pad_token_id = None
    return model


def alone(query):
    """Ids and mask of a query's real tokens."""
    ids = torch.from_numpy(query["input_ids"][..., : int(query["attention_mask"].sum())])
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


@pytest.mark.parametrize(
    ("family", "pad"),
    [
        *((family, 0) for family in (*ENCODERS, *DECODERS, *BOTH)),
        *((family, None) for family in ("Bert", *DECODERS)),
    ],
)
def test_classifier_answers_padded_texts_as_transformers_answers_them_alone(
    tmp_path, family, pad, answer, only_network
):
    own = saved(tmp_path, family, "ForSequenceClassification", pad)
    model = HubTextClassification(f"folder:{tmp_path}")
    network = only_network(model)
    module = network.module()
    for text, query in zip(TEXTS, model.preprocess(TEXTS), strict=True):
        with torch.inference_mode():
            expected = own(**alone(query)).logits
        found = torch.from_numpy(answer(network, module, query))
        assert query["input_ids"].shape[1] > alone(query)["input_ids"].shape[1], "it is padded"
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * expected.abs().max().item())
        assert model.postprocess(found.numpy(), query).shape == (1, 2), text


@pytest.mark.parametrize("family", READ_PADDING)
def test_classifier_that_reads_padding_is_refused_and_the_reason_named(tmp_path, family):
    saved(tmp_path, family, "ForSequenceClassification")
    (network,) = HubTextClassification(f"folder:{tmp_path}").networks()
    with pytest.raises(InputError, match=rf"{family}For\w+\) reads padding: .* differ by .* mask"):
        network.module()


def test_refusal_names_the_padding_token_where_that_is_what_is_missing(tmp_path):
    saved(tmp_path, "CTRL", "ForSequenceClassification", pad=None)
    (network,) = HubTextClassification(f"folder:{tmp_path}").networks()
    with pytest.raises(InputError, match=r"reads padding: .*config\.json has no pad_token_id"):
        network.module()


def test_padding_token_that_the_embedding_does_not_have_is_none(tmp_path, answer, only_network):
    own = saved(tmp_path, "Llama", "ForSequenceClassification")
    own.config.pad_token_id = None
    change(tmp_path / "config.json", pad_token_id=-1)
    model = HubTextClassification(f"folder:{tmp_path}")
    (query,) = model.preprocess(TEXTS[:1])
    assert query["input_ids"].min() == 0, "any token fills up, for none is read"
    network = only_network(model)
    with torch.inference_mode():
        expected = own(**alone(query)).logits.numpy()
    assert abs(answer(network, network.module(), query) - expected).max() <= 1e-4


@pytest.mark.parametrize("pad", [7000, "0", True])
def test_padding_token_that_transformers_refuses_is_an_error_with_its_words(tmp_path, pad):
    saved(tmp_path, "Llama", "ForSequenceClassification")
    change(tmp_path / "config.json", pad_token_id=pad)
    (network,) = HubTextClassification(f"folder:{tmp_path}").networks()
    with pytest.raises(AssetError, match=r"transformers .* cannot load"):
        network.module()


def test_decoder_without_padding_token_is_another_network_than_it_was(tmp_path):
    saved(tmp_path, "GPT2", "ForSequenceClassification")
    files = ModelFiles(f"folder:{tmp_path}", "text-classification", ("Classification",))
    limits = {"lengths": (32, 64, 128), "flipped": False}
    named = HubTextClassification(f"folder:{tmp_path}").info().digest
    assert named == files.info(limits).digest, "what has a padding token keeps its digest"
    change(tmp_path / "config.json", pad_token_id=None)
    files = ModelFiles(f"folder:{tmp_path}", "text-classification", ("Classification",))
    assert HubTextClassification(f"folder:{tmp_path}").info().digest != files.info(limits).digest


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra", "DebertaV2", "GPT2", "Llama"])
def test_spans_of_padded_questions_are_those_of_transformers(
    tmp_path, family, answer, only_network
):
    own = saved(tmp_path, family, "ForQuestionAnswering")
    model = HubQuestionAnswering(f"folder:{tmp_path}")
    network = only_network(model)
    (query,) = model.preprocess([("who saw it", "Ann did . a bad film")])
    given = alone(query)
    if "token_type_ids" in query:
        real = given["input_ids"].shape[1]
        given["token_type_ids"] = torch.from_numpy(query["token_type_ids"][:, :real])
    with torch.inference_mode():
        expected = own(**given)
    found = answer(network, network.module(), query)[..., : given["input_ids"].shape[1]]
    scale = expected.start_logits.abs().max().item()
    assert abs(found[:, 0] - expected.start_logits.numpy()).max() <= 1e-4 * scale
    assert abs(found[:, 1] - expected.end_logits.numpy()).max() <= 1e-4 * scale


@pytest.mark.parametrize(
    ("adapter", "family", "head"),
    [
        (HubQuestionAnswering, "FNet", "ForQuestionAnswering"),
        (HubQuestionAnswering, "ConvBert", "ForQuestionAnswering"),
        (HubSentenceSimilarity, "FNet", "Model"),
        (HubSentenceSimilarity, "Nystromformer", "Model"),
    ],
)
def test_other_encoders_that_read_padding_are_refused_too(tmp_path, adapter, family, head):
    saved(tmp_path, family, head)
    (network,) = adapter(f"folder:{tmp_path}").networks()
    with pytest.raises(InputError, match="reads padding"):
        network.module()


@pytest.mark.parametrize("family", ["Bert", "MPNet", "XLMRoberta", "ModernBert", "Qwen2", "GPT2"])
def test_embedding_of_a_padded_sentence_is_that_of_the_sentence(
    tmp_path, family, answer, only_network
):
    own = saved(tmp_path, family, "Model")
    model = HubSentenceSimilarity(f"folder:{tmp_path}")
    network = only_network(model)
    (query,) = model.preprocess([("a good film", "Ann saw it . who did 3 + 3")])
    means = []
    for row in range(2):
        one = {name: array[:, row] for name, array in query.items()}
        with torch.inference_mode():
            means.append(own(**alone(one)).last_hidden_state[0].mean(0))
    expected = torch.cosine_similarity(*means, dim=0).item()
    assert answer(network, network.module(), query).item() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("family", "key"),
    [("GPT2", "n_positions"), ("GPTJ", "n_positions"), ("Mpt", "max_seq_len")],
)
def test_number_of_positions_is_known_by_whatever_name(tmp_path, family, key, answer, only_network):
    saved(tmp_path, family, "ForSequenceClassification")
    change(tmp_path / "config.json", **{key: 140, "n_ctx": None})
    model = HubTextClassification(f"folder:{tmp_path}")
    change(tmp_path / "config.json", **{key: 40})
    assert only_network(model).axes["length"] == (32,)
    (query,) = model.preprocess(["a good film " * 30])
    assert query["input_ids"].shape == (1, 32), "longer texts are cut, and no position is missing"


@pytest.mark.parametrize("limit", [0, -1, None, "512", 1e30, True])
def test_limits_of_settings_that_are_none_are_left_out(tmp_path, limit):
    saved(tmp_path, "Bert", "ForSequenceClassification")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    change(tmp_path / "tokenizer_config.json", model_max_length=limit)
    (network,) = HubTextClassification(f"folder:{tmp_path}").networks()
    assert network.axes["length"] == (32, 64, 128)


@pytest.mark.parametrize(
    "name", ["folder:a\0b", "folder:~nobody-of-this-name/x", "folder:" + 5000 * "x"]
)
def test_folder_that_cannot_be_named_is_an_error_that_says_so(name):
    with pytest.raises(AssetError, match=r"cannot be read|no folder"):
        _ = ModelFiles(f"folder:{name}", "text-classification", ("Model",)).digests


def test_folder_that_may_not_be_read_is_an_error_that_says_so(tmp_path, monkeypatch):
    saved(tmp_path, "Bert", "ForSequenceClassification")

    def denied(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    for method in ("rglob", "read_bytes", "read_text", "open"):
        with monkeypatch.context() as patched:
            patched.setattr(f"pathlib.Path.{method}", denied)
            if method == "open":
                patched.setattr("builtins.open", denied)
            files = ModelFiles(f"folder:{tmp_path}", "text-classification", ("Classification",))
            try:
                _ = files.config
            except AssetError as error:
                assert "cannot be read" in str(error) and "Permission denied" in str(error)


def test_files_that_are_folders_are_not_there(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(AssetError, match=r"has no config\.json"):
        _ = ModelFiles(f"folder:{tmp_path}", "text-classification", ("Model",)).digests
    assert model_files(["config.json", "model.safetensors"], "it")
