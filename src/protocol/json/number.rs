//! Numbers: the grammar, and the one form that `JSON.stringify` gives each.

use super::decimal;

/// Up to this many significant digits a decimal is the shortest that names its double.
const SHORTEST_DIGITS: usize = 15;

/// Zeros behind the point from which on `JSON.stringify` uses an exponent.
const EXPONENT_ZEROS: usize = 6;

/// The length of the number at the start of `text`, and whether it is canonical; none when there is none.
pub(super) fn scan(text: &[u8]) -> Option<(usize, bool)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let integer = digits(text, start);
    if integer == 0 || (integer > 1 && text.get(start) == Some(&b'0')) {
        return None;
    }
    let mut end = start + integer;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(text, end + 1);
        if fraction == 0 {
            return None;
        }
        end += 1 + fraction;
    }
    let mut exponent = false;
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let length = digits(text, end + 1 + sign);
        if length == 0 {
            return None;
        }
        exponent = true;
        end += 1 + sign + length;
    }
    let number = text.get(..end)?;
    let plain = !exponent && integer + fraction <= SHORTEST_DIGITS;
    let canonical = if plain {
        is_shortest(number, negative, fraction)
    } else {
        let is_short = fraction > 0 && is_shortest(number, negative, fraction);
        (is_short && decimal::is_best(number)) || is_as_written(number)
    };
    Some((end, canonical))
}

/// A canonical number of few digits and without exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usual {
    pub(super) negative: bool,
    /// How many digits it has before the point, and behind it.
    pub(super) integer: usize,
    pub(super) fraction: usize,
    pub(super) length: usize,
}

/// The number at the start of `text`, if it is a usual one.
#[inline]
pub(super) fn usual(text: &[u8]) -> Option<Usual> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let integer = digits(text, start);
    let point = start + integer;
    let is_below_one = text.get(start) == Some(&b'0');
    if text.get(point) != Some(&b'.') {
        let is_zero = is_below_one && (integer > 1 || negative);
        let is_usual = (1..=SHORTEST_DIGITS).contains(&integer) && !is_zero;
        let usual = Usual { negative, integer, fraction: 0, length: point };
        return (is_usual && !is_exponent(text, point)).then_some(usual);
    }
    let fraction = digits(text, point + 1);
    let length = point + 1 + fraction;
    let is_usual = integer > 0
        && fraction > 0
        && integer + fraction <= SHORTEST_DIGITS
        && text.get(length - 1) != Some(&b'0')
        && !is_exponent(text, length)
        && (!is_below_one
            || (integer == 1 && !text.get(point + 1..)?.starts_with(&[b'0'; EXPONENT_ZEROS])));
    is_usual.then_some(Usual { negative, integer, fraction, length })
}

/// The length of the number at the start of `text`, if that is a usual one of the shortest: as most are, and told in a few steps.
#[inline]
pub(super) fn short(text: &[u8]) -> Option<usize> {
    let (integer, first, _, end) = short_run(text)?;
    if first == b'0' {
        return None;
    }
    if end != b'.' {
        return (end != b'e' && end != b'E').then_some(integer);
    }
    let (fraction, _, last, end) = short_run(text.get(integer + 1..)?)?;
    (last != b'0' && end != b'e' && end != b'E').then_some(integer + 1 + fraction)
}

/// A run of one to seven digits: how many, the first and the last of them, and the byte behind it.
#[inline]
fn short_run(text: &[u8]) -> Option<(usize, u8, u8, u8)> {
    let bytes = *text.first_chunk::<8>()?;
    let others = others(u64::from_le_bytes(bytes));
    let length = usize::try_from(others.trailing_zeros() / 8).ok()?;
    let [first, ..] = bytes;
    Some((length, first, *bytes.get(length.checked_sub(1)?)?, *bytes.get(length)?))
}

fn is_exponent(text: &[u8], at: usize) -> bool {
    matches!(text.get(at), Some(b'e' | b'E'))
}

