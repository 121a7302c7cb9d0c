//! Reading a mail: headers (RFC 5322, encoded words of RFC 2047) and the text and HTML parts of a MIME body. Whatever can't be read
//! is left out; nothing a mail contains is an error.

use base64::Engine;

/// Nesting and number of parts that are looked at.
const DEEPEST: usize = 8;
const PARTS: usize = 64;

/// The readable content of a mail.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    /// In order, decoded.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

impl Mail {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// Reads a whole mail.
pub(crate) fn read(raw: &[u8]) -> Mail {
    let (headers, body) = split(raw);
    let mut mail = Mail::default();
    let mut parts = PARTS;
    read_part(&headers, body, DEEPEST, &mut parts, &mut mail);
    mail.headers = headers.into_iter().map(|(name, value)| (name, decode_words(&value))).collect();
    mail
}

fn read_part(headers: &[(String, String)], body: &[u8], depth: usize, parts: &mut usize, mail: &mut Mail) {
    if depth == 0 || *parts == 0 {
        return;
    }
    *parts -= 1;
    let content_type = find(headers, "content-type").unwrap_or("text/plain");
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind.starts_with("multipart/") {
        if let Some(boundary) = parameter(content_type, "boundary").filter(|boundary| !boundary.is_empty()) {
            for part in split_parts(body, &boundary) {
                let (headers, body) = split(part);
                read_part(&headers, body, depth - 1, parts, mail);
            }
        }
        return;
    }
    let attached = find(headers, "content-disposition")
        .is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("attachment"));
    let place = match kind.as_str() {
        _ if attached => return,
        "text/plain" => &mut mail.text,
        "text/html" => &mut mail.html,
        _ => return,
    };
    if place.is_none() {
        let encoding =
            find(headers, "content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase();
        let bytes = match encoding.as_str() {
            "quoted-printable" => quoted_printable(body),
            "base64" => base64_lenient(body),
            _ => body.to_vec(),
        };
        let charset = parameter(content_type, "charset").unwrap_or_default();
        *place = Some(charset_text(&charset, &bytes).replace("\r\n", "\n"));
    }
}

/// Headers, unfolded, and the body after the first empty line.
fn split(raw: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut rest = raw;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        rest = after;
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    (headers, rest)
}

/// The parts between the boundary's lines.
fn split_parts<'a>(body: &'a [u8], boundary: &str) -> Vec<&'a [u8]> {
    let delimiter = format!("--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    while at < body.len() {
        let end =
            body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |found| at + found + 1);
        let line = &body[at..end];
        if let Some(after) = line.strip_prefix(delimiter) {
            if let Some(start) = start.take() {
                parts.push(trim_end_of_line(&body[start..at]));
            }
            if after.starts_with(b"--") {
                return parts;
            }
            start = Some(end);
        }
        at = end;
    }
    // A mail cut off before its last boundary still shows what came.
    parts.extend(start.map(|start| &body[start..]));
    parts
}

