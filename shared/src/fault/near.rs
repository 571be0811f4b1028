//! The word that a misspelling most likely meant.

/// Longer words are no misspelling of ours, and the distance below is quadratic.
const WORD_MAX_BYTES: usize = 32;

/// The one of `words`, in lower case with underscores, that takes the fewest edits: at most a third of the length of `text`
/// (at least one).
pub fn nearest_word<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > WORD_MAX_BYTES {
        return None;
    }
    let text = text.to_ascii_lowercase().replace('-', "_");
    let (distance, best) =
        words.map(|word| (edits(word.as_bytes(), text.as_bytes()), word)).min_by_key(|(distance, _)| *distance)?;
    // A word of which nothing remains is another word.
    (distance <= (text.len() / 3).max(1) && distance < text.len()).then_some(best)
}

/// Levenshtein's distance, one row at a time.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
