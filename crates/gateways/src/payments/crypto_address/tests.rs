use std::collections::HashSet;

use futures_util::FutureExt;
use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::payments::Payer;

const WALL: Instant = datetime!(2026-11-23 10:30 UTC);
const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
const BITCOIN: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

fn built(addresses: &Value) -> Result<CryptoAddress, SettingsError> {
    let settings = json!({"addresses": addresses, "mode": "live"});
    CryptoAddress::new(serde_json::from_value(settings).unwrap())
}

fn both() -> CryptoAddress {
    built(&json!([
        {"currency": "BTC", "network": "bitcoin", "address": BITCOIN},
        {"currency": "USDT", "network": "tron", "address": format!(" {TRON} ")},
    ]))
    .unwrap()
}

fn order(amount: Money) -> Order {
    Order {
        payment_id: "019400c5-9c00-7abc-8def-0123456789ab".parse().unwrap(),
        amount,
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/crypto_address".to_owned(),
        created_at: WALL,
        expires_at: WALL + Duration::hours(24),
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        payer: Payer {
            email: "awa@example.com".to_owned(),
            phone: None,
            locale: "fr",
            method: None,
            remember: false,
        },
    }
}

#[test]
fn every_lot_asks_for_another_amount_and_none_for_the_bare_price() {
    let price = Money::new(50_000_000, Currency::Usdt);
    let provider = both();
    let asked: HashSet<i64> = (0..9_999).map(|lot| provider.quote(price, lot).minor).collect();
    assert_eq!(asked.len(), 9_999);
    assert_eq!((asked.iter().min(), asked.iter().max()), (Some(&50_000_001), Some(&50_009_999)));
    assert_eq!(provider.quote(price, u32::MAX).currency, Currency::Usdt);
    assert_eq!(provider.quote(Money::new(i64::MAX, Currency::Btc), 5).minor, i64::MAX);
}

#[test]
fn the_payer_is_told_the_network_the_address_and_the_exact_amount() {
    for (amount, network, address, decimal) in [
        (Money::new(50_004_321, Currency::Usdt), "tron", TRON, "50.004321"),
        (Money::new(12_345, Currency::Btc), "bitcoin", BITCOIN, "0.00012345"),
    ] {
        let instructions = Instructions::CryptoAddress {
            network: network.to_owned(),
            address: address.to_owned(),
            amount: decimal.to_owned(),
        };
        let order = order(amount);
        let checkout = both().create_checkout(&order).now_or_never().unwrap().unwrap();
        assert_eq!(checkout.way, CheckoutWay::Instructions(instructions.clone()));
        assert_eq!(both().opening(&order), Opening::Instructions { reference: None, instructions });
    }
}

#[test]
fn a_currency_without_an_address_is_refused() {
    let order = order(Money::new(5_999, Currency::Eur));
    assert_eq!(both().opening(&order), Opening::Call);
    let error = both().create_checkout(&order).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, ProviderError::Refused(_)), "{error:?}");
}

#[test]
fn addresses_that_cannot_be_right_are_refused_by_name() {
    for broken in [
        json!([]),
        json!([{"currency": "BTC", "network": "bitcoin", "address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"}]),
        json!([{"currency": "BTC", "network": "bitcoin", "address": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"}]),
        json!([{"currency": "BTC", "network": "tron", "address": TRON}]),
        json!([{"currency": "USDT", "network": "bitcoin", "address": BITCOIN}]),
        json!([{"currency": "EUR", "network": "bitcoin", "address": BITCOIN}]),
        json!([{"currency": "USDT", "network": "ethereum", "address": "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"}]),
        json!([
            {"currency": "USDT", "network": "ethereum", "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
            {"currency": "USDT", "network": "tron", "address": TRON},
        ]),
    ] {
        let error = built(&broken).unwrap_err().to_string();
        assert!(error.starts_with("addresses"), "{broken}: {error}");
    }
    let ethereum = json!([{
        "currency": "USDT", "network": "ethereum", "address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    }]);
    assert_eq!(built(&ethereum).unwrap().capabilities().currencies, [Currency::Usdt]);
}

#[test]
fn nothing_is_claimed_closed_or_sent_back_by_itself() {
    let provider = both();
    let order = order(Money::new(50_004_321, Currency::Usdt));
    let inquiry = Inquiry {
        payment_id: order.payment_id,
        reference: None,
        transaction: None,
        amount: order.amount,
        created_at: WALL,
    };
    let view = provider.fetch(&inquiry).now_or_never().unwrap().unwrap();
    assert_eq!(view, View::known(None, Vec::new()));
    assert_eq!(provider.capture(&inquiry).now_or_never().unwrap().unwrap(), view);
    assert_eq!(provider.cancel(&inquiry).now_or_never().unwrap().unwrap(), Cancelled::StillPayable);
    let id = "019400c5-9c00-7000-8000-00000000000f".parse().unwrap();
    let refund = Refund { id, amount: inquiry.amount, reference: None, again: false };
    let error = provider.refund(&inquiry, &refund).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, ProviderError::Refused(why) if why == "by_hand"));
    let capabilities = provider.capabilities();
    assert_eq!(capabilities.quote_lifetime, Some(Duration::hours(24)));
    assert_eq!(capabilities.late_window, Duration::days(7));
}

#[test]
fn no_callback_is_believed_or_read() {
    let provider = both();
    let callback = Callback { header: &|_| Some("sha256=00".to_owned()), body: b"{}" };
    let error = provider.verify_notification(&callback, WALL).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
    let error = provider.parse_notification(b"{}").unwrap_err();
    assert!(matches!(error, NotificationError::Malformed(_)), "{error:?}");
}
