//! Rounding and sharing out whole minor units, exactly.
//!
//! Everything here is checked `i128` arithmetic; `None` means that a value did not fit and
//! becomes an error that names the figure, never a wrapped number.

/// `numerator ÷ denominator` rounded to a whole number, half away from zero.
///
/// Half away from zero is what the EN 16931 examples of CEN use: 156435.885 becomes 156435.89
/// and −156435.885 becomes −156435.89. `denominator` must be above zero.
pub(super) fn round_half_away(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let quotient = numerator.checked_div(denominator)?;
    let remainder = numerator.checked_rem(denominator)?.checked_abs()?;
    // 2r ≥ d, written so that doubling cannot overflow.
    if remainder >= denominator - remainder {
        quotient.checked_add(numerator.signum())
    } else {
        Some(quotient)
    }
}

/// Rounds each of `numerators ÷ denominator` up or down so that together they give exactly
/// `total`: the method of the largest remainder.
///
/// Each part is its exact value rounded down, and the units still missing go to the parts that
/// lost most by that. `priority` decides between equal remainders: smaller goes first.
/// `total` must be within one unit per part of the exact sum; otherwise there is no answer.
/// Parts may have mixed signs. Negating everything negates the answer (but for ties).
pub(super) fn round_to_total<P: Ord>(
    total: i128,
    numerators: &[i128],
    denominator: i128,
    priority: impl Fn(usize) -> P,
) -> Option<Vec<i128>> {
    if denominator <= 0 {
        return None;
    }
    if total < 0 {
        let opposite = numerators
            .iter()
            .map(|numerator| numerator.checked_neg())
            .collect::<Option<Vec<_>>>()?;
        let parts = round_to_total(total.checked_neg()?, &opposite, denominator, priority)?;
        return parts.into_iter().map(i128::checked_neg).collect();
    }
    let mut parts: Vec<i128> = numerators
        .iter()
        .map(|numerator| numerator.div_euclid(denominator))
        .collect();
    let rounded_down = parts
        .iter()
        .try_fold(0_i128, |sum, part| sum.checked_add(*part))?;
    let missing = usize::try_from(total.checked_sub(rounded_down)?).ok()?;
    let mut order: Vec<usize> = (0..numerators.len()).collect();
    order.sort_by_key(|&index| {
        (
            std::cmp::Reverse(numerators[index].rem_euclid(denominator)),
            priority(index),
        )
    });
    if missing > order.len() {
        return None;
    }
    for &index in &order[..missing] {
        parts[index] = parts[index].checked_add(1)?;
    }
    Some(parts)
}

/// Shares `amount` out in proportion to the absolute `weights`, by largest remainder; ties go
/// to the part that comes first.
///
/// With no weight at all the first part takes everything; without parts there is no answer.
/// Absolute weights keep every share between zero and `amount`, also when some groups of an
/// invoice are negative.
pub(super) fn allocate(amount: i128, weights: &[i128]) -> Option<Vec<i128>> {
    let mut weights = weights
        .iter()
        .map(|weight| weight.checked_abs())
        .collect::<Option<Vec<_>>>()?;
    if weights.iter().all(|weight| *weight == 0) {
        *weights.first_mut()? = 1;
    }
    let whole = weights
        .iter()
        .try_fold(0_i128, |sum, weight| sum.checked_add(*weight))?;
    let exact = weights
        .iter()
        .map(|weight| weight.checked_mul(amount))
        .collect::<Option<Vec<_>>>()?;
    round_to_total(amount, &exact, whole, |index| index)
}