fn trim_end_of_line(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// A parameter of a header value, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|piece| {
        let (found, value) = piece.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(body.len());
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        if byte != b'=' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        match (body.get(at + 1), body.get(at + 2)) {
            (Some(b'\r'), Some(b'\n')) => at += 3,
            (Some(b'\n'), _) => at += 2,
            (Some(high), Some(low)) => {
                if let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low)) {
                    decoded.push(high << 4 | low);
                    at += 3;
                } else {
                    decoded.push(byte);
                    at += 1;
                }
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn base64_lenient(body: &[u8]) -> Vec<u8> {
    let clean: Vec<u8> =
        body.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect();
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(clean).unwrap_or_default()
}

fn charset_text(charset: &str, bytes: &[u8]) -> String {
    match charset.to_ascii_lowercase().as_str() {
        "iso-8859-1" | "latin1" | "iso-8859-15" | "windows-1252" => {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Decodes `=?charset?Q|B?…?=`; white space between two encoded words goes away.
fn decode_words(value: &str) -> String {
    let mut decoded = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        if let Some((word, used)) = decode_word(from) {
            if !(after_word && before.trim().is_empty()) {
                decoded.push_str(before);
            }
            decoded.push_str(&word);
            rest = &from[used..];
            after_word = true;
        } else {
            decoded.push_str(before);
            decoded.push_str("=?");
            rest = &from[2..];
            after_word = false;
        }
    }
    decoded.push_str(rest);
    decoded
}

fn decode_word(from: &str) -> Option<(String, usize)> {
    let mut fields = from.strip_prefix("=?")?.splitn(3, '?');
    let (charset, encoding, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let (encoded, _) = rest.split_once("?=")?;
    let bytes = match encoding {
        "Q" | "q" => quoted_printable(encoded.replace('_', " ").as_bytes()),
        "B" | "b" => base64_lenient(encoded.as_bytes()),
        _ => return None,
    };
    let used = "=?".len() + charset.len() + 1 + encoding.len() + 1 + encoded.len() + "?=".len();
    Some((charset_text(charset, &bytes), used))
}

/// All http(s) addresses in a text, in order, without the punctuation of the sentence around them.
pub(crate) fn links(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("http") {
        let from = &rest[start..];
        let end =
            from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let link = from[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'']);
        if (link.starts_with("http://") || link.starts_with("https://")) && !link.ends_with("//") {
            if !found.iter().any(|known| known == link) {
                found.push(link.to_owned());
            }
            rest = &from[end..];
        } else {
            rest = &from["http".len()..];
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alternative_mail_with_encodings_is_read() {
        let raw = "From: =?utf-8?q?Calmness_=E2=9C=93?= <a@b>\r\nSubject: =?utf-8?B?VsOpcmlmaWV6?=\r\n =?utf-8?Q?_votre_adresse?=\r\n\
                   Content-Type: multipart/alternative;\r\n boundary=\"x1\"\r\n\r\nignored\r\n--x1\r\n\
                   Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
                   Bonjour =C3=A9t=C3=A9, http://localhost/v?t=3Dabc=\r\ndef.\r\n--x1\r\n\
                   Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+w6k8L2I+\r\n--x1--\r\nafter";
        let mail = read(raw.as_bytes());
        assert_eq!(mail.header("subject"), Some("Vérifiez votre adresse"));
        assert_eq!(mail.header("from"), Some("Calmness ✓ <a@b>"));
        assert_eq!(mail.text.as_deref(), Some("Bonjour été, http://localhost/v?t=abcdef."));
        assert_eq!(mail.html.as_deref(), Some("<b>é</b>"));
        assert_eq!(links(mail.text.as_deref().unwrap()), ["http://localhost/v?t=abcdef"]);
    }

    #[test]
    fn a_plain_mail_is_its_text() {
        let mail = read(b"Subject: x\n\nline\n");
        assert_eq!(
            (mail.header("Subject"), mail.text.as_deref(), mail.html.as_deref()),
            (Some("x"), Some("line\n"), None)
        );
    }

    #[test]
    fn links_lose_the_punctuation_around_them() {
        let text = "See (https://a.example/x?y=1#z), <http://b.example>; http:// nothttp://c.example https://a.example/x?y=1#z";
        assert_eq!(links(text), ["https://a.example/x?y=1#z", "http://b.example", "http://c.example"]);
    }

    #[test]
    fn garbage_is_read_without_panic() {
        let mut state: u64 = 7;
        for round in 0..2000_usize {
            let pieces: [&[u8]; 12] = [
                b"=?",
                b"?=",
                b"\r\n",
                b"--x",
                b"Content-Type: multipart/mixed; boundary=x\r\n",
                b"=C3",
                b"\xff\xfe",
                b"=",
                b"Content-Transfer-Encoding: base64\r\n",
                b"utf-8?B?",
                b"\r\n\r\n",
                b"http://",
            ];
            let mut raw = Vec::new();
            for _ in 0..round % 40 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                raw.extend_from_slice(pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]);
            }
            let mail = read(&raw);
            links(mail.text.as_deref().unwrap_or_default());
        }
    }
}
