//! What the surface of a prompt's text says, before any embedder: a few counts, and how many tokens it is likely to be.
//!
//! In: texts. Out: [`Surface`]. Called by: routing, for what a call may cost and how long it may take. One pass over the
//! characters, nothing is allocated, and of a long text only its beginning and its end are read.
//!
//! The weights of characters are those of a least-squares fit to the tokens of `o200k_base`: figures in `docs/routing.md`.

/// How many cues there are.
pub const CUES: usize = 12;

/// Steps of a cue in one unit.
pub const STEPS: f64 = 16.0;

/// Bytes at either end of a text that are read.
const END: usize = 8_192;

/// Words that questions begin with.
const QUESTIONS: [&str; 26] = [
    "who", "whom", "whose", "what", "when", "where", "which", "why", "how", "is", "are", "was", "were", "do", "does",
    "did", "can", "could", "should", "would", "will", "has", "have", "had", "may", "am",
];

/// Longest of the question words.
const LONGEST_QUESTION: usize = 6;

/// Cues in steps of 1/16: logarithms of counts, roots of shares, and yes or no. 0 is none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "durable", derive(serde::Serialize, serde::Deserialize))]
pub struct Cues(pub [i8; CUES]);

/// What the surface of a text says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surface {
    /// Its cues.
    pub cues: Cues,
    /// Tokens that it is likely to be.
    pub tokens: f64,
}

/// Counts of characters.
#[derive(Default)]
struct Counts {
    bytes: usize,
    chars: f64,
    letters: f64,
    upper: f64,
    digits: f64,
    code: f64,
    math: f64,
    quotes: f64,
    stops: f64,
    foreign: f64,
    words: f64,
    lines: f64,
    marks: f64,
    tokens: f64,
    asks: bool,
    in_word: bool,
}

impl Surface {
    /// Of a text.
    pub fn of(text: &str) -> Self {
        let mut counts = Counts::default();
        if text.len() <= 2 * END {
            counts.read(text);
            return counts.surface(text.len(), text);
        }
        let (mut head, mut tail) = (END, text.len() - END);
        while !text.is_char_boundary(head) {
            head -= 1;
        }
        while !text.is_char_boundary(tail) {
            tail += 1;
        }
        counts.read(&text[..head]);
        counts.in_word = false;
        counts.read(&text[tail..]);
        counts.surface(text.len(), &text[..head])
    }
}

/// Tokens that texts which are sent together are likely to be; none where they say nothing.
pub fn tokens_of(texts: &[impl AsRef<str>]) -> Option<f64> {
    let told = texts.iter().map(AsRef::as_ref).filter(|text| !text.trim().is_empty());
    told.map(|text| Surface::of(text).tokens).reduce(|sum, tokens| sum + tokens)
}

impl Counts {
    fn read(&mut self, text: &str) {
        self.bytes += text.len();
        for line in text.split('\n') {
            let line = line.trim_start();
            self.lines += f64::from(u8::from(!line.is_empty()));
            self.marks += f64::from(u8::from(is_item(line)));
        }
        for char in text.chars() {
            self.char(char);
        }
    }

    fn char(&mut self, char: char) {
        self.chars += 1.0;
        let mut in_word = false;
        self.tokens += match char {
            'a'..='z' | 'A'..='Z' => {
                in_word = true;
                self.letters += 1.0;
                self.upper += f64::from(u8::from(char.is_ascii_uppercase()));
                0.21
            }
            '0'..='9' => {
                in_word = true;
                self.digits += 1.0;
                1.0
            }
            ' ' => 0.21,
            '\n' | '\r' | '\t' => 0.85,
            '\0'..='\x7f' => {
                self.mark(char);
                0.45
            }
            _ => {
                self.mark(char);
                let (letter, tokens) = beyond_ascii(char);
                if letter {
                    in_word = true;
                    self.letters += 1.0;
                    self.foreign += 1.0;
                    self.upper += f64::from(u8::from(char.is_uppercase()));
                }
                tokens
            }
        };
        self.words += f64::from(u8::from(in_word && !self.in_word));
        self.in_word = in_word;
    }