/// Appends the canonical form of a number; beyond a double's range that is `null` (CV5).
pub(super) fn write(number: &[u8], out: &mut Vec<u8>) {
    let value: f64 = std::str::from_utf8(number)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::INFINITY);
    if value.is_finite() {
        out.extend_from_slice(ryu_js::Buffer::new().format(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// How many digits there are from `start` on.
#[inline]
fn digits(text: &[u8], start: usize) -> usize {
    let text = text.get(start..).unwrap_or_default();
    match text.first_chunk::<8>().map(|word| others(u64::from_le_bytes(*word))) {
        Some(others @ 1..) => usize::try_from(others.trailing_zeros() / 8).unwrap_or_default(),
        _ => many_digits(text),
    }
}

#[cold]
fn many_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Sets the highest bit of bytes that are no digits. The lowest bit set is exact; above it there may be others that are wrong.
#[inline]
fn others(word: u64) -> u64 {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    /// What makes ten, and what is above, overflow into the highest bit.
    const ABOVE_NINE: u64 = u64::from_le_bytes([0x80 - 10; 8]);
    let digits = word ^ ZEROS;
    (digits.wrapping_add(ABOVE_NINE) | digits) & HIGH
}

/// For numbers of few digits without exponent: canonical is what has no zeros to drop and is large enough.
fn is_shortest(number: &[u8], negative: bool, fraction: usize) -> bool {
    if fraction == 0 {
        return !(negative && number == b"-0");
    }
    if number.last() == Some(&b'0') {
        return false;
    }
    let (integer, decimals) = number.split_at_checked(number.len() - fraction).unwrap_or_default();
    let below_one = matches!(integer, b"0." | b"-0.");
    !below_one || decimals.iter().take_while(|byte| **byte == b'0').count() < EXPONENT_ZEROS
}

fn is_as_written(number: &[u8]) -> bool {
    let mut written = Vec::new();
    write(number, &mut written);
    written == number
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(number: &str) -> String {
        let mut out = Vec::new();
        write(number.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cv5_numbers_take_the_form_of_json_stringify() {
        for (number, expected) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e400", "null"),
            ("-1e400", "null"),
            ("1E2", "100"),
            ("0.0000001", "1e-7"),
            ("0.000001", "0.000001"),
            ("1e21", "1e+21"),
            ("123456789012345678901", "123456789012345680000"),
            ("0.10", "0.1"),
            ("1e-400", "0"),
            ("5e-324", "5e-324"),
            ("9007199254740993", "9007199254740992"),
        ] {
            assert_eq!(canonical(number), expected);
            assert_eq!(
                scan(number.as_bytes()),
                Some((number.len(), number == expected)),
                "{number}"
            );
        }
    }

    #[test]
    fn a_number_ends_where_its_grammar_does() {
        assert_eq!(scan(b"12,"), Some((2, true)));
        assert_eq!(scan(b"1.5]"), Some((3, true)));
        assert_eq!(scan(b"1e5}"), Some((3, false)));
        for text in [&b"-"[..], b"01", b"1.", b"1.e5", b"1e", b"1e+", b"-01", b".5", b""] {
            assert_eq!(scan(text), None);
        }
    }

    proptest! {
        #[test]
        fn cv5_the_short_cut_agrees_with_the_long_way(number in "-?(0|[1-9][0-9]{0,9})(\\.[0-9]{1,9})?") {
            let canonical = is_as_written(number.as_bytes());
            prop_assert_eq!(scan(number.as_bytes()), Some((number.len(), canonical)));
        }

        #[test]
        fn cv5_a_usual_number_is_canonical(
            number in "-?(0|[0-9]{1,17})(\\.(0{0,7})[0-9]{0,9})?([eE][+-]?[0-9]{0,2})?",
            behind in "[,}\\]a]?",
        ) {
            let text = format!("{number}{behind}");
            if let Some(usual) = usual(text.as_bytes()) {
                prop_assert_eq!(scan(text.as_bytes()), Some((usual.length, true)));
            }
        }
    }
}
