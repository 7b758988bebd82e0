//! A set of a policy's deliveries, by their numbers.

/// Deliveries by number. The first 64 need no memory of their own: few policies have more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::policy) struct DeliverySet {
    first: u64,
    rest: Vec<u64>,
}

impl DeliverySet {
    /// Puts a number in.
    pub(in crate::policy) fn insert(&mut self, number: usize) {
        let (word, bit) = place(number);
        match word.checked_sub(1) {
            None => self.first |= bit,
            Some(word) => {
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                self.rest.get_mut(word).into_iter().for_each(|bits| *bits |= bit);
            }
        }
    }

    /// Whether a number is in it.
    pub(in crate::policy) fn contains(&self, number: usize) -> bool {
        let (word, bit) = place(number);
        let bits = match word.checked_sub(1) {
            None => self.first,
            Some(word) => self.rest.get(word).copied().unwrap_or_default(),
        };
        bits & bit != 0
    }

    /// Puts in all that another one holds.
    pub(in crate::policy) fn take_in(&mut self, other: &Self) {
        self.first |= other.first;
        if self.rest.len() < other.rest.len() {
            self.rest.resize(other.rest.len(), 0);
        }
        self.rest.iter_mut().zip(&other.rest).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Whether there's a number that both hold.
    pub(in crate::policy) fn meets(&self, other: &Self) -> bool {
        self.first & other.first != 0 || self.rest.iter().zip(&other.rest).any(|(mine, theirs)| mine & theirs != 0)
    }

    /// Whether the other holds all that this one does.
    pub(in crate::policy) fn is_within(&self, other: &Self) -> bool {
        let theirs = other.rest.iter().copied().chain(std::iter::repeat(0));
        self.first & !other.first == 0 && self.rest.iter().zip(theirs).all(|(mine, theirs)| mine & !theirs == 0)
    }
}

fn place(number: usize) -> (usize, u64) {
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(numbers: &BTreeSet<usize>) -> DeliverySet {
        let mut set = DeliverySet::default();
        for &number in numbers {
            set.insert(number);
        }
        set
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            one in proptest::collection::btree_set(0_usize..300, 0..20),
            other in proptest::collection::btree_set(0_usize..300, 0..20),
        ) {
            let (a, b) = (set(&one), set(&other));
            let mut both = a.clone();
            both.take_in(&b);
            for number in 0..320 {
                prop_assert_eq!(a.contains(number), one.contains(&number));
                prop_assert_eq!(both.contains(number), one.contains(&number) || other.contains(&number));
            }
            prop_assert_eq!(a.is_within(&b), one.is_subset(&other));
            prop_assert_eq!(a.meets(&b), !one.is_disjoint(&other));
            prop_assert!(a.is_within(&both) && b.is_within(&both));
        }
    }
}
