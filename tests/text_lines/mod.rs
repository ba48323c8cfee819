//! Lines of text of every kind that a prompt may be, from a seed.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

type Rng = Xoshiro256PlusPlus;

/// A kind of line and how to make one.
pub type Kind = (&'static str, fn(&mut Rng) -> String);

pub const KINDS: [Kind; 20] = [
    ("sentence", |rng| sentence(rng, &WORDS, " ")),
    ("code", code),
    ("url", url),
    ("numbers", numbers),
    ("latin", |rng| sentence(rng, &LATIN, " ")),
    ("scripts", |rng| sentence(rng, &SCRIPTS, " ")),
    ("chinese", chinese),
    ("hangul", |rng| characters(rng, 1..30, &['\u{AC00}'..='\u{D7A3}', '\u{1100}'..='\u{11FF}', ' '..=' '])),
    ("kana", |rng| {
        characters(rng, 1..30, &['\u{3041}'..='\u{30FF}', '\u{31F0}'..='\u{31FF}', '\u{FF61}'..='\u{FF9F}'])
    }),
    ("emoji", |rng| sentence(rng, &EMOJI, "")),
    ("marks", marks),
    ("ordered marks", ordered_marks),
    ("control", |rng| with_between(rng, &['\0'..='\x1f', '\x7f'..='\u{9f}', '\u{FFFD}'..='\u{FFFD}'])),
    ("format", |rng| {
        with_between(
            rng,
            &[
                '\u{200B}'..='\u{200F}',
                '\u{2028}'..='\u{202E}',
                '\u{2060}'..='\u{206F}',
                '\u{FEFF}'..='\u{FEFF}',
                '\u{AD}'..='\u{AD}',
                '\u{E0020}'..='\u{E007F}',
            ],
        )
    }),
    ("spaces", spaces),
    ("private", |rng| {
        with_between(rng, &['\u{E000}'..='\u{F8FF}', '\u{F0000}'..='\u{10FFFF}', '\u{FDD0}'..='\u{FDEF}'])
    }),
    ("long words", long_words),
    ("special tokens", special_tokens),
    ("basic plane", |rng| characters(rng, 0..60, &['\0'..='\u{D7FF}', '\u{E000}'..='\u{FFFF}'])),
    ("any", |rng| characters(rng, 0..60, &['\0'..='\u{10FFFF}'])),
];

/// So many lines, the kinds in turn, the first of each empty.
pub fn lines(count: usize, seed: u64) -> impl Iterator<Item = (&'static str, String)> {
    let mut rng = Rng::seed_from_u64(seed);
    (0..count).map(move |n| match KINDS[n % KINDS.len()] {
        (kind, _) if n < KINDS.len() => (kind, String::new()),
        (kind, make) => (kind, make(&mut rng)),
    })
}

const WORDS: [&str; 40] = [
    "the",
    "a",
    "of",
    "Which",
    "model",
    "should",
    "answer",
    "this",
    "prompt",
    "tokenization",
    "unbelievable",
    "bank's",
    "transfer",
    "don't",
    "card",
    "?",
    "!",
    "...",
    "(maybe)",
    "well-known",
    "e.g.",
    "COVID-19",
    "re-enter",
    "Ångström",
    "antidisestablishmentarianism",
    "iPhone",
    "refund,",
    "\"quoted\"",
    "it’s",
    "—",
    "naïve",
    "café",
    "co-operate",
    "x",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "I",
    "§ 5",
    "100%",
    "$9.99",
    "qzxjv",
];

const LATIN: [&str; 16] = [
    "Žluťoučký",
    "kůň",
    "úpěl",
    "ďábelské",
    "ódy",
    "Straße",
    "GROẞ",
    "İstanbul",
    "ığdır",
    "Đặng",
    "Łódź",
    "œuvre",
    "ﬁancée",
    "Ｆｕｌｌ",
    "ĳssel",
    "ǅungla",
];

const SCRIPTS: [&str; 18] = [
    "Ελλάδα",
    "Σίσυφος",
    "ὀδυσσεύς;",
    "Привет",
    "ЁЖИК",
    "й",
    "שָׁלוֹם",
    "עולם",
    "مَرْحَبًا",
    "العالم",
    "नमस्ते",
    "हिन्दी।",
    "สวัสดี",
    "ภาษาไทย",
    "ქართული",
    "Հայերեն",
    "தமிழ்",
    "ខ្មែរ",
];

const EMOJI: [&str; 16] = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "🇫", "❤️", "❤", "1️⃣", "☃", " ", "ok", "👨🏿‍🚀", "🫠", "©️", "™"];

fn sentence(rng: &mut Rng, words: &[&str], between: &str) -> String {
    let count = rng.random_range(1..30);
    (0..count).map(|_| *words.choose(rng).unwrap()).collect::<Vec<_>>().join(between)
}

fn code(rng: &mut Rng) -> String {
    let parts = [
        "fn main() {",
        "}",
        "let x = vec![1, 2.5e-3];",
        "if (a && b) return;",
        "\t",
        "\n",
        "def f(x: int) -> str:",
        "#!/bin/sh",
        "printf(\"%d\\n\", x);",
        "snake_case_name",
        "camelCaseName",
        "SCREAMING_CASE",
        "a[i]->b.c",
        "/* [note] */",
        "x^2 ~ `y`",
        "<div class='a'>",
        "</div>",
        "0xDEADBEEF",
        "[[CLS",
        "{\"key\": null}",
    ];
    sentence(rng, &parts, " ")
}

