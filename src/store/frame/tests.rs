use std::collections::BTreeMap;
use std::panic::catch_unwind;

use half::f16;
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::json;

use super::*;
use crate::state::Writer;

const OTHER: Kind = Kind::new("router");
const CORRUPT: &[&str] = &["SONA_CORRUPT_STATE"];
const INCOMPATIBLE: &[&str] = &["SONA_INCOMPATIBLE_STATE"];
const EITHER: &[&str] = &["SONA_CORRUPT_STATE", "SONA_INCOMPATIBLE_STATE"];

/// A frame put together by the offsets that `docs/state.md` gives, whatever the payload.
fn sealed(version: u32, kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89SONA\r\n\x1a".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(kind.bytes().chain([0; 12]).take(12));
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(xxh3_128(payload).to_le_bytes());
    bytes.extend(xxh3_128(&bytes[8..48]).to_le_bytes());
    bytes.extend(payload);
    bytes
}

/// A safetensors buffer with this header, whatever the data.
fn payload(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A payload of one tensor `t`, given by its entry in the header.
fn payload_of(tensor: &str, data: &[u8]) -> Vec<u8> {
    payload(&format!(r#"{{"__metadata__":{{"values":"{{}}"}},"t":{tensor}}}"#), data)
}

fn reason(bytes: &[u8]) -> String {
    match decode(Kind::ENGINE, bytes) {
        Err(SonaError::CorruptState { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// What an engine might have learned, of the given seed.
fn learned(seed: u64) -> State {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    State::collect(|writer| {
        writer.value("config", &json!({ "hiddenDim": 32, "seed": u64::MAX, "microLoraLr": 0.01 }));
        for layer in 0..2 {
            let mut layer = writer.scope(&format!("base{layer}"));
            for name in ["a", "b", "first_moment", "second_moment", "fisher"] {
                let weights: Vec<f32> = (0..4 * 32).map(|_| rng.random_range(-1.0..1.0)).collect();
                layer.tensor(name, &[4, 32], &weights);
            }
            layer.value("step", &rng.next_u32());
        }
        replay(&mut writer.scope("replay"), &mut rng);
        let sums: Vec<i64> = (0..10 * 32).map(|_| rng.next_u64() as i64).collect();
        writer.scope("routes").tensor("sums", &[10, 32], &sums);
        writer.scope("routes").value("names", &(0..10).map(|i| format!("route \"{i}\"")).collect::<Vec<_>>());
    })
    .unwrap()
}

fn replay(writer: &mut Writer<'_>, rng: &mut Xoshiro256PlusPlus) {
    let vectors: Vec<f16> = (0..50 * 32).map(|_| f16::from_f32(rng.random_range(-1.0..1.0))).collect();
    writer.tensor("vectors", &[50, 32], &vectors);
    writer.tensor("ids", &[50], &(0..50).map(|_| rng.next_u64()).collect::<Vec<_>>());
    writer.tensor("routes", &[50], &(0..50).map(|_| rng.next_u32()).collect::<Vec<_>>());
    writer.tensor("kinds", &[50], &[1_u8; 50]);
    writer.value("rng", rng);
}

#[test]
fn is_what_the_documentation_says() {
    // Made without this crate: Python's struct and json, and the reference implementation of XXH3 for the two checksums.
    let header = r#"{"__metadata__":{"values":"{\"a.n\":7}"},"a.t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}} "#;
    let expected = [
        b"\x89SONA\r\n\x1a".as_slice(),
        &[1, 0, 0, 0],
        b"engine\0\0\0\0\0\0",
        &106_u64.to_le_bytes(),
        &0x99b4_d724_601d_2460_9add_2cbf_49e8_8f88_u128.to_le_bytes(),
        &0xd3a5_4355_7c17_316f_f9b1_6979_f0a4_eb56_u128.to_le_bytes(),
        &96_u64.to_le_bytes(),
        header.as_bytes(),
        &[1, 2],
    ];
    let state = State::collect(|writer| {
        let mut a = writer.scope("a");
        a.tensor("t", &[2], &[1_u8, 2]);
        a.value("n", &7);
    })
    .unwrap();
    assert_eq!(encode(Kind::ENGINE, &state), Ok(expected.concat()));
    assert_eq!(decode(Kind::ENGINE, &expected.concat()), Ok(state));
}

#[test]
fn states_come_back() {
    for state in [learned(1), State::default()] {
        let bytes = encode(Kind::ENGINE, &state).unwrap();
        assert_eq!(decode(Kind::ENGINE, &bytes), Ok(state.clone()));
        assert_eq!(encode(OTHER, &state).and_then(|bytes| decode(OTHER, &bytes)), Ok(state));
    }
}

#[test]
fn the_order_of_writing_does_not_show() {
    let names: Vec<_> = (0..40).map(|i| format!("n{i}")).collect();
    let encoded = |names: &mut dyn Iterator<Item = &String>| {
        let state = State::collect(|writer| {
            names.for_each(|name| {
                writer.scope("values").value(name, &name);
                writer.scope("tensors").tensor(name, &[name.len()], name.as_bytes());
            });
        });
        encode(Kind::ENGINE, &state.unwrap()).unwrap()
    };
    assert_eq!(encoded(&mut names.iter()), encoded(&mut names.iter().rev()));
}

#[test]
fn refuses_names_and_values_beyond_what_readers_take() {
    let state = State::collect(|writer| writer.value("text", &"x".repeat(100_000_001))).unwrap();
    assert_eq!(encode(Kind::ENGINE, &state).unwrap_err().code(), "SONA_OUT_OF_RANGE");
}

#[test]
fn says_what_does_not_fit() {
    let payload = &encode(Kind::ENGINE, &learned(1)).unwrap()[64..];
    let refused = |bytes: &[u8]| decode(Kind::ENGINE, bytes).unwrap_err();
    let incompatible =
        |expected: &str, got: &str| SonaError::IncompatibleState { expected: expected.into(), got: got.into() };
    assert_eq!(refused(&sealed(2, "engine", payload)), incompatible("format version 1", "format version 2"));
    assert_eq!(refused(&sealed(2, "engine", payload)[..64]), incompatible("format version 1", "format version 2"));
    assert_eq!(refused(&sealed(0, "engine", payload)), incompatible("format version 1", "format version 0"));
    assert_eq!(refused(&sealed(1, "router", payload)), incompatible("kind engine", "kind router"));
    assert_eq!(refused(&sealed(1, "\x07", payload)), incompatible("kind engine", "kind \\x07"));
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let texts: [&[u8]; 5] = [png, b"{}", &[0; 64], &[0xFF; 200], payload];
    for foreign in texts {
        assert_eq!(refused(foreign), incompatible("a state saved by sona", "other bytes"));
    }
    assert_eq!(reason(b""), "expected at least 64 bytes, got 0");
    assert_eq!(reason(b"\x89SON"), "expected at least 64 bytes, got 4");
}

/// A random change of a sound frame, and the codes that it may be refused with: both only where the magic is touched.
fn mutated(rng: &mut Xoshiro256PlusPlus, whole: &[u8], other: &[u8]) -> (Vec<u8>, &'static [&'static str]) {
    let mut bytes = whole.to_vec();
    // half of the places in the preamble and the header, which are a small part of the whole
    let end = if rng.random() { 400 } else { whole.len() };
    let at = rng.random_range(8..end);
    let size = rng.random_range(1..=64.min(whole.len() - at));
    let noise: Vec<u8> = (0..size).map(|_| rng.random()).collect();
    let expected = match rng.random_range(0..14) {
        0 => {
            bytes.truncate(rng.random_range(0..end));
            CORRUPT
        }
        1 => {
            bytes[rng.random_range(0..end)] ^= 1 << rng.random_range(0..8);
            CORRUPT
        }
        2 => {
            (0..size).for_each(|_| bytes[rng.random_range(8..end)] ^= 1 << rng.random_range(0..8));
            CORRUPT
        }
        3 => {
            bytes.splice(at..at, noise);
            CORRUPT
        }
        4 => {
            bytes.drain(at..at + size);
            CORRUPT
        }
        5 => {
            bytes.splice(at..at, whole[at..at + size].to_vec());
            CORRUPT
        }
        6 => {
            let from = rng.random_range(8..=whole.len() - size);
            bytes[at..at + size].copy_from_slice(&whole[from..from + size]);
            bytes[from..from + size].copy_from_slice(&whole[at..at + size]);
            CORRUPT
        }
        7 => {
            bytes[at..at + size].copy_from_slice(&noise);
            CORRUPT
        }
        8 => {
            bytes.extend(noise);
            CORRUPT
        }
        9 => {
            bytes[at..].copy_from_slice(&other[at..]);
            CORRUPT
        }
        10 => {
            let at = rng.random_range(0..8);
            bytes.splice(at..at + rng.random_range(0..size.min(8)), noise);
            EITHER
        }
        11 => {
            bytes = sealed(rng.random_range(2..=u32::MAX), "engine", &whole[64..]);
            bytes.truncate(rng.random_range(64..=bytes.len()));
            INCOMPATIBLE
        }
        12 => {
            bytes = sealed(1, &String::from_utf8_lossy(&noise), &whole[64..]);
            INCOMPATIBLE
        }
        _ => {
            bytes = (0..rng.random_range(1..500)).map(|_| rng.random()).collect();
            bytes[0] &= 0x7F;
            INCOMPATIBLE
        }
    };
    (bytes, expected)
}

#[test]
fn ten_thousand_mutations_give_their_error() {
    let whole = encode(Kind::ENGINE, &learned(1)).unwrap();
    let other = encode(Kind::ENGINE, &learned(2)).unwrap();
    let other = &other.into_iter().chain([0; 64]).take(whole.len()).collect::<Vec<_>>();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut refused = 0;
    while refused < 10_000 {
        let (bytes, expected) = mutated(&mut rng, &whole, other);
        if bytes == whole {
            continue;
        }
        let result = catch_unwind(|| decode(Kind::ENGINE, &bytes)).expect("no panic");
        let code = result.expect_err("what was changed is not accepted").code();
        assert!(expected.contains(&code), "{code} instead of {expected:?}, {} of {} bytes", bytes.len(), whole.len());
        refused += 1;
    }
}

/// Asks for everything under the names that a true state has.
fn read_all(state: &State) -> Vec<String> {
    let reader = state.reader();
    let (base, replay, routes) = (reader.scope("base0"), reader.scope("replay"), reader.scope("routes"));
    let refusals = [
        reader.value::<BTreeMap<String, f64>>("config").err(),
        base.tensor::<f32>("a", &[4, 32]).err(),
        base.rows::<f32>("fisher", &[32]).err(),
        base.value_in::<u32>("step", 0..=9).err(),
        replay.rows::<f16>("vectors", &[32]).err(),
        replay.generator("rng").err(),
        routes.rows::<i64>("sums", &[32]).err(),
        routes.value::<Vec<String>>("names").err(),
    ];
    refusals.into_iter().flatten().map(|error| error.code().to_owned()).collect()
}

#[test]
fn a_payload_that_lies_under_a_true_checksum_is_harmless() {
    let whole = encode(Kind::ENGINE, &learned(1)).unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(4);
    let mut accepted = 0;
    for _ in 0..10_000 {
        let mut payload = whole[64..].to_vec();
        for _ in 0..rng.random_range(1..4) {
            let end = if rng.random() { 3_000 } else { payload.len() };
            payload[rng.random_range(0..end)] = rng.random();
        }
        let bytes = sealed(1, "engine", &payload);
        match catch_unwind(|| decode(Kind::ENGINE, &bytes).map(|state| read_all(&state))).expect("no panic") {
            Ok(refusals) => {
                assert!(refusals.iter().all(|code| CORRUPT.contains(&code.as_str())));
                accepted += 1;
            }
            Err(error) => assert_eq!(error.code(), CORRUPT[0]),
        }
    }
    assert!((1_000..9_000).contains(&accepted), "both outcomes are common, {accepted} were read");
}

#[test]
fn refuses_headers_that_lie() {
    let good = payload_of(r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, &[0; 4]);
    assert!(decode(Kind::ENGINE, &sealed(1, "engine", &good)).is_ok());
    let tensors = [
        r#"{"dtype":"F32","shape":[1],"data_offsets":[0,8]}"#,
        r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#,
        r#"{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"u":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}"#,
        r#"{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}"#,
        r#"{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,18446744073709551615]}"#,
        r#"{"dtype":"U8","shape":[2305843009213693951],"data_offsets":[0,2305843009213693951]}"#,
        r#"{"dtype":"F32","shape":[18446744073709551615,18446744073709551615],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F33","shape":[1],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F4","shape":[1],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F32","shape":[1]}"#,
        "[]",
        "",
    ];
    for tensor in tensors {
        reason(&sealed(1, "engine", &payload_of(tensor, &[0; 4])));
    }
    let headers = [
        "",
        "[]",
        "null",
        "{}",
        r#"{"__metadata__":{}}"#,
        r#"{"__metadata__":{"values":7}}"#,
        r#"{"__metadata__":{"values":""}}"#,
        r#"{"__metadata__":{"values":"[]"}}"#,
        r#"{"__metadata__":{"values":"{\"a\":1e999}"}}"#,
        r#"{"__metadata__":{"values":"{}"},"__metadata__":{"values":"{}"}}"#,
    ];
    for header in headers {
        reason(&sealed(1, "engine", &payload(header, &[])));
    }
    let deep = format!(r#"{{"__metadata__":{{"values":"{{\"a\":{}}}"}}}}"#, "[".repeat(100_000));
    reason(&sealed(1, "engine", &payload(&deep, &[])));
    reason(&sealed(1, "engine", &payload(&"[".repeat(100_000), &[])));
    for length in [0, 1, 9, u64::MAX] {
        reason(&sealed(1, "engine", &[&length.to_le_bytes(), b"{".as_slice()].concat()));
    }
    reason(&sealed(1, "engine", &[&2_u64.to_le_bytes(), b"{\xFF".as_slice()].concat()));
    reason(&sealed(1, "engine", b""));
    reason(&sealed(1, "engine", b"1234567"));
}

#[test]
fn numbers_that_are_none_do_not_get_in() {
    let nan = payload_of(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, &[0, 0, 0, 0, 0, 0, 0xC0, 0x7F]);
    let state = decode(Kind::ENGINE, &sealed(1, "engine", &nan)).unwrap();
    let error = state.reader().tensor::<f32>("t", &[2]).unwrap_err();
    assert_eq!(error, SonaError::CorruptState { reason: "t: NaN at index 1".into() });
}

proptest! {
    #[test]
    fn any_state_comes_back_bit_for_bit(
        numbers in prop::collection::btree_map("[a-z][a-z0-9_]{0,5}", any::<u64>(), 0..9),
        texts in prop::collection::vec(any::<String>(), 0..9),
        rows in prop::collection::vec(any::<[u32; 3]>(), 0..9),
    ) {
        let finite = |bits: u64| Some(f64::from_bits(bits)).filter(|x| x.is_finite()).unwrap_or_default();
        let single = |bits: &u32| Some(f32::from_bits(*bits)).filter(|x| x.is_finite()).unwrap_or_default();
        let floats: Vec<f32> = rows.as_flattened().iter().map(single).collect();
        let state = State::collect(|writer| {
            for (name, &bits) in &numbers {
                writer.scope("whole").value(name, &bits);
                writer.scope("double").value(name, &finite(bits));
                writer.scope("single").value(name, &single(&(bits as u32)));
            }
            writer.value("texts", &texts);
            writer.tensor("floats", &[rows.len(), 3], &floats);
            writer.tensor("bits", &[rows.len() * 3], rows.as_flattened());
        }).unwrap();
        let bytes = encode(Kind::ENGINE, &state).unwrap();
        let back = decode(Kind::ENGINE, &bytes).unwrap();
        prop_assert_eq!(encode(Kind::ENGINE, &back), Ok(bytes));
        let reader = back.reader();
        for (name, &bits) in &numbers {
            prop_assert_eq!(reader.scope("whole").value::<u64>(name), Ok(bits));
            prop_assert_eq!(reader.scope("double").value::<f64>(name).unwrap().to_bits(), finite(bits).to_bits());
            let expected = single(&(bits as u32));
            prop_assert_eq!(reader.scope("single").value::<f32>(name).unwrap().to_bits(), expected.to_bits());
        }
        prop_assert_eq!(reader.value::<Vec<String>>("texts").unwrap(), texts);
        let (count, back) = reader.rows::<f32>("floats", &[3]).unwrap();
        prop_assert_eq!(count, rows.len());
        prop_assert!(back.iter().map(|x| x.to_bits()).eq(floats.iter().map(|x| x.to_bits())));
        prop_assert_eq!(reader.rows::<u32>("bits", &[]).unwrap().1, rows.as_flattened());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, payload: Vec<u8>) {
        prop_assert!(decode(Kind::ENGINE, &bytes).is_err());
        prop_assert_eq!(decode(Kind::ENGINE, &sealed(1, "engine", &payload)).unwrap_err().code(), CORRUPT[0]);
    }
}
