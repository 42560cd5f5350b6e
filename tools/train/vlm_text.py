"""What the VLM reads and says about a scene: a canonical caption, near misses, questions with answers."""
import copy
import random
import re

import world

BACK = {"left": "right", "right": "left", "above": "below", "below": "above"}
SAID = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
WHERE = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom"}
SIDE = {"left": "left", "right": "right", "above": "top", "below": "bottom"}     # of the picture: first of a relation


# ---------------------------------------------------------------- the canonical caption

def noun_phrase(g, size_word=None, number=True):
    """Everything there is to say of a group in one fixed order: size, colour, texture, thing."""
    parts = [size_word] if size_word else []
    parts += [g.colour] if g.colour else []
    parts += [g.texture] if g.texture and g.texture != "solid" else []
    parts.append(world.plural(g.name, g.name) if g.count > 1 else g.name)
    words = " ".join(parts)
    if not number:
        return words
    return "%s %s" % (world.NUMBERS[g.count], words) if g.count > 1 else world.article(words)


def ground(background):
    if background.startswith("plain:"):
        return "on %s background" % world.article(background[6:])
    return world.BACKGROUNDS[background][0][0]


def reading_order(scene):
    """-> groups as one reads a page, relation of the first to the second (left or above) or None."""
    g = scene.groups
    if scene.relation:
        return (g, scene.relation) if scene.relation in ("left", "above") else ([g[1], g[0]], BACK[scene.relation])
    return sorted(g, key=lambda h: (h.centre()[1] > 0.5, h.centre()[0])), None


def canonical(scene):
    """The caption the captioner learns: all attributes, one way to say it."""
    if not scene.groups:
        b = scene.background
        return "a plain %s background" % b[6:] if b.startswith("plain:") else world.BACKGROUNDS[b][1][0]
    groups, relation = reading_order(scene)
    names = [noun_phrase(g, scene.size_word) for g in groups]
    if relation:
        core = "%s %s %s" % (names[0], SAID[relation], names[1])
    elif len(names) == 1:
        core = names[0] + (" " + WHERE[scene.place] if scene.place else "")
    else:
        core = " and ".join(names) if len(names) == 2 else "%s, %s and %s" % tuple(names)
    return "%s %s" % (core, ground(scene.background))


# ---------------------------------------------------------------- the same scene, otherwise

def mirrored(scene):
    s = copy.deepcopy(scene)
    swap = {"left": "right", "right": "left"}
    s.relation, s.place = swap.get(s.relation, s.relation), swap.get(s.place, s.place)
    for g in s.groups:
        g.boxes = [(1 - x, y, size) for x, y, size in g.boxes]
    return s


def _other(rng, options, than):
    return rng.choice([o for o in options if o != than])


def near_miss(rng, scene):
    """A description that differs in one respect; it need not be false of the picture (the caller tests that)."""
    s = copy.deepcopy(scene)
    g = rng.choice(s.groups) if s.groups else None
    ways = ["background"]
    if g:
        ways += ["name", "name", "count"] + ["colour"] * 2 * bool(g.seen_colour()) + ["texture"] * bool(g.texture)
    if s.relation:
        ways += ["turn"] * 10 + ["relation"] * 5
    if len(s.groups) > 1:
        a, b = rng.sample(s.groups, 2)
        if a.colour and b.colour and a.colour != b.colour:
            ways += ["swap colours"] * 4
        if a.texture and b.texture and a.texture != b.texture:
            ways += ["swap textures"]
        if a.count != b.count:
            ways += ["swap counts"] * 5
    if s.kind == "count":
        ways += ["count"] * 5
    if s.size_word:
        ways += ["size"] * 3
    if s.place:
        ways += ["place"] * 3
    way = rng.choice(ways)
    if way == "background":
        s.background = _other(rng, world.SCENERY, s.background)
    elif way == "name":
        if g.name in world.SHAPES:
            g.name = _other(rng, list(world.SHAPES), g.name)
        else:
            alike = [n for n in world.OBJECTS if world.CATEGORY_OF[n] == world.CATEGORY_OF[g.name]]
            g.name = _other(rng, alike if rng.random() < 0.6 else list(world.OBJECTS), g.name)
            if g.name not in world.TINTED:
                g.colour = None
    elif way == "count":
        g.count = _other(rng, [2, 3, 4, 5] if g.count > 1 else [2, 3], g.count)
        if g.count < 5 and rng.random() < 0.5 and scene.kind == "count":
            g.count = max(2, min(5, scene.groups[0].count + rng.choice([-1, 1])))
    elif way == "colour":
        old = g.seen_colour()
        g.colour = _other(rng, list(world.COLOURS), old)
    elif way == "texture":
        g.texture = _other(rng, list(world.TEXTURES), g.texture)
    elif way == "turn":
        s.relation = BACK[s.relation]
    elif way == "relation":
        s.relation = _other(rng, list(BACK), s.relation)
    elif way == "swap colours":
        a.colour, b.colour = b.colour, a.colour
    elif way == "swap textures":
        a.texture, b.texture = b.texture, a.texture
    elif way == "swap counts":
        a.count, b.count = b.count, a.count
    elif way == "size":
        s.size_word = _other(rng, ["small", "large"], s.size_word)
    elif way == "place":
        s.place = _other(rng, list(WHERE), s.place)
    return s


