//! What a setting is: its kind, the types it can have, and the list that everything about settings is made from.

use serde_json::{Value, json};

use crate::error::SonaError;

/// What a setting accepts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number in an inclusive range.
    Integer {
        /// Smallest accepted value.
        min: u64,
        /// Largest accepted value.
        max: u64,
    },
    /// A finite number in an inclusive range.
    Number {
        /// Smallest accepted value.
        min: f64,
        /// Largest accepted value.
        max: f64,
    },
    /// `true` or `false`.
    Boolean,
    /// One of a few words.
    Choice(&'static [&'static str]),
}

impl Kind {
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Boolean => "true or false".into(),
            Self::Choice(words) => words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" or "),
        }
    }

    pub(super) fn to_json(self) -> Value {
        match self {
            Self::Integer { min, max } => json!({ "kind": "integer", "min": min, "max": max }),
            Self::Number { min, max } => json!({ "kind": "number", "min": min, "max": max }),
            Self::Boolean => json!({ "kind": "boolean" }),
            Self::Choice(words) => json!({ "kind": "choice", "choices": words }),
        }
    }
}

/// A type that a setting can have: how it is read from JSON, checked and shown.
pub(super) trait SettingValue: Sized {
    fn read(value: &Value, kind: &Kind) -> Option<Self>;
    fn show(&self) -> Value;

    fn in_range(&self, kind: &Kind) -> bool {
        Self::read(&self.show(), kind).is_some()
    }
}

impl SettingValue for u64 {
    fn read(value: &Value, kind: &Kind) -> Option<Self> {
        let Kind::Integer { min, max } = *kind else { return None };
        // JavaScript has one number type: 5 and 5.0 are the same whole number.
        let number = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&float)).then_some(float as u64)
        })?;
        (min..=max).contains(&number).then_some(number)
    }

    fn show(&self) -> Value {
        json!(self)
    }
}

impl SettingValue for usize {
    fn read(value: &Value, kind: &Kind) -> Option<Self> {
        u64::read(value, kind).and_then(|number| usize::try_from(number).ok())
    }

    fn show(&self) -> Value {
        json!(self)
    }
}

impl SettingValue for f64 {
    fn read(value: &Value, kind: &Kind) -> Option<Self> {
        let Kind::Number { min, max } = *kind else { return None };
        value.as_f64().filter(|number| (min..=max).contains(number))
    }

    fn show(&self) -> Value {
        json!(self)
    }
}

impl SettingValue for bool {
    fn read(value: &Value, _kind: &Kind) -> Option<Self> {
        value.as_bool()
    }

    fn show(&self) -> Value {
        json!(self)
    }
}

/// A number that need not be given; JSON's null is none.
impl SettingValue for Option<f64> {
    fn read(value: &Value, kind: &Kind) -> Option<Self> {
        if value.is_null() { Some(None) } else { f64::read(value, kind).map(Some) }
    }

    fn show(&self) -> Value {
        json!(self)
    }
}

/// A type whose values are words.
macro_rules! words {
    ($type:ty: $($word:literal = $value:path),+) => {
        impl $crate::config::setting::SettingValue for $type {
            fn read(value: &serde_json::Value, _kind: &$crate::config::setting::Kind) -> Option<Self> {
                match value.as_str()? {
                    $($word => Some($value),)+
                    _ => None,
                }
            }

            fn show(&self) -> serde_json::Value {
                serde_json::json!(self.word())
            }
        }

        impl $type {
            /// Its word in settings and logs.
            pub fn word(&self) -> &'static str {
                match self {
                    $($value => $word,)+
                }
            }
        }
    };
}
pub(super) use words;

/// Declares the settings of one thing: the struct, its defaults, the reader, the check and the table come from one list.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+ struct $config:ident;
        $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $name:literal, $kind:expr;)+
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $config {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for $config {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $config {
            /// Names of all settings, in the order of the documentation.
            pub(super) const NAMES: &[&str] = &[$($name),+];

            /// Whether the setting was known; its value is checked.
            fn set(&mut self, name: &str, value: &Value) -> Result<bool> {
                match name {
                    $($name => {
                        let kind = $kind;
                        self.$field = <$type>::read(value, &kind)
                            .ok_or_else(|| SonaError::invalid_config(name, kind.expected(), value))?;
                    })+
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn check_ranges(&self) -> Result<()> {
                $({
                    let kind = $kind;
                    if !self.$field.in_range(&kind) {
                        return Err(SonaError::invalid_config($name, kind.expected(), self.$field.show()));
                    }
                })+
                Ok(())
            }

            /// The settings as a flat JSON object under their JavaScript names.
            pub fn to_json(&self) -> Value {
                let mut object = Map::new();
                $(object.insert($name.into(), self.$field.show());)+
                Value::Object(object)
            }

            /// The table of settings: an array of `{name, kind, min?, max?, choices?, default, doc}`.
            pub fn table() -> Value {
                let defaults = Self::default();
                let mut rows = Vec::new();
                $({
                    let mut row = $kind.to_json();
                    row["name"] = json!($name);
                    row["default"] = defaults.$field.show();
                    row["doc"] = json!(concat!($($doc),+).trim());
                    rows.push(row);
                })+
                Value::Array(rows)
            }
        }
    };
    (
        $(#[doc = $about:literal])+ struct $config:ident;
        $(#[doc = $builds:literal])+ builder $builder:ident;
        $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $name:literal, $kind:expr;)+
    ) => {
        settings! {
            $(#[doc = $about])+ struct $config;
            $($(#[doc = $doc])+ $field: $type = $default, $name, $kind;)+
        }

        $(#[doc = $builds])+
        #[derive(Debug, Clone, Default)]
        pub struct $builder {
            config: $config,
        }

        impl $builder {
            /// Takes over every setting of a config, a preset for instance.
            pub fn config(mut self, config: $config) -> Self {
                self.config = config;
                self
            }

            /// The settings so far, unchecked.
            pub fn settings(&self) -> &$config {
                &self.config
            }

            $($(#[doc = $doc])+ pub fn $field(mut self, value: $type) -> Self {
                self.config.$field = value;
                self
            })+
        }
    };
}
pub(super) use settings;

/// The error for a key that no setting has, with the nearest one.
pub(super) fn unknown_key<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> SonaError {
    let nearest = known
        .map(|candidate| (strsim::damerau_levenshtein(&candidate.to_lowercase(), &name.to_lowercase()), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2);
    let expected = match nearest {
        Some((_, candidate)) => format!("a known setting (did you mean '{candidate}'?)"),
        None => "a known setting".into(),
    };
    SonaError::invalid_config(name, expected, "an unknown key")
}
