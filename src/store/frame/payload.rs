//! The payload: one safetensors buffer, with the values as JSON in its metadata.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensorError, View};

use crate::error::{Result, SonaError};
use crate::state::{State, Tensor};

/// The only key of the metadata: a map of several has no order, and equal states would differ in their bytes.
const VALUES: &str = "values";

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        Tensor::dtype(self)
    }

    fn shape(&self) -> &[usize] {
        Tensor::shape(self)
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.bytes().into()
    }

    fn data_len(&self) -> usize {
        self.bytes().len()
    }
}

pub(super) fn pack(state: &State) -> Result<Vec<u8>> {
    let values = serde_json::to_string(&state.values).map_err(|error| SonaError::Internal(error.to_string()))?;
    let metadata = [(VALUES.to_owned(), values)].into();
    safetensors::serialize(&state.tensors, Some(metadata)).map_err(|error| match error {
        SafeTensorError::HeaderTooLarge => {
            SonaError::out_of_range("state", "at most 100 MB of names and values", "more")
        }
        error => SonaError::Internal(error.to_string()),
    })
}

pub(super) fn unpack(bytes: &[u8]) -> Result<State> {
    let (header, data) = split(bytes).ok_or_else(|| SonaError::corrupt_state("the payload's header is too long"))?;
    // Metadata checks that shapes, dtypes and offsets agree and leave no gap. The crate's own reader then adds the
    // header's length to the last offset unchecked, hence the comparison here.
    let metadata: Metadata = serde_json::from_slice(header).map_err(SonaError::corrupt_state)?;
    if metadata.data_len() != data.len() {
        let reason = format_args!("expected {} bytes of tensors, got {}", metadata.data_len(), data.len());
        return Err(SonaError::corrupt_state(reason));
    }
    Ok(State { values: values(&metadata)?, tensors: tensors(&metadata, data)? })
}

/// Header and data of a safetensors buffer; `None` when the header is longer than what is there.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

fn values(metadata: &Metadata) -> Result<BTreeMap<String, serde_json::Value>> {
    let values = metadata.metadata().as_ref().and_then(|metadata| metadata.get(VALUES));
    let values = values.ok_or_else(|| SonaError::corrupt_state("the payload has no values"))?;
    serde_json::from_str(values).map_err(|error| SonaError::corrupt_state(format_args!("values: {error}")))
}

fn tensors(metadata: &Metadata, data: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let tensors = metadata.tensors().into_iter().map(|(name, info)| {
        let (start, end) = info.data_offsets;
        let tensor = data.get(start..end).and_then(|bytes| Tensor::new(info.dtype, &info.shape, bytes.to_vec()));
        let tensor =
            tensor.ok_or_else(|| SonaError::corrupt_state(format_args!("{name}: shape and bytes disagree")))?;
        Ok((name, tensor))
    });
    tensors.collect()
}
