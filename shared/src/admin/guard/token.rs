//! The token that allows changes, from a file that may change under us.
//!
//! Invariants:
//! - The token itself is not kept: only its HMAC under a key that this process drew. Comparing two of those takes the same
//!   time wherever they differ and however long the tokens are.
//! - A file that cannot be used changes nothing: the last good token stays, and one line says so.

use std::fmt;
use std::fs::{File, metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ring::hmac;
use ring::rand::SystemRandom;

/// Fewer bytes can be guessed.
const BYTES_MIN: usize = 16;
/// More do not fit every client's and proxy's header.
const BYTES_MAX: usize = 4096;
/// Largest file that is read: a token with white space around it.
const FILE_BYTES_MAX: u64 = 8192;

/// Why the file's content is no token.
#[derive(Debug, thiserror::Error)]
#[error("{flag} {}: {reason}", file.display())]
pub struct TokenError {
    /// The flag that names the file.
    pub flag: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, and what would be right. Nothing of its content.
    pub reason: String,
}

/// The token that a file holds now.
pub struct Token {
    file: PathBuf,
    key: hmac::Key,
    held: Mutex<Held>,
}

/// What is known of the file.
struct Held {
    tag: hmac::Tag,
    /// What is wrong with the file, if that was logged.
    wrong: Option<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Token {
    /// Reads the file that this flag names.
    ///
    /// # Errors
    /// If there is no usable token in it.
    pub fn load(flag: &'static str, file: &Path) -> Result<Token, TokenError> {
        let refuse = |reason: String| TokenError { flag, file: file.to_owned(), reason };
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| refuse("the system has no randomness to protect it with".to_owned()))?;
        let tag = hmac::sign(&key, &read(file).map_err(refuse)?);
        Ok(Token { file: file.to_owned(), key, held: Mutex::new(Held { tag, wrong: None }) })
    }

    /// Whether this is what the file holds now.
    ///
    /// The file is read each time: changes are rare, it is a page of memory, and a revoked token is worth nothing at once.
    /// Rejected: reading only when the modification time or inode changed, which a file system is free to repeat.
    pub fn is(&self, given: &[u8]) -> bool {
        let read = read(&self.file);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(token) => {
                let tag = hmac::sign(&self.key, &token);
                if hmac::verify(&self.key, &token, held.tag.as_ref()).is_err() {
                    tracing::info!(file = %self.file.display(), "admin token reloaded");
                }
                *held = Held { tag, wrong: None };
            }
            // Said once for each thing that can be wrong with it.
            Err(reason) if held.wrong.as_ref() == Some(&reason) => {}
            Err(reason) => {
                tracing::warn!(file = %self.file.display(), reason, "admin token not reloaded; the old one still holds");
                held.wrong = Some(reason);
            }
        }
        hmac::verify(&self.key, given, held.tag.as_ref()).is_ok()
    }
}

/// The token in a file, without the white space around it.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read: {error}");
    // Opening a pipe would wait for its writer.
    if !metadata(file).map_err(unreadable)?.is_file() {
        return Err("not a file; expected one that holds the token".to_owned());
    }
    let mut content = Vec::new();
    File::open(file).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut content)).map_err(unreadable)?;
    let token = content.trim_ascii();
    let expected = format!("expected {BYTES_MIN} to {BYTES_MAX} visible ASCII characters without spaces");
    match token.len() {
        0 => Err(format!("empty; {expected}")),
        len @ ..BYTES_MIN => Err(format!("{len} bytes can be guessed; {expected}")),
        len if len > BYTES_MAX => Err(format!("more than {BYTES_MAX} bytes; {expected}")),
        _ if !token.iter().all(u8::is_ascii_graphic) => Err(format!("characters that no header carries; {expected}")),
        _ => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests;