fn url(rng: &mut Rng) -> String {
    let parts =
        ["https://", "example.org", "/path", "?q=", "%20", "&x=1", "#top", "user@", "www.", ".com", "münchen", ":8080"];
    sentence(rng, &parts, "")
}

fn numbers(rng: &mut Rng) -> String {
    let number = |rng: &mut Rng| match rng.random_range(0..5) {
        0 => rng.random_range(0..3000).to_string(),
        1 => rng.random::<u64>().to_string(),
        2 => format!("{:.3}", rng.random::<f64>() * 1e6),
        3 => format!("{:e}", rng.random::<f64>()),
        _ => characters(rng, 1..5, &['٠'..='٩', '０'..='９', '½'..='¾', 'Ⅰ'..='Ⅻ', '²'..='³']),
    };
    (0..rng.random_range(1..12)).map(|_| number(rng)).collect::<Vec<_>>().join(" ")
}

fn chinese(rng: &mut Rng) -> String {
    let ranges = [
        '\u{4E00}'..='\u{9FFF}',
        '\u{3400}'..='\u{4DBF}',
        '\u{20000}'..='\u{2A6DF}',
        '\u{2A700}'..='\u{2B81F}',
        '\u{2B820}'..='\u{2CEAF}',
        '\u{2CEB0}'..='\u{323AF}',
        '\u{F900}'..='\u{FAFF}',
        '\u{2F800}'..='\u{2FA1F}',
        '\u{3000}'..='\u{303F}',
        'a'..='z',
        '0'..='9',
        '\u{300}'..='\u{310}',
        '\u{302A}'..='\u{302F}',
    ];
    characters(rng, 1..40, &ranges)
}

/// Letters with heaps of marks, most of which vanish.
fn marks(rng: &mut Rng) -> String {
    let letters = (0..rng.random_range(1..8)).map(|_| {
        let base =
            characters(rng, 1..2, &['a'..='z', 'A'..='Z', ' '..='/', '\u{C0}'..='\u{24F}', '\u{1E00}'..='\u{1FFF}']);
        base + &characters(rng, 0..20, &['\u{300}'..='\u{36F}', '\u{483}'..='\u{489}', '\u{20D0}'..='\u{20F0}'])
    });
    letters.collect()
}

/// Marks that stay and must be put in order.
fn ordered_marks(rng: &mut Rng) -> String {
    let ranges = [
        '\u{302A}'..='\u{302F}',
        '\u{1D165}'..='\u{1D172}',
        '\u{1B44}'..='\u{1B44}',
        '\u{A953}'..='\u{A953}',
        '\u{111C0}'..='\u{111C0}',
        '\u{300}'..='\u{34F}',
        '\u{1715}'..='\u{1734}',
        'a'..='c',
        ' '..=' ',
        '.'..='.',
        '\u{1D15E}'..='\u{1D164}',
        '\u{4E00}'..='\u{4E03}',
        '\0'..='\u{1}',
        '\u{F900}'..='\u{F903}',
    ];
    characters(rng, 1..40, &ranges)
}

fn spaces(rng: &mut Rng) -> String {
    let all: Vec<char> = ('\0'..=char::MAX).take_while(|c| *c < '\u{3100}').filter(|c| c.is_whitespace()).collect();
    (0..rng.random_range(1..30))
        .map(|_| if rng.random() { *all.choose(rng).unwrap() } else { rng.random_range('a'..='z') })
        .collect()
}

fn long_words(rng: &mut Rng) -> String {
    let lengths = [99, 100, 101, 5_000];
    let word = |rng: &mut Rng| {
        let letters = *[['a', 'b'], ['a', 'ß'], ['é', 'и'], ['ᄀ', '가'], ['𝒳', 'x']].choose(rng).unwrap();
        let length = *lengths.choose(rng).unwrap();
        (0..length).map(|_| *letters.choose(rng).unwrap()).collect::<String>()
    };
    (0..rng.random_range(1..4)).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
}

fn special_tokens(rng: &mut Rng) -> String {
    let parts = [
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "[PAD]",
        "[UNK]",
        "[cls]",
        "[CLS",
        "SEP]",
        "[[SEP]]",
        " ",
        "word",
        "[UNK]s",
        "é",
        "\u{301}",
        "[MA\0SK]",
        "[unused1]",
        "[",
        "\u{302E}",
        "##ing",
        "#",
        "##",
    ];
    sentence(rng, &parts, "")
}

/// Words with other characters in and between them.
fn with_between(rng: &mut Rng, ranges: &[std::ops::RangeInclusive<char>]) -> String {
    let words = (0..rng.random_range(1..12)).map(|_| {
        let mut tail = WORDS.choose(rng).unwrap().chars();
        let (head, tail) = (tail.next().unwrap(), tail.as_str());
        let (inside, after) = (characters(rng, 0..3, ranges), characters(rng, 0..3, ranges));
        format!("{head}{inside}{tail}{after}{}", if rng.random() { " " } else { "" })
    });
    words.collect()
}

fn characters(rng: &mut Rng, count: std::ops::Range<usize>, ranges: &[std::ops::RangeInclusive<char>]) -> String {
    let count = rng.random_range(count);
    let one = |rng: &mut Rng| {
        let range = ranges.choose(rng).unwrap();
        rng.random_range(range.clone())
    };
    (0..count).map(|_| one(rng)).collect()
}
