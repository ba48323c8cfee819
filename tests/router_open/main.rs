//! Routers in a directory: what was learned and decided is there after restarts, kills and damage, and nothing that was forgotten.

mod figures;
mod kill;
mod world;

use std::fs;
use std::sync::Arc;

use sona::router::{Criterion, OpenOptions};
use sona::{DecisionId, Feedback, Model, Outcome, Request, SonaRouter};
use world::{Folder, close, copy_of, making, open, serve, told, try_open, vector};

#[test]
fn what_was_learned_and_decided_is_there_after_a_restart() {
    let folder = Folder::new("restart");
    let (router, report) = open(&folder.0);
    assert!(report.created && !report.continues && report.restored == 0, "{report:?}");
    (0..500).for_each(|n| serve(&router, n));
    let waiting = router.route(&vector(3), &Request::default(), 500_u64).unwrap().id;
    let (state, incarnation) = (router.snapshot().unwrap(), router.incarnation());
    close(router);
    let (router, report) = open(&folder.0);
    assert!(router.snapshot().unwrap() == state, "it is what it was");
    assert_eq!((report.created, report.continues, report.restored, report.replayed), (false, true, 501, 0));
    assert_eq!(report.skipped + report.set_aside.len() as u64 + report.notes.len() as u64, 0);
    assert_eq!(router.feedback(waiting, &told(0.5), 501_u64).unwrap(), Feedback::Applied);
    assert_eq!(router.feedback(waiting, &told(0.5), 501_u64).unwrap(), Feedback::Repeated);
    let next = router.route(&vector(4), &Request::default(), 502_u64).unwrap().id;
    assert_eq!(next, DecisionId { incarnation, number: 502 }, "ids go on");
    close(router);
    // a restart in which nothing happens changes nothing
    let (router, _) = open(&folder.0);
    let state = router.snapshot().unwrap();
    close(router);
    let (router, report) = open(&folder.0);
    assert!(router.snapshot().unwrap() == state && report.continues);
    close(router);
}

#[test]
fn what_a_killed_process_handed_out_and_lost_is_foreign() {
    let folder = Folder::new("lost");
    let (router, _) = open(&folder.0);
    let kept = router.route(&vector(0), &Request::default(), 0_u64).unwrap().id;
    let seq = router.flush_durable(None).unwrap();
    assert!(router.durability().unwrap().durable_seq >= seq && seq >= 3);
    let killed = copy_of(&folder.0, "lost-killed");
    let lost = router.route(&vector(1), &Request::default(), 1_u64).unwrap().id;
    // also where somebody has only looked at it meanwhile
    for _ in 0..2 {
        let (copy, report) = open(&killed.0);
        assert!(!report.continues, "another life begins");
        close(copy);
    }
    let (copy, report) = open(&killed.0);
    assert!(!report.continues, "another life begins");
    assert_eq!(copy.feedback(lost, &told(1.0), 2_u64).unwrap(), Feedback::Foreign);
    let other = copy.route(&vector(1), &Request::default(), 2_u64).unwrap().id;
    assert_eq!(other.number, lost.number, "the number comes again");
    assert_ne!(other, lost, "the id does not");
    assert_eq!(copy.feedback(lost, &told(1.0), 2_u64).unwrap(), Feedback::Foreign);
    assert_eq!(copy.feedback(kept, &told(1.0), 2_u64).unwrap(), Feedback::Applied);
    assert_eq!(copy.feedback(other, &told(1.0), 2_u64).unwrap(), Feedback::Applied);
    close(copy);
    close(router);
}

#[test]
fn a_damaged_checkpoint_makes_way_for_the_one_before() {
    let folder = Folder::new("damaged");
    let (router, _) = open(&folder.0);
    (0..50).for_each(|n| serve(&router, n));
    router.checkpoint().unwrap();
    (50..80).for_each(|n| serve(&router, n));
    router.checkpoint().unwrap();
    (80..90).for_each(|n| serve(&router, n));
    let state = router.snapshot().unwrap();
    close(router);
    let newest = world::checkpoints(&folder.0).pop().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let (router, report) = open(&folder.0);
    assert!(router.snapshot().unwrap() == state, "the journal leads to the same");
    assert_eq!(report.set_aside.len(), 1, "{report:?}");
    assert!(report.set_aside[0].exists() && report.replayed > 0 && !report.continues, "{report:?}");
    close(router);
}

