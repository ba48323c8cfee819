//! What differs from tenant to tenant. All tenants' outcomes teach the shared posteriors, which are every tenant's prior;
//! each has a ridge of its own on what those leave unexplained.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ridge::Ridge;
use super::sums::BLOCK;

/// Prior precision of a tenant's own maps: tenants are expected to differ half as much as prompts do.
const LAMBDA: f64 = 80.0;

/// One tenant's experience.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tenant {
    /// Number of its last use.
    pub used: u64,
    /// Count of learned outcomes when it came: what was learned before is not in its maps.
    pub since: u64,
    /// By model.
    pub arms: BTreeMap<u32, Ridge>,
}

/// Tenants by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenants {
    /// All that are held.
    pub held: BTreeMap<Arc<str>, Tenant>,
    /// Counts uses.
    pub uses: u64,
    capacity: usize,
}

impl Tenants {
    /// Holds up to `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self { held: BTreeMap::new(), uses: 0, capacity }
    }

    /// What a tenant's own outcomes add to the expectation of a model, and to its variance.
    pub fn difference(&self, tenant: &str, arm: u32, z: &[f64], squared: f64) -> (f64, f64) {
        match self.held.get(tenant).and_then(|tenant| tenant.arms.get(&arm)) {
            Some(ridge) => (ridge.predict(z, 0.0), ridge.variance(z)),
            None => (0.0, squared / LAMBDA),
        }
    }

    /// The maps of a tenant's model, to learn what the shared expectation left unexplained; made where there are none, in the
    /// place of the tenant unused for longest. `now`: count of learned outcomes.
    pub fn ridge(&mut self, tenant: &Arc<str>, arm: u32, now: u64) -> &mut Ridge {
        self.uses += 1;
        if self.held.len() >= self.capacity && !self.held.contains_key(tenant) {
            let oldest = self.held.iter().min_by_key(|(_, tenant)| tenant.used).map(|(name, _)| name.clone());
            oldest.map(|name| self.held.remove(&name));
        }
        let held = self.held.entry(tenant.clone()).or_insert_with(|| Tenant { since: now, ..Tenant::default() });
        held.used = self.uses;
        held.arms.entry(arm).or_insert_with(|| Ridge::new(BLOCK, LAMBDA))
    }

    /// The maps that hold an outcome which was the `at`-th to be learned. A tenant that was given up and came back does not
    /// have it.
    pub fn holding(&mut self, tenant: &str, arm: u32, at: u64) -> Option<&mut Ridge> {
        let tenant = self.held.get_mut(tenant).filter(|tenant| tenant.since < at)?;
        tenant.arms.get_mut(&arm)
    }

    /// A model is gone.
    pub fn remove_arm(&mut self, arm: u32) {
        self.held.values_mut().for_each(|tenant| {
            tenant.arms.remove(&arm);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_differs_by_its_own_outcomes_alone() {
        let mut tenants = Tenants::new(2);
        let mut z = [0.0; BLOCK];
        z[BLOCK - 1] = 1.0;
        let names: [Arc<str>; 3] = ["a".into(), "b".into(), "c".into()];
        let mut learned = 0;
        let mut learn = |tenants: &mut Tenants, name: &Arc<str>, left: f64| {
            tenants.ridge(name, 0, learned).update(&z, 1.0, left, &mut [0.0; BLOCK]);
            learned += 1;
        };
        for _ in 0..80 {
            learn(&mut tenants, &names[0], -0.2);
        }
        // 80 outcomes against a prior worth 80
        let (difference, variance) = tenants.difference("a", 0, &z, 1.0);
        assert!((difference + 0.1).abs() < 1e-9 && (variance - 1.0 / 160.0).abs() < 1e-12);
        assert_eq!(tenants.difference("a", 1, &z, 1.0), (0.0, 1.0 / 80.0));
        assert_eq!(tenants.difference("b", 0, &z, 1.0), (0.0, 1.0 / 80.0));
        // the one unused for longest is given up
        learn(&mut tenants, &names[1], 0.1);
        learn(&mut tenants, &names[0], 0.1);
        learn(&mut tenants, &names[2], 0.1);
        assert!(tenants.held.contains_key("a") && !tenants.held.contains_key("b"));
        // one that comes back does not hold what it had: of its outcomes only the 85th
        learn(&mut tenants, &names[1], 0.1);
        assert!(tenants.holding("b", 0, 81).is_none() && tenants.holding("b", 0, 84).is_some());
        tenants.remove_arm(0);
        assert_eq!(tenants.difference("a", 0, &z, 1.0).0, 0.0);
    }
}
