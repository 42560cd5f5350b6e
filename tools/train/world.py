"""The drawn world: what can be in a picture, and how people would put it in words.

A scene is sampled as plain data (no pixels): a background and up to three groups of like elements.
From a scene come its *facts* (strings such as "k:car|red|") and captions; every caption knows which
facts it claims, so that training can tell a wrong caption from one that is merely another's.
"""
import zlib

# ---------------------------------------------------------------- vocabulary of the world

# name: (emoji variants, other words, plural or None for name + "s", natural colour or None)
OBJECTS = {
    # animals
    "dog": ("🐶🐕", ["puppy", "doggy"], None, None),
    "cat": ("🐱🐈", ["kitten", "kitty"], None, None),
    "rabbit": ("🐰🐇", ["bunny"], None, None),
    "fox": ("🦊", [], "foxes", "orange"),
    "bear": ("🐻", [], None, "brown"),
    "panda": ("🐼", [], None, None),
    "tiger": ("🐯", [], None, "orange"),
    "lion": ("🦁", [], None, None),
    "cow": ("🐮🐄", [], None, None),
    "pig": ("🐷🐖", ["piglet"], None, "pink"),
    "frog": ("🐸", [], None, "green"),
    "monkey": ("🐵", ["ape"], None, "brown"),
    "penguin": ("🐧", [], None, None),
    "owl": ("🦉", [], None, "brown"),
    "bee": ("🐝", ["honeybee"], None, None),
    "butterfly": ("🦋", [], "butterflies", None),
    "snail": ("🐌", [], None, None),
    "ladybug": ("🐞", ["ladybird"], None, "red"),
    "turtle": ("🐢", ["tortoise"], None, "green"),
    "snake": ("🐍", ["serpent"], None, "green"),
    "octopus": ("🐙", [], "octopuses", None),
    "crab": ("🦀", [], None, None),
    "fish": ("🐟🐠", [], "fish", None),
    "dolphin": ("🐬", [], None, "blue"),
    "whale": ("🐳", [], None, None),
    "shark": ("🦈", [], None, "gray"),
    "elephant": ("🐘", [], None, "gray"),
    "giraffe": ("🦒", [], None, None),
    "camel": ("🐫", [], None, None),
    "horse": ("🐎", ["pony"], None, None),
    "sheep": ("🐑", ["lamb"], "sheep", "white"),
    "squirrel": ("🐿", [], None, "brown"),
    "hedgehog": ("🦔", [], None, None),
    "bat": ("🦇", [], None, None),
    "rooster": ("🐓", ["cockerel"], None, None),
    "duck": ("🦆", ["mallard"], None, None),
    "parrot": ("🦜", [], None, "green"),
    "flamingo": ("🦩", [], None, "pink"),
    "zebra": ("🦓", [], None, None),
    "crocodile": ("🐊", ["alligator"], None, "green"),
    "peacock": ("🦚", [], None, None),
    "swan": ("🦢", [], None, "white"),
    # food
    "apple": ("🍎", [], None, "red"),
    "banana": ("🍌", [], None, "yellow"),
    "strawberry": ("🍓", [], "strawberries", "red"),
    "watermelon": ("🍉", ["melon slice"], None, None),
    "pineapple": ("🍍", [], None, None),
    "lemon": ("🍋", [], None, "yellow"),
    "carrot": ("🥕", [], None, "orange"),
    "mushroom": ("🍄", ["toadstool"], None, None),
    "burger": ("🍔", ["hamburger"], None, None),
    "pizza": ("🍕", ["slice of pizza"], None, None),
    "ice cream": ("🍦", ["ice cream cone"], None, None),
    "donut": ("🍩", ["doughnut"], None, None),
    "cake": ("🎂", ["birthday cake"], None, None),
    "cup of coffee": ("☕", ["coffee cup"], "cups of coffee", None),
    "egg": ("🥚", [], None, None),
    "piece of cheese": ("🧀", ["cheese"], "pieces of cheese", "yellow"),
    # vehicles
    "car": ("🚗", ["automobile"], None, None),
    "bus": ("🚌", ["coach"], "buses", None),
    "truck": ("🚚", ["lorry"], None, None),
    "bicycle": ("🚲", ["bike"], None, None),
    "airplane": ("✈", ["plane", "aeroplane"], None, None),
    "rocket": ("🚀", ["spaceship"], None, None),
    "helicopter": ("🚁", [], None, None),
    "sailboat": ("⛵", ["sailing boat", "boat"], None, None),
    "train": ("🚂", ["locomotive"], None, None),
    "tractor": ("🚜", [], None, "green"),
    "motorcycle": ("🏍", ["motorbike"], None, None),
    # things
    "balloon": ("🎈", [], None, None),
    "gift": ("🎁", ["present"], None, None),
    "guitar": ("🎸", [], None, None),
    "drum": ("🥁", [], None, None),
    "soccer ball": ("⚽", ["football"], None, None),
    "basketball": ("🏀", [], None, "orange"),
    "alarm clock": ("⏰", ["clock"], None, None),
    "umbrella": ("☂", ["parasol"], None, None),
    "chair": ("🪑", ["seat"], None, "brown"),
    "key": ("🔑", [], None, "yellow"),
    "hammer": ("🔨", [], None, None),
    "camera": ("📷", [], None, None),
    "laptop": ("💻", ["computer"], None, None),
    "stack of books": ("📚", ["pile of books"], "stacks of books", None),
    "pencil": ("✏", [], None, None),
    "candle": ("🕯", [], None, None),
    "shoe": ("👟", ["sneaker"], None, None),
    "dress": ("👗", ["gown"], "dresses", None),
    "shirt": ("👕", ["t-shirt"], None, None),
    "top hat": ("🎩", ["hat"], None, None),
    "sunflower": ("🌻", [], None, "yellow"),
    "tulip": ("🌷", [], None, None),
    "cactus": ("🌵", [], "cacti", "green"),
    "palm tree": ("🌴", ["palm"], None, None),
    "fir tree": ("🌲", ["pine tree"], None, "green"),
    "house": ("🏠", ["home"], None, None),
    "castle": ("🏰", ["fortress"], None, None),
    "tent": ("⛺", [], None, None),
    "snowman": ("⛄", [], "snowmen", None),
    "pumpkin": ("🎃", ["jack-o-lantern"], None, "orange"),
}
CATEGORIES = {}
for _cat, _first in (("animals", "dog"), ("food", "apple"), ("vehicles", "car"), ("things", "balloon")):
    CATEGORIES[_cat] = _first
