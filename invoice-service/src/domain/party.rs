//! Seller and buyer.

use super::{country::CountryCode, text::Text};

/// A trade name or a person's name (EN 16931 BT-27, BT-44): the longest registered company
/// names stay below 200 characters.
pub type PartyName = Text<200>;
/// An e-mail address; 254 is the longest that SMTP can deliver to (RFC 5321, 4.5.3.1.3). Its
/// form is not checked: a draft may hold half of one, and only delivery proves an address.
pub type Email = Text<254>;
/// A telephone number, in whatever way the party writes it.
pub type Phone = Text<40>;
/// A tax or VAT identifier (EN 16931 BT-31, BT-32, BT-48).
pub type TaxId = Text<40>;
/// A registration number (EN 16931 BT-30, BT-47).
pub type LegalId = Text<40>;
/// One line of a street address (EN 16931 BT-35, BT-36, BT-50, BT-51).
pub type AddressLine = Text<200>;
/// A city (EN 16931 BT-37, BT-52).
pub type City = Text<100>;
/// A postal code (EN 16931 BT-38, BT-53).
pub type PostalCode = Text<20>;
/// A region, state or province (EN 16931 BT-39, BT-54).
pub type Region = Text<100>;

/// Who sells or buys (EN 16931 BG-4, BG-7). Everything may be blank on a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Name.
    pub name: PartyName,
    /// E-mail address.
    pub email: Email,
    /// Telephone number.
    pub phone: Phone,
    /// Tax or VAT identifier.
    pub tax_id: TaxId,
    /// Registration number.
    pub legal_id: LegalId,
    /// Postal address.
    pub address: Address,
}

/// A postal address (EN 16931 BG-5, BG-8).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// First line, usually street and number.
    pub line1: AddressLine,
    /// Second line.
    pub line2: AddressLine,
    /// City.
    pub city: City,
    /// Postal code.
    pub postal_code: PostalCode,
    /// Region, state or province.
    pub region: Region,
    /// Country; none when it is left blank.
    pub country_code: Option<CountryCode>,
}