def _facts(scene):
    """world.facts plus the numbers of groups of one, which captions claim by "one" and by the singular."""
    return world.facts(scene)


def one_more(rng, scene, detail):
    """Claims a caption makes by its numbers are told by a singular too: world.caption's claims leave those out."""
    text, claims = world.caption(rng, scene, detail)
    for c in [c for c in claims if c.startswith("k:")]:
        for g in scene.groups:
            if c[2:] in g.keys():
                claims.append("n:%s:%d" % (c[2:], g.count))
    return text, claims


def true_text(rng, scene, detail=None):
    if rng.random() < 0.3:
        return canonical(scene)
    if detail is None:
        detail = rng.choice([0.5, 0.8, 0.9, 1.0, 1.0, 1.0])
    return world.caption(rng, scene, detail)[0]


NONSENSE = "bcdfghjklmnprstvwz"


def false_text(rng, scene, other, facts=None):
    """A text that is false of the scene: mostly a near miss, else a text of the scene `other`."""
    facts = _facts(scene) if facts is None else facts
    for _ in range(30):
        draw = rng.random()
        s = near_miss(rng, scene) if draw < 0.88 else other
        text, claims = one_more(rng, s, rng.choice([0.5, 0.9, 1.0, 1.0, 1.0]))
        if set(claims) <= facts:
            continue
        if any(h.name not in world.OBJECTS and h.name not in world.SHAPES for h in s.groups):
            continue
        if s is not other and rng.random() < 0.3:
            text = canonical(s)            # says everything, so whatever was changed is in it
        if rng.random() < 0.02 and s.groups:
            word = "".join(rng.choice(NONSENSE) + rng.choice("aeiou") for _ in range(rng.randint(1, 4)))
            text = text.replace(s.groups[0].name, word)
        return text
    return canonical(other) if canonical(other) != canonical(scene) else "nothing but gray"


def minimal_pair(rng, scene, facts=None):
    """(true text, false text) that say the same but for one thing, or None if a few tries find none."""
    facts = world.facts(scene) if facts is None else facts
    for _ in range(8):
        miss, seed = near_miss(rng, scene), rng.random()
        if rng.random() < 0.15:
            true, false = canonical(scene), canonical(miss)
            claims = one_more(random.Random(seed), miss, 1.0)[1]
        else:
            detail = rng.choice([0.9, 1.0, 1.0])
            true = world.caption(random.Random(seed), scene, detail)[0]
            false, claims = one_more(random.Random(seed), miss, detail)
        if not set(claims) <= facts and true != false:
            return true, false
    return None


# ---------------------------------------------------------------- questions

def _words_for(rng, name, many=False):
    other = world.OBJECTS[name][1] if name in world.OBJECTS else world.SHAPES[name][0]
    word = rng.choice(other) if other and rng.random() < 0.2 else name
    return world.plural(name, word) if many else word


def _is_are(g):
    return "are" if g.count > 1 else "is"


