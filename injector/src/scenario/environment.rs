//! `${VARIABLE}` in values: replaced by what the environment says, after the file was parsed.
//!
//! A value stays one value, whatever a variable holds: it is never read as YAML again, so that nobody who sets a variable can add
//! a key. Places stay those of the file. Who reads the environment is `cli`; here it comes in as a function.

/// What a variable holds, if it is set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Longest value with its variables in it, in bytes: as a whole file.
const VALUE_MAX_BYTES: usize = super::FILE_MAX_BYTES;

/// The text with its variables replaced; nothing if it has none.
///
/// # Errors
/// A lowercase fragment: which one, and what would be accepted.
pub(super) fn substituted(text: &str, environment: Environment<'_>) -> Result<Option<String>, String> {
    if !text.contains('$') {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        rest = match behind.chars().next() {
            Some('$') => {
                out.push('$');
                &behind[1..]
            }
            Some('{') => {
                let (inside, behind) = behind[1..]
                    .split_once('}')
                    .ok_or_else(|| format!("\"${behind}\" has no }}; write ${{NAME}}, or $$ for a dollar"))?;
                out.push_str(&value(inside, environment)?);
                behind
            }
            // The shell would take it for a variable, and so may have who wrote it.
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name: String = behind.chars().take_while(|&c| is_of_name(c)).collect();
                return Err(format!("\"${name}\" is no variable here; write ${{{name}}}, or $${name} for a dollar"));
            }
            _ => {
                out.push('$');
                behind
            }
        };
    }
    out.push_str(rest);
    match out.len() > VALUE_MAX_BYTES {
        true => Err(format!("longer than {VALUE_MAX_BYTES} bytes with its variables")),
        false => Ok(Some(out)),
    }
}

/// What stands between the braces, replaced.
fn value(inside: &str, environment: Environment<'_>) -> Result<String, String> {
    let name: String = inside.chars().take_while(|&c| is_of_name(c)).collect();
    let default = match &inside[name.len()..] {
        "" => None,
        rest => Some(rest.strip_prefix(":-").ok_or_else(|| no_variable(inside))?),
    };
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(no_variable(inside));
    }
    match (environment(&name), default) {
        (Some(value), None) => Ok(value),
        // As in a shell, what is set to nothing has the default too.
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!(
            "the environment variable {name} is not set; set it, or write ${{{name}:-default}} for what holds without it"
        )),
    }
}

fn no_variable(inside: &str) -> String {
    format!("\"${{{inside}}}\" is no variable; expected ${{NAME}} or ${{NAME:-default}}, NAME of letters, digits and _")
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests;
