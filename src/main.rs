//! The opward binary.
fn main() {}
