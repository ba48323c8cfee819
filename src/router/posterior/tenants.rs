//! What differs from tenant to tenant. All tenants' outcomes teach the shared posteriors, which are every tenant's prior;
//! each has a ridge of its own on what those leave unexplained.

use std::collections::BTreeMap;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::ridge::Ridge;
use crate::router::features::BLOCK;

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
    pub arms: BTreeMap<u32, Arc<Ridge>>,
}

impl Tenant {
    /// What its own outcomes add to the expectation of a model, and to its variance. `squared`: the squared length of `z`.
    pub fn difference(tenant: Option<&Self>, arm: u32, z: &[f64], squared: f64) -> (f64, f64) {
        match tenant.and_then(|tenant| tenant.arms.get(&arm)) {
            Some(ridge) => (ridge.predict(z, 0.0), ridge.variance(z)),
            None => (0.0, squared / LAMBDA),
        }
    }
}

/// Parts that tenants are held in, so that one who learns copies few.
const SHARDS: usize = 64;

type Shard = BTreeMap<Arc<str>, Arc<Tenant>>;

/// Tenants by name, as they were at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantIndex(Arc<[Arc<Shard>]>);

impl TenantIndex {
    fn new() -> Self {
        Self((0..SHARDS).map(|_| Arc::default()).collect())
    }

    /// One, if it is held.
    pub fn get(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.0[shard(name)].get(name)
    }

    /// How many are held.
    pub fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.len()).sum()
    }

    fn shard_mut(&mut self, name: &str) -> &mut Shard {
        Arc::make_mut(&mut Arc::make_mut(&mut self.0)[shard(name)])
    }

    fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Tenant>)> {
        self.0.iter().flat_map(|shard| shard.iter())
    }
}

fn shard(name: &str) -> usize {
    xxh3_64(name.as_bytes()) as usize % SHARDS
}

/// Tenants by name. Copies share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenants {
    held: TenantIndex,
    /// Names by the number of their last use.
    by_use: Arc<BTreeMap<u64, Arc<str>>>,
    /// Counts uses.
    uses: u64,
    capacity: usize,
}

impl Tenants {
    /// Holds up to `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self { held: TenantIndex::new(), by_use: Arc::default(), uses: 0, capacity }
    }

    /// As they were. `None` when there are too many, or their uses are not.
    pub fn restore(capacity: usize, uses: u64, tenants: Vec<(Arc<str>, Tenant)>) -> Option<Self> {
        let mut restored = Self { uses, ..Self::new(capacity) };
        let count = tenants.len();
        let mut by_use = BTreeMap::new();
        for (name, tenant) in tenants {
            by_use.insert(tenant.used, name.clone());
            restored.held.shard_mut(&name).insert(name.clone(), Arc::new(tenant));
        }
        let sound = count <= capacity && restored.held.iter().count() == count && by_use.len() == count;
        let sound = sound && by_use.keys().next_back().is_none_or(|&newest| newest <= uses);
        restored.by_use = Arc::new(by_use);
        sound.then_some(restored)
    }

    /// All, by the number of their last use.
    pub fn list(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Tenant>)> {
        self.by_use.values().filter_map(|name| Some((name, self.held.get(name)?)))
    }

    /// Counts uses.
    pub fn uses(&self) -> u64 {
        self.uses
    }

    /// All, for readers.
    pub fn index(&self) -> &TenantIndex {
        &self.held
    }

    /// One, if it is held.
    pub fn get(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.held.get(name)
    }

    /// The maps of a tenant's model, to learn what the shared expectation left unexplained; made where there are none, in the
    /// place of the tenant unused for longest. `now`: count of learned outcomes.
    pub fn ridge(&mut self, name: &Arc<str>, arm: u32, now: u64) -> &mut Ridge {
        self.uses += 1;
        let by_use = Arc::make_mut(&mut self.by_use);
        match self.held.get(name) {
            Some(tenant) => drop(by_use.remove(&tenant.used)),
            None if by_use.len() >= self.capacity => {
                if let Some((_, oldest)) = by_use.pop_first() {
                    self.held.shard_mut(&oldest).remove(&oldest);
                }
            }
            None => {}
        }
        by_use.insert(self.uses, name.clone());
        let entry = self.held.shard_mut(name).entry(name.clone());
        let tenant = Arc::make_mut(entry.or_insert_with(|| Arc::new(Tenant { since: now, ..Tenant::default() })));
        tenant.used = self.uses;
        Arc::make_mut(tenant.arms.entry(arm).or_insert_with(|| Arc::new(Ridge::new(BLOCK, LAMBDA))))
    }

    /// The maps that hold an outcome which was the `at`-th to be learned. A tenant that was given up and came back does not
    /// have it.
    pub fn holding(&mut self, name: &str, arm: u32, at: u64) -> Option<&mut Ridge> {
        self.held.get(name).filter(|tenant| tenant.since < at && tenant.arms.contains_key(&arm))?;
        let tenant = Arc::make_mut(self.held.shard_mut(name).get_mut(name)?);
        tenant.arms.get_mut(&arm).map(Arc::make_mut)
    }

    /// A model is gone.
    pub fn remove_arm(&mut self, arm: u32) {
        let with_it = self.held.iter().filter(|(_, tenant)| tenant.arms.contains_key(&arm));
        for name in with_it.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            if let Some(tenant) = self.held.shard_mut(&name).get_mut(&name) {
                Arc::make_mut(tenant).arms.remove(&arm);
            }
        }
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
        let differs = |tenants: &Tenants, name, arm| Tenant::difference(tenants.get(name).map(|t| &**t), arm, &z, 1.0);
        let (difference, variance) = differs(&tenants, "a", 0);
        assert!((difference + 0.1).abs() < 1e-9 && (variance - 1.0 / 160.0).abs() < 1e-12);
        assert_eq!(differs(&tenants, "a", 1), (0.0, 1.0 / 80.0));
        assert_eq!(differs(&tenants, "b", 0), (0.0, 1.0 / 80.0));
        // the one unused for longest is given up
        learn(&mut tenants, &names[1], 0.1);
        learn(&mut tenants, &names[0], 0.1);
        learn(&mut tenants, &names[2], 0.1);
        assert!(tenants.get("a").is_some() && tenants.get("b").is_none());
        // one that comes back does not hold what it had: of its outcomes only the 85th
        learn(&mut tenants, &names[1], 0.1);
        assert!(tenants.holding("b", 0, 81).is_none() && tenants.holding("b", 0, 84).is_some());
        tenants.remove_arm(0);
        assert_eq!(differs(&tenants, "a", 0).0, 0.0);
    }
}
