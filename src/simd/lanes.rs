//! The one order of accumulation of an inner product, and the product itself in plain Rust.

use std::array;

/// Partial sums of an inner product. With AVX-512 twice as many make a lone product a fifth faster and the products of
/// matrices a tenth slower.
pub(super) const WIDTH: usize = 16;

type Block = [f32; WIDTH];

#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_blocks, a_rest) = a.as_chunks();
    let (b_blocks, b_rest) = b.as_chunks();
    let mut lanes: Block = [0.0; WIDTH];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        add_products(&mut lanes, a, b);
    }
    if !a_rest.is_empty() {
        add_products(&mut lanes, &padded(a_rest), &padded(b_rest));
    }
    let eight: [f32; 8] = array::from_fn(|lane| lanes[lane] + lanes[lane + 8]);
    let four: [f32; 4] = array::from_fn(|lane| eight[lane] + eight[lane + 4]);
    (four[0] + four[1]) + (four[2] + four[3])
}

#[inline(always)]
fn add_products(lanes: &mut Block, a: &Block, b: &Block) {
    for lane in 0..WIDTH {
        lanes[lane] += a[lane] * b[lane];
    }
}

#[inline(always)]
fn padded(rest: &[f32]) -> Block {
    let mut block = [0.0; WIDTH];
    block[..rest.len()].copy_from_slice(rest);
    block
}