_starts = {v: k for k, v in CATEGORIES.items()}
CATEGORY_OF, _now = {}, None
for _name in OBJECTS:
    _now = _starts.get(_name, _now)
    CATEGORY_OF[_name] = _now

# objects that are also drawn repainted in a colour
TINTED = ["car", "bus", "balloon", "umbrella", "guitar", "shoe", "dress", "shirt", "tulip", "tent", "butterfly",
          "motorcycle"]
TINTS = ["red", "orange", "yellow", "green", "blue", "purple", "pink"]

SHAPES = {
    "circle": (["disc"], None), "square": ([], None), "triangle": ([], None), "star": ([], None),
    "heart": ([], None), "diamond": (["rhombus"], None), "ring": ([], None), "cross": (["plus sign"], "crosses"),
    "crescent": (["crescent moon"], None),
}
COLOURS = {
    "red": (215, 35, 40), "orange": (245, 135, 25), "yellow": (250, 215, 40), "green": (45, 160, 65),
    "blue": (40, 90, 215), "purple": (130, 60, 180), "pink": (245, 130, 180), "brown": (125, 75, 40),
    "black": (30, 30, 34), "white": (246, 246, 246), "gray": (140, 142, 146),
}
COLOUR_WORDS = {"gray": ["gray", "grey"], "purple": ["purple", "violet"]}
TEXTURES = {"solid": ["solid", "plain"], "striped": ["striped", "stripy"], "dotted": ["dotted", "spotted", "polka dot"]}

