//! Who has a value: by what was given out in this process, and what was brought in.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::prints::Mac;
use crate::model::PrincipalName;

/// So many are remembered at least; twice as many at most.
const REMEMBERED: usize = 8192;

/// Principals and the pieces of values they have. The oldest are forgotten when there are too many.
#[derive(Debug, Default)]
pub(in crate::custody) struct Holders(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    now: HashSet<(PrincipalName, Mac)>,
    before: HashSet<(PrincipalName, Mac)>,
}

impl Holders {
    /// Notes that somebody has these.
    pub(in crate::custody) fn note(&self, who: &PrincipalName, macs: &[Mac]) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for mac in macs {
            remembered.insert((who.clone(), *mac));
        }
    }

    /// Whether somebody has one.
    pub(in crate::custody) fn has(&self, who: &PrincipalName, mac: Mac) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (who.clone(), mac);
        let is_old = remembered.before.contains(&wanted);
        let is_known = is_old || remembered.now.contains(&wanted);
        if is_old {
            remembered.insert(wanted);
        }
        is_known
    }
}

impl Remembered {
    fn insert(&mut self, one: (PrincipalName, Mac)) {
        if self.now.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.now);
        }
        self.now.insert(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(number: usize) -> Mac {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Mac(bytes)
    }

    #[test]
    fn each_has_what_is_theirs_and_the_number_is_bounded() {
        let (ann, bob) = (PrincipalName::parse("ann").unwrap(), PrincipalName::parse("bob").unwrap());
        let holders = Holders::default();
        holders.note(&ann, &[mac(0)]);
        assert!(holders.has(&ann, mac(0)) && !holders.has(&bob, mac(0)));
        for number in 1..=3 * REMEMBERED {
            holders.note(&bob, &[mac(number)]);
            // What's made use of isn't old.
            assert!(number % 1000 != 0 || holders.has(&ann, mac(0)));
        }
        assert!(!holders.has(&bob, mac(1)) && holders.has(&bob, mac(3 * REMEMBERED)));
        let remembered = holders.0.lock().unwrap();
        assert!(remembered.now.len() + remembered.before.len() <= 2 * REMEMBERED);
    }
}
