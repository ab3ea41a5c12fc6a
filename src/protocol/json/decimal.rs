//! Numbers without exponent, told to be canonical by integer arithmetic alone.
//!
//! Of the decimals that name one double `JSON.stringify` writes the shortest, and of several the one that is closest to it.
//! Up to 15 digits any decimal is that, unless it ends in zeros. With 16 or 17 digits, as every computed coordinate has them, the
//! double and the decimal are compared as integers, which costs a fraction of writing the double anew.

use super::number::Usual;

/// A double has no more significant digits than this.
const MOST_DIGITS: usize = 17;

/// The largest integer up to which doubles hold each.
const LARGEST_EXACT: u64 = 1 << 53;

/// The bits of a double's mantissa that are stored, below one that is not.
const MANTISSA_BITS: u32 = 52;

/// What a double's stored exponent is above that of its mantissa as an integer.
const EXPONENT_BIAS: u32 = 1075;

/// The largest binary scale at which a decimal of [`MOST_DIGITS`] is compared: both sides stay below 2^127.
const MOST_BINARY_SCALE: u32 = 69;

const POWERS_OF_TEN: [u64; 18] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    100_000_000_000,
    1_000_000_000_000,
    10_000_000_000_000,
    100_000_000_000_000,
    1_000_000_000_000_000,
    10_000_000_000_000_000,
    100_000_000_000_000_000,
];

/// What a number means.
pub(super) fn parse(number: &[u8]) -> Option<f64> {
    let decimal = Decimal::read(number).filter(|decimal| decimal.digits <= LARGEST_EXACT);
    match decimal {
        Some(Decimal { digits, fraction, negative }) => {
            let value = quotient(digits, fraction)?;
            Some(if negative { -value } else { value })
        }
        None => std::str::from_utf8(number).ok()?.parse().ok(),
    }
}

/// What a number at the start of `text` means. None where it is longer than a word on a side of its point, or the text ends with it.
#[inline]
pub(super) fn short(text: &[u8], number: &Usual) -> Option<f64> {
    let unsigned = text.get(usize::from(number.negative)..)?;
    let integer = word(unsigned, number.integer)?;
    let value = if number.fraction == 0 {
        double(integer)
    } else {
        let power = *POWERS_OF_TEN.get(number.fraction)?;
        let fraction = word(unsigned.get(number.integer + 1..)?, number.fraction)?;
        let digits = integer.checked_mul(power)?.checked_add(fraction)?;
        if digits > LARGEST_EXACT {
            return None;
        }
        quotient(digits, number.fraction)?
    };
    Some(if number.negative { -value } else { value })
}

/// What so many digits at the start of `text` mean, at most eight, all at once: neighbours become pairs, pairs fours, fours eight.
#[inline]
pub(super) fn word(text: &[u8], digits: usize) -> Option<u64> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let unused = u32::try_from(8_usize.checked_sub(digits)?).ok()? * 8;
    let bytes = u64::from_le_bytes(*text.first_chunk::<8>()?) ^ ZEROS;
    let digits = bytes.checked_shl(unused)?;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul((1_000_000 << 32) + 100);
    let low = (pairs >> 16 & PAIRS).wrapping_mul((10_000 << 32) + 1);
    Some(high.wrapping_add(low) >> 32)
}

/// Whether a number, which does not end in zeros behind its point, is certain to be the best way to write what it means.
pub(super) fn is_best(number: &[u8]) -> bool {
    let Some(Decimal { digits, fraction, .. }) = Decimal::read(number) else { return false };
    if fraction == 0 {
        return digits <= LARGEST_EXACT;
    }
    let Some(power) = POWERS_OF_TEN.get(fraction) else { return false };
    parse(number).is_some_and(|value| is_closest(digits, *power, value.abs()))
}

/// A number without exponent and of few digits: `digits` without the point that stands before the last `fraction` of them.
struct Decimal {
    digits: u64,
    fraction: usize,
    negative: bool,
}

impl Decimal {
    fn read(number: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match number.strip_prefix(b"-") {
            Some(unsigned) => (true, unsigned),
            None => (false, number),
        };
        // The point counts too, and a zero before it.
        let zero = usize::from(unsigned.first() == Some(&b'0'));
        if unsigned.len() > MOST_DIGITS + 1 + zero {
            return None;
        }
        let (mut digits, mut point) = (0, unsigned.len());
        for (at, byte) in unsigned.iter().enumerate() {
            match byte {
                b'0'..=b'9' => digits = digits * 10 + u64::from(byte - b'0'),
                b'.' => point = at + 1,
                _ => return None,
            }
        }
        Some(Self { digits, fraction: unsigned.len() - point, negative })
    }
}

