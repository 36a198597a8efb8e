//! The shop's settings, such as currency, taxes and times, as one document. The defaults are Indonesian.

use std::time::Duration;

use jiff::{civil, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    cash_rounding::RoundingStep,
    money::{Amount, Currency},
    payment::PaymentMethod,
    pricing::{Percent, PriceRules, TaxMode, TaxRate},
    text::{self, InvalidText, LineBreaks},
    time::{BusinessDay, Timestamp},
};

/// The settings of the shop. `PUT /api/Shop` replaces the whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ShopSettings {
    /// The shop's name, at the top of the receipt, 1 to 500 characters on one line.
    #[schema(min_length = 1, max_length = 500)]
    pub name: String,
    /// The address on the receipt, at most 500 characters, lines separated by line feeds.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$")]
    pub address: String,
    /// The shop's tax number (NPWP or NPWPD), at most 500 characters.
    #[schema(max_length = 500)]
    pub tax_number: String,
    /// The last lines of the receipt, at most 500 characters.
    #[schema(max_length = 500, pattern = r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$")]
    pub receipt_foot: String,
    /// The currency of every price. It cannot change once there are prices.
    pub currency: Currency,
    /// An IANA time zone such as `Asia/Jakarta`.
    pub time_zone: String,
    /// The local time at which a business day ends, `HH:MM`.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    pub business_day_cutoff: String,
    /// Whether the menu's prices include the tax.
    pub tax_mode: TaxMode,
    /// The taxes, at most 8, each with a name of its own. A product names one of them; without a name the first applies.
    #[schema(max_items = 8)]
    pub taxes: Vec<TaxRate>,
    /// The service charge on the net price, before tax.
    pub service_percent: Percent,
    /// The smallest amount that is paid in cash: a total is rounded to a multiple of it.
    pub cash_rounding: Amount,
    /// The payment methods that guests may use, each once.
    #[schema(min_items = 1, max_items = 2)]
    pub payment_methods: Vec<PaymentMethod>,
    /// How long a code is valid, in seconds: from its issue while unpaid, and again from its payment.
    #[schema(minimum = 1, maximum = 86_400)]
    pub code_validity_seconds: u32,
    /// The time to live of an unpaid order, in seconds. Then it expires and its stock is released.
    #[schema(minimum = 1, maximum = 86_400)]
    pub unpaid_order_seconds: u32,
}

/// A setting that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidShop {
    /// The shop has no name.
    #[error("name is empty: write the name on the sign above the door")]
    Name,
    /// A text is too long for a receipt, or has a character that no receipt prints.
    #[error(transparent)]
    Text(#[from] InvalidText),
    /// The time zone is not in the tz database.
    #[error("timeZone {0:?} is not known: use an IANA name such as Asia/Jakarta")]
    TimeZone(String),
    /// The cut-off is not a time of day.
    #[error("businessDayCutoff {0:?} is not a time of day such as 04:00")]
    Cutoff(String),
    /// Too many taxes, or a tax without a name of its own.
    #[error("taxes: give each of at most {TAXES_MAX} taxes a name of its own, such as PB1")]
    Taxes,
    /// The step is not positive, has a fraction of a minor unit, or is larger than any coin.
    #[error(
        "cashRounding {0} is not an amount of the currency from 1 to {CASH_ROUNDING_MINOR_MAX} of its smallest unit: use 100 for Rp100, or 1 for no rounding"
    )]
    CashRounding(Amount),
    /// No payment method, or one twice.
    #[error("paymentMethods is empty or names one twice: list CASH, QRIS or both")]
    PaymentMethods,
    /// A duration of zero, or longer than a day.
    #[error("{setting} is {seconds}: use a number of seconds from 1 to {SECONDS_MAX} (a day)")]
    Seconds {
        /// The name of the setting.
        setting: &'static str,
        /// The refused value.
        seconds: u32,
    },
}

/// A receipt has room for this many characters of a text.
pub const SHOP_TEXT_CHARS_MAX: usize = 500;
/// A line of the receipt has room for this many characters of a tax's name.
pub const TAX_NAME_CHARS_MAX: usize = 40;
/// More rates than any country has for a menu.
pub const TAXES_MAX: usize = 8;
/// The largest rounding step, in minor units: Rp1.000. A typing mistake above it would round small orders to zero.
pub const CASH_ROUNDING_MINOR_MAX: i64 = 1_000;
/// A code or an unpaid order that outlives a day belongs to no business day.
pub const SECONDS_MAX: u32 = 86_400;

/// Validated settings, in the form that the rules use.
#[derive(Clone, Debug)]
pub struct ShopRules {
    settings: ShopSettings,
    time_zone: TimeZone,
    cutoff: civil::Time,
    cash_step: RoundingStep,
}

