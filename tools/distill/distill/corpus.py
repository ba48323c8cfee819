"""The texts whose teacher vectors the table is fitted to. None of them comes from a set that the table is judged on."""

import random
from itertools import accumulate
from pathlib import Path

from .sources import WordNet, conversations, programs, vocabulary

QUESTIONS = 120_000
CONVERSATIONS = 80_000
PROGRAMS = 20_000
SUMS = 20_000

# {n} a noun, {v} a verb, {a} an adjective, {r} an adverb
TEMPLATES = """
how do i {v} my {n}|what is the {n} of my {n}|can you {v} the {n} for me|i want to {v} a {n}|please {v} the {n}
why does my {n} not {v}|write a {a} {n} about {n}|explain the difference between {n} and {n}|tell me about {n}
what does {n} mean|how many {n} are there in {n}|is there a {n} near me|i need to {v} my {n} by {n}
could you help me {v} {n}|what's the best {n} for {n}|where can i find {a} {n}|when will my {n} {v}
who is the {n} of {n}|i didn't {v} the {n}|do you know how to {v} a {a} {n}|set a {n} for {n}|remind me to {v} the {n}
how long does it take to {v} a {n}|what happens if i {v} my {n}|i think the {n} is {a}|give me a list of {a} {n}
can i {v} {n} with {n}|the {n} has not arrived|why did you {v} my {n}|which {n} do you {v}|is {n} {a} or {a}
tell me how to {v} {n} without {n}|turn the {n} on|turn off the {n}|cancel my {n}|i lost my {n}, what should i do
what are the {a} requirements for {n}|how much is the {n}|how {a} is the {n}|what time does the {n} {v}
summarize the following {n} about {n}|translate {n} to {n}|write a function that can {v} a {n}
fix the {n} error in my {n} code|solve for the {n}: what is the {n} of {n} and {n}|write a poem about a {a} {n}
which of the following is a {a} {n}|if a {n} has {n} and {n}, how many {n} does it have|let's {v} about {n}
i'd like a {n} with {n}|did my {n} go through|my {n} won't {v}|i would like to change my {n}|show me the {n} on my {n}
am i able to {v} in {n}|make a {n} for {n} at {n}|{v} {n}|{a} {n}|{n} {n}|{n}|{v} the {n} {r}|{n} is {r} {a}
{n} and {n} {v} {r}|are there any {n} to {v} {n}|it is not {a}, it is {a}|nobody will {v} the {n}|thank you for the {n}
""".strip().replace("\n", "|").split("|")


# {n} a noun, {p} its plural by rule, {i} and {j} whole numbers, {d} a decimal, {x} a variable, {f} an operation
SUMS_TEMPLATES = """
what is {i} {f} {j}?|calculate {i} {f} {j} {f} {i}|solve {i}{x} + {j} = {i} for {x}|find {x} if {x}^2 - {i}{x} + {j} = 0|{i} {f} {j} = ?
there are {i} {p} and {j} {p}. how many {p} are there altogether?|a {n} costs ${d}. how much do {i} {p} cost?
if {i} {p} weigh {j} pounds, how much do {j} {p} weigh?|{i}% of {j}|what is {i} percent of {j}?|simplify ({x} + {i})({x} - {j})
what is the derivative of {i}{x}^{j}?|integrate {i}{x}^2 + {j}{x} from {i} to {j}|how many minutes are there in {i} hours?
let f({x}) = {i}{x} + {j}. what is f({i})?|the ratio of {p} to {p} is {i}:{j}. there are {i} {p}. how many {p} are there?
a {n} travels {i} miles in {j} hours. what is its speed?|evaluate \\frac{{i}}{{j}} + {d}|prove that {i}n + {j} is odd for every even n
she bought {i} {p} for ${d} each and paid with ${j}. how much change did she get?|convert {d} kilometers to miles|print({i} {f} {j})
""".strip().replace("\n", "|").split("|")


class Words:
    """Words of one part of speech, drawn the more often the commoner their rarest piece is."""

    def __init__(self, words: list[str], ranks: dict[str, int]):
        known = [word for word in dict.fromkeys(words) if all(piece in ranks for piece in word.split())]
        self.words = known
        self.weights = list(accumulate((max(ranks[piece] for piece in word.split()) + 500.0) ** -2 for word in known))

    def draw(self, rng: random.Random) -> str:
        return rng.choices(self.words, cum_weights=self.weights)[0]


def questions(wordnet: WordNet, count: int, seed: int) -> list[str]:
    """Made-up requests: what surrounds words in prompts, with every word that is common enough."""
    ranks = {piece: rank for rank, piece in enumerate(vocabulary())}
    kinds = {part[0]: Words(words, ranks) for part, words in wordnet.words.items() if part != "adv"}
    kinds["r"] = Words(wordnet.words["adv"], ranks)
    rng = random.Random(seed)

    def fill(template: str) -> str:
        head, *rest = template.split("{")
        return head + "".join(kinds[part[0]].draw(rng) + part[2:] for part in rest)

    return [fill(rng.choice(TEMPLATES)) for _ in range(count)]


def sums(wordnet: WordNet, count: int, seed: int) -> list[str]:
    """Made-up exercises with numbers."""
    ranks = {piece: rank for rank, piece in enumerate(vocabulary())}
    nouns = Words(wordnet.words["noun"], ranks)
    rng = random.Random(seed)
    kinds = {
        "n": lambda: nouns.draw(rng),
        "p": lambda: nouns.draw(rng) + "s",
        "i": lambda: str(rng.randrange(2, 13)),
        "j": lambda: str(int(10 ** rng.uniform(1, 4))),
        "d": lambda: f"{10 ** rng.uniform(0, 2):.2f}",
        "x": lambda: rng.choice("xyzn"),
        "f": lambda: rng.choice(["+", "-", "*", "/", "x", "times", "plus", "minus", "divided by"]),
    }

    def fill(template: str) -> str:
        for kind, draw in kinds.items():
            while f"{{{kind}}}" in template:
                template = template.replace(f"{{{kind}}}", draw(), 1)
        return template

    return [fill(rng.choice(SUMS_TEMPLATES)) for _ in range(count)]


def sample(texts: list[str], count: int, seed: int) -> list[str]:
    texts = sorted(set(texts))
    random.Random(seed).shuffle(texts)
    return texts[:count]


def corpus(work: Path, seed: int) -> dict[str, list[str]]:
    """All texts by where they come from, each once."""
    wordnet = WordNet(work)
    paragraphs, functions = programs()
    parts = {
        "definitions": wordnet.definitions,
        "examples": wordnet.examples,
        "questions": questions(wordnet, QUESTIONS, seed),
        "sums": sums(wordnet, SUMS, seed),
        "paragraphs": sample(paragraphs, PROGRAMS, seed),
        "functions": sample(functions, PROGRAMS, seed),
        "conversations": sample(conversations(), CONVERSATIONS, seed),
    }
    return {name: sorted(set(texts)) for name, texts in parts.items()}