/// Digits that a double holds, divided by a power of ten that it holds: rounded once, so correctly.
fn quotient(digits: u64, fraction: usize) -> Option<f64> {
    Some(double(digits) / double(*POWERS_OF_TEN.get(fraction)?))
}

/// The double of an integer that it holds.
fn double(integer: u64) -> f64 {
    const HIGH_HALF: f64 = 4_294_967_296.0;
    let half = |half: u64| f64::from(u32::try_from(half & u64::from(u32::MAX)).unwrap_or_default());
    half(integer >> 32) * HIGH_HALF + half(integer)
}

/// Whether `digits / power` is the decimal to write for `value`, the double closest to it. False also where that is
/// close.
///
/// With `value` = `mantissa / 2^scale` both are compared in units of `1 / (power * 2^scale)`: there the double is
/// `mantissa * power`, its neighbours are `power` away, and decimals of as many digits are `2^scale` apart.
fn is_closest(digits: u64, power: u64, value: f64) -> bool {
    let bits = value.to_bits();
    let hidden = 1 << MANTISSA_BITS;
    let mantissa = (bits & (hidden - 1)) | hidden;
    let exponent = u32::try_from(bits >> MANTISSA_BITS).unwrap_or_default();
    let Some(scale) = EXPONENT_BIAS.checked_sub(exponent) else { return false };
    // The neighbour below a power of two is closer than the one above.
    if scale > MOST_BINARY_SCALE || mantissa == hidden {
        return false;
    }
    let (power, step) = (u128::from(power), 1_u128 << scale);
    let exact = u128::from(mantissa) * power;
    let written = u128::from(digits) << scale;
    let is_nearest = exact.abs_diff(written) * 2 < step;
    // The multiples of ten around it are what has a digit less.
    let below = {
        let floor = exact >> scale;
        floor - floor % 10
    };
    let under = exact - (below << scale);
    let over = ((below + 10) << scale) - exact;
    is_nearest && under * 2 > power && over * 2 > power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::number, *};

    fn is_canonical(number: &str) -> bool {
        let mut written = Vec::new();
        number::write(number.as_bytes(), &mut written);
        written == number.as_bytes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn cv7_only_what_is_canonical_is_best(number in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{0,17}[1-9])?") {
            let is_small = number.trim_start_matches('-').starts_with("0.000000");
            prop_assume!(!is_small && number != "-0");
            prop_assert!(!is_best(number.as_bytes()) || is_canonical(&number));
            prop_assert_eq!(parse(number.as_bytes()).map(f64::to_bits), number.parse().ok().map(f64::to_bits));
        }

        #[test]
        fn cv7_a_short_number_means_what_it_says(
            number in "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{0,8}[1-9])?",
            behind in "[,}\\]]{1,9}",
        ) {
            let text = format!("{number}{behind}");
            let usual = number::usual(text.as_bytes());
            if let Some(value) = usual.and_then(|usual| short(text.as_bytes(), &usual)) {
                prop_assert_eq!(value.to_bits(), number.parse::<f64>().unwrap().to_bits());
            }
        }

        #[test]
        fn cv7_the_neighbours_of_what_is_best_are_not(
            value in prop_oneof![-1e6..1e6, -1.0..1.0, -1e12..1e12], step in -12_i64..=12, digit in any::<bool>(),
        ) {
            let written = ryu_js::Buffer::new().format(value).to_owned();
            let (whole, fraction) = written.split_once('.').unwrap_or((&written, ""));
            let fraction = format!("{fraction}{}", if digit { "0" } else { "" });
            if let Ok(last) = fraction.parse::<i64>() {
                let beside = (last + step).max(0);
                let number = format!("{whole}.{beside:0width$}", width = fraction.len());
                prop_assume!(!number.ends_with('0'));
                prop_assert!(!is_best(number.as_bytes()) || is_canonical(&number), "{number}");
                prop_assert_eq!(parse(number.as_bytes()).map(f64::to_bits), number.parse().ok().map(f64::to_bits));
            }
        }

        #[test]
        fn hardly_any_number_of_a_canvas_takes_the_long_way(values in prop::collection::vec(-1e5..1e5, 100)) {
            let best = values.iter().filter(|value: &&f64| {
                is_best(ryu_js::Buffer::new().format(**value).as_bytes())
            });
            prop_assert!(best.count() > 90);
        }
    }

    #[test]
    fn cv5_what_is_shortest_is_best_and_nothing_else() {
        for (number, expected) in [
            ("318.48497350352034", true),
            ("0.30000000000000004", true),
            ("0.30000000000000005", false),
            ("0.1234567890123456", true),
            ("9007199254740992", true),
            ("9007199254740993", false),
            ("1e21", false),
        ] {
            assert_eq!(is_best(number.as_bytes()), expected, "{number}");
        }
    }
}
