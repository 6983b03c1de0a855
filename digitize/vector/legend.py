"""Legend keys among marker shapes, and the names beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitize.legend import LegendEntry, is_word
from digitize.vector.glyphs import Glyph
from digitize.vector.labels import DIFFERS, LIKENESS, likeness, share_inside
from digitize.vector.paths import Box, Color
from digitize.vector.pieces import is_rectangle
from digitize.vector.scene import Scene, inside

BESIDE = 4.5  # digit heights between a key's rim and its name
LEVEL = 0.55  # digit heights between the middles of a key and its name
LEAST_TILE, MOST_TILE = 1.25, 5.0  # sizes of a key's marker that the tile beneath it measures
ALIGNED = 0.6  # px within which keys stand in one column or row


@dataclass(frozen=True)
class Key:
    """A legend key: the name beside it, its marker where it shows one, and the colours of what else is drawn in it."""

    name: str
    glyph: Glyph | None
    colors: tuple[Color, ...] = ()


def find_keys(scene: Scene, legend: Sequence[LegendEntry]) -> tuple[Key, ...]:
    """The keys of a panel's legend: markers in a column or row, each beside words; and entries that were read without a marker.

    Words stand at the right of their keys, or at the left of all of them. A single key counts only where an entry was read there, or where
    it stands on a tile of its own.
    """
    words = _words(scene)
    best: list[Key] = []
    for right in (True, False):
        for group in _aligned(_beside(scene, words, right=right)):
            confirmed = any(inside(_padded(e.key_box, 4.0), g.x, g.y) for e in legend for _, g in group)
            confirmed = confirmed or (right and any(_is_on_tile(scene, g) for _, g in group))
            keys = [Key(word.name, g) for word, g in group]
            if len(keys) > len(best) and (len(keys) > 1 or confirmed):
                best = keys
    named = {k.name for k in best}
    left = [e for e in legend if e.name not in named and not (_is_written(scene) and _is_mark(scene, e))]
    bare = [Key(e.name, None, _colors(scene, _padded(e.key_box, 4.0))) for e in left]
    return (*best, *(key for key in bare if key.colors))


def key_glyphs(scene: Scene, legend: Sequence[LegendEntry], keys: Sequence[Key]) -> set[int]:
    """Indices of the scene's marker shapes that are legend keys: those beside names, and others in line with them that no stem crosses."""
    own = [k.glyph for k in keys if k.glyph is not None]
    if not own:
        boxes = [_padded(e.key_box, 4.0) for e in legend]
        return {k for k, g in enumerate(scene.glyphs) if any(inside(b, g.x, g.y) for b in boxes)}
    chosen = {id(g) for g in own}
    return {k for k, g in enumerate(scene.glyphs) if id(g) in chosen or _is_in_line(g, own, scene)}


def _is_on_tile(scene: Scene, glyph: Glyph) -> bool:
    """Whether a marker stands in the middle of a square drawn before it, as some programs draw beneath each key of a legend."""
    size = max(glyph.width, glyph.height)
    for piece in scene.pieces:
        x0, y0, x1, y1 = piece.box
        is_square = LEAST_TILE * size < x1 - x0 < MOST_TILE * size and abs((x1 - x0) - (y1 - y0)) < 0.2 * (x1 - x0)
        off = max(abs((x0 + x1) / 2 - glyph.x), abs((y0 + y1) / 2 - glyph.y))
        if is_square and off < 0.15 * (x1 - x0) and piece.path.fill is not None and piece.path.order < glyph.order and is_rectangle(piece):
            return True
    return False


def _is_in_line(glyph: Glyph, keys: Sequence[Glyph], scene: Scene) -> bool:
    if any(abs(s.at - glyph.x) < 0.6 and s.start < glyph.y < s.end for s in scene.stems):
        return False
    reach = 3 * scene.panel.height
    return any((abs(glyph.x - k.x) < 0.1 and abs(glyph.y - k.y) < reach) for k in keys)


