//! The gRPC services that both sides speak: messages, server traits and clients of every package in `shared/proto`.
//!
//! A package is a module: `grpc.testing` is [`grpc::testing`], `cload.v1` is [`cload::v1`]. Packages of one word
//! ([`echo`], [`status`] and the like) are podinfo's, whose clients fix their names. The code is written by a
//! generator and committed, so that a build needs neither `protoc` nor a build script. A further `.proto` file is added
//! by dropping it into the folder of its package below `shared/proto` and running `make proto`; a test compares the two.
//! Nothing here opens a connection: clients take any `tonic` channel, servers are given to any router.

#[expect(clippy::allow_attributes_without_reason, reason = "the generator gives none")]
mod generated;

pub use generated::*;

/// Every file of `shared/proto` and all they import, as an encoded `google.protobuf.FileDescriptorSet` without
/// comments: what server reflection answers from, and what a message in JSON is turned into bytes by.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("proto/generated/descriptors.bin");
