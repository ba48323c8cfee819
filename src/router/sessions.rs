//! Conversations that stay with their model.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Most sessions; when full, the one unused for longest is given up.
const MOST: usize = 100_000;

/// What a session has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its model.
    pub arm: u32,
    /// Last used, unix milliseconds.
    pub at: u64,
}

/// Sessions by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Sessions {
    held: HashMap<Arc<str>, Session>,
    ttl_ms: u64,
}

impl Sessions {
    /// Each is kept for `ttl_ms` after its last use.
    pub fn new(ttl_ms: u64) -> Self {
        Self { held: HashMap::new(), ttl_ms }
    }

    /// As they were.
    pub fn restore(ttl_ms: u64, sessions: Vec<(Arc<str>, Session)>) -> Self {
        Self { held: sessions.into_iter().collect(), ttl_ms }
    }

    /// All, by name.
    pub fn list(&self) -> Vec<(Arc<str>, Session)> {
        let mut list: Vec<_> = self.held.iter().map(|(name, session)| (name.clone(), *session)).collect();
        list.sort_by(|a, b| a.0.cmp(&b.0));
        list
    }

    /// The model of a session that is not over.
    pub fn model(&self, name: &str, now: u64) -> Option<u32> {
        self.held.get(name).filter(|session| session.at.saturating_add(self.ttl_ms) >= now).map(|session| session.arm)
    }

    /// A session was decided for.
    pub fn keep(&mut self, name: Arc<str>, arm: u32, now: u64) {
        if self.held.len() >= MOST && !self.held.contains_key(&name) {
            let ttl_ms = self.ttl_ms;
            self.held.retain(|_, session| session.at.saturating_add(ttl_ms) >= now);
            if self.held.len() >= MOST
                && let Some(oldest) = self.held.iter().min_by_key(|(name, session)| (session.at, *name))
            {
                let oldest = oldest.0.clone();
                self.held.remove(&oldest);
            }
        }
        self.held.insert(name, Session { arm, at: now });
    }

    /// A session's model failed: it chooses again, unless it has chosen another since.
    pub fn release(&mut self, name: &str, arm: u32) {
        if self.held.get(name).is_some_and(|session| session.arm == arm) {
            self.held.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_its_model_until_it_is_over_or_the_model_fails() {
        let mut sessions = Sessions::new(100);
        sessions.keep("a".into(), 3, 1_000);
        assert_eq!(
            (sessions.model("a", 1_100), sessions.model("a", 1_101), sessions.model("b", 0)),
            (Some(3), None, None)
        );
        sessions.release("a", 4);
        assert_eq!(sessions.model("a", 1_000), Some(3));
        sessions.release("a", 3);
        assert_eq!(sessions.model("a", 1_000), None);
    }
}
