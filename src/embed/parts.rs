//! Where the question of a long text may stand.
//!
//! In: a text. Out: its beginning and its end, where it is long enough for a question to be lost in the sum of all words.
//! Called by: `Embedder`, which adds both to the whole. Chosen on a development set: `docs/embedders.md`.

/// Characters beyond which a text is read as its parts.
pub(super) const LONG: usize = 1_200;
/// Most characters of a part.
const MOST: usize = 200;
/// Characters below which a part takes in the line next to it, where that is short.
const LEAST: usize = 32;

/// The beginning and the end of a text of more than [`LONG`] characters; `None` for a shorter one. Linear in its length.
///
/// A part is the first or last line that is not blank, with its neighbours while it has less than [`LEAST`] characters and
/// all of it no more than [`MOST`]. Of a longer line it is the first or last sentence, if that begins and ends within
/// [`MOST`] characters, else so many characters up to a space.
pub(super) fn parts(text: &str) -> Option<(&str, &str)> {
    // a character has at least one byte
    if text.len() <= LONG || text.chars().count() <= LONG {
        return None;
    }
    let text = text.trim();
    Some((beginning(text), end(text)))
}

fn beginning(text: &str) -> &str {
    let mut part = "";
    for (at, _) in text.match_indices('\n').chain([(text.len(), "")]) {
        if !fits(&text[..at]) {
            break;
        }
        part = text[..at].trim_end();
        if part.chars().count() >= LEAST {
            break;
        }
    }
    if !part.is_empty() {
        return part;
    }
    let cut = &text[..after_characters(text, MOST)];
    match sentence_ends(cut).next() {
        Some(at) => &cut[..at],
        None => cut.rfind(char::is_whitespace).map_or(cut, |at| &cut[..at]),
    }
}

fn end(text: &str) -> &str {
    let mut part = "";
    for at in text.rmatch_indices('\n').map(|(at, _)| at + 1).chain([0]) {
        if !fits(&text[at..]) {
            break;
        }
        part = text[at..].trim_start();
        if part.chars().count() >= LEAST {
            break;
        }
    }
    if !part.is_empty() {
        return part;
    }
    let cut = &text[before_characters(text, MOST)..];
    // the sentence that ends with the text is the last one
    match sentence_ends(cut).filter(|at| *at < cut.len()).last() {
        Some(at) => &cut[at..],
        None => cut.find(char::is_whitespace).map_or(cut, |at| &cut[at..]),
    }
}

fn fits(part: &str) -> bool {
    part.len() <= 4 * MOST && part.chars().count() <= MOST
}

/// Where the character after the first `count` begins.
fn after_characters(text: &str, count: usize) -> usize {
    text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
}

/// Where the last `count` characters begin.
fn before_characters(text: &str, count: usize) -> usize {
    text.char_indices().rev().nth(count - 1).map_or(0, |(at, _)| at)
}

/// Where sentences end: after `.`, `!` and `?` before white space, and after the full stops of scripts without spaces.
fn sentence_ends(text: &str) -> impl Iterator<Item = usize> {
    text.char_indices().filter_map(|(at, c)| {
        let after = at + c.len_utf8();
        let ends = match c {
            '.' | '!' | '?' => text[after..].starts_with(char::is_whitespace),
            '\u{3002}' | '\u{FF01}' | '\u{FF1F}' | '\u{0964}' => true,
            _ => false,
        };
        ends.then_some(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of so many characters, without an end of a sentence.
    fn line(characters: usize) -> String {
        "word ".repeat(characters / 5 + 1)[..characters].trim_end().to_owned()
    }

    fn both(text: &str) -> (&str, &str) {
        parts(text).unwrap()
    }

    #[test]
    fn short_texts_have_none() {
        assert_eq!(parts(""), None);
        assert_eq!(parts(&"x".repeat(LONG)), None);
        assert_eq!(parts(&"\u{0E01}".repeat(LONG)), None, "characters count, not bytes");
        assert!(parts(&"x".repeat(LONG + 1)).is_some());
        assert!(parts(&" ".repeat(LONG + 1)).is_some());
    }

    #[test]
    fn lines_at_both_ends() {
        let first = "Summarise what follows for a child of six.";
        let last = "Question: who of them was the first in the end?";
        let text = format!("\n {first}\r\n\n{}\n\n{last} \n", line(2000));
        assert_eq!(both(&text), (first, last));
    }

    #[test]
    fn short_lines_take_in_their_neighbours() {
        let text = format!("Hi,\n\nwhat is the mood of this story?\n{}\nSay it in French.\n\nThanks!", line(2000));
        assert_eq!(both(&text), ("Hi,\n\nwhat is the mood of this story?", "Say it in French.\n\nThanks!"));
        let text = format!("Fix it:\n{}\nSay why.", line(2000));
        assert_eq!(both(&text), ("Fix it:", "Say why."), "but not long ones");
    }

    #[test]
    fn sentences_of_long_lines() {
        let text = format!("What is new? {} 3.5 of it. Who is it?", line(2000));
        assert_eq!(both(&text), ("What is new?", " Who is it?"));
        let text = format!("\u{4F60}\u{597D}\u{3002}{}\u{3002}\u{8C01}\u{FF1F}", "\u{6CB3}".repeat(LONG));
        assert_eq!(both(&text), ("\u{4F60}\u{597D}\u{3002}", "\u{8C01}\u{FF1F}"));
    }

    #[test]
    fn words_of_what_has_no_sentences() {
        let text = line(2000);
        let (beginning, end) = both(&text);
        for part in [beginning, end] {
            assert!(part.len() <= MOST && part.len() > MOST - 10, "{part}");
            assert!(part.split_whitespace().all(|word| word == "word"), "{part}");
        }
        let text = "x".repeat(2000);
        assert_eq!(both(&text), (&text[..MOST], &text[..MOST]));
    }
}
