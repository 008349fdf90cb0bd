"""Rendered scenes with exact captions: a public generator for image captioning.

A scene holds one to three groups of like things in a row from left to right or from top to
bottom, on a plain background. Its caption is fixed by its contents, in reading order::

    caption    = group , { relation , group } , "on a" , background , "background" ;
    group      = count , size , colour , shape ;
    relation   = "left of" | "above" ;

    two small red circles left of a large blue square on a white background

Images are drawn with numpy alone: signed distances to each outline, anti-aliased over one pixel,
with jitter of place, size, tilt and colour and with pixel noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

#: of one image: height and width in pixels
SIDE = 64
COUNTS = {1: "a", 2: "two", 3: "three"}
#: least and greatest radius in pixels
SIZES = {"small": (4.0, 5.0), "large": (7.0, 8.5)}
COLOURS = {
    "red": (214, 39, 40),
    "orange": (255, 140, 0),
    "yellow": (245, 215, 30),
    "green": (40, 160, 50),
    "cyan": (0, 200, 210),
    "blue": (35, 70, 200),
    "purple": (120, 45, 160),
    "pink": (245, 130, 190),
    "brown": (125, 75, 40),
}
BACKGROUNDS = {"white": (240, 240, 240), "grey": (150, 150, 150), "black": (15, 15, 15)}
RELATIONS = ("left of", "above")
MOST_GROUPS = 3

_MARGIN = 1.0
_GAP = 1.5
_OVERLAP = 3.0
_ATTEMPTS = 60
_COLOUR_JITTER = 12
_NOISE = 6.0

Pixels = NDArray[np.float64]


def _circle(x: Pixels, y: Pixels, r: float) -> Pixels:
    return np.hypot(x, y) - r


def _ring(x: Pixels, y: Pixels, r: float) -> Pixels:
    return np.abs(np.hypot(x, y) - 0.75 * r) - 0.25 * r


def _square(x: Pixels, y: Pixels, r: float) -> Pixels:
    return np.maximum(np.abs(x), np.abs(y)) - 0.85 * r


def _diamond(x: Pixels, y: Pixels, r: float) -> Pixels:
    return (np.abs(x) / 0.65 + np.abs(y) - r) * 0.55


def _triangle(x: Pixels, y: Pixels, r: float) -> Pixels:
    # equilateral, one corner up; y points down
    return np.maximum(np.abs(x) * 0.866 - (y - 0.2 * r) * 0.5, y - 0.2 * r) - 0.55 * r


def _cross(x: Pixels, y: Pixels, r: float) -> Pixels:
    x, y = np.abs(x), np.abs(y)
    return np.maximum(np.maximum(x, y) - r, np.minimum(x, y) - 0.28 * r)


def _star(x: Pixels, y: Pixels, r: float) -> Pixels:
    # five points: fold the plane into one half point, then the distance to its one edge
    tenth, inner = np.pi / 5, 0.42 * r
    angle = np.abs((np.arctan2(x, -y) + tenth) % (2 * tenth) - tenth)
    u, v = np.hypot(x, y) * np.cos(angle), np.hypot(x, y) * np.sin(angle)
    du, dv = inner * np.cos(tenth) - r, inner * np.sin(tenth)
    return np.asarray(((u - r) * dv - v * du) / np.hypot(du, dv))


#: signed distance in pixels (below 0 inside) at offsets x, y from the centre, for a radius
SHAPES: dict[str, Callable[[Pixels, Pixels, float], Pixels]] = {
    "circle": _circle,
    "ring": _ring,
    "square": _square,
    "diamond": _diamond,
    "triangle": _triangle,
    "cross": _cross,
    "star": _star,
}


@dataclass(frozen=True)
class Group:
    """One to three things that look alike."""

    count: int
    size: str
    colour: str
    shape: str

    @property
    def words(self) -> str:
        """How a caption names it: ``two small red circles``."""
        plural = "" if self.count == 1 else "es" if self.shape == "cross" else "s"
        return f"{COUNTS[self.count]} {self.size} {self.colour} {self.shape}{plural}"


@dataclass(frozen=True)
class Contents:
    """What a scene shows: groups in reading order along one relation, and the background."""

    groups: tuple[Group, ...]
    relation: str
    background: str

    @property
    def caption(self) -> str:
        """The one right caption."""
        row = f" {self.relation} ".join(group.words for group in self.groups)
        return f"{row} on a {self.background} background"


@dataclass(frozen=True)
class Thing:
    """Where one shape lies: centre, radius (pixels) and tilt (radians)."""

    x: float
    y: float
    radius: float
    tilt: float


@dataclass(frozen=True)
class Scene:
    """Contents with the things of each group; ``grain`` seeds the jitter of the pixels."""

    contents: Contents
    things: tuple[tuple[Thing, ...], ...]
    grain: int

    @property
    def caption(self) -> str:
        """The one right caption."""
        return self.contents.caption


def held_out(caption: str) -> bool:
    """Whether scenes of this caption are for evaluation only: a quarter of them, by sha256.

    A model trained on the rest has never met a caption that it is asked for.
    """
    return hashlib.sha256(caption.encode()).digest()[0] < 64


def vocabulary() -> tuple[str, ...]:
    """Every word that a caption may hold, sorted."""
    words = {"on", "a", "background", *COUNTS.values(), *SIZES, *COLOURS, *BACKGROUNDS}
    words |= {word for relation in RELATIONS for word in relation.split()}
    for shape in SHAPES:
        words |= {shape, shape + ("es" if shape == "cross" else "s")}
    return tuple(sorted(words))


def contents(rng: np.random.Generator, evaluation: bool) -> Iterator[Contents]:
    """Endless random contents, held out or not; one to three groups are equally likely.

    Colour and shape tell the groups of a scene apart, so that nobody can take two for one.
    """
    kinds = list(product(COLOURS, SHAPES))
    while True:
        amount = int(rng.integers(1, MOST_GROUPS + 1))
        while True:
            drawn = [
                Group(int(rng.integers(1, len(COUNTS) + 1)), _one_of(rng, SIZES), *kinds[kind])
                for kind in rng.choice(len(kinds), amount, replace=False)
            ]
            found = Contents(tuple(drawn), _one_of(rng, RELATIONS), _one_of(rng, BACKGROUNDS))
            if held_out(found.caption) == evaluation:
                break
        yield found


def scenes(rng: np.random.Generator, evaluation: bool) -> Iterator[Scene]:
    """Endless random scenes of such contents."""
    for shown in contents(rng, evaluation):
        while (things := _arranged(rng, shown)) is None:
            pass
        yield Scene(shown, things, int(rng.integers(2**31)))


def _one_of(rng: np.random.Generator, words: Iterable[str]) -> str:
    choices = tuple(words)
    return choices[rng.integers(len(choices))]


def _arranged(rng: np.random.Generator, shown: Contents) -> tuple[tuple[Thing, ...], ...] | None:
    """Things of each group in a band of its own; None where an attempt did not work out."""
    upright = shown.relation == "above"
    arranged: list[tuple[Thing, ...]] = []
    for band, group in enumerate(shown.groups):
        things = _placed(rng, group, band, len(shown.groups), upright)
        if things is None or (arranged and not _facing(arranged[-1], things, upright)):
            return None
        arranged.append(things)
    return tuple(arranged)


def _placed(
    rng: np.random.Generator, group: Group, band: int, bands: int, upright: bool
) -> tuple[Thing, ...] | None:
    """Things inside one band of the image, none touching another, or None."""
    width = SIDE / bands
    things: list[Thing] = []
    for _ in range(_ATTEMPTS):
        radius = rng.uniform(*SIZES[group.size])
        edge = radius + _MARGIN
        along = band * width + rng.uniform(edge, width - edge)
        across = rng.uniform(edge, SIDE - edge)
        x, y = (across, along) if upright else (along, across)
        thing = Thing(x, y, radius, rng.uniform(-0.15, 0.15))
        if all(_apart(thing, other) for other in things):
            things.append(thing)
            if len(things) == group.count:
                return tuple(things)
    return None


def _apart(a: Thing, b: Thing) -> bool:
    return max(abs(a.x - b.x), abs(a.y - b.y)) >= a.radius + b.radius + _GAP


def _facing(a: tuple[Thing, ...], b: tuple[Thing, ...], upright: bool) -> bool:
    """Whether two groups overlap across their relation, so that no other one describes them."""

    def extent(things: tuple[Thing, ...]) -> tuple[float, float]:
        middles = [(t.x if upright else t.y, t.radius) for t in things]
        return min(m - r for m, r in middles), max(m + r for m, r in middles)

    (low_a, high_a), (low_b, high_b) = extent(a), extent(b)
    return min(high_a, high_b) - max(low_a, low_b) >= _OVERLAP


def render(scene: Scene) -> NDArray[np.uint8]:
    """The scene as an RGB image, (SIDE, SIDE, 3) uint8. Equal scenes give equal images."""
    rng = np.random.default_rng(scene.grain)

    def shade(colour: tuple[int, int, int]) -> Pixels:
        return np.array(colour) + rng.uniform(-_COLOUR_JITTER, _COLOUR_JITTER, 3)

    image = np.empty((SIDE, SIDE, 3))
    image[:] = shade(BACKGROUNDS[scene.contents.background])
    for group, things in zip(scene.contents.groups, scene.things, strict=True):
        for thing in things:
            left, top = (int(max(0, c - thing.radius - 3)) for c in (thing.x, thing.y))
            right, bottom = (int(c + thing.radius + 4) for c in (thing.x, thing.y))
            part = image[top:bottom, left:right]
            dy = np.arange(top, top + part.shape[0])[:, None] + 0.5 - thing.y
            dx = np.arange(left, left + part.shape[1])[None, :] + 0.5 - thing.x
            cos, sin = np.cos(thing.tilt), np.sin(thing.tilt)
            distance = SHAPES[group.shape](dx * cos + dy * sin, dy * cos - dx * sin, thing.radius)
            cover = np.clip(0.5 - distance, 0, 1)[:, :, None]
            part += cover * (shade(COLOURS[group.colour]) - part)
    image += rng.standard_normal(image.shape, dtype=np.float32) * _NOISE
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
