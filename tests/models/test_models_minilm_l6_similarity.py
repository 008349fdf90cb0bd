from __future__ import annotations

import numpy as np
import pytest

from wattmark.models.minilm_l6_similarity import MiniLmSimilarity
from wattmark.models.networks.minilm_l6 import load_bert
from wattmark.tasks.sentence_similarity import SentenceSimilarity

MODEL = MiniLmSimilarity()
PAIRS = [
    ("A cat sits on the mat.", "A cat is sitting on a rug."),
    ("A cat sits on the mat.", "Parliament passed the budget. " * 80),
    ("The same", "The same"),
]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network(only_network):
    pytest.importorskip("transformers")
    return only_network(MODEL)


@pytest.fixture(scope="module")
def module(network):
    return network.module()


def test_both_texts_are_padded_to_the_smallest_size_that_fits_the_longer():
    queries = MODEL.preprocess(PAIRS)
    assert [q["input_ids"].shape for q in queries] == [(1, 2, 64), (1, 2, 256), (1, 2, 64)]
    assert queries[1]["attention_mask"].sum(2).tolist() == [[9, 256]]


def test_likeness_follows_meaning(network, module, answer):
    queries = MODEL.preprocess(PAIRS)
    alike, unlike, same = (MODEL.postprocess(answer(network, module, q), q) for q in queries)
    assert same == pytest.approx(1, abs=1e-5)
    assert same > alike > 0.5 > unlike


def test_several_pairs_of_one_size_are_answered_at_once(network, module, answer):
    first, _, last = MODEL.preprocess(PAIRS)
    both = {name: np.concatenate([first[name], last[name]]) for name in first}
    apart = np.concatenate([answer(network, module, q) for q in (first, last)])
    assert apart.shape == (2, 1)
    assert np.allclose(answer(network, module, both), apart, atol=1e-5)


def test_module_can_be_exported_with_a_free_length(network, module, answer, exported):
    queries = MODEL.preprocess(PAIRS)
    program = exported(network, module, queries[1])
    for query in queries:
        ours, theirs = (answer(network, m, query) for m in (program, module))
        assert np.allclose(ours, theirs, atol=1e-5)


def test_identity_counts_the_encoder(module):
    assert MODEL.info().parameters == sum(p.numel() for p in load_bert().parameters())
    assert MODEL.info().licence == "Apache-2.0"


def test_figure_for_all_pairs_of_lees_texts(network, module, answer):
    """Spearman .508 and Pearson .656 were found with transformers' own loading, n = 1 225."""
    task = SentenceSimilarity()
    _, examples = task.load(1225, seed=0)
    texts = sorted({text for e in examples for text in e.data})
    vectors = {}
    for query, text in zip(MODEL.preprocess([(t, t) for t in texts]), texts, strict=True):
        assert answer(network, module, query) == pytest.approx(1, abs=1e-5)
        vectors[text] = _embedding(module, query)
    said = [task.predict(float(vectors[a] @ vectors[b])) for a, b in (e.data for e in examples)]
    ratings = [e.label for e in examples]
    assert task.quality(said, ratings) == pytest.approx(0.508, abs=5e-4)
    assert np.corrcoef(np.array(said, float), ratings)[0, 1] == pytest.approx(0.656, abs=5e-4)


def _embedding(module, query):
    import torch

    from wattmark.models.networks.minilm_l6 import sentence_embedding

    ids, mask = (torch.from_numpy(query[name][0, :1]) for name in query)
    with torch.inference_mode():
        return sentence_embedding(module.encoder, ids, mask).numpy()[0]
