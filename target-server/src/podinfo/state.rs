//! The endpoints that keep something, sign something or describe the rest: store, cache, tokens, WebSocket, Swagger.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use shared::route::Route;

use super::cache::{self, Cache};
use super::store::Store;
use super::swagger::Swagger;
use super::token::{self, Tokens};
use super::{Asked, Plain, ws};

/// What these endpoints hold for the life of a target.
pub(crate) struct State {
    store: Store,
    cache: Option<Arc<Cache>>,
    tokens: Arc<Tokens>,
    swagger: Swagger,
}

impl State {
    /// `data_path` is where bodies are kept, `prefix` what stands in front of every path: empty or
    /// `/` for none, or `/` and a name. The tokens are gRPC's too, and whoever made the cache also runs [`Cache::watch`].
    pub(crate) fn new(data_path: PathBuf, cache: Option<Arc<Cache>>, tokens: Arc<Tokens>, prefix: &str) -> State {
        State { store: Store::new(data_path), cache, tokens, swagger: Swagger::new(prefix) }
    }

    /// What one of these routes answers. Others are 404: their answers are elsewhere.
    pub(super) async fn answer(&self, asked: Asked<'_>) -> Plain {
        match asked.route {
            Route::Store => self.store.write(asked.body).await,
            Route::StoreHash => self.store.read(below(asked.path, "/store/")).await,
            Route::Cache => match &self.cache {
                Some(cache) => cache.answer(asked.method, below(asked.path, "/cache/"), &asked.body).await,
                None => cache::offline(),
            },
            Route::Token => token::issue(&self.tokens, &asked.body, SystemTime::now()),
            Route::TokenValidate => token::validate(&self.tokens, asked.headers, SystemTime::now()),
            Route::WsEcho => ws::not_upgraded(asked.method, asked.headers),
            Route::Swagger | Route::SwaggerJson => self.swagger.answer(asked.route, asked.path),
            _ => Plain::empty(StatusCode::NOT_FOUND),
        }
    }
}

/// The segment that the route has left open.
fn below<'a>(path: &'a str, start: &str) -> &'a str {
    path.strip_prefix(start).unwrap_or_default()
}

#[cfg(test)]
mod tests;
