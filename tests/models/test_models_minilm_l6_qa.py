from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattmark.errors import AssetError
from wattmark.models import minilm_l6_qa
from wattmark.models.minilm_l6_qa import (
    ANSWER_TOKENS,
    PARTS,
    QUESTION_TOKENS,
    MiniLmQa,
    best_span,
    passage_tokens,
    weights_file,
)
from wattmark.models.networks.minilm_l6 import CONFIG, ENCODER, encoder_asset

MODEL = MiniLmQa()
PASSAGE = "The Amazon is 6,400 km long. Its source was found by J. Meyers in 1996."
QUERIES = [
    ("How long is the Nile no sorry the Amazon ?", PASSAGE),
    ("Who found its source ?", PASSAGE * 10),
    ("word " * 100, PASSAGE * 40),
]
LOGITS = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.tuples(*[st.floats(-9, 9)] * 2), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


@settings(derandomize=True, deadline=None)
@given(LOGITS)
def test_best_span_is_the_best_of_all(drawn):
    logits, allowed = np.array(drawn[0]).T, np.array(drawn[1])
    spans = {
        (i, j): logits[0, i] + logits[1, j]
        for i in np.flatnonzero(allowed)
        for j in np.flatnonzero(allowed)
        if i <= j < i + ANSWER_TOKENS
    }
    found = best_span(logits, allowed)
    assert spans[found] == pytest.approx(max(spans.values())) if spans else found == (0, 0)


@pytest.fixture(scope="module")
def network(only_network):
    pytest.importorskip("transformers")
    return only_network(MODEL)


@pytest.fixture(scope="module")
def module(network):
    return network.module()


@pytest.mark.slow
def test_queries_are_those_of_transformers_padded_to_the_smallest_size(network):
    from transformers import BertTokenizerFast

    folder = encoder_asset().path(ENCODER.members[1]).parent
    tokenizer = BertTokenizerFast.from_pretrained(folder, local_files_only=True)
    for pair, inputs in zip(QUERIES[:2], MODEL.preprocess(QUERIES[:2]), strict=True):
        expected = tokenizer(
            *pair,
            padding="max_length",
            max_length=inputs["input_ids"].shape[1],
            return_tensors="np",
        )
        assert all(np.array_equal(inputs[s.name], expected[s.name]) for s in network.inputs)
    assert [q["input_ids"].shape for q in MODEL.preprocess(QUERIES)] == [
        (1, n) for n in (128, 256, 384)
    ]


@pytest.mark.slow
def test_an_endless_question_leaves_room_for_the_passage():
    [inputs] = MODEL.preprocess(QUERIES[2:])
    assert passage_tokens(inputs).sum() == 384 - QUESTION_TOKENS - 3


@pytest.mark.slow
def test_answers_are_words_of_the_passage_with_figures_whole():
    [inputs] = MODEL.preprocess(QUERIES[:1])
    tokens = inputs["input_ids"][0]
    allowed = np.flatnonzero(passage_tokens(inputs))
    logits = np.zeros((1, 2, tokens.size), np.float32)
    logits[0, 0, allowed[3]] = logits[0, 1, allowed[5]] = 5
    logits[0, :, 1] = 99  # a word of the question is no answer
    assert MODEL.postprocess(logits, inputs) == "6,400"


@pytest.mark.slow
def test_logits_are_those_of_transformers_own_question_answering_model(network, module, answer):
    import torch
    from transformers import BertConfig, BertForQuestionAnswering

    config = BertConfig.from_json_file(encoder_asset().path(CONFIG))
    theirs = BertForQuestionAnswering(config).eval()
    theirs.bert.load_state_dict(module.bert.state_dict())
    theirs.qa_outputs.load_state_dict(module.head.state_dict())
    for inputs in MODEL.preprocess(QUERIES):
        with torch.inference_mode():
            expected = theirs(**{name: torch.from_numpy(x) for name, x in inputs.items()})
        logits = answer(network, module, inputs)
        assert np.allclose(logits[:, 0], expected.start_logits.numpy(), atol=1e-4)
        assert np.allclose(logits[:, 1], expected.end_logits.numpy(), atol=1e-4)


@pytest.mark.slow
def test_several_questions_of_one_size_are_answered_at_once(network, module, answer):
    one, two = MODEL.preprocess([QUERIES[0], ("When ?", PASSAGE)])
    both = {name: np.concatenate([one[name], two[name]]) for name in one}
    apart = np.concatenate([answer(network, module, q) for q in (one, two)])
    assert apart.shape == (2, 2, 128)
    assert np.allclose(answer(network, module, both), apart, atol=1e-4)


@pytest.mark.slow
def test_module_can_be_exported_with_a_free_length(network, module, answer, exported):
    queries = MODEL.preprocess(QUERIES)
    program = exported(network, module, queries[1])
    for query in queries:
        ours, theirs = (answer(network, m, query) for m in (program, module))
        assert np.allclose(ours, theirs, atol=1e-4)


@pytest.mark.slow
def test_identity_covers_every_part_of_the_trained_weights(module, monkeypatch, tmp_path):
    info = MODEL.info()
    assert info.parameters == sum(p.numel() for p in module.parameters())
    assert all(weights_file(part).stat().st_size < 10 * 2**20 for part in PARTS)
    for part in PARTS:
        (tmp_path / part).write_bytes(weights_file(part).read_bytes())
    monkeypatch.setattr(minilm_l6_qa, "weights_file", tmp_path.joinpath)
    assert MODEL.info().digest == info.digest
    (tmp_path / "head").write_bytes(b"other")
    assert MODEL.info().digest != info.digest


def test_missing_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(minilm_l6_qa, "weights_file", tmp_path.joinpath)
    with pytest.raises(AssetError, match="layer_3 are missing: reinstall"):
        MODEL.info()
