//! The pages about who somebody is, in every state.

use application::identity::Method;

use super::*;

fn prompt(locale: Locale, method: Method) -> CodePrompt {
    let others =
        [Method::Totp, Method::Sms, Method::RecoveryCode].into_iter().filter(|other| *other != method);
    CodePrompt {
        method,
        others: others
            .map(|other| OtherWay {
                href: format!("/security/app?method={other}"),
                label: text(locale, way(other), &[]),
            })
            .collect(),
        send: (method == Method::Sms)
            .then(|| SendCode { action: "/security/code", back: "/security/app?method=sms".to_owned() }),
    }
}

fn complaint(locale: Locale, field: &'static str, key: &str) -> Complaint {
    Complaint::new(field, text(locale, key, &[]))
}

fn proof(locale: Locale, code: Option<CodePrompt>, complaint: Complaint) -> ProofView {
    ProofView {
        page: frame(locale),
        title: text(locale, "app-title", &[]),
        lead: vec![text(locale, "app-lead", &[]), text(locale, "app-which", &[])],
        button: text(locale, "app-continue", &[]),
        grave: false,
        action: "/security/app",
        code,
        complaint,
        aside: Some(("/security/app/remove", text(locale, "app-remove-title", &[]))),
    }
}

fn overview(locale: Locale, set_up: bool) -> SecurityView {
    SecurityView {
        page: frame(locale),
        app_since: set_up.then(|| Moment::day(locale, NOW)),
        phone: set_up.then(|| "+229 •• •• 12".to_owned()),
        phone_offered: true,
        codes_left: if set_up { 9 } else { 0 },
        devices: 3,
        keys: 1,
        erased_on: (!set_up).then(|| Moment::new(locale, NOW + Duration::days(7))),
    }
}

fn device(locale: Locale, here: bool) -> DeviceRow {
    DeviceRow {
        id: "0199f3a2-71c4-7e6b-9d11-5a0c2f4b8e90".to_owned(),
        name: text(locale, "device-on", &[("name", "Firefox".into()), ("system", "Linux".into())]),
        network: text(locale, "device-network", &[("network", "203.0.113.…".into())]),
        last_used_at: Moment::new(locale, NOW),
        since: Moment::day(locale, NOW - Duration::days(3)),
        second_factor: here,
        here,
    }
}

fn key(locale: Locale, used: bool) -> KeyRow {
    KeyRow {
        id: "0199f3a2-71c4-7e6b-9d11-5a0c2f4b8e91".to_owned(),
        name: "Tracking server".to_owned(),
        starts: "cfi_AbCdEf".to_owned(),
        scopes: ["key-scope-profile-read", "key-scope-payments-read"]
            .map(|key| text(locale, key, &[]))
            .to_vec(),
        last_used_at: used.then(|| Moment::new(locale, NOW)),
        ends_at: Moment::day(locale, NOW + Duration::days(90)),
    }
}

fn new_key(locale: Locale, complaint: Complaint) -> KeyNewView {
    let choice = |value: &str, label: String, chosen| Choice { value: value.to_owned(), label, chosen };
    KeyNewView {
        page: frame(locale),
        name: "Tracking server".to_owned(),
        scopes: vec![
            choice("scope:profile:read", text(locale, "key-scope-profile-read", &[]), true),
            choice("scope:payments:write", text(locale, "key-scope-payments-write", &[]), false),
        ],
        lives: vec![choice("90", text(locale, "duration-days", &[("count", 90_u16.into())]), true)],
        code: Some(prompt(locale, Method::Totp)),
        complaint,
    }
}

fn phone(locale: Locale, state: PhoneState, complaint: Complaint) -> PhoneView {
    let code = Some(prompt(locale, Method::RecoveryCode));
    PhoneView { page: frame(locale), state, phone: "+22901900000".to_owned(), code, complaint }
}

fn reset(locale: Locale, ended: bool, complaint: Complaint) -> ResetView {
    ResetView {
        page: stranger(locale),
        token: "token".to_owned(),
        minimum: 15,
        minimum_with_factor: 8,
        ended,
        complaint,
    }
}

