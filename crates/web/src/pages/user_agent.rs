//! What a browser or a program says it is, in words for its owner's list of devices. A hint for people, and nothing
//! that anything rests on: anybody may say anything.

use application::text::{Locale, text};

/// The longest name of a program that is shown.
const MAX_NAME_CHARS: usize = 40;

/// Browsers by what only they say; those that also say another's name come first.
const BROWSERS: [(&str, &str); 10] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Systems by what only they say; those that also say another's name come first.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// "Firefox on Linux", or what a program calls itself.
pub(super) fn in_words(locale: Locale, user_agent: &str, browser: bool) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    let name = find(&BROWSERS).map(ToOwned::to_owned).or_else(|| own_name(user_agent));
    match (name, find(&SYSTEMS)) {
        (Some(name), Some(system)) => {
            text(locale, "device-on", &[("name", name.into()), ("system", system.into())])
        }
        (Some(name), None) => name,
        (None, _) if browser => text(locale, "device-some-browser", &[]),
        (None, _) => text(locale, "device-some-program", &[]),
    }
}

/// The first product of what is no browser's long story (RFC 9110 §10.1.5).
fn own_name(user_agent: &str) -> Option<String> {
    let product = user_agent.split([' ', '/', '(', ';']).next().unwrap_or_default();
    let name: String = product.chars().filter(|letter| !letter.is_control()).take(MAX_NAME_CHARS).collect();
    (!name.is_empty() && name != "Mozilla").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_called_by_its_name_and_its_system() {
        for (user_agent, french, english) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
                "Firefox sous Linux",
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
                "Chrome sur Android",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
                "Safari sur iPhone",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0 Mobile/15E148 Safari/604.1",
                "Chrome sur iPad",
                "Chrome on iPad",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
                "Safari sous macOS",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "Edge sous Windows",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 13; SM-A536B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
                "Samsung Internet sur Android",
                "Samsung Internet on Android",
            ),
        ] {
            assert_eq!(in_words(Locale::Fr, user_agent, true), french);
            assert_eq!(in_words(Locale::En, user_agent, true), english);
        }
    }

    #[test]
    fn a_program_is_called_what_it_calls_itself() {
        for (user_agent, said) in [
            ("curl/8.5.0", "curl"),
            ("python-requests/2.32.3", "python-requests"),
            ("signal bot", "signal"),
            ("okhttp/4.12.0 (Android 14)", "okhttp on Android"),
        ] {
            assert_eq!(in_words(Locale::En, user_agent, false), said);
        }
        assert_eq!(in_words(Locale::En, &"x".repeat(200), false).chars().count(), MAX_NAME_CHARS);
    }

    #[test]
    fn who_says_nothing_is_some_browser_or_some_program() {
        assert_eq!(in_words(Locale::En, "", true), "A browser");
        assert_eq!(in_words(Locale::Fr, "", false), "Un programme");
        assert_eq!(in_words(Locale::En, "Mozilla/5.0 (compatible)", true), "A browser");
    }
}
