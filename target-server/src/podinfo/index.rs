//! `/` and `/api/info`: who answers, for programs and for people.
//!
//! What people get is the page of `page`, or the operator's own.

mod accept;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, USER_AGENT, VARY};
use shared::outcome::ServerError;

use super::info::{Info, Ui};
use super::{Plain, json};
use crate::page::Page;

const HTML: &str = "text/html; charset=utf-8";
/// The operator's own page, by whichever of these names is there; the second is podinfo's.
const PAGE_NAMES: [&str; 2] = ["index.html", "vue.html"];
/// The largest page of an operator: it is read whole at every request.
const PAGE_MAX_BYTES: u64 = 1 << 20;

/// Who answers.
pub(super) struct Index {
    info: Info,
    /// Nothing if the page built in is served.
    own: Option<Own>,
}

/// An operator's page, and what its placeholders stand for.
#[derive(Clone)]
struct Own {
    folder: PathBuf,
    filling: [(&'static str, String); 3],
}

impl Index {
    pub(super) fn new(ui: &Ui, ui_path: Option<PathBuf>, prefix: &str) -> Index {
        let info = Info::new(ui);
        let own = ui_path.map(|folder| Own::new(folder, &info, prefix));
        Index { info, own }
    }

    /// `/api/info`: as it is now.
    pub(super) fn info(&self) -> Plain {
        Plain::json(StatusCode::OK, &self.info.now())
    }

    /// `/`: the page for browsers, the same as `/api/info` for anybody else.
    pub(super) async fn answer(&self, headers: &HeaderMap, page: &Page) -> Plain {
        let answer = match &self.own {
            _ if !wants_page(headers) => self.info(),
            None => page.document(headers),
            Some(own) => own.page().await,
        };
        answer.with(VARY, HeaderValue::from_static("accept, user-agent"))
    }
}

/// Whether a browser asks, by podinfo's sign, or whoever says that it would rather have HTML.
fn wants_page(headers: &HeaderMap) -> bool {
    let is_browser = headers.get(USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla"));
    is_browser || accept::prefers_html(headers)
}

impl Own {
    /// podinfo's page is a template of Go's, with these three; what is filled in is escaped for the place where podinfo
    /// has it: text and attributes for two, a script for the prefix.
    fn new(folder: PathBuf, info: &Info, prefix: &str) -> Own {
        let prefix = json::text(&prefix.trim_end_matches('/'));
        Own { folder, filling: [("Title", html(&info.hostname)), ("Logo", html(&info.logo)), ("Prefix", prefix)] }
    }

    /// The page in the folder, or 500 with podinfo's text: the path and right behind it what is wrong.
    async fn page(&self) -> Plain {
        let own = self.clone();
        match tokio::task::spawn_blocking(move || own.read())
            .await
            .unwrap_or_else(|_| Err("reading it panicked".to_owned()))
        {
            // Its scripts and sources are the operator's business: no policy.
            Ok(page) => Plain::of(StatusCode::OK, HTML, page),
            Err(reason) => {
                let answer = Plain::of(StatusCode::INTERNAL_SERVER_ERROR, "text/plain; charset=utf-8", reason);
                Plain { error: Some(ServerError::Internal), ..answer }
            }
        }
    }

    fn read(&self) -> Result<String, String> {
        // A pipe of that name would never end.
        let page = PAGE_NAMES.map(|name| self.folder.join(name)).into_iter().find(|page| page.is_file());
        let page = page.unwrap_or_else(|| self.folder.join(PAGE_NAMES[0]));
        let text = read_page(&page).map_err(|error| format!("{}{error}", page.display()))?;
        Ok(self.filling.iter().fold(text, |text, (name, value)| {
            text.replace(&format!("{{{{.{name}}}}}"), value).replace(&format!("{{{{ .{name} }}}}"), value)
        }))
    }
}

/// As the text of an element or of a quoted attribute.
fn html(text: &str) -> String {
    let escapes = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;")];
    escapes.iter().fold(text.to_owned(), |text, (c, escape)| text.replace(*c, escape))
}

fn read_page(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let mut page = Vec::new();
    file.take(PAGE_MAX_BYTES + 1).read_to_end(&mut page)?;
    if page.len() as u64 > PAGE_MAX_BYTES {
        return Err(io::Error::other("larger than 1 MiB"));
    }
    String::from_utf8(page).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