def question(rng, scene, kind=None):
    """-> (question, answer, kind). Kinds: color, count, where, relation, what, yesno, scene."""
    groups = scene.groups
    for _ in range(20):
        k = kind or rng.choices(["color", "count", "where", "relation", "what", "yesno", "scene"],
                                [24, 22, 18, 12, 8, 12, 6])[0]
        if k == "scene":
            b = scene.background
            if b.startswith("plain:"):
                return (rng.choice(["what color is the background?", "what colour is the background?"]), b[6:], k)
            return (rng.choice(["where is this?", "what is the background?", "where was this taken?"]), ground(b), k)
        if not groups:
            if kind:
                return None
            continue
        g = rng.choice(groups)
        alone = sum(h.name == g.name for h in groups) == 1
        if k == "color" and alone and g.seen_colour():
            return ("what %s %s the %s?" % (rng.choice(["color", "colour", "color"]), _is_are(g),
                                            _words_for(rng, g.name, g.count > 1)), g.seen_colour(), k)
        if k == "count" and alone:
            if rng.random() < 0.12:
                g = world.sample_group(rng)
                if any(h.name == g.name for h in groups):
                    continue
                return "how many %s are there?" % _words_for(rng, g.name, True), "0", k
            tail = rng.choice(["are there?", "are in the picture?", "can you see?", "are in this picture?"])
            if g.seen_colour() and rng.random() < 0.2:
                return "how many %s %s %s" % (g.seen_colour(), _words_for(rng, g.name, True), tail), str(g.count), k
            return "how many %s %s" % (_words_for(rng, g.name, True), tail), str(g.count), k
        if k == "where" and alone:
            if scene.relation:
                side = SIDE[scene.relation if g is groups[0] else BACK[scene.relation]]
            elif scene.place:
                side = scene.place
            else:
                continue
            return "where %s the %s?" % (_is_are(g), _words_for(rng, g.name, g.count > 1)), WHERE[side], k
        if k == "relation" and scene.relation and groups[0].name != groups[1].name:
            a, b, rel = groups[0], groups[1], scene.relation
            if rng.random() < 0.5:
                a, b, rel = b, a, BACK[rel]
            return ("what %s %s the %s?" % (_is_are(a), rng.choice(world.RELATIONS[rel]),
                                            _words_for(rng, b.name, b.count > 1)),
                    noun_phrase(a, number=False), k)
        if k == "what" and len(groups) == 1:
            return (rng.choice(["what is this?", "what is in the picture?", "what is in this picture?",
                                "what can you see?"]), noun_phrase(g, number=g.count > 1), k)
        if k == "yesno":
            if rng.random() < 0.5 and scene.relation and groups[0].name != groups[1].name:
                a, b, rel = groups[0], groups[1], scene.relation
                if rng.random() < 0.5:
                    a, b, rel = b, a, BACK[rel]
                yes = rng.random() < 0.5
                said = rel if yes else BACK[rel]
                return ("%s the %s %s the %s?" % (_is_are(a), _words_for(rng, a.name, a.count > 1),
                                                  rng.choice(world.RELATIONS[said]),
                                                  _words_for(rng, b.name, b.count > 1)), "yes" if yes else "no", k)
            if rng.random() < 0.5:
                return "is there %s?" % world.article(_words_for(rng, g.name)), "yes", k
            h = near_miss(rng, scene)
            name = h.groups[0].name
            if all(name != x.name for x in groups):
                return "is there %s?" % world.article(_words_for(rng, name)), "no", k
            continue
        if kind:
            return None
    return question(rng, scene, "scene")


# ---------------------------------------------------------------- reading a caption back

def _phrases():
    """Noun phrase without number or article -> (colour, texture, name, plural?)"""
    out = {}
    for name in world.CLASSES:
        for many in (False, True):
            out.setdefault(world.plural(name, name) if many else name, []).append((name, many))
    return out


_NOUNS = _phrases()
_COUNT = {w: n for n, w in world.NUMBERS.items()}


def parse_group(words):
    """"two red striped stars" -> (count, colour, texture, name, size) or None."""
    parts = words.split()
    count, size, colour, texture = None, None, None, "solid"
    if parts and parts[0] in _COUNT:
        count, parts = _COUNT[parts[0]], parts[1:]
    elif parts and parts[0] in ("a", "an"):
        count, parts = 1, parts[1:]
    if parts and parts[0] in ("small", "large"):
        size, parts = parts[0], parts[1:]
    if parts and parts[0] in world.COLOURS:
        colour, parts = parts[0], parts[1:]
    if parts and parts[0] in world.TEXTURES:
        texture, parts = parts[0], parts[1:]
    noun = " ".join(parts)
    if count is None or noun not in _NOUNS:
        return None
    fits = [n for n, many in _NOUNS[noun] if many == (count > 1)]
    if not fits:
        return None
    return count, colour, texture if fits[0] in world.SHAPES else None, fits[0], size


