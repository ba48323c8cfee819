//! What the tests do with directories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sona::router::basis::Basis;
use sona::router::{OpenOptions, OpenReport, OpenedRouter};
use sona::{Model, Outcome, Request, RouterConfig, SonaRouter};

pub type Making = (RouterConfig, Vec<Model>, Option<Arc<Basis>>, String);

/// A directory that is removed with its owner.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sona-open-{name}-{}-{count}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn making_of(dim: usize, models: usize) -> Making {
    let names = ["small", "large"].map(String::from).into_iter().chain((2..models).map(|n| format!("m{n}")));
    let models = names.take(models).map(Model::new).collect();
    let config = RouterConfig { dim, ..RouterConfig::default() };
    (config, models, Some(Arc::new(Basis::projection(dim, 1))), "a".to_owned())
}

pub fn making() -> Making {
    making_of(4, 2)
}

pub fn try_open(path: &Path, making: Option<Making>) -> sona::Result<OpenedRouter> {
    SonaRouter::open(path, making, OpenOptions::default())
}

pub fn open(path: &Path) -> (Arc<SonaRouter>, OpenReport) {
    let OpenedRouter { router, report } = try_open(path, Some(making())).unwrap();
    (router, report)
}

pub fn close(router: Arc<SonaRouter>) {
    router.release().expect("nobody else has it open").close_durable(5_000).unwrap();
}

pub fn vector_of(dim: usize, n: u64) -> Vec<f32> {
    (0..dim).map(|i| ((n as f32 + 1.0) * (i as f32 + 0.7)).sin()).collect()
}

pub fn vector(n: u64) -> Vec<f32> {
    vector_of(4, n)
}

pub fn told(quality: f64) -> Outcome {
    Outcome { quality: Some(quality), ..Outcome::default() }
}

/// A decision, and what came of it; what it does depends on the number alone.
pub fn serve(router: &SonaRouter, n: u64) {
    let id = router.route(&vector(n), &Request::default(), n).unwrap().id;
    router.feedback(id, &told((n % 10) as f64 / 10.0), n).unwrap();
}

/// A copy of what is on disk, as a process that is killed leaves it.
pub fn copy_of(path: &Path, name: &str) -> Folder {
    let copy = Folder::new(name);
    fs::create_dir_all(&copy.0).unwrap();
    for file in files(path) {
        fs::copy(&file, copy.0.join(file.file_name().unwrap())).unwrap();
    }
    copy
}

fn files(path: &Path) -> Vec<PathBuf> {
    fs::read_dir(path).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Whether any file has these bytes.
pub fn holds(path: &Path, marker: &[u8]) -> bool {
    files(path).iter().any(|file| fs::read(file).unwrap().windows(marker.len()).any(|bytes| bytes == marker))
}

/// The files of checkpoints, oldest first.
pub fn checkpoints(path: &Path) -> Vec<PathBuf> {
    let is_one = |file: &PathBuf| file.file_name().unwrap().to_string_lossy().starts_with("checkpoint-");
    let mut all: Vec<PathBuf> = files(path).into_iter().filter(is_one).collect();
    all.sort();
    all
}
