//! Conversations that stay with their model.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// Most sessions; when full, the one unused for longest is given up.
const MOST: usize = 100_000;

/// Sessions that are over and given up at a time, so that no request waits for many.
const AT_ONCE: usize = 8;

/// What a session has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// XXH3 of its name with 128 bits: names may be long, and say who talks.
    pub key: u128,
    /// Its model.
    pub arm: u32,
    /// Last used, milliseconds of the router's life.
    pub at: u64,
}

/// Sessions by name.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// By key: the number of its last use.
    keys: HashMap<u128, u64>,
    /// By the number of their last use.
    held: BTreeMap<u64, Session>,
    uses: u64,
    ttl_ms: u64,
}

impl PartialEq for Sessions {
    fn eq(&self, other: &Self) -> bool {
        self.list().eq(other.list())
    }
}

impl Sessions {
    /// Each is kept for `ttl_ms` after its last use.
    pub fn new(ttl_ms: u64) -> Self {
        Self { keys: HashMap::new(), held: BTreeMap::new(), uses: 0, ttl_ms }
    }

    /// As they were, the one unused for longest first. `None` when one is there twice, or there are too many.
    pub fn restore(ttl_ms: u64, sessions: impl IntoIterator<Item = Session>) -> Option<Self> {
        let mut restored = Self::new(ttl_ms);
        for session in sessions {
            let new = restored.keys.insert(session.key, restored.uses).is_none();
            if !new || restored.keys.len() > MOST {
                return None;
            }
            restored.held.insert(restored.uses, session);
            restored.uses += 1;
        }
        Some(restored)
    }

    /// All, the one unused for longest first.
    pub fn list(&self) -> impl Iterator<Item = &Session> {
        self.held.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        (self.held.len() * (size_of::<Session>() + 2 * size_of::<u64>() + size_of::<u128>())) as u64
    }

    /// The model of a session that is not over. A clock that reads earlier than the session's last use has jumped: it goes on.
    pub fn model(&self, name: &str, now: u64) -> Option<u32> {
        let session = self.held.get(self.keys.get(&key(name))?)?;
        (now.saturating_sub(session.at) <= self.ttl_ms).then_some(session.arm)
    }

    /// A session was decided for.
    pub fn keep(&mut self, name: &str, arm: u32, now: u64) {
        let key = key(name);
        if let Some(former) = self.keys.insert(key, self.uses) {
            self.held.remove(&former);
        }
        self.held.insert(self.uses, Session { key, arm, at: now });
        self.uses += 1;
        let over = |session: &Session| now.saturating_sub(session.at) > self.ttl_ms;
        for _ in 0..AT_ONCE {
            let Some(oldest) = self.held.first_entry() else { break };
            if self.keys.len() <= MOST && !over(oldest.get()) {
                break;
            }
            let session = oldest.remove();
            self.keys.remove(&session.key);
        }
    }

    /// A session's model failed: it chooses again, unless it has chosen another since.
    pub fn release(&mut self, name: &str, arm: u32) {
        let key = key(name);
        if let Some(&used) = self.keys.get(&key)
            && self.held.get(&used).is_some_and(|session| session.arm == arm)
        {
            self.keys.remove(&key);
            self.held.remove(&used);
        }
    }
}

fn key(name: &str) -> u128 {
    xxh3_128(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_model_until_it_is_over_or_the_model_fails() {
        let mut sessions = Sessions::new(100);
        sessions.keep("a", 3, 1_000);
        assert_eq!(
            (sessions.model("a", 1_100), sessions.model("a", 1_101), sessions.model("b", 0)),
            (Some(3), None, None)
        );
        // a clock that goes back ends nothing
        assert_eq!(sessions.model("a", 5), Some(3));
        sessions.release("a", 4);
        assert_eq!(sessions.model("a", 1_000), Some(3));
        sessions.release("a", 3);
        assert_eq!((sessions.model("a", 1_000), sessions.len()), (None, 0));
    }

    #[test]
    fn the_one_unused_for_longest_is_given_up() {
        let mut sessions = Sessions::new(1_000_000);
        (0..MOST).for_each(|n| sessions.keep(&n.to_string(), 1, n as u64));
        sessions.keep("0", 2, 200_000);
        sessions.keep("one more", 2, 200_000);
        assert_eq!(sessions.len(), MOST);
        assert_eq!((sessions.model("0", 200_000), sessions.model("1", 200_000)), (Some(2), None));
        let again = Sessions::restore(1_000_000, sessions.list().copied()).unwrap();
        assert!(again == sessions);
        assert!(Sessions::restore(9, sessions.list().chain(sessions.list().take(1)).copied()).is_none());
    }

    #[test]
    fn those_that_are_over_are_given_up_a_few_at_a_time() {
        let mut sessions = Sessions::new(10);
        (0..100).for_each(|n| sessions.keep(&n.to_string(), 1, 0));
        sessions.keep("late", 1, 1_000);
        assert_eq!(sessions.len(), 101 - AT_ONCE);
        (0..20).for_each(|_| sessions.keep("late", 1, 1_000));
        assert_eq!(sessions.len(), 1);
    }
}
