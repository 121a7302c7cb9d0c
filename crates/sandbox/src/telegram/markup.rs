//! `parse_mode=HTML`: the few tags Telegram knows become entities, anything else is refused as the real server refuses it.

use serde_json::{Value, json};

use super::parameters::ApiError;

/// The plain text and its entities, with offsets in UTF-16 units.
pub(crate) fn parse_html(source: &str) -> Result<(String, Vec<Value>), ApiError> {
    let mut text = String::new();
    let mut entities = Vec::new();
    let mut open: Vec<(String, usize, Option<String>)> = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let at = source.len() - rest.len();
        if next == '<' {
            let end = rest.find('>').ok_or_else(|| refuse("Unclosed start tag", at))?;
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let (opened, start, link) = open.pop().ok_or_else(|| refuse("Unexpected end tag", at))?;
                if opened != name.trim().to_ascii_lowercase() {
                    return Err(refuse(
                        &format!("Unmatched end tag, expected \"</{opened}>\", found \"</{name}>\""),
                        at,
                    ));
                }
                close(&mut entities, &text, &opened, start, link);
            } else {
                let name = tag.split([' ', '\n', '\t']).next().unwrap_or_default().to_ascii_lowercase();
                if kind(&name).is_none() {
                    return Err(refuse(&format!("Unsupported start tag \"{name}\""), at));
                }
                let link = attribute(tag, "href");
                open.push((name, units(&text), link));
            }
        } else if next == '&' {
            let (decoded, used) = entity(rest);
            text.push(decoded);
            rest = &rest[used..];
        } else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    if let Some((name, ..)) = open.pop() {
        return Err(ApiError::bad_request(format!(
            "can't parse entities: Can't find end tag corresponding to start tag \"{name}\""
        )));
    }
    Ok((text, entities))
}

fn refuse(what: &str, at: usize) -> ApiError {
    ApiError::bad_request(format!("can't parse entities: {what} at byte offset {at}"))
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn kind(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "a" => "text_link",
        "code" => "code",
        "pre" => "pre",
        "tg-spoiler" => "spoiler",
        "blockquote" => "blockquote",
        _ => return None,
    })
}

fn close(entities: &mut Vec<Value>, text: &str, tag: &str, offset: usize, link: Option<String>) {
    let length = units(text) - offset;
    let Some(kind) = kind(tag).filter(|_| length > 0) else { return };
    match (kind, link) {
        ("text_link", Some(url)) => {
            entities.push(json!({ "type": kind, "offset": offset, "length": length, "url": url }));
        }
        ("text_link", None) => {}
        _ => entities.push(json!({ "type": kind, "offset": offset, "length": length })),
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!("{name}="))?;
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let value = after[1..].split(quote).next()?;
    Some(decode(value))
}

fn decode(source: &str) -> String {
    let mut text = String::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let (decoded, used) = if next == '&' { entity(rest) } else { (next, next.len_utf8()) };
        text.push(decoded);
        rest = &rest[used..];
    }
    text
}

/// One character reference at the start of `rest`, or the ampersand itself; and how many bytes it took.
fn entity(rest: &str) -> (char, usize) {
    for (name, decoded) in [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&'), ("&quot;", '"')] {
        if rest.starts_with(name) {
            return (decoded, name.len());
        }
    }
    let number =
        rest.strip_prefix("&#").and_then(|rest| rest.split_once(';')).filter(|(digits, _)| digits.len() <= 8);
    let decoded = number.and_then(|(digits, _)| {
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        Some((char::from_u32(code).filter(|decoded| *decoded != '\0')?, digits.len() + 3))
    });
    decoded.unwrap_or(('&', 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_entities_in_utf16_units() {
        let (text, entities) =
            parse_html("é𝕏 <b>fat</b> &lt;<a href=\"http://x/?a=1&amp;b\">here</a>&#33;").unwrap();
        assert_eq!(text, "é𝕏 fat <here!");
        assert_eq!(
            json!(entities),
            json!([
                { "type": "bold", "offset": 4, "length": 3 },
                { "type": "text_link", "offset": 9, "length": 4, "url": "http://x/?a=1&b" },
            ])
        );
    }

    #[test]
    fn what_the_real_server_refuses_is_refused() {
        for (source, part) in [
            ("<p>x</p>", "Unsupported start tag \"p\" at byte offset 0"),
            ("<b>x", "Can't find end tag corresponding to start tag \"b\""),
            ("<b>x</i>", "Unmatched end tag"),
            ("a</b>", "Unexpected end tag"),
            ("1 < 2", "Unclosed start tag"),
        ] {
            let error = parse_html(source).unwrap_err();
            assert!(error.description.contains(part), "{source}: {}", error.description);
        }
    }

    #[test]
    fn no_text_panics() {
        for source in [
            "&",
            "&#",
            "&#;",
            "&#x;",
            "&#99999999;",
            "<",
            "<>",
            "</>",
            "<a href=>x</a>",
            "<a href=\">x</a>",
            "é<é>",
        ] {
            let _ = parse_html(source);
        }
    }
}
