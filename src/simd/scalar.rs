//! The portable backend: plain Rust, shaped so that a compiler can use whatever vectors the target has by default.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::kernels::{AdamStep, Kernels};
use super::lanes::dot;
use super::{triangle, unfused};

pub(super) static KERNELS: Kernels = Kernels {
    name: "scalar",
    dot,
    dot_rows,
    matmul_nt,
    add_scaled_rows,
    adam,
    proximal,
    widen,
    narrow,
    dot_i8_rows,
    triangle: triangle::PORTABLE,
    unfused: unfused::PORTABLE,
};

fn dot_rows(rows: &[f32], x: &[f32], out: &mut [f32]) {
    if x.is_empty() {
        return out.fill(0.0);
    }
    for (row, value) in rows.chunks_exact(x.len()).zip(out) {
        *value = dot(row, x);
    }
}

fn matmul_nt(a: &[f32], b: &[f32], dim: usize, out: &mut [f32]) {
    let columns = b.len() / dim;
    if columns == 0 {
        return;
    }
    for (row, out) in a.chunks_exact(dim).zip(out.chunks_exact_mut(columns)) {
        dot_rows(b, row, out);
    }
}

fn add_scaled_rows(coeffs: &[f32], rows: &[f32], y: &mut [f32]) {
    if y.is_empty() {
        return;
    }
    for (coeff, row) in coeffs.iter().zip(rows.chunks_exact(y.len())) {
        for (y, x) in y.iter_mut().zip(row) {
            *y += coeff * x;
        }
    }
}

fn adam(step: &AdamStep, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
    let (rate, unbias) = step.folded();
    for (((p, g), m), v) in params.iter_mut().zip(grads).zip(m).zip(v) {
        *m += (1.0 - step.beta1) * (g - *m);
        *v += (1.0 - step.beta2) * (g * g - *v);
        *p -= rate * *m / ((*v * unbias).sqrt() + step.epsilon);
    }
}

fn proximal(weight: f32, importance: &[f32], anchor: &[f32], params: &mut [f32]) {
    for ((p, importance), anchor) in params.iter_mut().zip(importance).zip(anchor) {
        let share = 1.0 - 1.0 / (1.0 + weight * importance);
        *p += share * (anchor - *p);
    }
}

pub(super) fn widen(from: &[f16], to: &mut [f32]) {
    from.convert_to_f32_slice(to);
}

pub(super) fn narrow(from: &[f32], to: &mut [f16]) {
    to.convert_from_f32_slice(from);
}

fn dot_i8_rows(rows: &[i8], x: &[i8], out: &mut [i32]) {
    if x.is_empty() {
        return out.fill(0);
    }
    for (row, value) in rows.chunks_exact(x.len()).zip(out) {
        let products = row.iter().zip(x).map(|(&a, &b)| i32::from(a) * i32::from(b));
        *value = products.fold(0, i32::wrapping_add);
    }
}
