//! Fault rules from outside: installed over the admin listener's HTTP, and seen by clients of every protocol.
//!
//! What a wall clock that is set anew does cannot be tried from outside without setting this machine's: the unit tests of the
//! rule set show that nothing is decided by it.

pub(crate) mod admin;
pub(crate) mod ask;
mod bounds;
mod chance;
mod connections;
mod contract;
pub(crate) mod dns;
pub(crate) mod http1;
mod http2;
mod life;
mod logged;
mod matching;
mod precedence;
mod processing;
mod protocols;
mod shims;
mod spared;
mod streams;
mod switch;
mod withheld;