def parse(text):
    """A canonical caption -> dict of groups (in the order said), relation, place, background; None if it is none."""
    text = text.strip().rstrip(".")
    out = {"groups": [], "relation": None, "place": None, "background": None}
    for b in world.SCENERY:
        if text == (("a plain %s background" % b[6:]) if b.startswith("plain:") else world.BACKGROUNDS[b][1][0]):
            out["background"] = b
            return out
        if text.endswith(" " + ground(b)):
            out["background"], core = b, text[:-len(ground(b)) - 1]
            break
    else:
        return None
    for place, words in WHERE.items():
        if core.endswith(" " + words):
            out["place"], core = place, core[:-len(words) - 1]
    for rel, words in SAID.items():
        if " %s " % words in core:
            out["relation"] = rel
            parts = core.split(" %s " % words)
            break
    else:
        parts = re.split(r", | and ", core)
    for p in parts:
        g = parse_group(p)
        if not g:
            return None
        out["groups"].append(g)
    return out


def nouns(name):
    """All ways in which texts name a thing, singular and plural."""
    every = [name] + (world.OBJECTS[name][1] if name in world.OBJECTS else world.SHAPES[name][0])
    return sorted({w for e in every for w in (e, world.plural(name, e))})


def shares(pairs):
    """(name, right?) -> share and number right of each name and of all."""
    count = {}
    for name, right in pairs:
        for k in (name, "all"):
            n = count.setdefault(k, [0, 0])
            n[0] += bool(right)
            n[1] += 1
    return {k: {"right": n[0] / n[1], "of": n[1]} for k, n in sorted(count.items())}


def marks(pairs):
    """(true canonical caption, caption written) -> shares of: all attributes right ("exact"), and each one of them."""
    out = []
    for true, said in pairs:
        t, s = parse(true), parse(said)
        out.append(("exact", s == t))
        s = s or {"groups": [], "relation": None, "place": None, "background": None}
        mine = list(s["groups"]) + [(None,) * 5] * 3
        out.append(("background", s["background"] == t["background"]))
        if t["relation"]:
            out.append(("relation", s["relation"] == t["relation"] and
                        [g[3] for g in s["groups"]] == [g[3] for g in t["groups"]]))
        if t["place"]:
            out.append(("place", s["place"] == t["place"]))
        for g, m in zip(t["groups"], mine):
            m = next((h for h in s["groups"] if h[3] == g[3]), m)      # in any order, else the one at its place
            out += [("things", m[3] == g[3]), ("number", m[0] == g[0])]
            if g[1]:
                out.append(("colour", m[1] == g[1]))
            if g[2]:
                out.append(("texture", m[2] == g[2]))
            if g[4]:
                out.append(("size", m[4] == g[4]))
    result = shares(out)
    del result["all"]
    return result


def words():
    """All words of captions, questions and answers, for the vocabulary; a fixed list, from fixed seeds."""
    rng, out = random.Random(1), set()
    lists = [world.NUMBERS.values(), world.PREFIXES, WHERE.values(), SAID.values(), world.COLOURS]
    for v in list(world.RELATIONS.values()) + list(world.PLACES.values()) + list(world.TEXTURES.values()) + \
            list(world.COLOUR_WORDS.values()):
        lists.append(v)
    for inside, empty, _ in world.BACKGROUNDS.values():
        lists += [inside, empty]
    for name, v in list(world.OBJECTS.items()) + list(world.SHAPES.items()):
        every = [name] + (v[1] if name in world.OBJECTS else v[0])
        lists.append(every + [world.plural(name, w) for w in every])
    for _ in range(3000):
        s = world.sample_scene(rng)
        lists += [[canonical(s), world.caption(rng, s)[0], question(rng, s)[0]]]
    lists.append(["yes no color colour of with and without the these this those it its what which who how many where is are was "
                  "there here one none zero nothing not in at on to from near between photo picture image drawing "
                  "painting scene background small little tiny large big huge bright dark left right top bottom middle "
                  "center upper lower side next beside behind front thing things object objects shape shapes animal "
                  "animals fruit food vehicle plant toy me show find please person man woman people child"])
    for some in lists:
        for text in some:
            out |= set(re.findall(r"[a-z]+", text.lower()))
    return out