    fn mark(&mut self, char: char) {
        match char {
            '{' | '}' | '[' | ']' | '(' | ')' | '<' | '>' | ';' | '_' | '`' | '|' | '&' | '#' | '@' => self.code += 1.0,
            '=' | '\\' => {
                self.code += 1.0;
                self.math += 1.0;
            }
            '$' | '^' | '+' | '*' | '/' | '%' => self.math += 1.0,
            '"' | '\'' | '“' | '”' | '‘' | '’' | '«' | '»' | '「' | '」' => self.quotes += 1.0,
            '?' | '？' | '؟' | '¿' => {
                self.asks = true;
                self.stops += 1.0;
            }
            '.' | ',' | ':' | '!' | '。' | '，' | '、' | '！' | '：' | '،' | '।' => self.stops += 1.0,
            _ => {}
        }
    }

    /// Of a text of so many bytes that begins so.
    fn surface(&self, bytes: usize, beginning: &str) -> Surface {
        let whole = bytes as f64 / self.bytes.max(1) as f64;
        let root = |count: f64, of: f64| (count / of.max(1.0)).sqrt();
        let yes = |yes: bool| f64::from(u8::from(yes));
        let values: [f64; CUES] = [
            (whole * self.lines).max(1.0).ln(),
            (whole * self.marks).ln_1p(),
            4.0 * root(self.code, self.chars),
            4.0 * root(self.math, self.chars),
            4.0 * root(self.digits, self.chars),
            4.0 * root(self.upper, self.letters),
            4.0 * root(self.quotes, self.chars),
            4.0 * root(self.stops, self.chars),
            4.0 * root(self.foreign, self.letters),
            yes(self.asks),
            yes(asks_first(beginning)),
            // letters of a word over the usual five
            if self.words > 0.0 { (self.letters / self.words / 5.0).min(3.0) } else { 0.0 },
        ];
        let cues = values.map(|value| (value * STEPS).round().min(f64::from(i8::MAX)) as i8);
        Surface { cues: Cues(cues), tokens: (whole * self.tokens).max(1.0) }
    }
}

/// Whether a character is a letter or a mark on one, and how many tokens it is.
fn beyond_ascii(char: char) -> (bool, f64) {
    match char as u32 {
        0x00c0..=0x024f | 0x1e00..=0x1eff => (true, 0.7),
        0x0370..=0x052f => (true, 0.3),
        0x0590..=0x077f => (true, 0.33),
        0x3040..=0x30ff => (true, 0.63),
        0xac00..=0xd7af => (true, 0.67),
        0x2e80..=0x2fff | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff => (true, 0.84),
        0x0300..=0x036f | 0x0780..=0x1dff => (true, 0.34),
        _ => (char.is_alphabetic(), 0.64),
    }
}

