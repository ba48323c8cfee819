use half::f16;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::error::{Result, SonaError};

const AWKWARD: [f32; 8] =
    [0.0, -0.0, f32::MIN_POSITIVE, -1e-45, f32::MAX, f32::MIN, 1.0 + f32::EPSILON, std::f32::consts::PI];

fn written(fill: impl FnOnce(&mut Writer<'_>)) -> State {
    State::collect(fill).unwrap()
}

/// The reason of a refusal, which must be that the state is corrupt.
fn reason<T: std::fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(SonaError::CorruptState { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_tensor_comes_back() {
    let halves: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).filter(|half| half.is_finite()).collect();
    let state = written(|writer| {
        writer.tensor("f32", &[2, 4], &AWKWARD);
        writer.tensor("f16", &[halves.len()], &halves);
        writer.tensor("i64", &[3], &[i64::MIN, -1, i64::MAX]);
        writer.tensor("u64", &[1, 2], &[0, u64::MAX]);
        writer.tensor("u32", &[2, 1], &[1, u32::MAX]);
        writer.tensor("u8", &[], &[255_u8]);
        writer.tensor("i8", &[2, 2], &[i8::MIN, -1, 0, i8::MAX]);
        writer.tensor::<f32>("empty", &[0, 7], &[]);
    });
    let reader = state.reader();
    let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(reader.tensor("f32", &[2, 4]).unwrap()), AWKWARD.map(f32::to_bits));
    let half_bits = |x: &[f16]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(half_bits(&reader.tensor::<f16>("f16", &[halves.len()]).unwrap()), half_bits(&halves));
    assert_eq!(reader.tensor::<i64>("i64", &[3]), Ok(vec![i64::MIN, -1, i64::MAX]));
    assert_eq!(reader.tensor::<u64>("u64", &[1, 2]), Ok(vec![0, u64::MAX]));
    assert_eq!(reader.tensor::<u32>("u32", &[2, 1]), Ok(vec![1, u32::MAX]));
    assert_eq!(reader.tensor::<u8>("u8", &[]), Ok(vec![255]));
    assert_eq!(reader.tensor::<i8>("i8", &[2, 2]), Ok(vec![i8::MIN, -1, 0, i8::MAX]));
    assert_eq!(reader.rows::<f32>("empty", &[7]), Ok((0, vec![])));
    assert_eq!(reader.rows::<i64>("i64", &[]), Ok((3, vec![i64::MIN, -1, i64::MAX])));
    assert_eq!(bits(reader.rows("f32", &[4]).unwrap().1), AWKWARD.map(f32::to_bits));
    assert_eq!(state.tensors["f32"].bytes()[8..12], f32::MIN_POSITIVE.to_le_bytes());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Route {
    name: String,
    count: u64,
    sum: Option<f32>,
}

#[test]
fn every_kind_of_value_comes_back() {
    let routes = [
        Route { name: "a \"b\" \u{1F980} \0".into(), count: u64::MAX, sum: Some(0.1) },
        Route { name: String::new(), count: 0, sum: None },
    ];
    let state = written(|writer| {
        writer.value("routes", &routes);
        writer.value("version", &7_u32);
        writer.value("text", "text");
    });
    let reader = state.reader();
    assert_eq!(reader.value::<Vec<Route>>("routes").unwrap(), routes);
    assert_eq!(reader.value_in("version", 1..=7), Ok(7_u32));
    assert_eq!(reader.value::<String>("text"), Ok("text".into()));
    assert_eq!(reader.optional("version"), Ok(Some(7_u8)));
    assert_eq!(reader.optional::<u8>("vision"), Ok(None));
}

#[test]
fn scopes_keep_names_apart() {
    let state = written(|writer| {
        writer.value("step", &1);
        for layer in 0..2 {
            let mut base = writer.scope("base");
            base.scope(&format!("layer{layer}")).value("step", &(layer + 2));
        }
    });
    let reader = state.reader();
    assert_eq!(reader.value("step"), Ok(1));
    assert_eq!(reader.scope("base").scope("layer1").value("step"), Ok(3));
    assert!(reader.scope("base").scope("layer0").contains("step"));
    assert!(!reader.scope("base").contains("step"));
    assert_eq!(reason(reader.scope("base").value::<i32>("step")), "base.step: no such value");
}

#[test]
fn a_generator_goes_on_where_it_was() {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(1);
    generator.next_u64();
    let mut state = written(|writer| writer.value("rng", &generator));
    let mut restored = state.reader().generator("rng").unwrap();
    assert!((0..9).all(|_| restored.next_u64() == generator.next_u64()));

    state.values.insert("rng".into(), json!({ "s": [0, 0, 0, 0] }));
    assert_eq!(reason(state.reader().generator("rng")), "rng: expected a generator that is not all zeros");
    state.values.insert("rng".into(), json!({ "s": [1, 2, 3] }));
    assert!(reason(state.reader().generator("rng")).starts_with("rng: "));
}

#[test]
fn refuses_values_of_the_wrong_kind() {
    let mut state = written(|writer| writer.tensor("tensor", &[1], &[1.0_f32]));
    for (name, value) in [
        ("text", json!("1")),
        ("negative", json!(-1)),
        ("large", json!(1e300)),
        ("double", json!(0.1)),
        ("null", json!(null)),
        ("route", json!({ "name": "a", "count": 1, "sum": 1e39 })),
        ("more", json!({ "name": "a", "count": 1, "sum": null, "more": 1 })),
        ("less", json!({ "name": "a", "count": 1 })),
    ] {
        state.values.insert(name.into(), value);
    }
    let reader = state.reader();
    assert!(reason(reader.value::<u32>("text")).starts_with("text: invalid type"));
    assert!(reason(reader.value::<u32>("negative")).starts_with("negative: invalid value"));
    assert!(reason(reader.optional::<u8>("large")).starts_with("large: "));
    for name in ["large", "double", "null"] {
        assert!(reason(reader.value::<f32>(name)).starts_with(name), "{name}");
    }
    for name in ["route", "more", "less", "missing", "tensor"] {
        assert!(reason(reader.value::<Route>(name)).starts_with(&format!("{name}: ")), "{name}");
    }
    assert_eq!(reader.value("large"), Ok(1e300));
    assert_eq!(reason(reader.value_in("double", 0.2..=1.0)), "double: expected a value in 0.2..=1.0, got 0.1");
    assert_eq!(reason(reader.ensure("double", false, "more")), "double: expected more");
}

#[test]
fn refuses_tensors_of_the_wrong_kind() {
    let mut state = written(|writer| {
        writer.tensor("x", &[2, 3], &[1.0_f32; 6]);
        writer.value("value", &1);
    });
    let nan = Tensor::new(safetensors::Dtype::F32, &[2], [1.0, f32::NAN].map(f32::to_le_bytes).concat());
    let infinity = Tensor::new(safetensors::Dtype::F16, &[1, 1], f16::INFINITY.to_le_bytes().to_vec());
    let endless = Tensor::new(safetensors::Dtype::F32, &[1 << 50, 0], vec![]);
    state.tensors.insert("nan".into(), nan.unwrap());
    state.tensors.insert("infinity".into(), infinity.unwrap());
    state.tensors.insert("endless".into(), endless.unwrap());
    let reader = state.reader();
    assert_eq!(reason(reader.tensor::<f32>("y", &[2, 3])), "y: no such tensor");
    assert_eq!(reason(reader.tensor::<f32>("value", &[])), "value: no such tensor");
    assert_eq!(reason(reader.tensor::<f16>("x", &[2, 3])), "x: expected F16, got F32");
    assert_eq!(reason(reader.tensor::<f32>("x", &[3, 2])), "x: expected the shape [3, 2], got [2, 3]");
    assert_eq!(reason(reader.rows::<f32>("x", &[2])), "x: expected rows of the shape [2], got [2, 3]");
    assert_eq!(
        reason(reader.rows::<f32>("endless", &[0])),
        format!("endless: expected rows of the shape [0], got [{}, 0]", 1_u64 << 50)
    );
    assert_eq!(reason(reader.tensor::<f32>("nan", &[2])), "nan: NaN at index 1");
    assert_eq!(reason(reader.rows::<f16>("infinity", &[1])), "infinity: inf at index 0");
}

#[test]
fn a_tensor_has_the_bytes_that_its_shape_says() {
    let tensor = |shape: &[usize], bytes: usize| Tensor::new(safetensors::Dtype::F32, shape, vec![0; bytes]).is_some();
    assert!(tensor(&[2, 3], 24) && tensor(&[], 4) && tensor(&[0], 0));
    assert!(!tensor(&[2, 3], 23) && !tensor(&[], 0) && !tensor(&[0], 4));
    assert!(!tensor(&[usize::MAX, usize::MAX], 4) && !tensor(&[1 << 62], 0));
}

#[test]
fn refuses_to_write_what_could_not_be_read() {
    fn failure(fill: impl FnOnce(&mut Writer<'_>)) -> String {
        let error = State::collect(fill).unwrap_err();
        assert_eq!(error.code(), "SONA_INTERNAL");
        error.to_string()
    }
    fn value(writer: &mut Writer<'_>) {
        writer.scope("a").value("b", &1);
    }
    fn tensor(writer: &mut Writer<'_>) {
        writer.scope("a").tensor("b", &[1], &[1_u8]);
    }
    for first in [value, tensor] {
        for second in [value, tensor] {
            let twice = failure(|writer| {
                first(writer);
                second(writer);
            });
            assert_eq!(twice, "internal error: state entry a.b: written twice");
        }
    }
    assert!(failure(|writer| writer.tensor("a", &[2], &[1_u8])).ends_with("a: 1 elements for the shape [2]"));
    assert!(failure(|writer| writer.tensor("a", &[2], &[0.0, f32::NAN])).ends_with("a: NaN at index 1"));
    let keys_are_no_strings = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(failure(|writer| writer.value("a", &keys_are_no_strings)).contains("state entry a: "));
    for name in ["", "a.b", "__metadata__", "1", "é"] {
        assert!(failure(|writer| writer.value(name, &1)).contains("as a name"), "{name}");
        assert!(failure(|writer| writer.scope(name).value("a", &1)).contains("as a name"), "{name}");
    }
}

proptest! {
    #[test]
    fn any_finite_numbers_come_back_bit_for_bit(
        single: u32, double: u64, whole: u64, signed: i64, bits in prop::collection::vec(any::<u32>(), 0..99),
    ) {
        let finite = |bits| Some(f32::from_bits(bits)).filter(|x| x.is_finite()).unwrap_or_default();
        let single = finite(single);
        let double = Some(f64::from_bits(double)).filter(|x| x.is_finite()).unwrap_or_default();
        let row: Vec<f32> = bits.into_iter().map(finite).collect();
        let state = written(|writer| {
            writer.value("single", &single);
            writer.value("double", &double);
            writer.value("whole", &whole);
            writer.value("signed", &signed);
            writer.value("row", &row);
            writer.tensor("tensor", &[row.len()], &row);
        });
        let reader = state.reader();
        prop_assert_eq!(reader.value::<f32>("single").unwrap().to_bits(), single.to_bits());
        prop_assert_eq!(reader.value::<f64>("double").unwrap().to_bits(), double.to_bits());
        prop_assert_eq!(reader.value::<u64>("whole"), Ok(whole));
        prop_assert_eq!(reader.value::<i64>("signed"), Ok(signed));
        for back in [reader.value::<Vec<f32>>("row").unwrap(), reader.rows("tensor", &[]).unwrap().1] {
            prop_assert!(back.iter().map(|x| x.to_bits()).eq(row.iter().map(|x| x.to_bits())));
        }
    }
}