BACKGROUNDS = {   # where something is; what it is when nothing else is there; colours that would drown in it
    "sky": (["in the sky", "in a blue sky", "against a cloudy sky", "among the clouds"],
            ["a cloudy sky", "clouds in a blue sky", "the sky"], ["blue"]),
    "grass": (["on the grass", "on green grass", "in a meadow", "on a lawn"],
              ["a green meadow", "a grassy field", "grass"], ["green"]),
    "sea": (["at sea", "in the sea", "on the water", "in the ocean"],
            ["the sea", "ocean waves", "blue water"], ["blue"]),
    "night": (["at night", "under the stars", "in the night sky", "in the dark"],
              ["a starry night", "a night sky with stars", "the night sky"], ["black"]),
    "snow": (["in the snow", "on snow", "in a snowy landscape", "in winter"],
             ["a snowy landscape", "falling snow", "snow in winter"], ["white"]),
    "desert": (["in the desert", "on the sand", "among sand dunes"],
               ["a sandy desert", "sand dunes", "the desert"], ["yellow", "orange"]),
    "sunset": (["at sunset", "in front of a sunset", "at dusk"],
               ["a sunset", "the sun going down", "an evening sky"], ["orange", "pink"]),
    "forest": (["in the forest", "in the woods", "among trees"],
               ["a forest", "the woods", "many trees"], ["green", "brown"]),
    "city": (["in the city", "on a city street", "in front of buildings"],
             ["a city street", "a city with tall buildings", "a town"], ["gray"]),
    "room": (["in a room", "indoors", "inside a room"], ["an empty room", "a room", "a room with a wooden floor"],
             ["brown"]),
}
CLASSES = list(OBJECTS) + list(SHAPES)
PLAIN = ["plain:" + c for c in COLOURS]
SCENERY = list(BACKGROUNDS) + PLAIN
CLASS_ID = {c: i for i, c in enumerate(CLASSES)}
SCENERY_ID = {b: i for i, b in enumerate(SCENERY)}
COLOUR_ID = {c: i for i, c in enumerate(COLOURS)}
TEXTURE_ID = {t: i for i, t in enumerate(TEXTURES)}

# colour-object combinations that no training picture contains
UNSEEN = {("car", "green"), ("bus", "purple"), ("balloon", "orange"), ("umbrella", "yellow"), ("guitar", "pink"),
          ("shoe", "green"), ("dress", "orange"), ("shirt", "purple"), ("tulip", "blue"), ("tent", "red"),
          ("butterfly", "green"), ("motorcycle", "yellow"),
          ("circle", "purple"), ("square", "orange"), ("triangle", "pink"), ("star", "red"), ("heart", "blue"),
          ("diamond", "green"), ("ring", "yellow"), ("cross", "brown"), ("crescent", "white"), ("star", "gray"),
          ("circle", "black"), ("heart", "yellow")}

SHAPE_SHARE = 0.45       # of all groups; forms take longer to learn than things
NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}
N_FACTS = 4096


def fact_bit(fact):
    return zlib.crc32(fact.encode()) % N_FACTS


# ---------------------------------------------------------------- scenes

class Group:
    """count like elements: class, colour (None = as nature made it), texture (shapes only)."""
    def __init__(self, name, colour, texture, count):
        self.name, self.colour, self.texture, self.count = name, colour, texture, count
        self.boxes = []          # (x, y, size) of each element, in units of the central square

    def seen_colour(self):
        return self.colour or (OBJECTS[self.name][3] if self.name in OBJECTS else None)

    def keys(self):
        """All descriptions that fit: with and without colour and texture."""
        out = []
        for c in {"", self.seen_colour() or ""}:
            for t in {"", self.texture or ""}:
                out.append("%s|%s|%s" % (self.name, c, t))
        return out

    def centre(self):
        n = len(self.boxes)
        return sum(b[0] for b in self.boxes) / n, sum(b[1] for b in self.boxes) / n