@dataclass(frozen=True)
class _Word:
    name: str
    box: Box


def _words(scene: Scene) -> list[_Word]:
    """What may name a series: the page's own texts, as far as the rendering does not show other letters, and what else was read there."""
    read = [t for t in scene.panel.texts if is_word(t, scene.panel.height)]
    spans = [s for s in scene.panel.drawing.texts if abs(s.degrees) < 1 and sum(c.isalpha() for c in s.text) >= 2]
    words = []
    for span in spans:
        seen = max(read, key=lambda t: share_inside(span.box, t.box), default=None)
        if seen is None or share_inside(span.box, seen.box) < 0.6 or _is_part(span.text, seen.text):
            words.append(_Word(span.text, span.box))
    if _is_written(scene):
        return words
    alone = [t for t in read if all(share_inside(w.box, t.box) < 0.6 for w in words)]
    return words + [_Word(t.text, (t.box[0], t.box[1], t.box[2], t.box[3])) for t in alone]


def _is_written(scene: Scene) -> bool:
    """Whether the page writes the axis's labels as text: then letters that it does not write are marks that look like some."""
    labels = scene.panel.y.boxes
    if DIFFERS in scene.panel.y.reading.flags:
        return False
    return 2 * sum(any(share_inside(s.box, b.box) > 0.6 for s in scene.panel.drawing.texts) for b in labels) > len(labels)


def _is_mark(scene: Scene, entry: LegendEntry) -> bool:
    """Whether the page writes no text where the name of an entry was read."""
    return not any(share_inside(s.box, entry.text_box) > 0.3 for s in scene.panel.drawing.texts)


def _is_part(said: str, seen: str) -> bool:
    """Whether a text is the one that was seen, or a part of it."""
    return "".join(said.lower().split()) in "".join(seen.lower().split()) or likeness(said, seen) >= LIKENESS


def _padded(box: Sequence[float], pad: float) -> Box:
    return box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad


def _beside(scene: Scene, words: Sequence[_Word], *, right: bool) -> list[tuple[_Word, Glyph]]:
    """Each word with the marker nearest to it on its level; `right`: words stand at the right of their markers."""
    height = scene.panel.height
    found = []
    for word in words:
        x0, y0, x1, y1 = word.box
        near = []
        for glyph in scene.glyphs:
            gap = (x0 - glyph.x if right else glyph.x - x1) - glyph.width / 2
            off = abs((y0 + y1) / 2 - glyph.y)
            if -2 < gap < BESIDE * height and off < LEVEL * height:
                near.append((off / height + 0.1 * gap / height, glyph.order, glyph))
        if near:
            found.append((word, min(near, key=lambda n: n[:2])[2]))
    return found


def _aligned(pairs: Sequence[tuple[_Word, Glyph]]) -> list[list[tuple[_Word, Glyph]]]:
    """Groups of keys in one column or one row."""
    groups = []
    for _, seed in pairs:
        column = [(t, g) for t, g in pairs if abs(g.x - seed.x) < ALIGNED]
        row = [(t, g) for t, g in pairs if abs(g.y - seed.y) < ALIGNED]
        groups += [_without_repeats(column), _without_repeats(row)]
    return groups


def _without_repeats(group: list[tuple[_Word, Glyph]]) -> list[tuple[_Word, Glyph]]:
    """Each marker once, and nothing where two of them look alike: those are data."""
    unique = {id(g): (t, g) for t, g in group}
    looks = {(g.shape, g.fill, g.stroke) for _, g in unique.values()}
    return list(unique.values()) if len(looks) == len(unique) else []


def _colors(scene: Scene, box: Box) -> tuple[Color, ...]:
    """Colours of what lies within a key box, other than paper."""
    own = [p for p in scene.pieces if inside(box, p.box[0], p.box[1]) and inside(box, p.box[2], p.box[3])]
    colors = [c for p in own for c in (p.path.fill, p.path.stroke) if c is not None and scene.shows(c)]
    return tuple(dict.fromkeys(colors))
