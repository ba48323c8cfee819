use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;
use crate::state::State;
use crate::store::frame::Kind;

/// A folder of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sona-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A saved state that holds so many bytes.
fn state(size: usize) -> Vec<u8> {
    let state = State::collect(|writer| writer.tensor("bytes", &[size], &vec![size as u8; size]));
    frame::encode(Kind::ENGINE, &state.unwrap()).unwrap()
}

/// Path and reason of a refusal by the system.
fn refused<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    match result {
        Err(SonaError::Io { path, reason }) => (path, reason),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_replaced_by_a_whole_one() {
    let scratch = Scratch::new("replaced");
    let path = scratch.path("state");
    for size in [0, 100_000, 1] {
        save(&path, &state(size)).unwrap();
        assert_eq!(load(&path), Ok(state(size)));
    }
    assert_eq!(scratch.names(), ["state"]);
}

#[test]
fn a_failure_leaves_the_old_file_and_nothing_else() {
    let scratch = Scratch::new("failure");
    let path = scratch.path("state");
    save(&path, &state(9)).unwrap();

    let disk_full = replace(&path, |file| file.write_all(b"half").and_then(|()| Err(io::Error::other("disk full"))));
    assert_eq!(disk_full.unwrap_err().to_string(), "disk full");
    // a folder by its name, but there is none: it fails as late as the rename
    let late = path.with_file_name("none/");
    assert_eq!(refused(save(&late, &state(8))).0, late.display().to_string());

    assert_eq!(scratch.names(), ["state"]);
    assert_eq!(load(&path), Ok(state(9)));
}

#[test]
fn says_where_and_why() {
    let scratch = Scratch::new("says");
    let missing = scratch.path("missing/state");
    for result in [save(&missing, b""), load(&missing).map(|_| ())] {
        let error = result.unwrap_err();
        let details = error.details();
        assert_eq!(error.code(), "SONA_IO");
        assert_eq!(details["path"], missing.display().to_string());
        assert_eq!(details["reason"], fs::metadata(&missing).unwrap_err().to_string());
        assert!(error.to_string().starts_with(&format!("{}: ", missing.display())));
    }
    for path in ["", "a\0b"] {
        refused(save(Path::new(path), b""));
        refused(load(Path::new(path)));
    }
    assert_eq!(refused(save(&scratch.0, b"")).1, "not a regular file");
    assert_eq!(refused(load(&scratch.0)).1, "not a regular file");
    assert_eq!(scratch.names(), [""; 0]);
}

#[test]
fn damaged_files_are_refused_by_their_first_bytes() {
    let scratch = Scratch::new("damaged");
    let path = scratch.path("state");
    let code = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        load(&path).unwrap_err().code()
    };
    let whole = state(1_000);
    for length in [0, 1, 63, 64, 65, whole.len() - 1] {
        assert_eq!(code(&whole[..length]), "SONA_CORRUPT_STATE", "{length} bytes");
    }
    assert_eq!(code(&[&whole[..], &[0]].concat()), "SONA_CORRUPT_STATE");
    assert_eq!(code(b"{}"), "SONA_INCOMPATIBLE_STATE");

    // as large as the disk, and sparse: it would not fit the memory
    File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(load(&path).unwrap_err().code(), "SONA_INCOMPATIBLE_STATE");
}

#[test]
fn saves_at_the_same_time_leave_one_whole_file() {
    let scratch = Scratch::new("concurrent");
    let path = &scratch.path("state");
    save(path, &state(0)).unwrap();
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                frame::decode(Kind::ENGINE, &load(path).unwrap()).unwrap();
            }
        });
        let writers: Vec<_> = (1..5)
            .map(|size| scope.spawn(move || (0..25).for_each(|i| save(path, &state(size * 1_000 + i)).unwrap())))
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    let last = load(path).unwrap();
    assert!((1..5).any(|size| last == state(size * 1_000 + 24)));
    assert_eq!(scratch.names(), ["state"]);
}

#[test]
fn what_a_killed_process_left_is_in_nobodys_way() {
    let scratch = Scratch::new("left");
    let left: Vec<_> = (0..500).map(|count| format!(".sona-{}-{count}.tmp", std::process::id())).collect();
    left.iter().for_each(|name| fs::write(scratch.path(name), b"half").unwrap());
    save(&scratch.path("state"), &state(1)).unwrap();
    assert_eq!(load(&scratch.path("state")), Ok(state(1)));
    assert!(left.iter().all(|name| fs::read(scratch.path(name)).unwrap() == b"half"));
}

#[test]
fn a_path_without_a_folder_is_in_the_current_one() {
    let name = format!("sona-test-{}-bare", std::process::id());
    save(Path::new(&name), &state(3)).unwrap();
    assert_eq!(load(&std::env::current_dir().unwrap().join(&name)), Ok(state(3)));
    fs::remove_file(&name).unwrap();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_link_is_followed() {
        let scratch = Scratch::new("link");
        fs::create_dir(scratch.path("volume")).unwrap();
        let (link, target) = (scratch.path("link"), scratch.path("volume/state"));
        symlink("volume/state", &link).unwrap();
        refused(save(&link, &state(1)));

        save(&target, &state(2)).unwrap();
        save(&link, &state(3)).unwrap();
        assert!(link.is_symlink());
        assert_eq!(load(&target), Ok(state(3)));
        assert_eq!(load(&link), Ok(state(3)));
        assert_eq!(scratch.names(), ["link", "volume"]);
    }

    #[test]
    fn permissions_are_kept() {
        let scratch = Scratch::new("permissions");
        let path = scratch.path("state");
        save(&path, &state(1)).unwrap();
        for mode in [0o600, 0o640, 0o444] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            save(&path, &state(mode as usize)).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
            assert_eq!(load(&path), Ok(state(mode as usize)));
        }
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let scratch = Scratch::new("socket");
        let path = scratch.path("socket");
        let _listener = UnixListener::bind(&path).unwrap();
        assert_eq!(refused(save(&path, &state(1))).1, "not a regular file");
        assert_eq!(refused(load(&path)).1, "not a regular file");
        assert_eq!(scratch.names(), ["socket"]);
    }
}