impl Default for ShopSettings {
    fn default() -> Self {
        Self {
            name: "Coffee shop".into(),
            address: String::new(),
            tax_number: String::new(),
            receipt_foot: String::new(),
            currency: Currency::IDR,
            time_zone: "Asia/Jakarta".into(),
            business_day_cutoff: "04:00".into(),
            tax_mode: TaxMode::Inclusive,
            taxes: vec![TaxRate { name: "PB1".into(), percent: Percent::from_hundredths(1000).unwrap_or_default() }],
            service_percent: Percent::default(),
            cash_rounding: Amount::whole(100),
            payment_methods: vec![PaymentMethod::Cash, PaymentMethod::Qris],
            code_validity_seconds: 15 * 60,
            unpaid_order_seconds: 30 * 60,
        }
    }
}

impl ShopRules {
    /// Validates the settings.
    ///
    /// # Errors
    /// [`InvalidShop`] names the first setting that is refused.
    pub fn new(settings: ShopSettings) -> Result<Self, InvalidShop> {
        if settings.name.trim().is_empty() {
            return Err(InvalidShop::Name);
        }
        check_texts(&settings)?;
        let time_zone =
            TimeZone::get(&settings.time_zone).map_err(|_| InvalidShop::TimeZone(settings.time_zone.clone()))?;
        let cutoff = settings
            .business_day_cutoff
            .parse::<civil::Time>()
            .map_err(|_| InvalidShop::Cutoff(settings.business_day_cutoff.clone()))?;
        if settings.taxes.len() > TAXES_MAX || !all_differ(&settings.taxes, |tax| &tax.name) {
            return Err(InvalidShop::Taxes);
        }
        if settings.taxes.iter().any(|tax| tax.name.trim().is_empty()) {
            return Err(InvalidShop::Taxes);
        }
        let cash_step = settings
            .cash_rounding
            .money(settings.currency)
            .ok()
            .filter(|money| money.minor <= CASH_ROUNDING_MINOR_MAX)
            .and_then(|money| RoundingStep::new(money.minor))
            .ok_or(InvalidShop::CashRounding(settings.cash_rounding))?;
        if settings.payment_methods.is_empty() || !all_differ(&settings.payment_methods, |method| method) {
            return Err(InvalidShop::PaymentMethods);
        }
        let durations = [
            ("codeValiditySeconds", settings.code_validity_seconds),
            ("unpaidOrderSeconds", settings.unpaid_order_seconds),
        ];
        if let Some((setting, seconds)) = durations.into_iter().find(|(_, s)| !(1..=SECONDS_MAX).contains(s)) {
            return Err(InvalidShop::Seconds { setting, seconds });
        }
        Ok(Self { settings, time_zone, cutoff, cash_step })
    }

    /// The settings as they were given.
    #[must_use]
    pub fn settings(&self) -> &ShopSettings {
        &self.settings
    }

    /// The currency of every price.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.settings.currency
    }

    /// The currency, tax mode and service charge that prices are computed with.
    #[must_use]
    pub fn price_rules(&self) -> PriceRules {
        let ShopSettings { currency, tax_mode, service_percent, .. } = self.settings;
        PriceRules { currency, tax_mode, service: service_percent }
    }

    /// The tax with this name; without a name, the first. `None` if there is no such tax.
    #[must_use]
    pub fn tax_of(&self, tax_name: Option<&str>) -> Option<&TaxRate> {
        match tax_name {
            Some(name) => self.settings.taxes.iter().find(|tax| tax.name == name),
            None => self.settings.taxes.first(),
        }
    }

    /// The step to which totals are rounded in cash.
    #[must_use]
    pub fn cash_step(&self) -> RoundingStep {
        self.cash_step
    }

    /// The business day of an instant.
    #[must_use]
    pub fn business_day(&self, instant: Timestamp) -> BusinessDay {
        BusinessDay::of(instant, &self.time_zone, self.cutoff)
    }

    /// The first instant of a business day.
    #[must_use]
    pub fn day_starts_at(&self, day: BusinessDay) -> Timestamp {
        day.starts_at(&self.time_zone, self.cutoff)
    }

    /// How long a code is valid.
    #[must_use]
    pub fn code_validity(&self) -> Duration {
        Duration::from_secs(self.settings.code_validity_seconds.into())
    }

    /// The time to live of an unpaid order.
    #[must_use]
    pub fn unpaid_order_ttl(&self) -> Duration {
        Duration::from_secs(self.settings.unpaid_order_seconds.into())
    }
}

fn check_texts(settings: &ShopSettings) -> Result<(), InvalidText> {
    text::check("name", &settings.name, SHOP_TEXT_CHARS_MAX, LineBreaks::Forbidden)?;
    text::check("address", &settings.address, SHOP_TEXT_CHARS_MAX, LineBreaks::Allowed)?;
    text::check("taxNumber", &settings.tax_number, SHOP_TEXT_CHARS_MAX, LineBreaks::Forbidden)?;
    text::check("receiptFoot", &settings.receipt_foot, SHOP_TEXT_CHARS_MAX, LineBreaks::Allowed)?;
    settings.taxes.iter().try_for_each(|tax| text::check("taxes", &tax.name, TAX_NAME_CHARS_MAX, LineBreaks::Forbidden))
}

