//! Somebody before a browser: reads what is shown, presses what is written on buttons and links, types.
//!
//! Nothing here knows how a page is made, except where words don't say enough. Everything waits until it can be
//! done, with an end to the patience, and then says what was on the screen instead.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Method;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, Locator};
use reqwest::Url;
use serde_json::{Value, json};

use crate::chromium::Driver;

/// How long a person waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// A person with a browser of their own.
pub(crate) struct Person {
    pub(crate) browser: Client,
    /// The tabs that stay open behind the one that is looked at.
    left: Mutex<Vec<WindowHandle>>,
}

impl Person {
    /// Opens a browser that prefers these languages.
    pub(crate) async fn sit_down(driver: &Driver, languages: &str) -> Self {
        Self { browser: driver.browser(languages).await, left: Mutex::default() }
    }

    /// Closes the browser.
    pub(crate) async fn leave(self) {
        self.browser.close().await.unwrap();
    }

    /// Types an address.
    pub(crate) async fn opens(&self, address: &str) {
        self.browser.goto(address).await.unwrap();
    }

    /// Opens an address again and again until these words stand there, as people do who wait for something.
    pub(crate) async fn keeps_opening(&self, address: &str, words: &str) {
        self.until(&format!("“{words}” to read at last"), async || {
            self.browser.goto(address).await?;
            Ok(self.page_text().await?.contains(words).then_some(()))
        })
        .await;
    }

    /// Waits until these words stand on the page.
    pub(crate) async fn reads(&self, words: &str) {
        self.until(&format!("“{words}” to read"), async || {
            let text = self.page_text().await?;
            Ok(text.contains(words).then_some(()))
        })
        .await;
    }

    /// Presses the button, or else the link, with exactly these words on it, or with them as its spoken label.
    pub(crate) async fn presses(&self, words: &str) {
        assert!(!words.contains('"'), "the words are quoted");
        let said = format!("normalize-space(.)=\"{words}\" or @aria-label=\"{words}\"");
        let button = format!("//*[self::button or self::summary][{said}]");
        let link = format!("//a[{said}]");
        let what = format!("“{words}” to press");
        self.press_at(&what, &[Locator::XPath(&button), Locator::XPath(&link)]).await;
    }

    /// Presses the first of what a selector finds.
    pub(crate) async fn presses_at(&self, css: &str) {
        self.press_at(&format!("{css} to press"), &[Locator::Css(css)]).await;
    }

    /// Presses the first of what an XPath finds.
    pub(crate) async fn presses_on(&self, xpath: &str) {
        self.press_at(&format!("{xpath} to press"), &[Locator::XPath(xpath)]).await;
    }

