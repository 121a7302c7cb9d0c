//! The parts that forms share which ask who somebody is: what was refused, and how a code is asked for.

use application::identity::Method;

/// Why a form was refused, in words, beside the field that it is about; the default is no complaint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint(Option<(&'static str, String)>);

impl Complaint {
    /// About the whole form.
    pub const FORM: &'static str = "form";
    /// About the password that was asked again.
    pub const PASSWORD: &'static str = "password";
    /// About a password that was chosen.
    pub const NEW_PASSWORD: &'static str = "new_password";
    /// About the code.
    pub const CODE: &'static str = "code";
    /// About the telephone number.
    pub const PHONE: &'static str = "phone";
    /// About the name of a key.
    pub const NAME: &'static str = "name";
    /// About what a key may do.
    pub const SCOPES: &'static str = "scopes";
    /// About the address.
    pub const EMAIL: &'static str = "email";

    /// What is wrong with one field.
    pub const fn new(field: &'static str, words: String) -> Self {
        Self(Some((field, words)))
    }

    /// What is wrong with this field.
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0.as_ref().filter(|(place, _)| *place == field).map(|(_, words)| words.as_str())
    }
}

/// Asks for a code of the second factor, and leads to the other ways of showing one.
#[derive(Clone, Debug)]
pub struct CodePrompt {
    /// How it is asked for now.
    pub method: Method,
    /// The other ways.
    pub others: Vec<OtherWay>,
    /// Where a button has a message sent, if that is how.
    pub send: Option<SendCode>,
}

/// Another way of showing a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherWay {
    /// The page that asks for it.
    pub href: String,
    /// What it is.
    pub label: String,
}

/// The form that has a code sent to the telephone; posts `back`, where it comes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendCode {
    /// Where it posts to.
    pub action: &'static str,
    /// The page that asks for the code.
    pub back: String,
}

impl CodePrompt {
    /// What the field is called.
    pub const fn label(&self) -> &'static str {
        match self.method {
            Method::Totp => "code-app",
            Method::Sms => "code-phone",
            Method::RecoveryCode => "code-recovery",
        }
    }

    /// What helps with the field.
    pub const fn hint(&self) -> &'static str {
        match self.method {
            Method::Totp => "code-app-hint",
            Method::Sms => "code-phone-hint",
            Method::RecoveryCode => "code-recovery-hint",
        }
    }

    /// Whether it is digits alone, for which a telephone shows another keyboard.
    pub const fn numeric(&self) -> bool {
        !matches!(self.method, Method::RecoveryCode)
    }
}

/// What the words of a method are, as a way to choose.
pub const fn way(method: Method) -> &'static str {
    match method {
        Method::Totp => "code-use-app",
        Method::Sms => "code-use-phone",
        Method::RecoveryCode => "code-use-recovery",
    }
}
