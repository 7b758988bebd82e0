//! The heap: wiped when freed, given back when asked.

/// An allocator that wipes every block when it's freed, growth included.
///
/// The binary puts it in front of the system's:
/// `#[global_allocator] static HEAP: WipingAllocator<System> = WipingAllocator(System);`
pub use zeroizing_alloc::ZeroAlloc as WipingAllocator;

/// Gives freed heap back to the system, where the C library can.
///
/// Worth calling after something large was read and dropped, such as a whole vault: the heap keeps
/// freed pages otherwise, and they count as resident. It takes a fraction of a millisecond to a few
/// milliseconds, so not on the way of a request.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> std::ffi::c_int;
        }
        // SAFETY: glibc's `malloc_trim` takes a number of bytes to keep, touches free memory only,
        // takes the heap's own locks, and may be called at any time from any thread.
        unsafe {
            malloc_trim(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Counts the bytes that weren't zero when a block came back.
    struct Inspector(AtomicUsize);

    // SAFETY: every call is passed on to the system's allocator as it came; the block is read while
    // it's still allocated, and its bytes were all written by the tests below.
    unsafe impl GlobalAlloc for &Inspector {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: the caller keeps the contract of `alloc`.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the block is allocated with this layout and initialised.
            let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
            self.0.fetch_add(bytes.iter().filter(|byte| **byte != 0).count(), Ordering::Relaxed);
            // SAFETY: the caller keeps the contract of `dealloc`.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[test]
    fn a_block_is_wiped_before_it_is_freed() {
        let inspector = Inspector(AtomicUsize::new(0));
        let heap = WipingAllocator(&inspector);
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: the block has the layout's size, and is freed once with the layout it came with.
        unsafe {
            let block = heap.alloc(layout);
            block.write_bytes(0xAA, 100);
            heap.dealloc(block, layout);
        }
        assert_eq!(inspector.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn growing_a_block_wipes_the_one_left_behind() {
        let inspector = Inspector(AtomicUsize::new(0));
        let heap = WipingAllocator(&inspector);
        let layout = Layout::from_size_align(64, 8).unwrap();
        let grown = Layout::from_size_align(256, 8).unwrap();
        // SAFETY: as above; after `realloc` only the new block is used, with the new size.
        unsafe {
            let block = heap.alloc(layout);
            block.write_bytes(0xAA, 64);
            let block = heap.realloc(block, layout, 256);
            assert_eq!(block.read(), 0xAA);
            block.write_bytes(0xAA, 256);
            heap.dealloc(block, grown);
        }
        assert_eq!(inspector.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn trimming_leaves_what_is_in_use() {
        let kept = vec![7_u8; 1 << 20];
        drop(vec![1_u8; 1 << 20]);
        trim();
        assert!(kept.iter().all(|byte| *byte == 7));
    }
}
