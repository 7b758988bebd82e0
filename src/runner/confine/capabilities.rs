//! What even root can't do.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, clear_ambient_capability_set, remove_capability_from_bounding_set};

/// What root keeps: to use the files that it's given whoever owns them. Which files those are, Landlock says.
const KEPT: CapabilitySet = CapabilitySet::CHOWN.union(CapabilitySet::DAC_OVERRIDE).union(CapabilitySet::FOWNER);

/// Takes all other capabilities from whatever this thread executes; says whether there were any.
///
/// Without it, a program of root's could read the memory of processes that keep others out.
pub(super) fn drop_most() -> Result<bool, Errno> {
    // Only root gets capabilities by executing a plain file; everybody else only keeps the ambient ones.
    match clear_ambient_capability_set() {
        // Kernels before 4.3 have none.
        Ok(()) | Err(Errno::INVAL) => {}
        Err(error) => return Err(error),
    }
    if !rustix::process::geteuid().is_root() {
        return Ok(false);
    }
    for capability in CapabilitySet::all().difference(KEPT).iter() {
        match remove_capability_from_bounding_set(capability) {
            // There's none of it, or this kernel doesn't know it.
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