class Scene:
    def __init__(self, kind, background, groups):
        self.kind, self.background, self.groups = kind, background, groups
        self.size_word = None    # small / large, single elements only
        self.place = None        # left, right, top, bottom, centre: single elements only
        self.relation = None     # left, right, above, below: how group 0 lies to group 1


def sample_group(rng, count=1, unseen=False, name=None):
    while True:
        if name:
            n = name
        elif unseen:
            n, colour = sorted(UNSEEN)[rng.randrange(len(UNSEEN))]
            return Group(n, colour, "solid" if n in SHAPES else None, count)
        elif rng.random() < SHAPE_SHARE:
            n = rng.choice(list(SHAPES))
        else:
            # the repainted ones come up more often: they have colours to learn
            n = rng.choice(TINTED) if rng.random() < 0.15 else rng.choice(list(OBJECTS))
        colour = texture = None
        if n in SHAPES:
            colour = rng.choice(list(COLOURS))
            texture = rng.choices(["solid", "striped", "dotted"], [0.6, 0.2, 0.2])[0]
        elif n in TINTED and rng.random() < 0.75:
            colour = rng.choice(TINTS)
        if (n, colour) not in UNSEEN:
            return Group(n, colour, texture, count)


def sample_background(rng, groups):
    for _ in range(50):
        if rng.random() < 0.35:
            c = rng.choices(list(COLOURS), [3 if k in ("white", "black", "gray") else 1 for k in COLOURS])[0]
            if all(g.seen_colour() != c for g in groups):
                return "plain:" + c
        else:
            b = rng.choice(list(BACKGROUNDS))
            if all(g.seen_colour() not in BACKGROUNDS[b][2] for g in groups):
                return b
    return "plain:gray"


def sample_scene(rng, kind=None, unseen=False, name=None):
    """kind: single, empty, count, pair, mixed, triple; None draws one."""
    kind = kind or rng.choices(["single", "empty", "count", "pair", "mixed", "triple"],
                               [34, 3, 14, 29, 9, 11])[0]
    if kind == "empty":
        groups = []
    elif kind == "single":
        groups = [sample_group(rng, 1, unseen, name=name)]
    elif kind == "count":
        groups = [sample_group(rng, rng.choice([2, 2, 3, 3, 4, 5]))]
    else:
        want = 3 if kind == "triple" else 2
        groups = []
        while len(groups) < want:
            g = sample_group(rng, rng.choice([1, 2, 2, 3]) if kind == "mixed" else 1)
            same = [h for h in groups if h.name == g.name]
            if any(not g.seen_colour() or not h.seen_colour() or h.seen_colour() == g.seen_colour() for h in same):
                continue         # two of a kind only when their colours tell them apart
            groups.append(g)
        if kind == "mixed" and all(g.count == 1 for g in groups):
            groups[0].count = 2
    scene = Scene(kind, sample_background(rng, groups), groups)
    place(rng, scene)
    return scene


