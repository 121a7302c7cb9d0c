use domain::money::Currency;
use domain::payment::Mode;
use futures_util::FutureExt;
use time::macros::datetime;

use super::*;
use crate::payments::Payer;

const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

fn bank() -> BankTransfer {
    let settings = Settings {
        account_holder: "Awa Diop".to_owned(),
        iban: "DE89 3704 0044 0532 0130 00".to_owned(),
        bic: Some("COBADEFFXXX".to_owned()),
        bank: None,
        currencies: vec![Currency::Eur, Currency::Xof],
        mode: Mode::Live,
        quote_lifetime_days: 7,
    };
    BankTransfer::new(settings).unwrap()
}

fn order() -> Order {
    Order {
        payment_id: "019400c5-9c00-7abc-8def-0123456789ab".parse().unwrap(),
        amount: Money::new(5_999, Currency::Eur),
        description: "Signaux · un mois".to_owned(),
        return_url: "https://shop.example/back".to_owned(),
        webhook_url: "https://shop.example/api/webhooks/bank_transfer".to_owned(),
        created_at: WALL,
        expires_at: WALL + Duration::days(7),
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

fn inquiry() -> Inquiry {
    let order = order();
    Inquiry {
        payment_id: order.payment_id,
        reference: None,
        transaction: None,
        amount: order.amount,
        created_at: WALL,
    }
}

#[test]
fn the_payer_is_told_the_account_and_a_reference_that_reads_back() {
    let Opening::Instructions { reference: Some(name), instructions } = bank().opening(&order()) else {
        panic!("a transfer opens by instructions under a reference")
    };
    assert_eq!(reference::read(&name).as_ref(), Some(&name));
    let expected = Instructions::BankTransfer {
        account_holder: "Awa Diop".to_owned(),
        iban: "DE89370400440532013000".to_owned(),
        bic: Some("COBADEFFXXX".to_owned()),
        bank: None,
        reference: name.clone(),
    };
    assert_eq!(instructions, expected);
    let checkout = bank().create_checkout(&order()).now_or_never().unwrap().unwrap();
    assert_eq!(checkout, Checkout { reference: Some(name), way: CheckoutWay::Instructions(expected) });
}

#[test]
fn the_price_is_the_amount_and_a_week_the_time() {
    let price = Money::new(5_999, Currency::Eur);
    assert_eq!(bank().quote(price, 7), price);
    let bank = bank();
    let capabilities = bank.capabilities();
    assert_eq!(capabilities.quote_lifetime, Some(Duration::days(7)));
    assert_eq!(capabilities.late_window, Duration::days(30));
    assert_eq!(
        (capabilities.checkout, capabilities.refunds),
        (CheckoutKind::Instructions, RefundKind::ByHand)
    );
}

#[test]
fn nothing_is_claimed_closed_or_sent_back_by_itself() {
    let (bank, inquiry) = (bank(), inquiry());
    let view = bank.fetch(&inquiry).now_or_never().unwrap().unwrap();
    assert_eq!(view, View::known(None, Vec::new()));
    assert_eq!(bank.capture(&inquiry).now_or_never().unwrap().unwrap(), view);
    assert_eq!(bank.cancel(&inquiry).now_or_never().unwrap().unwrap(), Cancelled::StillPayable);
    let id = "019400c5-9c00-7000-8000-00000000000f".parse().unwrap();
    let refund = Refund { id, amount: inquiry.amount, reference: None, again: false };
    let error = bank.refund(&inquiry, &refund).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, ProviderError::Refused(why) if why == "by_hand"));
}

#[test]
fn no_callback_is_believed_or_read() {
    let bank = bank();
    let callback = Callback { header: &|_| Some("sha256=00".to_owned()), body: b"{}" };
    let error = bank.verify_notification(&callback, WALL).now_or_never().unwrap().unwrap_err();
    assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
    let error = bank.parse_notification(b"{}").unwrap_err();
    assert!(matches!(error, NotificationError::Malformed(_)), "{error:?}");
}
