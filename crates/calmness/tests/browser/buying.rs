//! Buying time: refused, paid, paid wrongly, walked away from.

use crate::demo::Demo;
use crate::person::Person;
use crate::pictures::Pictures;

/// The provider says no: the product says so, that nothing was charged, and lets choose again.
pub(crate) async fn is_refused_once(person: &Person) {
    person.presses("Pay for 1 month").await;
    person.reads("You are about to pay €59.99").await;
    // The product's own page goes on by itself.
    person.is_at("/psp/checkout").await;
    person.presses("Refuse the payment").await;
    person.is_at("/return").await;
    person.reads("The payment did not go through").await;
    person.reads("The payment service refused this payment. Nothing was charged.").await;
    person.presses("Choose again").await;
    person.reads("No access yet").await;
    assert_eq!(history(person).await, ["Refused"]);
}

/// The second try is paid, and the access runs.
pub(crate) async fn pays(person: &Person, pictures: &Pictures) {
    person.presses("Pay for 1 month").await;
    person.is_at("/psp/checkout").await;
    person.reads("To pay").await;
    pictures.take(person, "checkout").await;
    person.presses("Pay €59.99").await;
    person.is_at("/return").await;
    person.reads("Thank you, it is paid").await;
    person.reads("Your access runs until").await;
    person.presses("Go to my access").await;
    person.reads("Access active").await;
    person.reads("Plan 1 month").await;
    assert_eq!(history(person).await, ["Paid", "Refused"]);
    assert_eq!(person.texts_at(".history .figure").await, ["€59.99", "€59.99"]);
}

/// The countdown is alive.
pub(crate) async fn watches_the_countdown_tick(person: &Person) {
    let first = seconds_left(person).await;
    let month = 30 * 86_400;
    assert!((month - 120..=month).contains(&first), "{first} seconds of a month");
    let second = person
        .until("the next second", async || {
            let now = seconds_left(person).await;
            Ok((now != first).then_some(now))
        })
        .await;
    assert!((1..=5).contains(&(first - second)), "{first} became {second}");
}

/// What the provider got is not what was asked for: the access stays shut, calmly explained.
pub(crate) async fn pays_the_wrong_amount(person: &Person, pictures: &Pictures) {
    // Central and West African francs are written alike, so the choice names them.
    person.reads("Paiement en ligne · Afrique de l’Ouest").await;
    person.reads("Paiement en ligne · Afrique centrale").await;
    person.presses("Payer pour 1 semaine").await;
    person.is_at("/psp/checkout").await;
    person.presses("Ce qui peut mal se passer").await;
    person.presses("Payer un mauvais montant").await;
    person.reads("Un autre montant que celui demandé a été payé.").await;
    person.presses("Retour à Calmness").await;
    person.reads("Nous vérifions ce paiement").await;
    person.reads("soit votre accès s’ouvre, soit l’argent vous revient").await;
    person.presses("Où est mon argent\u{202f}?").await;
    person.reads("En vérification").await;
    assert_eq!(person.texts_at(".columns .button").await, [""; 0], "nothing more is to be paid");
    pictures.take(person, "review").await;
    person.presses("← Mon accès").await;
    person.reads("Pas encore d’accès").await;
    assert_eq!(history(person).await, ["En vérification"]);
}

/// Whoever leaves the provider's page finds the payment waiting.
pub(crate) async fn walks_away(person: &Person) {
    person.presses("Payer pour 1 mois").await;
    person.is_at("/psp/checkout").await;
    person.presses("Ce qui peut mal se passer").await;
    person.presses("Partir sans payer").await;
    person.reads("Vous êtes parti sans payer.").await;
    person.presses("Retour à Calmness").await;
    person.reads("Nous demandons la réponse du prestataire").await;
    person.presses("Où est mon argent\u{202f}?").await;
    person.reads("Continuer vers le paiement").await;
    person.presses("← Mon accès").await;
    person.reads("Pas encore d’accès").await;
    assert_eq!(history(person).await, ["En attente", "En vérification"]);
}

/// A disputed payment stops the clock; the bank's word starts it again.
pub(crate) async fn has_time_set_aside_while_the_bank_decides(
    person: &Person,
    demo: &Demo,
    pictures: &Pictures,
) {
    person.presses("Payer pour 1 semaine").await;
    person.is_at("/psp/checkout").await;
    person.presses("Payer 19,99\u{a0}€").await;
    person.reads("Merci, c’est payé").await;
    person.presses("Aller à mon accès").await;
    person.reads("Accès actif").await;
    person.opens(&demo.sandbox("/psp/ledger")).await;
    person.presses("Open a dispute").await;
    person.keeps_opening(&demo.product("/dashboard"), "Accès suspendu").await;
    person.reads("Temps mis de côté\u{a0}: 7\u{a0}jours").await;
    assert_eq!(history(person).await, ["Contesté", "En attente", "En vérification"]);
    pictures.take(person, "suspended").await;
    person.opens(&demo.sandbox("/psp/ledger")).await;
    person.presses("Dispute won").await;
    person.keeps_opening(&demo.product("/dashboard"), "Accès actif").await;
    assert_eq!(person.text_at(".clock [data-part=days]").await, "6");
}

/// Where the page of the latest payment is.
pub(crate) async fn latest_payment(person: &Person) -> String {
    person.attribute_at(".history a", "href").await
}

/// The badges of the payments, newest first.
async fn history(person: &Person) -> Vec<String> {
    person.texts_at(".history .badge").await
}

async fn seconds_left(person: &Person) -> i64 {
    let mut left = 0;
    for (part, seconds) in [("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1)] {
        let shown = person.text_at(&format!(".clock [data-part={part}]")).await;
        left += shown.parse::<i64>().unwrap() * seconds;
    }
    left
}
