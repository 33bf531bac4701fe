//! The library's own default hash, deliberately poor: an int is itself, a float is its floor, a text is its length.
//!
//! It is part of the story: a table filled with it shows at a glance what a hash function is for. See how long the
//! chains get.

/// An integer is its own hash.
pub fn of_int(value: i64) -> i64 {
    value
}

/// A float's hash is its floor; None if the floor does not fit 64 bits or there is none (infinities, nan).
pub fn of_float(value: f64) -> Option<i64> {
    let floor = value.floor();
    // Both bounds are powers of two and so exact as floats; the upper one is itself one too large.
    let fits = floor >= i64::MIN as f64 && floor < -(i64::MIN as f64);
    fits.then_some(floor as i64)
}

/// A text's hash is its number of characters, which the caller has counted.
pub fn of_text_length(characters: usize) -> i64 {
    characters as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_its_floor() {
        assert_eq!(of_float(2.9), Some(2));
        assert_eq!(of_float(-0.5), Some(-1));
        assert_eq!(of_float(-0.0), Some(0));
    }

    #[test]
    fn a_floor_beyond_64_bits_is_none() {
        assert_eq!(of_float(9_223_372_036_854_775_808.0), None);
        assert_eq!(of_float(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        assert_eq!(of_float(f64::NAN), None);
        assert_eq!(of_float(f64::INFINITY), None);
        assert_eq!(of_float(f64::NEG_INFINITY), None);
    }

    #[test]
    fn ints_and_texts_need_no_work() {
        assert_eq!(of_int(-7), -7);
        assert_eq!(of_text_length(5), 5);
    }
}
