//! The packages below this name, written from shared/proto by `make proto`: change that, not this.

pub mod testing;
