//! Who issued a number: decisions, suggestions and trajectories are counted, and the incarnation of the router or engine
//! that counted them tells equal numbers apart.
//!
//! In: numbers as they are issued, restarts. Out: whether a number is one of ours. Called by: `router` and `engine`.
//! A process that is restored from a state goes on counting where the state ended, as a new incarnation: what the former
//! one issued after the state was saved is another's, however close the numbers are.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Stands for incarnations of which nothing is held any more.
const NOBODY: Incarnation = Incarnation(u64::MAX);

/// Former incarnations that are remembered although nothing of theirs is held any more.
const REMEMBERED: usize = 16;

/// One life of a router or an engine: from its making or its restoring to its end. 64 random bits, written as 16
/// hexadecimal digits.
///
/// ```
/// use sona::identity::Incarnation;
/// let one = Incarnation::fresh();
/// assert_eq!(one.to_string().parse(), Ok(one));
/// assert_ne!(one, Incarnation::fresh());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u64);

impl Incarnation {
    /// One that nobody has had: the keys that the standard library draws for its hash maps are 128 bits from the system.
    pub fn fresh() -> Self {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u64(u64::from(std::process::id()));
        Self(hasher.finish().min(NOBODY.0 - 1))
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What is no incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnIncarnation;

impl FromStr for Incarnation {
    type Err = NotAnIncarnation;

    fn from_str(text: &str) -> Result<Self, NotAnIncarnation> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match u64::from_str_radix(text, 16) {
            Ok(bits) if text.len() == 16 && text.bytes().all(is_digit) => Ok(Self(bits)),
            _ => Err(NotAnIncarnation),
        }
    }
}

/// Whose a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    /// Issued by this incarnation, or by a former one before the state was saved that this one began with.
    Own,
    /// Of this incarnation's, but not issued yet.
    Nobody,
    /// Issued by another, or by a former one after the state was saved, or forgotten since.
    Foreign,
}

/// Numbers from `first` on were issued by `incarnation`, up to where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    incarnation: Incarnation,
    first: u64,
}

/// The incarnations behind one sequence of numbers, oldest first.
///
/// Folding: of the former incarnations those are remembered of which something is held, and [the sixteen newest
/// others](Self::begin). A number of one that is forgotten is [`Issuer::Foreign`].
///
/// ```
/// use sona::identity::{Incarnation, Issuer, Lineage};
/// let (first, second) = (Incarnation(1), Incarnation(2));
/// let mut lineage = Lineage::new(first, 1);
/// // ten numbers later the state is saved; another process begins with it
/// lineage.begin(second, 11, 1);
/// assert_eq!(lineage.issuer(first, 10, 11), Issuer::Own);
/// // issued after the state was saved
/// assert_eq!(lineage.issuer(first, 11, 12), Issuer::Foreign);
/// assert_eq!(lineage.issuer(second, 11, 12), Issuer::Own);
/// assert_eq!(lineage.issuer(second, 12, 12), Issuer::Nobody);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage(Vec<Segment>);

impl Lineage {
    /// Numbers from `first` on are this incarnation's.
    pub fn new(incarnation: Incarnation, first: u64) -> Self {
        Self(vec![Segment { incarnation, first }])
    }

    /// The incarnation that issues now.
    pub fn current(&self) -> Incarnation {
        self.newest().incarnation
    }

    /// Whether an incarnation is one of them, or stands for those of which nothing is held.
    pub fn knows(&self, incarnation: Incarnation) -> bool {
        incarnation == NOBODY || self.0.iter().any(|segment| segment.incarnation == incarnation)
    }

    /// The first number that it has issued or will issue.
    pub fn begins(&self) -> u64 {
        self.newest().first
    }

    /// A new incarnation issues from `next` on. `oldest`: the lowest number of which something is held. Nothing changes
    /// when it is the current one.
    pub fn begin(&mut self, incarnation: Incarnation, next: u64, oldest: u64) {
        if incarnation == self.current() {
            return;
        }
        if self.newest().first == next {
            // it has issued nothing
            self.0.pop();
        }
        self.0.push(Segment { incarnation, first: next });
        let former = self.0.len() - 1;
        // a segment ends where the next begins
        let held = (0..former).position(|at| self.0[at + 1].first > oldest).unwrap_or(former);
        self.0.drain(..held.min(former.saturating_sub(REMEMBERED)));
    }

