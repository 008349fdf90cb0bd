"""Encoders in a folder like a hub repository, against transformers' own answers."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from hub_folders import NARROW, WORDS, change, save, save_bert, save_tokenizer  # noqa: E402

from wattmark.errors import AssetError, InputError  # noqa: E402
from wattmark.models.hub.hub_question_answering import (  # noqa: E402
    HubQuestionAnswering,
    passage_tokens,
)
from wattmark.models.hub.hub_sentence_similarity import HubSentenceSimilarity  # noqa: E402
from wattmark.models.hub.hub_text_classification import HubTextClassification  # noqa: E402

TEXT = "a good film . who saw it"


def tensors(query):
    return {name: torch.from_numpy(array) for name, array in query.items()}


@pytest.mark.parametrize("labels", [("NEGATIVE", "POSITIVE"), ("pos", "neg")])
def test_classifier_gives_negative_first_whatever_its_labels_order(
    tmp_path, labels, answer, only_network
):
    bert = save_bert(
        tmp_path, "BertForSequenceClassification", id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )  # fmt: skip
    model = HubTextClassification(f"folder:{tmp_path}")
    (query,) = model.preprocess([TEXT])
    network = only_network(model)
    assert network.axes == {"length": (32, 64)}, "no more than the model's 96 positions"
    assert query["input_ids"].shape == (1, 32)
    found = answer(network, network.module(), query)
    with torch.inference_mode():
        own = bert(**tensors(query)).logits.numpy()
    np.testing.assert_allclose(found, own if labels[0] == "NEGATIVE" else own[:, ::-1], atol=1e-6)
    info = model.info()
    assert info.parameters == sum(p.numel() for p in bert.parameters()) and info.trained


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_sentence_encoder_pools_as_its_repository_says(tmp_path, pooling, answer, only_network):
    bert = save_bert(tmp_path, "BertModel")
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(
        json.dumps(
            {f"pooling_mode_{k}": k.startswith(pooling) for k in ("cls_token", "mean_tokens")}
        )
    )
    model = HubSentenceSimilarity(f"folder:{tmp_path}")
    (query,) = model.preprocess([(TEXT, "Ann saw it")])
    network = only_network(model)
    found = answer(network, network.module(), query)
    rows = []
    for number in range(2):
        own = {name: array[:, number] for name, array in tensors(query).items()}
        real = int(own["attention_mask"].sum())
        with torch.inference_mode():
            hidden = bert(**own).last_hidden_state[0, :real]
        rows.append(hidden.mean(0) if pooling == "mean" else hidden[0])
    expected = torch.cosine_similarity(*rows, dim=0).item()
    assert model.postprocess(found, query) == pytest.approx(expected, abs=1e-5)


def test_sentence_encoder_that_needs_more_than_pooling_is_refused(tmp_path):
    save_bert(tmp_path, "BertModel")
    parts = [{"type": f"sentence_transformers.models.{p}"} for p in ("Transformer", "Dense")]
    (tmp_path / "modules.json").write_text(json.dumps(parts))
    with pytest.raises(InputError, match=r"the parts sentence_transformers\.models\.Dense"):
        HubSentenceSimilarity(f"folder:{tmp_path}").info()


def test_question_is_answered_with_words_of_the_passage(tmp_path, answer, only_network):
    bert = save_bert(tmp_path, "BertForQuestionAnswering")
    model = HubQuestionAnswering(f"folder:{tmp_path}")
    (query,) = model.preprocess([("who saw it", "Ann did . a bad film")])
    ids = query["input_ids"][0, passage_tokens(query)].tolist()
    assert model._tokenizer.decode(ids) == "Ann did . a bad film"
    network = only_network(model)
    found = answer(network, network.module(), query)
    with torch.inference_mode():
        own = bert(**tensors(query))
    np.testing.assert_allclose(found[:, 0], own.start_logits, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], own.end_logits, atol=1e-6)
    logits = np.zeros_like(found)
    start = int(np.flatnonzero(passage_tokens(query))[0])
    logits[0, 0, start], logits[0, 1, start + 1] = 1, 1
    assert model.postprocess(logits, query) == "Ann did"


def test_roberta_has_no_segments_and_numbers_positions_behind_its_padding(
    tmp_path, answer, only_network
):
    config = transformers.RobertaConfig(
        vocab_size=len(WORDS), intermediate_size=32, max_position_embeddings=130, pad_token_id=1,
        type_vocab_size=1, **NARROW,
    )  # fmt: skip
    roberta = save(tmp_path, transformers.RobertaForQuestionAnswering(config))
    model = HubQuestionAnswering(f"folder:{tmp_path}")
    (query,) = model.preprocess([("who saw it", "Ann did")])
    assert query["input_ids"].shape == (1, 128) and query["input_ids"][0, -1] == 1
    network = only_network(model)
    assert [spec.name for spec in network.inputs] == ["input_ids", "attention_mask"]
    module = network.module()
    with torch.inference_mode():
        own = roberta(**tensors(query)).start_logits
    np.testing.assert_allclose(answer(network, module, query)[:, 0], own, atol=1e-6)
    columns = tuple(tensors(query)[spec.name] for spec in network.inputs)
    torch.export.export(module, columns, dynamic_shapes=({}, {}))


def test_passage_is_found_between_the_last_two_separators():
    roberta = np.array([[0, 7, 8, 2, 2, 5, 6, 2, 1, 1]])
    mask = (np.arange(10) < 8).astype(np.int64)[None]
    found = passage_tokens({"input_ids": roberta, "attention_mask": mask})
    assert np.flatnonzero(found).tolist() == [5, 6]


def test_model_for_another_task_is_an_error_that_names_both(tmp_path):
    save_bert(tmp_path, "BertForQuestionAnswering")
    with pytest.raises(InputError, match=r"text-classification.*BertForQuestionAnswering"):
        HubTextClassification(f"folder:{tmp_path}").preprocess([TEXT])


def test_other_labels_are_an_error_that_names_them(tmp_path):
    labels = {0: "joy", 1: "anger", 2: "fear"}
    save_bert(tmp_path, "BertForSequenceClassification", id2label=labels)
    with pytest.raises(InputError, match=r"joy, anger, fear.*negative and positive"):
        HubTextClassification(f"folder:{tmp_path}").info()


def test_tokenizer_with_more_tokens_than_the_embedding_is_an_error(tmp_path):
    save_bert(tmp_path, "BertForSequenceClassification")
    save_tokenizer(tmp_path, [f"word{n}" for n in range(1000)])
    with pytest.raises(AssetError, match=r"does not match its weights: it has 1000 tokens"):
        HubTextClassification(f"folder:{tmp_path}").preprocess([TEXT])


def test_weights_that_are_missing_are_an_error_not_random_numbers(tmp_path):
    save_bert(tmp_path, "BertModel")
    change(tmp_path / "config.json", architectures=["BertForSequenceClassification"])
    (network,) = HubTextClassification(f"folder:{tmp_path}").networks()
    with pytest.raises(AssetError, match=r"2 weights of .* missing, such as classifier\.bias"):
        network.module()
