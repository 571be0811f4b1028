//! The manual's Markdown as HTML: as much of both as the manual uses, nothing that could be more than text and tables. End tags
//! that HTML lets out are let out: the manual is most of the page.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Lines;

/// As the text of an element or of a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// A line of words: code, emphasis; of a link, its words, since what it leads to is not served here.
pub(super) fn inline(text: &str) -> String {
    let mut html = String::new();
    for (at, piece) in text.split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", escaped(piece));
            continue;
        }
        for (at, piece) in without_links(piece).split("**").enumerate() {
            let (begin, end) = if at % 2 == 1 { ("<strong>", "</strong>") } else { ("", "") };
            let _ = write!(html, "{begin}{}{end}", escaped(piece));
        }
    }
    html
}

/// The same words without any marks.
pub(super) fn plain(text: &str) -> String {
    without_links(text).replace(['`', '*'], "")
}

fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, (words, after))) =
        rest.split_once('[').and_then(|(before, link)| Some((before, link.split_once("](")?)))
    {
        plain += before;
        plain += words;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

/// The cells of a table's row.
pub(super) fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_start_matches('|').trim_end_matches('|').split('|').map(str::trim).collect()
}

/// A section without its title. Of the fenced blocks, those that hold specs are kept, each as a button that tries one; commands
/// and mistakes are not: the page composes the former and shows the latter.
pub(super) fn block(title: &str, text: &str) -> String {
    let mut html = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            if info == "fault" {
                examples(&mut html, &inside);
            }
        } else if let Some(title) = line.strip_prefix("### ") {
            let _ = writeln!(html, "<h4>{}</h4>", inline(title));
        } else if line.starts_with('|') {
            table(&mut html, title, line, &mut lines);
        } else if let Some(item) = line.strip_prefix("- ") {
            let mut items = vec![item.to_owned()];
            while let Some(next) = lines.next_if(|next| next.starts_with("- ") || next.starts_with("  ")) {
                match (next.strip_prefix("- "), items.last_mut()) {
                    (None, Some(item)) => *item = format!("{item} {}", next.trim()),
                    (item, _) => items.push(item.unwrap_or(next).to_owned()),
                }
            }
            let items: String = items.iter().map(|item| format!("<li>{}", inline(item))).collect();
            let _ = writeln!(html, "<ul>{items}</ul>");
        } else if !line.is_empty() {
            let mut words = line.to_owned();
            let is_words = |next: &&str| {
                !next.is_empty() && !next.starts_with(['|', '#']) && !next.starts_with("```") && !next.starts_with("- ")
            };
            while let Some(next) = lines.next_if(is_words) {
                words = format!("{words} {next}");
            }
            let _ = writeln!(html, "<p>{}</p>", inline(&words));
        }
    }
    html
}

fn examples(html: &mut String, specs: &[&str]) {
    html.push_str("<ul class=\"examples\">");
    for spec in specs {
        let _ = write!(html, "<li><button type=\"button\"><code>{}</code></button>", escaped(spec));
    }
    html.push_str("</ul>\n");
}

/// One that the line begins.
fn table(html: &mut String, title: &str, head: &str, lines: &mut Peekable<Lines<'_>>) {
    let _ =
        write!(html, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table>", escaped(title));
    let head = cells(head);
    if head.iter().any(|cell| !cell.is_empty()) {
        let cell = |cell: &&str| match *cell {
            "" => "<td>".to_owned(),
            words => format!("<th scope=\"col\">{}", inline(words)),
        };
        let _ = write!(html, "<thead><tr>{}", head.iter().map(cell).collect::<String>());
    }
    html.push_str("<tbody>");
    while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
        if row.trim_matches(['|', '-', ' ']).is_empty() {
            continue;
        }
        let cells: String = cells(row).into_iter().map(|cell| format!("<td>{}", inline(cell))).collect();
        let _ = write!(html, "<tr>{cells}");
    }
    html.push_str("</table></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_meaning_and_nothing_else() {
        for (text, expected) in [
            ("a `b<c` & d", "a <code>b&lt;c</code> &amp; d"),
            ("**No** [link](x.md#y), see [two](z)", "<strong>No</strong> link, see two"),
            ("a[1] (b)", "a[1] (b)"),
            ("\"'", "&quot;&#39;"),
            ("`[a](b)` **", "<code>[a](b)</code> <strong></strong>"),
        ] {
            assert_eq!(inline(text), expected, "{text}");
        }
    }

    #[test]
    fn a_section_is_paragraphs_lists_tables_and_specs() {
        let text = "One\ntwo.\n\n- a\n  b\n- c\n\n| k | |\n|---|---|\n| `x` | y |\n\n```sh\ncurl\n```\n```fault\na=1&b=2\n```\n### T\n";
        let html = block("Keys", text);
        let table = "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Keys\"><table><thead><tr>\
                     <th scope=\"col\">k<td><tbody><tr><td><code>x</code><td>y</table></div>";
        let specs = "<ul class=\"examples\"><li><button type=\"button\"><code>a=1&amp;b=2</code></button></ul>";
        assert_eq!(html, format!("<p>One two.</p>\n<ul><li>a b<li>c</ul>\n{table}\n{specs}\n<h4>T</h4>\n"));
    }
}