/// Whether a line, without the space before it, begins as an item of a list does.
fn is_item(line: &str) -> bool {
    let bytes = line.as_bytes();
    let ends = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    match bytes.first() {
        Some(b'-' | b'*' | b'+') => return ends(1),
        Some(0xe2) => return line.starts_with("• ") || line.starts_with("– "),
        _ => {}
    }
    let start = usize::from(bytes.first() == Some(&b'('));
    let digits = bytes[start..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    // a number of two digits at most, or a letter
    let width = if digits == 0 { usize::from(bytes.get(start).is_some_and(u8::is_ascii_alphabetic)) } else { digits };
    let closes = bytes.get(start + width).is_some_and(|byte| matches!(byte, b'.' | b')'));
    (1..=2).contains(&width) && closes && ends(start + width + 1)
}

/// Whether the first word is one that questions begin with.
fn asks_first(text: &str) -> bool {
    let text = text.trim_start_matches(|char: char| !char.is_alphanumeric());
    let length = text.bytes().take(LONGEST_QUESTION).take_while(u8::is_ascii_alphabetic).count();
    let Some(word) = text.get(..length) else { return false };
    let ends = !text[length..].starts_with(char::is_alphanumeric);
    ends && QUESTIONS.iter().any(|question| question.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues(text: &str) -> [f64; CUES] {
        Surface::of(text).cues.0.map(|steps| f64::from(steps) / STEPS)
    }

    #[test]
    fn what_a_text_has_more_of_shows_in_its_cue() {
        let plain = "Tell me a story of the sea";
        for (cue, text) in [
            (0, "Tell me\na story\nof the sea"),
            (1, "Tell me:\n- a story\n2. of the\n (c) sea"),
            (2, "fn story(of: &Sea) -> Tale { tell(of); }"),
            (3, "Tell me $x^2 + y^2 = 1$"),
            (4, "Tell me 12 stories of 345 seas"),
            (5, "TELL ME A STORY"),
            (6, "Tell me \"a story\" of the 'sea'"),
            (7, "Tell me, please: a story. Of the sea!"),
            (8, "Расскажи мне сказку"),
            (9, "Tell me a story?"),
            (10, "How do I tell a story"),
            (11, "Internationalisation considerations"),
        ] {
            let (before, after) = (cues(plain)[cue], cues(text)[cue]);
            assert!(after > before, "{cue}: {before} {after}");
        }
        assert_eq!(cues(plain)[..5], [0.0; 5]);
        assert_eq!(Surface::of("").cues, Cues::default());
        assert_eq!(Surface::of("").tokens, 1.0);
    }

    #[test]
    fn items_and_question_words_are_whole() {
        for item in ["- a", "* a", "+\ta", "1. a", "12) a", "(a) b", "a) b", "• a", "– a"] {
            assert!(is_item(item), "{item}");
        }
        for none in ["-a", "--", "123. a", "1.5 a", "Dr. Who", "", "(", "1", "€ a"] {
            assert!(!is_item(none), "{none}");
        }
        assert!(asks_first("  \"Why?\"") && asks_first("HOW") && asks_first("is it"));
        assert!(!asks_first("Island") && !asks_first("whoever") && !asks_first("") && !asks_first("is\u{e4}"));
    }

    #[test]
    fn tokens_are_estimated_by_the_script() {
        // by hand: letters and spaces .21 each
        assert!((Surface::of("Tell me a story").tokens - 15.0 * 0.21).abs() < 1e-9);
        assert!((Surface::of("今日は").tokens - (2.0 * 0.84 + 0.63)).abs() < 1e-9);
        assert!((Surface::of("12\n").tokens - 2.85).abs() < 1e-9);
    }

    #[test]
    fn texts_that_are_sent_together_add_up() {
        assert_eq!((tokens_of(&[""; 0]), tokens_of(&["", " \n"])), (None, None));
        let each = ["Tell me a story", "今日は"].map(|text| Surface::of(text).tokens);
        assert_eq!(tokens_of(&["Tell me a story", "", "今日は"]), Some(each[0] + each[1]));
    }

    #[test]
    fn a_long_text_is_read_at_its_ends_and_counts_in_full() {
        for part in ["Tell me a story. ", "日本語のテキスト。", "𝒳 é\n"] {
            let [short, long] = [part.repeat(900), part.repeat(90_000)].map(|text| Surface::of(&text));
            let ratio = long.tokens / short.tokens;
            assert!((ratio / 100.0 - 1.0).abs() < 0.01, "{ratio}");
            assert!(short.cues.0.iter().zip(long.cues.0).skip(2).all(|(a, b)| (a - b).abs() <= 1));
        }
        // its middle is not looked at
        let mut text = "a ".repeat(20_000);
        let before = Surface::of(&text);
        text.replace_range(20_000..20_001, "7");
        assert_eq!(Surface::of(&text), before);
        let rule = "-".repeat(20_000);
        assert_eq!(Surface::of(&format!("{rule}why {rule}")).cues, Surface::of(&format!("{rule}tell{rule}")).cues);
        assert!(Surface::of(&"x\n".repeat(1 << 20)).cues.0.iter().all(|&cue| cue >= 0));
    }
}
