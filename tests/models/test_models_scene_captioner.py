from __future__ import annotations

import numpy as np
import pytest

from wattmark.errors import AssetError, UnsupportedSetupError
from wattmark.models import scene_captioner
from wattmark.models.networks.scene_captioner_module import CONTEXT
from wattmark.models.scene_captioner import BEGIN, END, PARAMETERS, SceneCaptioner
from wattmark.tasks.image_captioning import ImageCaptioning
from wattmark.tasks.scenes import vocabulary

MODEL = SceneCaptioner()


class Torch:
    """Runs a stateful network of the model as PyTorch does, eagerly."""

    def __init__(self, network):
        self.network, self.module = network, network.module()

    def start(self, sizes):
        import torch

        return {spec.name: torch.zeros(spec.shape) for spec in self.network.reads}

    def step(self, inputs, state):
        import torch

        given = [torch.from_numpy(inputs[spec.name]) for spec in self.network.inputs]
        with torch.inference_mode():
            output, *written = self.module(*given, *(state[s.name] for s in self.network.reads))
        names = [spec.name for spec in self.network.writes]
        return output.numpy(), {**state, **dict(zip(names, written, strict=True))}


@pytest.fixture(scope="module")
def examples():
    return ImageCaptioning().load(24, seed=1)[1]


@pytest.fixture(scope="module")
def queries(examples):
    return MODEL.preprocess([e.data for e in examples])


def runners(batch=1):
    return {n.name: Torch(n.with_batch(batch)) for n in MODEL.networks()}


def together(queries):
    return {name: np.concatenate([q[name] for q in queries]) for name in queries[0]}


def text(row):
    return MODEL.postprocess(row[None], {})


def answers(queries, batch=1, **options):
    """Tokens of each query, and what was marked."""
    marks = []
    pipeline, loaded = MODEL.pipeline(options), runners(batch)
    rows = []
    for first in range(0, len(queries), batch):
        some = together(queries[first : first + batch])
        rows += list(pipeline(loaded, some, lambda *mark: marks.append(mark)))
    return rows, marks


def without_cache(query):
    """Tokens up to the end token, each from the whole caption so far, in one call."""
    import torch

    captioner, ids = MODEL.captioner(), torch.tensor([[BEGIN]])
    with torch.inference_mode():
        cross = captioner.encode(torch.from_numpy(query["image"]))
        while ids[0, -1] != END and ids.shape[1] <= CONTEXT:
            empty = captioner.empty_cache(1, ids.shape[1])
            hidden, _ = captioner.decode(ids, torch.zeros(1, dtype=torch.int64), cross, empty)
            ids = torch.cat([ids, captioner.logits(hidden[:, -1:]).argmax(-1)], 1)
    return ids[0, 1:].tolist()


def test_vocabulary_is_the_grammars():
    assert MODEL.words == ("<begin>", "<end>", *vocabulary())


def test_parameters_are_counted():
    parameters = sum(p.numel() for p in MODEL.captioner().parameters())
    assert MODEL.info().parameters == PARAMETERS == parameters


def test_tokens_with_a_cache_are_those_without(queries):
    rows, _ = answers(queries[:6])
    assert [row.tolist() for row in rows] == [without_cache(q) for q in queries[:6]]


def test_batch_gives_the_tokens_that_its_queries_give_alone(queries):
    alone, _ = answers(queries[:4])
    rows, marks = answers(queries[:4], batch=4)
    assert [text(row) for row in rows] == [text(row) for row in alone]
    assert marks[:2] == [("encode", 4), ("prefill", 4)]
    assert sum(units for phase, units in marks if phase == "decode") == sum(
        len(row) - 1 for row in alone
    )


def test_pinned_length_is_met(queries):
    rows, marks = answers(queries[:1], tokens="24")
    assert rows[0].shape == (24,)
    assert END not in rows[0]
    assert marks == [("encode", 1), ("prefill", 1), *[("decode", 1)] * 23]
    with pytest.raises(UnsupportedSetupError, match="from 1 to 24"):
        MODEL.pipeline({"tokens": "25"})


def test_held_out_scenes_are_captioned(examples, queries):
    said = [text(row) for row in answers(queries)[0]]
    task = ImageCaptioning()
    right = task.quality([task.predict(one) for one in said], [e.label for e in examples])
    # the card says 0.995; three wrong of 24 would be seven standard errors less
    assert right > 0.9


def test_networks_say_the_shapes_that_they_have(queries):
    loaded = runners()
    for network in MODEL.networks():
        inputs = {**queries[0], "start": np.zeros(1, np.int64)}
        _, state = loaded[network.name].step(inputs, loaded[network.name].start({}))
        for spec in network.writes:
            assert tuple(state[spec.name].shape) == spec.shape


@pytest.mark.slow
def test_networks_export_and_agree(queries):
    import torch

    for network in MODEL.networks():
        module = network.module()
        inputs = {**queries[0], "start": np.array([3])}
        given = [torch.from_numpy(inputs[spec.name]) for spec in network.inputs]
        torch.manual_seed(0)
        given += [torch.randn(spec.shape) for spec in network.reads]
        exported = torch.export.export(module, tuple(given)).module()
        with torch.inference_mode():
            for mine, reference in zip(exported(*given), module(*given), strict=True):
                assert torch.allclose(mine, reference, atol=1e-5)


def test_image_of_another_size_is_refused():
    with pytest.raises(ValueError, match="RGB image of 64 x 64"):
        MODEL.preprocess([np.zeros((32, 32, 3), np.uint8)])


@pytest.mark.parametrize("content", [None, b"", b"not weights at all"])
def test_damaged_weights_are_told(tmp_path, monkeypatch, content):
    file = tmp_path / "scene_captioner.safetensors"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(scene_captioner, "WEIGHTS", file)
    with pytest.raises(AssetError, match="reinstall wattmark"):
        SceneCaptioner().captioner()