    /// Former incarnations of which nothing is held, but for the sixteen newest, are taken for one that nobody had, so that
    /// there are never many more of them than numbers that are held. `held`: whether anything is in a range of numbers.
    pub fn fold(&mut self, held: impl Fn(Range<u64>) -> bool) {
        let newest = self.0.len().saturating_sub(REMEMBERED + 1);
        for at in 0..newest {
            if !held(self.0[at].first..self.0[at + 1].first) {
                self.0[at].incarnation = NOBODY;
            }
        }
        self.0.dedup_by(|later, earlier| later.incarnation == NOBODY && earlier.incarnation == NOBODY);
    }

    /// Whose a number of `incarnation` is; `next` has not been issued yet.
    pub fn issuer(&self, incarnation: Incarnation, number: u64, next: u64) -> Issuer {
        let known = |segment: &Segment| segment.incarnation == incarnation && incarnation != NOBODY;
        let Some(at) = self.0.iter().rposition(known) else { return Issuer::Foreign };
        let end = self.0.get(at + 1).map(|segment| segment.first);
        match (number >= self.0[at].first, end) {
            (true, Some(end)) if number < end => Issuer::Own,
            (true, None) if number < next => Issuer::Own,
            (true, None) => Issuer::Nobody,
            _ => Issuer::Foreign,
        }
    }

    /// The incarnation that issued a number which is held.
    pub fn of(&self, number: u64) -> Incarnation {
        let at = self.0.partition_point(|segment| segment.first <= number).saturating_sub(1);
        self.0[at].incarnation
    }

    /// Incarnations that are remembered.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is always a current one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it can have come about, with `next` as the next number. Somebody issues now.
    pub fn is_sound(&self, next: u64) -> bool {
        let in_order = self.0.windows(2).all(|pair| pair[0].first < pair[1].first);
        in_order && self.0.last().is_some_and(|newest| newest.first <= next && newest.incarnation != NOBODY)
    }

    fn newest(&self) -> Segment {
        self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_restarts_are_folded() {
        let mut lineage = Lineage::new(Incarnation(0), 1);
        for n in 1..=100 {
            lineage.begin(Incarnation(n), 1 + 10 * n, 10 * n);
        }
        assert_eq!(lineage.len(), REMEMBERED + 1);
        assert!(lineage.is_sound(1_005));
        // what is held keeps its incarnation, however many there are
        let mut lineage = Lineage::new(Incarnation(0), 1);
        for n in 1..=100 {
            lineage.begin(Incarnation(n), 1 + 10 * n, 5);
        }
        assert_eq!(lineage.len(), 101);
        assert_eq!(lineage.issuer(Incarnation(0), 7, 2_000), Issuer::Own);
        assert_eq!((lineage.of(7), lineage.of(995)), (Incarnation(0), Incarnation(99)));
    }

    #[test]
    fn incarnations_between_those_of_which_something_is_held_become_one() {
        let mut lineage = Lineage::new(Incarnation(1), 1);
        for n in 2..=1_000 {
            lineage.begin(Incarnation(n), 10 * n, 1);
            lineage.fold(|numbers| [5, 5_001].iter().any(|held| numbers.contains(held)));
        }
        assert_eq!(lineage.len(), 4 + REMEMBERED + 1);
        assert!(lineage.is_sound(10_005));
        let issuer = |incarnation, number| lineage.issuer(Incarnation(incarnation), number, 10_005);
        assert_eq!([issuer(1, 5), issuer(500, 5_001), issuer(999, 9_995)], [Issuer::Own; 3]);
        assert_eq!([issuer(2, 25), issuer(u64::MAX, 25), issuer(1, 25), issuer(500, 5_011)], [Issuer::Foreign; 4]);
        assert_eq!(issuer(1_000, 10_005), Issuer::Nobody);
    }

    #[test]
    fn an_incarnation_that_issued_nothing_leaves_nothing() {
        let mut lineage = Lineage::new(Incarnation(1), 1);
        lineage.begin(Incarnation(2), 5, 1);
        lineage.begin(Incarnation(3), 5, 1);
        assert_eq!(lineage, {
            let mut other = Lineage::new(Incarnation(1), 1);
            other.begin(Incarnation(3), 5, 1);
            other
        });
        assert_eq!(lineage.issuer(Incarnation(2), 5, 6), Issuer::Foreign);
        assert_eq!(lineage.issuer(Incarnation(1), 5, 6), Issuer::Foreign);
        lineage.begin(Incarnation(3), 9, 1);
        assert_eq!(lineage.len(), 2);
    }

    #[test]
    fn only_what_is_written_is_read() {
        for text in ["", "1", "00000000000000000", "000000000000000g", "+000000000000001", "00000000000000AB"] {
            assert_eq!(text.parse::<Incarnation>(), Err(NotAnIncarnation), "{text}");
        }
        assert_eq!("00000000000000ab".parse(), Ok(Incarnation(0xab)));
    }
}
