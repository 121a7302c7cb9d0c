//! Opening a checkout: the body of the API call, or the signed query of a link. Both end in the same checks.

use std::sync::Arc;

use reqwest::Url;
use serde::Deserialize;
use serde_json::Map;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    ledger,
    payment::{OnPay, Opening, Quote, Way},
    providers::Provider,
    signature,
};
use crate::{problem::Problem, world::World};

/// `POST /psp/payments`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenBody {
    pub(crate) payment_id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    pub(crate) return_url: String,
    pub(crate) webhook_url: Option<String>,
    pub(crate) expires_at: String,
}

impl OpenBody {
    pub(crate) fn quote(self) -> Result<Quote, Problem> {
        let expires_at = instant(&self.expires_at);
        Quote {
            payment_id: self.payment_id,
            amount: self.amount,
            currency: self.currency,
            description: self.description,
            return_url: self.return_url,
            webhook_url: self.webhook_url,
            expires_at: expires_at.ok_or_else(|| Problem::invalid("expires_at is an RFC 3339 instant"))?,
        }
        .checked()
    }
}

/// Ids of payments and refunds: what fits into a path and a log line.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// RFC 3339, or unix seconds as links often carry.
fn instant(text: &str) -> Option<OffsetDateTime> {
    match text.parse::<i64>() {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds).ok(),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    }
}

/// Reads a checkout link's query exactly as it was sent: what stands before `&sig=` is signed, nothing may follow.
pub(crate) fn read_link(secret: &str, query: &str) -> Result<Quote, Problem> {
    let changed = || {
        Problem::new(
            axum::http::StatusCode::FORBIDDEN,
            "link_changed",
            "this payment link was changed or isn't complete",
        )
    };
    let (signed, sig) = query.rsplit_once("&sig=").ok_or_else(changed)?;
    if query.len() > 8192 || !signature::matches(secret, signed.as_bytes(), sig) {
        return Err(changed());
    }
    let url = Url::parse(&format!("http://link/?{signed}")).map_err(|_| changed())?;
    let field = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.into_owned());
        value
            .filter(|_| found.next().is_none())
            .ok_or_else(|| Problem::invalid(format!("the link has no single {name}")))
    };
    field("nonce")?;
    OpenBody {
        payment_id: field("payment_id")?,
        amount: field("amount")?.parse().map_err(|_| Problem::invalid("amount is a number"))?,
        currency: field("currency")?,
        description: None,
        return_url: field("return_url")?,
        webhook_url: None,
        expires_at: field("expires_at")?,
    }
    .quote()
}

/// How `hmac_psp` opens: by its own name, for a payer who pays at once.
pub(crate) fn opening(quote: Quote, way: Way) -> Opening {
    Opening {
        provider: Provider::HmacPsp,
        quote,
        way,
        reference: None,
        on_pay: OnPay::Charge,
        extra: Map::new(),
    }
}

/// Opens the payment of a link, as the first visit does; its id.
pub(crate) fn open_link(world: &Arc<World>, query: &str, now: OffsetDateTime) -> Result<String, Problem> {
    let quote = read_link(&world.config.psp.link_secret, query)?;
    let payment_id = quote.payment_id.clone();
    ledger::open(world, opening(quote, Way::Link), now)?;
    ledger::expire_due(world, now);
    Ok(payment_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(query: &str) -> String {
        format!("{query}&sig={}", signature::hex_mac("link", query.as_bytes()))
    }

    const TERMS: &str = "payment_id=p1&amount=5999&currency=EUR&return_url=http%3A%2F%2Flocalhost%2Fback&expires_at=2030-01-01T00%3A00%3A00Z&nonce=n";

    #[test]
    fn a_link_opens_with_exactly_the_signed_terms() {
        let quote = read_link("link", &signed(TERMS)).unwrap();
        assert_eq!(
            (quote.amount, quote.currency.as_str(), quote.return_url.as_str()),
            (5999, "EUR", "http://localhost/back")
        );
    }

    #[test]
    fn any_change_of_a_link_is_refused() {
        let good = signed(TERMS);
        for bad in [
            good.replace("5999", "1"),
            format!("{good}&amount=1"),
            format!("amount=1&{good}"),
            TERMS.to_owned(),
            String::new(),
            format!("{TERMS}&sig="),
        ] {
            assert_eq!(read_link("link", &bad).unwrap_err().code, "link_changed", "{bad}");
        }
        assert_eq!(read_link("other", &good).unwrap_err().code, "link_changed");
    }

    #[test]
    fn a_signed_link_with_doubled_or_missing_terms_is_refused() {
        for bad in [TERMS.replace("&nonce=n", ""), format!("{TERMS}&amount=1"), TERMS.replace("5999", "-1")] {
            assert_eq!(read_link("link", &signed(&bad)).unwrap_err().code, "invalid", "{bad}");
        }
    }
}