fn all_differ<T, K: PartialEq>(items: &[T], key: impl Fn(&T) -> &K) -> bool {
    items.iter().enumerate().all(|(index, item)| items[..index].iter().all(|earlier| key(earlier) != key(item)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_those_of_an_indonesian_coffee_shop() {
        let shop = ShopRules::new(ShopSettings::default()).unwrap();
        assert_eq!(shop.currency(), Currency::IDR);
        assert_eq!(shop.tax_of(None).unwrap().percent.to_string(), "10 %");
        assert_eq!(shop.cash_step(), RoundingStep::HUNDRED);
    }

    #[test]
    fn a_refusal_names_the_wrong_setting() {
        let refused = |change: fn(&mut ShopSettings)| {
            let mut settings = ShopSettings::default();
            change(&mut settings);
            ShopRules::new(settings).unwrap_err().to_string()
        };
        assert!(refused(|shop| shop.name = " ".into()).starts_with("name"));
        assert!(refused(|shop| shop.time_zone = "Mars/Base".into()).starts_with("timeZone"));
        assert!(refused(|shop| shop.business_day_cutoff = "25:00".into()).starts_with("businessDayCutoff"));
        assert!(refused(|shop| shop.taxes = vec![shop.taxes[0].clone(); 2]).starts_with("taxes"));
        assert!(refused(|shop| shop.name = "Kopi\0".into()).starts_with("name has a control character"));
        assert!(refused(|shop| shop.tax_number = "1\n2".into()).starts_with("taxNumber"));
        assert!(refused(|shop| shop.receipt_foot = "Thank\tyou".into()).starts_with("receiptFoot"));
        assert!(refused(|shop| shop.taxes[0].name = "PB\u{1b}1".into()).starts_with("taxes"));
        assert!(refused(|shop| shop.taxes[0].name = "P".repeat(41)).starts_with("taxes is longer than 40"));
        assert!(refused(|shop| shop.address = "J".repeat(501)).starts_with("address is longer than 500"));
        assert!(refused(|shop| shop.cash_rounding = Amount::ZERO).starts_with("cashRounding"));
        assert!(refused(|shop| shop.cash_rounding = Amount::whole(1_001)).starts_with("cashRounding"));
        assert!(refused(|shop| shop.payment_methods.clear()).starts_with("paymentMethods"));
        assert!(refused(|shop| shop.unpaid_order_seconds = 0).starts_with("unpaidOrderSeconds"));
    }

    #[test]
    fn the_address_and_the_receipts_foot_may_have_several_lines() {
        let lines = |text: &str| ShopSettings { address: text.into(), receipt_foot: text.into(), ..Default::default() };
        assert!(ShopRules::new(lines("Jl. Sudirman 1\nJakarta")).is_ok());
    }

    #[test]
    fn money_in_json_is_a_number() {
        let json = serde_json::to_string(&ShopSettings::default()).unwrap();
        assert!(json.contains(r#""cashRounding":100"#), "{json}");
        assert_eq!(serde_json::from_str::<ShopSettings>(&json).unwrap(), ShopSettings::default());
    }

    #[test]
    fn cash_rounding_is_an_amount_of_the_shops_currency() {
        let dollars = ShopSettings {
            currency: "USD".parse().unwrap(),
            cash_rounding: "0.05".parse().unwrap(),
            ..ShopSettings::default()
        };
        let step = ShopRules::new(dollars).unwrap().cash_step();
        assert_eq!(step.minor(), 5);
        let most = ShopSettings { cash_rounding: Amount::whole(1_000), ..ShopSettings::default() };
        assert_eq!(ShopRules::new(most).unwrap().cash_step().minor(), CASH_ROUNDING_MINOR_MAX);
    }

    #[test]
    fn a_product_has_the_tax_that_it_names_or_the_first() {
        let tax = |name: &str| TaxRate { name: name.into(), percent: Percent::default() };
        let settings = ShopSettings { taxes: vec![tax("PB1"), tax("PPN")], ..ShopSettings::default() };
        let shop = ShopRules::new(settings.clone()).unwrap();
        let name = |tax_name| shop.tax_of(tax_name).map(|tax| tax.name.as_str());
        assert_eq!((name(None), name(Some("PPN")), name(Some("VAT"))), (Some("PB1"), Some("PPN"), None));
        assert_eq!(shop.settings(), &settings);
    }

    #[test]
    fn codes_and_unpaid_orders_last_as_long_as_set() {
        let settings =
            ShopSettings { code_validity_seconds: 61, unpaid_order_seconds: SECONDS_MAX, ..ShopSettings::default() };
        let shop = ShopRules::new(settings).unwrap();
        assert_eq!(shop.code_validity(), Duration::from_secs(61));
        assert_eq!(shop.unpaid_order_ttl(), Duration::from_secs(86_400));
    }
}