#[test]
fn where_nothing_can_be_read_there_is_no_new_router_in_its_place() {
    let folder = Folder::new("nothing");
    let (router, _) = open(&folder.0);
    (0..20).for_each(|n| serve(&router, n));
    router.flush_durable(None).unwrap();
    let killed = copy_of(&folder.0, "nothing-killed");
    close(router);
    // the state that it began with, of which there may be several copies
    let journal = killed.0.join("journal.redb");
    let mut bytes = fs::read(&journal).unwrap();
    let begins: Vec<usize> = (0..bytes.len() - 8).filter(|&at| bytes[at..].starts_with(b"\x89SONA\r\n\x1a")).collect();
    assert!(!begins.is_empty());
    begins.into_iter().for_each(|at| bytes[at + 200] ^= 1);
    fs::write(&journal, bytes).unwrap();
    for _ in 0..2 {
        let refused = world::try_open(&killed.0, Some(world::making())).unwrap_err();
        assert_eq!(refused.code(), "SONA_CORRUPT_STATE", "{refused}");
    }
    let names = fs::read_dir(&killed.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().any(|name| name.starts_with("damaged-")), "what was there is kept");
}

#[test]
fn a_checkpoint_stays_small_with_many_decisions_that_wait() {
    let pending: u64 = std::env::var("SONA_OPEN_PENDING").map_or(20_000, |value| value.parse().unwrap());
    let folder = Folder::new("small");
    let large = |dim| world::making_of(dim, 8);
    let router = SonaRouter::open(&folder.0, Some(large(384)), OpenOptions::default()).unwrap().router;
    let prompt = world::vector_of(384, 1);
    (0..pending).for_each(|n| drop(router.route(&prompt, &Request::default(), n).unwrap()));
    let state = router.snapshot().unwrap();
    close(router);
    for restart in 0..20_u64 {
        let opened = SonaRouter::open(&folder.0, Some(large(384)), OpenOptions::default()).unwrap();
        if restart == 0 {
            assert!(opened.router.snapshot().unwrap() == state);
        }
        assert_eq!(opened.report.restored, (pending + restart).min(100_000));
        let id = opened.router.route(&prompt, &Request::default(), pending + restart).unwrap().id;
        let one = DecisionId { number: pending - restart, ..id };
        assert_eq!(opened.router.feedback(one, &told(0.7), pending + restart).unwrap(), Feedback::Applied);
        close(opened.router);
    }
    for checkpoint in world::checkpoints(&folder.0) {
        let bytes = fs::metadata(checkpoint).unwrap().len();
        assert!(bytes <= 1 << 20, "{bytes} bytes");
    }
}

