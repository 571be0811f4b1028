//! The packages below this name, written from shared/proto by `make proto`: change that, not this.

pub mod cload;
pub mod delay;
pub mod echo;
pub mod env;
pub mod grpc;
pub mod header;
pub mod info;
pub mod panic;
pub mod status;
pub mod token;
pub mod version;
