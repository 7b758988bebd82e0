//! Figures of many samples.

use std::time::Duration;

/// The sample that `percent` of all don't exceed. Sorts them.
pub(crate) fn rank(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    let at = samples.len().saturating_mul(percent) / 100;
    samples.get(at.min(samples.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// The middle one.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// With two digits behind the point, or three for what's small.
pub(crate) fn round(number: f64) -> f64 {
    let scale = if number.abs() < 10.0 { 1000.0 } else { 100.0 };
    (number * scale).round() / scale
}

/// A count as a number to reckon with.
pub(crate) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn mib(kib: u64) -> f64 {
    u32::try_from(kib).map_or(f64::INFINITY, f64::from) / 1024.0
}
