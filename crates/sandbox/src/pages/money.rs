//! Amounts as people read them: minor units, the currency's exponent, the habits of French and English.

/// Digits after the comma, as ISO 4217 says; two for what isn't listed.
pub(crate) fn exponent(currency: &str) -> usize {
    match currency {
        "XOF" | "XAF" | "JPY" | "KRW" | "GNF" | "RWF" | "UGX" | "CLP" | "VND" | "BIF" | "KMF" | "DJF"
        | "PYG" | "VUV" | "XPF" => 0,
        "TND" | "BHD" | "KWD" | "OMR" | "JOD" | "IQD" | "LYD" => 3,
        "USDT" => 6,
        "BTC" => 8,
        _ => 2,
    }
}

fn symbol(currency: &str) -> &str {
    match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "XAF" => "FCFA",
        "XOF" => "F CFA",
        other => other,
    }
}

/// `5999 EUR` as `59,99 €` in French and `€59.99` in English.
pub(crate) fn display(minor: i64, currency: &str, french: bool) -> String {
    let exponent = exponent(currency);
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    let (thousands, point) = if french { ('\u{202f}', ',') } else { (',', '.') };
    let mut number = if minor < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            number.push(thousands);
        }
        number.push(digit);
    }
    if !fraction.is_empty() {
        number.push(point);
        number.push_str(fraction);
    }
    let symbol = symbol(currency);
    if !french && matches!(symbol, "€" | "$" | "£") {
        format!("{symbol}{number}")
    } else {
        format!("{number}\u{a0}{symbol}")
    }
}

#[cfg(test)]
mod tests {
    use super::display;

    #[test]
    fn amounts_follow_exponent_and_language() {
        for (minor, currency, french, shown) in [
            (5999, "EUR", true, "59,99\u{a0}€"),
            (5999, "EUR", false, "€59.99"),
            (5, "EUR", false, "€0.05"),
            (123_456_789, "USD", false, "$1,234,567.89"),
            (25000, "XOF", true, "25\u{202f}000\u{a0}F CFA"),
            (25000, "XAF", false, "25,000\u{a0}FCFA"),
            (1500, "TND", false, "1.500\u{a0}TND"),
            (150_000, "BTC", true, "0,00150000\u{a0}BTC"),
            (-1, "XOF", false, "-1\u{a0}F CFA"),
            (i64::MIN, "JPY", false, "-9,223,372,036,854,775,808\u{a0}JPY"),
        ] {
            assert_eq!(display(minor, currency, french), shown);
        }
    }
}
