//! What `http`, `tcp` and `udp` operations say.

use serde_saphyr::Spanned;

use crate::scenario::Text;
use crate::scenario::keys::{Shape, written};
use crate::scenario::shape::{OneOrMany, WrittenHeaders, headers, present};

written! {
    /// What an `http` operation sends and expects.
    pub struct WrittenHttp {
        with "present" {
            /// 1.1 or 2. By default 1.1.
            version: Option<Text> = Shape::Named("httpVersion");
            /// true: for servers that are not ours; nothing but the request itself is sent. By default false.
            plain: Option<Text> = Shape::Named("switch");
            /// Path and query. By default /.
            path: Option<Text> = Shape::Named("path");
            /// By default GET, with a body POST.
            method: Option<Text> = Shape::OneOf(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
            /// The content, as text.
            body: Option<Text> = Shape::Named("scalar");
            /// The length of generated content, instead of body.
            body_size: Option<Text> = Shape::Named("size");
            /// What is asked of the target, in the fault language: delay=20ms&status=503:5.
            fault: Option<Text> = Shape::Named("fault");
            /// Where the fault travels. By default in a header.
            carrier: Option<Text> = Shape::OneOf(&["header", "query"]);
            /// What makes an answer right, where it is not what was asked for.
            expect: Option<Spanned<WrittenExpect>> = Shape::Keys("expect", WrittenExpect::keys);
        }
        with "headers" {
            /// Further header fields, in this order.
            headers: WrittenHeaders = Shape::Named("fields");
        }
    }
}

written! {
    /// What a `tcp` or `udp` operation sends and expects.
    pub struct WrittenEcho {
        with "present" {
            /// Bytes of payload. By default 64.
            size: Option<Text> = Shape::Named("size");
            /// The payload as text, instead of size.
            body: Option<Text> = Shape::Named("scalar");
            /// true: for servers that are not ours; nothing but the request itself is sent. By default false.
            plain: Option<Text> = Shape::Named("switch");
            /// What is asked of the target, in the fault language: delay=20ms&status=503:5.
            fault: Option<Text> = Shape::Named("fault");
            /// What makes an answer right, where it is not what was asked for.
            expect: Option<Spanned<WrittenExpect>> = Shape::Keys("expect", WrittenExpect::keys);
        }
    }
}

written! {
    /// What makes an answer right.
    pub struct WrittenExpect {
        with "present" {
            /// Statuses that are right: one or a list. By default what was asked for.
            status: Option<Spanned<OneOrMany>> = Shape::Named("oneOrMany");
            /// Bytes of content, or any.
            size: Option<Text> = Shape::Named("scalar");
            /// Whether the content is compared, byte by byte.
            content: Option<Text> = Shape::OneOf(&["verified", "any"]);
            /// Whether the answer must repeat the request's id.
            id: Option<Text> = Shape::OneOf(&["required", "any"]);
        }
    }
}