/// Each of them by a name, drawn.
pub(super) fn add_pages(locale: Locale, add: &mut impl FnMut(&str, askama::Result<String>)) {
    let fine = Complaint::default;
    entering(locale, add);
    add("security", overview(locale, true).render());
    add("security-new", overview(locale, false).render());
    let refused = complaint(locale, Complaint::NEW_PASSWORD, "invalid-password_too_common");
    for (name, code, complaint) in
        [("password", None, fine()), ("password-refused", Some(prompt(locale, Method::Totp)), refused)]
    {
        let minimum = if code.is_some() { 8 } else { 15 };
        add(name, PasswordView { page: frame(locale), minimum, code, complaint }.render());
    }
    add("proof", proof(locale, None, fine()).render());
    let wrong = complaint(locale, Complaint::PASSWORD, "proof-wrong-password");
    add("proof-wrong", proof(locale, Some(prompt(locale, Method::Sms)), wrong).render());
    let scan = Scan {
        secret: "JBSW Y3DP EHPK 3PXP".to_owned(),
        otpauth: "otpauth://totp/Calmness:a?secret=JBSWY3DPEHPK3PXP&issuer=Calmness".to_owned(),
        qr_svg: "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"></svg>".to_owned(),
    };
    add("app-scan", AppView { page: frame(locale), scan: Some(scan), complaint: fine() }.render());
    let wrong = complaint(locale, Complaint::CODE, "code-wrong");
    add("app-wrong", AppView { page: frame(locale), scan: None, complaint: wrong }.render());
    let codes = vec!["k7m2-9xqd-4tzw-h3pa".to_owned(); 10];
    add("codes", CodesView { page: frame(locale), codes, app_is_new: true }.render());
    let on = PhoneState::On {
        number: "+229 •• •• 12".to_owned(),
        since: Moment::day(locale, NOW),
        replaceable: true,
    };
    let invalid = complaint(locale, Complaint::PHONE, "phone-invalid");
    add("phone-on", phone(locale, on, fine()).render());
    add("phone-off", phone(locale, PhoneState::Off, invalid).render());
    add("phone-needs-app", phone(locale, PhoneState::NeedsApp, fine()).render());
    let wrong = complaint(locale, Complaint::CODE, "code-wrong");
    add("phone-confirm", PhoneConfirmView { page: frame(locale), complaint: wrong }.render());
    let devices = vec![device(locale, true), device(locale, false)];
    add("devices", DevicesView { page: frame(locale), devices }.render());
    let keys = vec![key(locale, true), key(locale, false)];
    add("keys", KeysView { page: frame(locale), keys, room: true }.render());
    add("keys-full", KeysView { page: frame(locale), keys: Vec::new(), room: false }.render());
    add("key-new", new_key(locale, fine()).render());
    let none = complaint(locale, Complaint::SCOPES, "keys-scope-refused");
    add("key-refused", new_key(locale, none).render());
    let (name, key) = ("Tracking server".to_owned(), "cfi_AbCdEf".to_owned());
    let ends_at = Moment::day(locale, NOW + Duration::days(90));
    add("key-made", KeyMadeView { page: frame(locale), name, key, ends_at }.render());
    for (name, erased_on) in [("data", None), ("data-leaving", Some(Moment::new(locale, NOW)))] {
        add(name, DataView { page: frame(locale), erased_on }.render());
    }
}

fn entering(locale: Locale, add: &mut impl FnMut(&str, askama::Result<String>)) {
    let wrong = complaint(locale, Complaint::CODE, "code-wrong");
    for (name, method, complaint) in [
        ("login-code", Method::Totp, Complaint::default()),
        ("login-code-sms", Method::Sms, Complaint::default()),
        ("login-code-wrong", Method::RecoveryCode, wrong),
    ] {
        let (page, next) = (stranger(locale), "/dashboard".to_owned());
        add(name, LogInCodeView { page, next, code: prompt(locale, method), complaint }.render());
    }
    let email_error = Some(application::text::invalid(locale, "email"));
    add("forgot", ForgotView { page: stranger(locale), email: "amina".to_owned(), email_error }.render());
    let common = complaint(locale, Complaint::NEW_PASSWORD, "invalid-password_too_common");
    add("reset", reset(locale, false, common).render());
    add("reset-ended", reset(locale, true, Complaint::default()).render());
}

#[test]
fn every_notice_has_its_sentence() {
    for locale in Locale::ALL {
        for notice in Notice::ALL {
            assert_ne!(text(locale, notice.key(), &[]), notice.key());
        }
    }
}

#[test]
fn what_people_name_their_keys_and_type_never_becomes_markup() {
    let hostile = || HOSTILE.to_owned();
    let row = KeyRow { name: hostile(), starts: hostile(), ..key(Locale::En, true) };
    let keys = KeysView { page: frame(Locale::En), keys: vec![row], room: true };
    let made = KeyMadeView {
        page: frame(Locale::En),
        name: hostile(),
        key: hostile(),
        ends_at: Moment::day(Locale::En, NOW),
    };
    let typed = KeyNewView { name: hostile(), ..new_key(Locale::En, Complaint::default()) };
    let named = DeviceRow { name: hostile(), network: hostile(), ..device(Locale::En, false) };
    let devices = DevicesView { page: frame(Locale::En), devices: vec![named] };
    let number = PhoneView { phone: hostile(), ..phone(Locale::En, PhoneState::Off, Complaint::default()) };
    let link = ResetView { token: hostile(), ..reset(Locale::En, false, Complaint::default()) };
    for drawn in
        [keys.render(), made.render(), typed.render(), devices.render(), number.render(), link.render()]
    {
        let drawn = drawn.unwrap();
        assert!(!drawn.contains("<script>") && drawn.contains("alert(1)"), "{drawn}");
    }
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_never_a_password() {
    let none = complaint(Locale::En, Complaint::SCOPES, "keys-scope-refused");
    let drawn = new_key(Locale::En, none).render().unwrap();
    assert!(drawn.contains("value=\"Tracking server\"") && drawn.contains("value=\"on\" checked"));
    for field in drawn.split("<input ").skip(1).filter(|field| field.contains("type=\"password\"")) {
        let field = field.split('>').next().unwrap();
        assert!(!field.contains("value="), "{field}");
    }
}
