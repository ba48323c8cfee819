//! A hint of what is read next; it changes no result.

/// Starts to fetch a row that will soon be read, where the architecture has an instruction for it.
#[inline]
pub fn prefetch(row: &[i8]) {
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(64) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction, and it reads nothing that a program could see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}
