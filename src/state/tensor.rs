//! A tensor as bytes: little endian, row by row.

use std::fmt::Display;

use half::f16;
use safetensors::Dtype;

/// A tensor whose bytes are as many as its shape says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Tensor {
    /// `None` when `bytes` are not as many as `shape` says.
    pub(crate) fn new(dtype: Dtype, shape: &[usize], bytes: Vec<u8>) -> Option<Self> {
        let bits = shape.iter().try_fold(dtype.bitsize(), |bits, &length| bits.checked_mul(length))?;
        (bits.is_multiple_of(8) && bits / 8 == bytes.len()).then(|| Self { dtype, shape: shape.to_vec(), bytes })
    }

    pub(crate) fn of<T: Element>(shape: &[usize], data: &[T]) -> Option<Self> {
        let mut bytes = Vec::with_capacity(size_of_val(data));
        data.iter().for_each(|&element| element.append_to(&mut bytes));
        Self::new(T::DTYPE, shape, bytes)
    }

    /// Kind of its elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Length of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its elements, little endian, row by row.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements, taken for `T`: compare the [`dtype`](Self::dtype) first.
    pub(crate) fn elements<T: Element>(&self) -> Vec<T> {
        self.bytes.chunks_exact(size_of::<T>()).map(T::from_bytes).collect()
    }
}

/// What a tensor may be made of.
pub trait Element: Copy + Display + sealed::Sealed {
    /// Its name in the format.
    const DTYPE: Dtype;
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    #[doc(hidden)]
    fn append_to(self, bytes: &mut Vec<u8>);
    #[doc(hidden)]
    fn from_bytes(bytes: &[u8]) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! element {
    ($($type:ty, $dtype:ident, $finite:expr;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const DTYPE: Dtype = Dtype::$dtype;

            fn is_finite(self) -> bool {
                $finite(self)
            }

            fn append_to(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn from_bytes(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("as many bytes as the type has"))
            }
        }
    )*};
}

element! {
    f64, F64, f64::is_finite;
    f32, F32, f32::is_finite;
    f16, F16, f16::is_finite;
    i64, I64, |_| true;
    u64, U64, |_| true;
    u32, U32, |_| true;
    u8, U8, |_| true;
    i8, I8, |_| true;
}
