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

    /// Takes in what the shared expectation left unexplained.
    pub fn learn(&mut self, tenant: &Arc<str>, arm: u32, z: &[f64], w: f64, left: f64, scratch: &mut [f64]) {
        self.uses += 1;
        if self.held.len() >= self.capacity && !self.held.contains_key(tenant) {
            let oldest = self.held.iter().min_by_key(|(_, tenant)| tenant.used).map(|(name, _)| name.clone());
            oldest.map(|name| self.held.remove(&name));
        }
        let held = self.held.entry(tenant.clone()).or_default();
        held.used = self.uses;
        held.arms.entry(arm).or_insert_with(|| Ridge::new(BLOCK, LAMBDA)).update(z, w, left, scratch);
    }

    /// Changes an outcome that was taken in by `difference`.
    pub fn amend(&mut self, tenant: &str, arm: u32, z: &[f64], difference: f64, scratch: &mut [f64]) {
        if let Some(ridge) = self.ridge(tenant, arm) {
            ridge.amend(z, 1.0, difference, scratch);
        }
    }

    /// Takes an outcome out again.
    pub fn unlearn(&mut self, tenant: &str, arm: u32, z: &[f64], left: f64, scratch: &mut [f64]) {
        if let Some(ridge) = self.ridge(tenant, arm) {
            ridge.update(z, -1.0, left, scratch);
        }
    }

    fn ridge(&mut self, tenant: &str, arm: u32) -> Option<&mut Ridge> {
        self.held.get_mut(tenant)?.arms.get_mut(&arm)
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
        for _ in 0..80 {
            tenants.learn(&names[0], 0, &z, 1.0, -0.2, &mut [0.0; BLOCK]);
        }
        // 80 outcomes against a prior worth 80
        let (difference, variance) = tenants.difference("a", 0, &z, 1.0);
        assert!((difference + 0.1).abs() < 1e-9 && (variance - 1.0 / 160.0).abs() < 1e-12);
        assert_eq!(tenants.difference("a", 1, &z, 1.0), (0.0, 1.0 / 80.0));
        assert_eq!(tenants.difference("b", 0, &z, 1.0), (0.0, 1.0 / 80.0));
        // the one unused for longest is given up
        tenants.learn(&names[1], 0, &z, 1.0, 0.1, &mut [0.0; BLOCK]);
        tenants.learn(&names[0], 0, &z, 1.0, 0.1, &mut [0.0; BLOCK]);
        tenants.learn(&names[2], 0, &z, 1.0, 0.1, &mut [0.0; BLOCK]);
        assert!(tenants.held.contains_key("a") && !tenants.held.contains_key("b"));
        tenants.remove_arm(0);
        assert_eq!(tenants.difference("a", 0, &z, 1.0).0, 0.0);
    }
}