    async fn press_at(&self, what: &str, places: &[Locator<'_>]) {
        self.sees_the_whole_page().await;
        self.press_first(what, places).await;
    }

    /// Presses inside a frame that runs no script.
    pub(crate) async fn presses_inside(&self, css: &str) {
        self.press_first(&format!("{css} to press in the frame"), &[Locator::Css(css)]).await;
    }

    async fn press_first(&self, what: &str, places: &[Locator<'_>]) {
        self.until(what, async || {
            for place in places {
                for element in self.browser.find_all(*place).await? {
                    if element.is_displayed().await? && element.is_enabled().await? {
                        return element.click().await.map(Some);
                    }
                }
            }
            Ok(None)
        })
        .await;
    }

    /// Types into the field of that name in place of what it holds.
    pub(crate) async fn types(&self, field: &str, text: &str) {
        self.types_at(&format!("input[name={field}]:not([type=hidden])"), text).await;
    }

    /// Types into the first field that a selector finds in place of what it holds.
    pub(crate) async fn types_at(&self, css: &str, text: &str) {
        self.until(&format!("the field {css}"), async || {
            let Some(element) = self.shown(css).await? else { return Ok(None) };
            element.clear().await?;
            element.send_keys(text).await.map(Some)
        })
        .await;
    }

    /// Presses a key wherever the focus is.
    pub(crate) async fn strikes(&self, key: Key) {
        self.types_blindly(&String::from(char::from(key))).await;
    }

    /// Types wherever the focus is.
    pub(crate) async fn types_blindly(&self, text: &str) {
        self.browser.active_element().await.unwrap().send_keys(text).await.unwrap();
    }

    /// What stands at the first place that a selector finds, once it is shown.
    pub(crate) async fn text_at(&self, css: &str) -> String {
        self.until(&format!("{css} to read"), async || match self.shown(css).await? {
            Some(element) => element.text().await.map(Some),
            None => Ok(None),
        })
        .await
    }

    /// An attribute of the first place that a selector finds, once it is shown.
    pub(crate) async fn attribute_at(&self, css: &str, name: &str) -> String {
        self.until(&format!("{name} of {css}"), async || match self.shown(css).await? {
            Some(element) => element.attr(name).await,
            None => Ok(None),
        })
        .await
    }

    /// What stands at each place that a selector finds now.
    pub(crate) async fn texts_at(&self, css: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map((place) => place.innerText.trim())";
        let texts = self.browser.execute(script, vec![json!(css)]).await.unwrap();
        serde_json::from_value(texts).unwrap()
    }

    /// Waits until the page's address holds these characters.
    pub(crate) async fn is_at(&self, part: &str) {
        self.until(&format!("an address with {part}"), async || {
            Ok(self.browser.current_url().await?.as_str().contains(part).then_some(()))
        })
        .await;
    }

    /// Goes on in the tab that a link has just opened.
    pub(crate) async fn goes_to_the_new_tab(&self) {
        let here = self.browser.window().await.unwrap();
        self.left().push(here);
        let new = self
            .until("a new tab", async || {
                let all = self.browser.windows().await?;
                Ok(all.into_iter().find(|window| !self.left().contains(window)))
            })
            .await;
        self.browser.switch_to_window(new).await.unwrap();
    }

    /// Closes this tab and goes on in the one that led to it.
    pub(crate) async fn closes_the_tab(&self) {
        self.browser.close_window().await.unwrap();
        let before = self.left().pop().expect("a tab that led here");
        self.browser.switch_to_window(before).await.unwrap();
    }

    fn left(&self) -> MutexGuard<'_, Vec<WindowHandle>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the browser's own debugging protocol.
    pub(crate) async fn tool(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.browser.issue_cmd(Beyond { path: "goog/cdp/execute", body }).await.unwrap()
    }

    /// What the browser has complained about since the last time.
    pub(crate) async fn complaints(&self) -> Vec<Value> {
        let body = json!({ "type": "browser" });
        let said = self.browser.issue_cmd(Beyond { path: "se/log", body }).await.unwrap();
        let said: Vec<Value> = serde_json::from_value(said).unwrap();
        said.into_iter()
            .filter(|entry| ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap()))
            .collect()
    }

    /// Looks again and again until there is something.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, CmdError>,
    ) -> T {
        let since = Instant::now();
        loop {
            // A page that is just being replaced makes errors of its own.
            let seen = look().await;
            if let Ok(Some(found)) = seen {
                return found;
            }
            if since.elapsed() > PATIENCE {
                let problem = seen.err();
                let address = self.browser.current_url().await;
                let text = self.page_text().await.unwrap_or_default();
                panic!("waited in vain for {what} at {address:?} ({problem:?}); the page says:\n{text}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the page is there and painted: a browser drops what is pressed before that, as nobody can mean it.
    pub(crate) async fn sees_the_whole_page(&self) {
        let script = "const done = arguments[0];
            setTimeout(() => done('hidden'), 1000);
            requestAnimationFrame(() => requestAnimationFrame(() => done(document.readyState)))";
        self.until("a whole page", async || {
            let state = self.browser.execute_async(script, Vec::new()).await?;
            Ok((state == "complete").then_some(()))
        })
        .await;
    }

    async fn shown(&self, css: &str) -> Result<Option<Element>, CmdError> {
        for element in self.browser.find_all(Locator::Css(css)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    async fn page_text(&self) -> Result<String, CmdError> {
        let text = self.browser.execute("return document.body.innerText", Vec::new()).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }
}

/// What Chromium's driver can do beyond the standard.
#[derive(Debug)]
struct Beyond {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Beyond {
    fn endpoint(
        &self,
        base_url: &Url,
        session_id: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _request_url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
