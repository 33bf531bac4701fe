//! Mixing: makes of a hash another one whose low bits depend on all bits of the first.
//!
//! A bucket is `hash mod size`. For a size that is a power of two those are the low bits of the hash, and where the hashes of
//! many keys agree in their low bits, the keys share a bucket. Python's hash of an int is the int, and that of a float with
//! few digits is a number with many zeros: `i << 32`, `i / 1024` and all multiples of a power of two are such keys.
//!
//! Different hashes remain different, and equal ones equal. So mixing does not help against keys that were made to have the
//! same hash.

/// The fractional part of the golden ratio in 64 bits, made odd: a number without any pattern in its bits.
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash, mixed.
///
/// A multiplication carries what is in the low bits of a number up to the high ones. A shift by half its width brings what
/// is in the upper half down to the lower, and turning the bytes around brings the highest byte down to the lowest. By
/// turns they bring each bit to all others. Each step can be undone (the multiplier is odd), which is why no two hashes
/// become one.
#[inline(always)]
pub fn mix(hash: i64) -> i64 {
    let mut bits = hash as u64;
    bits ^= bits >> 32;
    bits = bits.wrapping_mul(MULTIPLIER).swap_bytes().wrapping_mul(MULTIPLIER);
    bits ^= bits >> 32;
    bits as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pairs a lookup visits on average, of 4096 keys in 8192 buckets, where `hash_of(i)` is the hash of the ith.
    fn mean_probes(hash_of: impl Fn(i64) -> i64) -> f64 {
        let mut chains = vec![0; 8192];
        (0..4096).for_each(|i| chains[hash_of(i) as usize & 8191] += 1);
        chains.into_iter().map(|length| length * (length + 1) / 2).sum::<usize>() as f64 / 4096.0
    }

    #[test]
    fn low_bits_depend_on_all_bits() {
        // By chance it is 1 + 0.5 / 2; a tenth more is beyond what chance does to so many keys.
        let by_chance = |probes: f64| (1.15..1.35).contains(&probes);
        for shift in 0..=50 {
            let clustered = |i: i64| (i + 1) << shift;
            assert_eq!(shift > 4, mean_probes(clustered) > 8.0, "shifted by {shift}, not mixed: the low bits agree");
            for (what, hash_of) in [
                ("as it is", &clustered as &dyn Fn(i64) -> i64),
                ("below zero", &|i| -clustered(i)),
                ("with low bits set", &|i| (i + 1) << shift.max(7) | 0x55),
            ] {
                let probes = mean_probes(|i| mix(hash_of(i)));
                assert!(by_chance(probes), "shifted by {shift}, {what}: {probes}");
            }
        }
    }

    #[test]
    fn it_can_be_undone() {
        // The inverse of an odd number modulo a power of two, by Newton's method: each step doubles the bits that are right.
        let inverse = (0..6).fold(1_u64, |x, _| x.wrapping_mul(2_u64.wrapping_sub(MULTIPLIER.wrapping_mul(x))));
        assert_eq!(MULTIPLIER.wrapping_mul(inverse), 1);
        let half = |bits: u64| bits ^ bits >> 32;
        let undo = |bits: u64| half(half(bits).wrapping_mul(inverse).swap_bytes().wrapping_mul(inverse));
        for hash in [0, 1, -1, i64::MIN, i64::MAX, 1 << 32, 12_345_678_901] {
            assert_eq!(undo(mix(hash) as u64), hash as u64);
        }
    }
}