def variant(rng, scene):
    """The same scene with one thing changed: what makes a caption of the one wrong for the other."""
    if not scene.groups:
        return sample_scene(rng, "empty")
    for _ in range(20):
        groups = [Group(g.name, g.colour, g.texture, g.count) for g in scene.groups]
        g, back = rng.choice(groups), scene.background
        what = rng.choice(["layout", "background", "colour", "texture", "count", "name", "name", "name"])
        if what == "colour" and g.colour:
            g.colour = rng.choice(TINTS if g.name in TINTED else list(COLOURS))
        elif what == "texture" and g.texture:
            g.texture = rng.choice([t for t in TEXTURES if t != g.texture])
        elif what == "count" and scene.kind in ("count", "mixed"):
            g.count = rng.choice([2, 3, 4, 5] if scene.kind == "count" else [1, 2, 3])
        elif what == "name" and g.name in SHAPES:          # another form in the same paint
            g.name = rng.choice(list(SHAPES))
        elif what == "name":
            new = sample_group(rng, g.count)
            g.name, g.colour, g.texture = new.name, new.colour, new.texture
        elif what == "background":
            back = sample_background(rng, groups)
        elif what != "layout":
            continue
        looks = {(h.name, h.seen_colour()) for h in groups}
        if (len(looks) < len(groups) or any((h.name, h.colour) in UNSEEN for h in groups) or
                len({h.name for h in groups}) < len(groups) and any(not h.seen_colour() for h in groups) or
                any(back == "plain:%s" % h.seen_colour() for h in groups)):
            continue
        out = Scene(scene.kind, back, groups)
        place(rng, out)
        return out
    return sample_scene(rng, scene.kind)


def _cells(rng, n, x0, y0, x1, y1, fill):
    """n places in a rectangle that do not touch: (x, y, size)."""
    w, h = x1 - x0, y1 - y0
    if n == 1:
        grid = [(0.5, 0.5)]
        cols = rows = 1
    elif w > 1.6 * h:
        cols, rows = n, 1
        grid = [((i + 0.5) / n, 0.5) for i in range(n)]
    elif h > 1.6 * w:
        cols, rows = 1, n
        grid = [(0.5, (i + 0.5) / n) for i in range(n)]
    elif n <= 4:
        cols = rows = 2
        grid = [((i + 0.5) / 2, (j + 0.5) / 2) for i in range(2) for j in range(2)]
        if n == 2:
            grid = rng.choice([[(0.27, 0.5), (0.73, 0.5)], [(0.27, 0.3), (0.73, 0.7)], [(0.27, 0.7), (0.73, 0.3)],
                               [(0.5, 0.27), (0.5, 0.73)]])
        else:
            rng.shuffle(grid)
            grid = grid[:n]
    else:
        cols = rows = 3
        grid = [((i + 0.5) / 3, (j + 0.5) / 3) for i in range(3) for j in range(3)]
        rng.shuffle(grid)
        grid = grid[:n]
    size = min(w / cols, h / rows) * fill
    slack_x, slack_y = (w / cols - size) / 2, (h / rows - size) / 2
    return [(x0 + gx * w + rng.uniform(-1, 1) * slack_x * 0.7, y0 + gy * h + rng.uniform(-1, 1) * slack_y * 0.7,
             size * rng.uniform(0.93, 1.05)) for gx, gy in grid]


def place(rng, s):
    g = s.groups
    if s.kind == "single":
        size = rng.uniform(0.36, 0.64)
        what = rng.random()
        if what < 0.15:
            size, s.size_word = rng.uniform(0.2, 0.27), "small"
        elif what < 0.3:
            size, s.size_word = rng.uniform(0.72, 0.88), "large"
        free = (1 - size) / 2 * 0.9
        x, y = 0.5 + rng.uniform(-1, 1) * free * 0.5, 0.5 + rng.uniform(-1, 1) * free * 0.5
        if s.size_word != "large" and rng.random() < 0.25:
            size = min(size, 0.42)
            free = 0.5 - size / 2
            s.place = rng.choice(["left", "right", "top", "bottom"])
            near, off = rng.uniform(0.85, 0.97) * free, rng.uniform(-0.35, 0.35) * free
            x, y = {"left": (0.5 - near, 0.5 + off), "right": (0.5 + near, 0.5 + off),
                    "top": (0.5 + off, 0.5 - near), "bottom": (0.5 + off, 0.5 + near)}[s.place]
        g[0].boxes = [(x, y, size)]
    elif s.kind == "count":
        g[0].boxes = _cells(rng, g[0].count, 0.03, 0.03, 0.97, 0.97, rng.uniform(0.78, 0.95))
    elif s.kind in ("pair", "mixed"):
        s.relation = rng.choice(["left", "right", "above", "below"])
        first, second = (0.03, 0.03, 0.5, 0.97), (0.5, 0.03, 0.97, 0.97)
        if s.relation in ("above", "below"):
            first, second = (0.03, 0.03, 0.97, 0.5), (0.03, 0.5, 0.97, 0.97)
        if s.relation in ("right", "below"):
            first, second = second, first
        g[0].boxes = _cells(rng, g[0].count, *first, rng.uniform(0.72, 0.97))
        g[1].boxes = _cells(rng, g[1].count, *second, rng.uniform(0.72, 0.97))
    elif s.kind == "triple":
        for one, box in zip(g, _cells(rng, 3, 0.03, 0.03, 0.97, 0.97, rng.uniform(0.8, 0.95))):
            one.boxes = [box]


