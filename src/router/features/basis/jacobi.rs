//! Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations (Golub and Van Loan, "Matrix
//! Computations", 4th edition, section 8.5).

/// Most sweeps over all pairs. Some eight are enough for any matrix; rotations end when nothing is left to turn.
const SWEEPS: usize = 30;

/// Off-diagonal elements this small beside the largest of the matrix are left.
const SMALL: f64 = 1e-14;

/// Values, unordered, and their unit vectors as rows. The `n x n` matrix is used up.
pub(super) fn eigen(matrix: &mut [f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; n * n];
    vectors.iter_mut().step_by(n + 1).for_each(|x| *x = 1.0);
    let small = SMALL * matrix.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for _ in 0..SWEEPS {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let off = matrix[p * n + q];
                if off.abs() > small {
                    let turn = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * off);
                    let tangent = turn.signum() / (turn.abs() + turn.hypot(1.0));
                    let cosine = 1.0 / tangent.hypot(1.0);
                    rotate(matrix, n, p, q, cosine, tangent * cosine);
                    rotate_rows(&mut vectors, n, p, q, cosine, tangent * cosine);
                    turned = true;
                }
            }
        }
        if !turned {
            break;
        }
    }
    (matrix.iter().step_by(n + 1).copied().collect(), vectors)
}

/// Rows and columns `p` and `q`, keeping both triangles.
fn rotate(matrix: &mut [f64], n: usize, p: usize, q: usize, cosine: f64, sine: f64) {
    rotate_rows(matrix, n, p, q, cosine, sine);
    for row in matrix.chunks_exact_mut(n) {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
}

fn rotate_rows(rows: &mut [f64], n: usize, p: usize, q: usize, cosine: f64, sine: f64) {
    let (head, tail) = rows.split_at_mut(q * n);
    for (x, y) in head[p * n..][..n].iter_mut().zip(&mut tail[..n]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}
