//! Conversations that stay with their model.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use crate::chunks::Chunks;

/// Most sessions; when full, the one unused for longest is given up.
const MOST: usize = 100_000;

/// Sessions that are over and given up at a time, so that no request waits for many.
const AT_ONCE: usize = 8;

/// Parts of the table of keys.
const SHARDS: usize = 1_024;

/// In place of a node that is not there.
const NOBODY: u32 = u32::MAX;

/// What a session has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Session {
    /// XXH3 of its name with 128 bits: names may be long, and say who talks.
    pub key: u128,
    /// Its model.
    pub arm: u32,
    /// Last used, milliseconds of the router's life.
    pub at: u64,
}

/// A session in the list of all, from the one unused for longest to the one used last; or a place that is free.
#[derive(Debug, Clone, Copy)]
struct Node {
    session: Session,
    before: u32,
    after: u32,
}

/// Sessions by name. A copy is cheap: it shares the parts of the table and of the list until they change.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// By part of the key: keys and places of nodes.
    shards: Vec<Arc<Vec<(u128, u32)>>>,
    nodes: Chunks<Node>,
    oldest: u32,
    newest: u32,
    /// The first place that is free; the next of each comes after it.
    free: u32,
    len: usize,
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
        let shards = vec![Arc::default(); SHARDS];
        Self { shards, nodes: Chunks::default(), oldest: NOBODY, newest: NOBODY, free: NOBODY, len: 0, ttl_ms }
    }

    /// As they were, the one unused for longest first. `None` when one is there twice, or there are too many.
    pub fn restore(ttl_ms: u64, sessions: impl IntoIterator<Item = Session>) -> Option<Self> {
        let mut restored = Self::new(ttl_ms);
        for session in sessions {
            if restored.len == MOST || restored.place(session.key).is_some() {
                return None;
            }
            restored.append(session);
        }
        Some(restored)
    }

    /// All, the one unused for longest first.
    pub fn list(&self) -> impl Iterator<Item = &Session> {
        let first = self.node(self.oldest);
        std::iter::successors(first, |node| self.node(node.after)).map(|node| &node.session)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        let table = self.shards.len() * size_of::<Arc<Vec<(u128, u32)>>>() + self.len * size_of::<(u128, u32)>();
        (table + self.nodes.len() * size_of::<Node>()) as u64
    }

    /// The model of a session that is not over. A clock that reads earlier than the session's last use has jumped: it goes on.
    pub fn model(&self, name: &str, now: u64) -> Option<u32> {
        let session = self.node(self.place(key(name))?)?.session;
        (now.saturating_sub(session.at) <= self.ttl_ms).then_some(session.arm)
    }

    /// A session was decided for.
    pub fn keep(&mut self, name: &str, arm: u32, now: u64) {
        let key = key(name);
        self.remove(key);
        self.append(Session { key, arm, at: now });
        for _ in 0..AT_ONCE {
            let Some(Node { session, .. }) = self.node(self.oldest).copied() else { break };
            if self.len <= MOST && now.saturating_sub(session.at) <= self.ttl_ms {
                break;
            }
            self.remove(session.key);
        }
    }

    /// A session's model failed: it chooses again, unless it has chosen another since. Whether it had that model.
    pub fn release(&mut self, name: &str, arm: u32) -> bool {
        let key = key(name);
        let held = self.place(key).and_then(|at| self.node(at));
        let had = held.is_some_and(|node| node.session.arm == arm);
        if had {
            self.remove(key);
        }
        had
    }

    fn place(&self, key: u128) -> Option<u32> {
        let shard = &self.shards[shard(key)];
        shard.iter().find(|(held, _)| *held == key).map(|(_, at)| *at)
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    /// Adds one that is not held, as the one used last.
    fn append(&mut self, session: Session) {
        let node = Node { session, before: self.newest, after: NOBODY };
        let at = self.free;
        let at = match self.nodes.get_mut(at as usize) {
            Some(free) => {
                self.free = free.after;
                *free = node;
                at
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        };
        match self.nodes.get_mut(node.before as usize) {
            Some(last) => last.after = at,
            None => self.oldest = at,
        }
        self.newest = at;
        Arc::make_mut(&mut self.shards[shard(session.key)]).push((session.key, at));
        self.len += 1;
    }

    fn remove(&mut self, key: u128) {
        let Some(at) = self.place(key) else { return };
        Arc::make_mut(&mut self.shards[shard(key)]).retain(|(held, _)| *held != key);
        let free = self.free;
        if let Some(node) = self.nodes.get_mut(at as usize) {
            let Node { before, after, .. } = *node;
            node.after = free;
            self.free = at;
            self.len -= 1;
            // both neighbours see each other
            match self.nodes.get_mut(before as usize) {
                Some(node) => node.after = after,
                None => self.oldest = after,
            }
            match self.nodes.get_mut(after as usize) {
                Some(node) => node.before = before,
                None => self.newest = before,
            }
        }
    }
}

/// Which part of the table has a key.
fn shard(key: u128) -> usize {
    key as usize % SHARDS
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
    fn they_are_those_of_a_plain_list_and_copies_stay_as_they_were() {
        let (mut sessions, mut plain) = (Sessions::new(300), Vec::<(String, u32, u64)>::new());
        let mut copies = Vec::new();
        for n in 0..5_000_u64 {
            let chance = |m| crate::router::chance(m, n);
            let (name, arm) = (format!("{}", (chance(1) * 200.0) as u32), (chance(2) * 3.0) as u32);
            let held = plain.iter().position(|(known, ..)| *known == name);
            if chance(3) < 0.3 {
                sessions.release(&name, arm);
                if let Some(at) = held.filter(|&at| plain[at].1 == arm) {
                    plain.remove(at);
                }
            } else {
                sessions.keep(&name, arm, n);
                held.map(|at| plain.remove(at));
                plain.push((name, arm, n));
                plain.retain(|(_, _, at)| n - at <= 300);
            }
            if n % 1_000 == 0 {
                copies.push((sessions.clone(), plain.clone()));
            }
        }
        for (sessions, plain) in copies.into_iter().chain([(sessions, plain)]) {
            let expected: Vec<Session> =
                plain.iter().map(|(name, arm, at)| Session { key: key(name), arm: *arm, at: *at }).collect();
            assert_eq!((sessions.list().copied().collect::<Vec<_>>(), sessions.len()), (expected, plain.len()));
            assert!(plain.iter().all(|(name, arm, at)| sessions.model(name, *at) == Some(*arm)));
        }
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
