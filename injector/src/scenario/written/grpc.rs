//! What `grpc` operations say.

use serde_saphyr::Spanned;

use crate::scenario::keys::{Shape, written};
use crate::scenario::shape::{OneOrMany, WrittenHeaders, headers, present};
use crate::scenario::{Json, Text};

written! {
    /// What a `grpc` operation sends and expects.
    pub struct WrittenGrpc {
        with "present" {
            /// package.Service/Method. By default cload.v1.Target/Unary.
            method: Option<Text> = Shape::Named("grpcMethod");
            /// The message, by protobuf's JSON mapping.
            message: Option<Json> = Shape::Named("json");
            /// A list of messages, where the client streams.
            messages: Option<Spanned<Vec<Json>>> = Shape::Many("json");
            /// One message with so many bytes of payload, instead of message.
            size: Option<Text> = Shape::Named("size");
            /// What is asked of the target, in the fault language: delay=20ms&status=503:5.
            fault: Option<Text> = Shape::Named("fault");
            /// After which time the call is over on both sides.
            deadline: Option<Text> = Shape::Named("duration");
            /// Whether the server is asked what the method looks like. By default only if it is not built in.
            reflection: Option<Text> = Shape::Named("switch");
            /// What makes an answer right, where it is not what was asked for.
            expect: Option<Spanned<WrittenGrpcExpect>> = Shape::Keys("grpcExpect", WrittenGrpcExpect::keys);
        }
        with "headers" {
            /// Keys and values to send; the value of a -bin key is base64.
            metadata: WrittenHeaders = Shape::Named("fields");
        }
    }
}

written! {
    /// What makes a gRPC answer right.
    pub struct WrittenGrpcExpect {
        with "present" {
            /// Statuses that are right: names or numbers, one or a list.
            status: Option<Spanned<OneOrMany>> = Shape::Named("oneOrMany");
            /// How many messages the answer has.
            messages: Option<Text> = Shape::Named("whole");
            /// Fields that each message must hold.
            message: Option<Json> = Shape::Named("json");
            /// Whether the content is compared, byte by byte.
            content: Option<Text> = Shape::OneOf(&["verified", "any"]);
            /// Whether the answer must repeat the request's id.
            id: Option<Text> = Shape::OneOf(&["required", "any"]);
        }
    }
}
