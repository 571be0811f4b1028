//! HTTP/2 and gRPC: many requests share a connection, and a fault of the connection is not one request's alone.

use super::super::expr::Expr;
use super::super::{Dialect, Key};
use super::Check;

impl Check<'_> {
    pub(super) fn streams(&mut self) {
        let shared = matches!(self.dialect, Dialect::Http2 | Dialect::Grpc);
        if !shared || self.fault.single(Key::AllowConn) == Some(&Expr::Switch(true)) {
            return;
        }
        let hit = self.kinds().find(|kind| kind.hits_connection());
        if let Some(kind) = hit {
            let reason = format!("{} hits every other request on its connection", kind.as_str());
            self.conflict(Key::Fault, reason, "allow_conn=1 beside it, or a fault of the stream such as h2rst(CODE)");
        }
    }
}