#[test]
fn what_was_forgotten_is_in_no_file() {
    let folder = Folder::new("forgotten");
    let (router, _) = open(&folder.0);
    (0..40).for_each(|n| serve(&router, n));
    let id = router.route(&vector(1), &Request::default(), 40_u64).unwrap().id;
    let (source, metadata) = ("planted-source", r#"{"of":"planted-metadata"}"#);
    let outcome = Outcome { source: Some(source.into()), metadata: Some(metadata.into()), ..told(0.9) };
    router.feedback(id, &outcome, 41_u64).unwrap();
    router.checkpoint().unwrap();
    (42..60).for_each(|n| serve(&router, n));
    router.flush_durable(None).unwrap();
    assert!(world::holds(&folder.0, b"planted-"), "it was there");
    let forgotten = router.forget(&Criterion { source: Some(source.into()), ..Criterion::default() }, 61_u64).unwrap();
    assert_eq!((forgotten.forgotten, forgotten.out_of_reach), (1, 0));
    // what is under way of its own accord is waited for
    router.checkpoint().unwrap();
    assert!(!world::holds(&folder.0, b"planted-"), "it is not any more");
    let state = router.snapshot().unwrap();
    (62..70).for_each(|n| serve(&router, n));
    close(router);
    assert!(!world::holds(&folder.0, b"planted-"));
    let (router, report) = open(&folder.0);
    assert!(report.continues && router.snapshot().unwrap() != state);
    assert_eq!(router.stats().unwrap().decisions, 40 + 1 + 18 + 8);
    close(router);
    // a process that ends before it is erased erases it when it comes back
    let (router, _) = open(&folder.0);
    let id = router.route(&vector(1), &Request::default(), 80_u64).unwrap().id;
    router.feedback(id, &outcome, 81_u64).unwrap();
    router.flush_durable(None).unwrap();
    close(router);
    let killed = copy_of(&folder.0, "forgotten-killed");
    let (router, _) = open(&killed.0);
    router.forget(&Criterion { source: Some(source.into()), ..Criterion::default() }, 82_u64).unwrap();
    close(router);
    assert!(!world::holds(&killed.0, b"planted-"));
}

#[test]
fn who_opens_the_same_directory_gets_the_same_router() {
    let folder = Folder::new("same");
    let (one, _) = open(&folder.0);
    let (other, _) = open(&folder.0.join("..").join(folder.0.file_name().unwrap()));
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(kill::code_of_another_process(&folder.0), "SONA_LOCKED");
    assert!(one.clone().release().is_none());
    serve(&other, 1);
    drop(one);
    close(other);
    assert_eq!(kill::code_of_another_process(&folder.0), "opened");
}

#[test]
fn threads_that_open_and_close_share_and_wait_for_each_other() {
    let folder = Folder::new("threads");
    let decided: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let path = folder.0.clone();
                scope.spawn(move || {
                    for n in 0..5 {
                        let (router, _) = open(&path);
                        serve(&router, thread * 100 + n);
                        if let Some(last) = router.release() {
                            last.close_durable(5_000).unwrap();
                        }
                    }
                    5
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let (router, _) = open(&folder.0);
    assert_eq!(router.stats().unwrap().decisions, decided);
    close(router);
}

#[test]
fn other_settings_are_refused_and_new_models_are_added() {
    let folder = Folder::new("settings");
    assert_eq!(try_open(&folder.0, None).unwrap_err().code(), "SONA_INVALID_CONFIG", "nobody said how it is made");
    let (router, _) = open(&folder.0);
    close(router);
    let with = |change: fn(&mut sona::RouterConfig)| {
        let (mut config, models, basis, origin) = making();
        change(&mut config);
        try_open(&folder.0, Some((config, models, basis, origin))).map(drop)
    };
    let error = with(|config| config.cost_weight = 0.77).unwrap_err();
    assert_eq!(error.code(), "SONA_INVALID_CONFIG");
    assert!(error.to_string().contains("objective.costWeight"), "{error}");
    let error = with(|config| config.dim = 5).unwrap_err();
    assert_eq!(error.code(), "SONA_INCOMPATIBLE_STATE");
    assert!(error.to_string().contains("open another directory"), "{error}");
    let (config, mut models, basis, origin) = making();
    models.push(Model::new("new"));
    models[0].price.input = Some(9.0);
    let router = try_open(&folder.0, Some((config, models, basis, origin))).unwrap().router;
    let names = |router: &SonaRouter| -> Vec<String> {
        router.models().unwrap().iter().map(|(_, model)| model.id.to_string()).collect()
    };
    assert_eq!(names(&router), ["small", "large", "new"]);
    assert_eq!(router.models().unwrap()[0].1.price.input, None, "what is known stays");
    router.remove_model("small").unwrap();
    close(router);
    let (router, _) = open(&folder.0);
    assert_eq!(names(&router), ["large", "new"], "what was removed stays away");
    close(router);
    // another name is another life
    let options = OpenOptions { origin: Some("other".into()), ..OpenOptions::default() };
    let opened = SonaRouter::open(&folder.0, None, options).unwrap();
    assert!(!opened.report.continues);
    close(opened.router);
    fs::write(folder.0.join("file"), b"x").unwrap();
    assert_eq!(try_open(&folder.0.join("file"), Some(making())).unwrap_err().code(), "SONA_IO");
}

#[test]
fn checkpoints_come_of_their_own_accord() {
    let folder = Folder::new("accord");
    let options = OpenOptions { checkpoint_changes: 100, ..OpenOptions::default() };
    let router = SonaRouter::open(&folder.0, Some(making()), options).unwrap().router;
    (0..300).for_each(|n| serve(&router, n));
    let written = |least: usize| {
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            world::checkpoints(&folder.0).len() >= least
        })
    };
    assert!(written(1), "after so many changes");
    close(router);
    let options = OpenOptions { checkpoint_ms: 30, ..OpenOptions::default() };
    let before = world::checkpoints(&folder.0).pop();
    let router = SonaRouter::open(&folder.0, None, options).unwrap().router;
    serve(&router, 1_000);
    let newer = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        world::checkpoints(&folder.0).pop() != before
    });
    assert!(newer, "after a while");
    close(router);
}

#[cfg(feature = "fault-injection")]
#[test]
fn a_disk_that_is_full_is_told_of_and_caught_up_with() {
    use sona::Event;
    use sona::store::journal::{State, testing::Script};
    use std::sync::atomic::Ordering;
    let folder = Folder::new("full");
    let script = Arc::new(Script::default());
    let options = OpenOptions { file: Some(script.clone()), ..OpenOptions::default() };
    let router = SonaRouter::open(&folder.0, Some(making()), options).unwrap().router;
    script.full.store(true, Ordering::SeqCst);
    (0..300).for_each(|n| serve(&router, n));
    assert_eq!(router.flush_durable(Some(100)).unwrap_err().code(), "SONA_IO");
    let stats = router.durability().unwrap();
    assert!(stats.state == State::Retrying && stats.last_error.is_some() && stats.queued > 0, "{stats:?}");
    assert!(router.take_events().iter().any(|event| matches!(event, Event::NotDurable { .. })));
    // more than may wait
    (300..40_000).for_each(|n| serve(&router, n));
    assert_eq!(router.durability().unwrap().state, State::Behind);
    script.full.store(false, Ordering::SeqCst);
    router.checkpoint().unwrap();
    router.flush_durable(None).unwrap();
    let state = router.snapshot().unwrap();
    assert_eq!(router.durability().unwrap().state, State::Healthy);
    close(router);
    let (router, report) = open(&folder.0);
    assert!(router.snapshot().unwrap() == state && report.continues, "{report:?}");
    close(router);
}
