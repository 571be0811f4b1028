//! The read buffer that the connections of a thread share: an idle connection has none of its own.

use std::cell::RefCell;

/// Its size; the largest datagram fits.
const READ_BUFFER_BYTES: usize = 64 * 1024;

thread_local! {
    pub(super) static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BUFFER_BYTES]);
}