def facts(s):
    """Everything the picture shows that a caption could claim."""
    out = {"bg:" + s.background}
    for g in s.groups:
        for k in g.keys():
            out |= {"k:" + k, "n:%s:%d" % (k, g.count)}
            if s.size_word:
                out.add("s:%s:%s" % (k, s.size_word))
            if s.place:
                out.add("p:%s:%s" % (k, s.place))
    if s.relation:
        back = {"left": "right", "right": "left", "above": "below", "below": "above"}[s.relation]
        for a in s.groups[0].keys():
            for b in s.groups[1].keys():
                out |= {"r:%s:%s:%s" % (a, s.relation, b), "r:%s:%s:%s" % (b, back, a)}
    return out


# ---------------------------------------------------------------- words

def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def plural(name, word):
    if name in OBJECTS:
        if word == name and OBJECTS[name][2]:
            return OBJECTS[name][2]
    elif word == name and SHAPES[name][1]:
        return SHAPES[name][1]
    if " of " in word:
        head, rest = word.split(" of ", 1)
        return head + "s of " + rest
    if word.endswith(("ch", "sh", "ss", "x")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def name_group(rng, g, detail, size_word=None):
    """-> (words without article, key of what was claimed). detail 0..1: how much is said."""
    other = OBJECTS[g.name][1] if g.name in OBJECTS else SHAPES[g.name][0]
    word = rng.choice(other) if other and rng.random() < 0.3 else g.name
    colour = g.seen_colour()
    say_colour = colour and (rng.random() < detail if g.colour else rng.random() < 0.15)
    say_texture = g.texture and rng.random() < (detail if g.texture != "solid" else 0.1 * detail)
    noun = plural(g.name, word) if g.count > 1 else word
    parts = []
    if size_word:
        parts.append(rng.choice({"small": ["small", "little", "tiny"], "large": ["large", "big", "huge"]}[size_word]))
    tail = ""
    texture_word = rng.choice(TEXTURES[g.texture]) if say_texture else None
    if say_texture and g.texture != "solid" and rng.random() < 0.2:
        tail = " with stripes" if g.texture == "striped" else " with dots"
    elif say_texture and rng.random() < 0.4:
        parts.append(texture_word)
        texture_word = None
    elif not say_texture:
        texture_word = None
    if say_colour:
        parts.append(rng.choice(COLOUR_WORDS.get(colour, [colour])))
    if texture_word and not tail:
        parts.append(texture_word)
    words = " ".join(parts + [noun]) + tail
    return words, "%s|%s|%s" % (g.name, colour if say_colour else "", g.texture if say_texture else "")


def with_number(rng, g, words, bare=False):
    if g.count > 1:
        return "%s %s" % (NUMBERS[g.count], words)
    return words if bare else (rng.choice(["the ", "one "]) + words if rng.random() < 0.06 else article(words))


def background_words(rng, b):
    if not b.startswith("plain:"):
        return rng.choice(BACKGROUNDS[b][0])
    c = b[6:]
    c = rng.choice(COLOUR_WORDS.get(c, [c]))
    return rng.choice(["on a %s background", "against a %s background", "on a plain %s background", "on %s",
                       "in front of a %s wall"]) % c


RELATIONS = {
    "left": ["to the left of", "left of", "on the left of"], "right": ["to the right of", "right of", "on the right of"],
    "above": ["above", "over", "on top of"], "below": ["below", "under", "beneath"],
}
PLACES = {
    "left": ["on the left", "on the left side", "at the left"], "right": ["on the right", "on the right side", "at the right"],
    "top": ["at the top", "in the upper part"], "bottom": ["at the bottom", "in the lower part"],
}
PREFIXES = ["a photo of", "a picture of", "an image of", "a drawing of", "there is", "a photo showing", "here is"]


def caption(rng, s, detail=None, plainly=False):
    """-> (text, list of facts claimed). detail 1 says all there is to say; plainly leaves out prefixes and dots."""
    if detail is None:
        detail = rng.choice([0.0, 0.5, 0.8, 0.9, 1.0])
    claims = []
    if not s.groups:
        b = s.background
        claims.append("bg:" + b)
        if b.startswith("plain:"):
            c = rng.choice(COLOUR_WORDS.get(b[6:], [b[6:]]))
            core = rng.choice(["a plain %s background", "a %s wall", "an empty %s picture", "nothing but %s"]) % c
        else:
            core = rng.choice(BACKGROUNDS[b][1])
        return finish(rng, core, plainly, False), claims
    bare = detail == 0.0 and rng.random() < 0.5
    size_word = s.size_word if rng.random() < detail else None
    names, keys = [], []
    for g in s.groups:
        d = 1.0 if s.kind != "single" and sum(h.name == g.name for h in s.groups) > 1 else detail
        w, k = name_group(rng, g, d, size_word)
        names.append(with_number(rng, g, w, bare))
        keys.append(k)
        claims.append("k:" + k)
        if g.count > 1:
            claims.append("n:%s:%d" % (k, g.count))
    if size_word:
        claims.append("s:%s:%s" % (keys[0], size_word))
    if s.relation and rng.random() < max(detail, 0.3) and s.kind == "pair" or (s.relation and rng.random() < 0.4):
        a, b, rel = 0, 1, s.relation
        if rng.random() < 0.3:
            a, b, rel = 1, 0, {"left": "right", "right": "left", "above": "below", "below": "above"}[rel]
        core = "%s %s %s" % (names[a], rng.choice(RELATIONS[rel]), names[b])
        claims.append("r:%s:%s:%s" % (keys[a], rel, keys[b]))
    elif len(names) == 1:
        core = names[0]
        if s.place and rng.random() < detail:
            core += " " + rng.choice(PLACES[s.place])
            claims.append("p:%s:%s" % (keys[0], s.place))
    else:
        order = list(range(len(names)))
        rng.shuffle(order)
        names = [names[i] for i in order]
        if len(names) == 2:
            core = names[0] + rng.choice([" and ", " and ", " next to ", " with ", " beside "]) + names[1]
        else:
            core = "%s, %s and %s" % tuple(names)
    if rng.random() < (0.9 if detail == 1.0 else 0.4) * (detail > 0):
        claims.append("bg:" + s.background)
        where = background_words(rng, s.background)
        core = "%s, %s" % (where, core) if rng.random() < 0.08 else "%s %s" % (core, where)
    return finish(rng, core, plainly, s.groups[0].count > 1), claims


def finish(rng, core, plainly, many):
    if plainly:
        return core
    if rng.random() < 0.35:
        p = rng.choice(PREFIXES)
        if p == "there is" and many:
            p = "there are"
        core = p + " " + core
    if rng.random() < 0.25:
        core += "."
    return core
