//! A browser without a screen: it keeps cookies, fills forms as they stand on a page, and follows no redirect by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::support::{Answer, PASSWORD, World};

pub(super) struct Browser<'a> {
    world: &'a World,
    /// Each with the path that it is sent to.
    pub(super) cookies: BTreeMap<String, (String, String)>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(world: &'a World) -> Self {
        Self { world, cookies: BTreeMap::new() }
    }

    /// One in which somebody is logged in.
    pub(super) async fn of(world: &'a World, email: &str) -> Self {
        let mut browser = Self::new(world);
        let login = browser.open("/login").await;
        let gone = browser.submit(&login, "/login", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!((gone.status, gone.header("location")), (303, Some("/dashboard")), "{}", gone.text);
        browser
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let call =
            self.world.call("GET", path).header("Accept", "text/html,*/*").header("Accept-Language", "fr");
        let answer = call.header("Cookie", &self.cookies_for(path)).send().await;
        self.keep_cookies(&answer);
        answer
    }

    /// A page that must be there.
    pub(super) async fn open(&mut self, path: &str) -> Answer {
        self.get(path).await.expect(200)
    }

    /// Fills the form of a page that posts to `action`, and sends it.
    pub(super) async fn submit(&mut self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let mut fields = fields_of(page, action);
        for (name, value) in typed {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let base = self.world.base.clone();
        self.post(action, &fields, &[("Sec-Fetch-Site", "same-origin"), ("Origin", &base)]).await
    }

    pub(super) async fn post(
        &mut self,
        path: &str,
        fields: &[(String, String)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let call = self.world.call("POST", path).header("Content-Type", "application/x-www-form-urlencoded");
        let call = call.header("Accept", "text/html").header("Cookie", &self.cookies_for(path));
        let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
        let answer = call.body(encoded(fields)).send().await;
        self.keep_cookies(&answer);
        answer
    }

    fn cookies_for(&self, path: &str) -> String {
        let sent = self.cookies.iter().filter(|(_, (_, scope))| path.starts_with(scope.as_str()));
        sent.map(|(name, (value, _))| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            assert!(line.contains("; HttpOnly") && line.contains("; SameSite=Lax"), "{line}");
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap().to_owned();
            let scope = line.split("; Path=").nth(1).unwrap().split(';').next().unwrap().to_owned();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), (value, scope));
            }
        }
    }
}

/// Hidden fields and chosen options of the form on a page.
pub(super) fn fields_of(page: &Answer, action: &str) -> Vec<(String, String)> {
    let start = page
        .text
        .find(&format!("action=\"{action}\""))
        .unwrap_or_else(|| panic!("no form {action}: {}", page.text));
    let form = page.text[start..].split("</form>").next().unwrap();
    let inputs = form.split("<input ").skip(1).map(|input| input.split('>').next().unwrap());
    let filled = inputs.filter(|input| input.contains("type=\"hidden\"") || input.contains(" checked"));
    filled.map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap())).collect()
}

/// The targets of all links and buttons that lead away.
pub(super) fn links_of(page: &Answer) -> Vec<String> {
    page.text.split("href=\"").skip(1).map(|rest| unescaped(rest.split('"').next().unwrap())).collect()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!("{name}=\"")).nth(1)?;
    Some(unescaped(rest.split('"').next()?))
}

fn unescaped(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&").replace("&#34;", "\"").replace("&#39;", "'")
}

fn encoded(fields: &[(String, String)]) -> String {
    let percent = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            if byte.is_ascii_alphanumeric() {
                encoded.push(char::from(byte));
            } else {
                write!(encoded, "%{byte:02X}").unwrap();
            }
            encoded
        })
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}
