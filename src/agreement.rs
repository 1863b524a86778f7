//! What the house agrees to, and who looks after it: data, one TOML text for the whole house.

pub mod authority;
mod section;
pub mod store;

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::authority::Authorities;
use crate::{
    account::Account,
    agent::{Principal, Role},
    app::App,
    business_day::BusinessDays,
    campaign::Limits,
    compliance::book::Book,
    error::{Error, Result},
    escalation::ladder::Ladder,
    ids::{AccountId, CallId},
    ledger::OpenItem,
    money::Currency,
    plan::OnBreak,
};

/// The rules that an installation starts with.
pub const STANDARD: &str = include_str!("../agreements/standard.toml");

/// Who calls the debtors.
pub const COLLECTIONS: &str = "collections";

/// Who supervises them, and gets what nobody else is named for.
pub const SUPERVISION: &str = "supervision";

/// The longest text, in bytes.
const LONGEST: usize = 256 * 1024;

/// The rules in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who looks after tasks.
    #[serde(rename = "department")]
    pub departments: Vec<Department>,
    /// Why a debtor contests an item, and who has to answer.
    #[serde(rename = "dispute_reason")]
    pub dispute_reasons: Vec<DisputeReason>,
    /// Which holidays count where.
    pub calendar: Calendars,
    /// What each role may agree to.
    pub authority: Authorities,
    /// What happens to plans.
    pub plan: PlanRules,
    /// To whom an account goes when callers get no further.
    pub escalation: Ladder,
}

/// What happens to plans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRules {
    /// What a break does unless something else is agreed.
    pub on_break: OnBreak,
    /// So many business days before each instalment it is announced, 0 to 10.
    pub remind_days: u8,
}

/// On what a promise or a plan is taken.
#[derive(Clone, Copy)]
pub(crate) struct Basis<'a> {
    /// Whose.
    pub account: AccountId,
    /// On which call; `None`: otherwise.
    pub call: Option<CallId>,
    /// Who takes it: the limits of this role count.
    pub by: &'a Principal,
    /// The account's.
    pub currency: Currency,
    /// The account's open items, oldest first.
    pub open_items: &'a [OpenItem],
    /// What may be asked for, minor units.
    pub collectible_minor: i64,
    /// Grace and tolerance of a promise.
    pub limits: &'a Limits,
    /// What each role may agree to.
    pub rules: &'a Rules,
    /// The days on which the account's banks work.
    pub days: &'a BusinessDays,
}

/// A part of the house that has tasks to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Department {
    /// Its code.
    pub code: String,
    /// What people read.
    pub name: String,
    /// Everybody of this role belongs to it; `None`: the log-ins that were put into it.
    #[serde(default)]
    pub staffed_by: Option<Role>,
    /// How long a task that has moved up to it may take, in business days, 1 to 60.
    pub answer_days: u8,
    /// Who gets what is overdue.
    #[serde(default)]
    pub moves_up_to: Option<String>,
}

/// Why a debtor contests an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeReason {
    /// Its code.
    pub code: String,
    /// What people read.
    pub name: String,
    /// Code of the department that has to answer.
    pub department: String,
    /// Within how many business days, 1 to 60.
    pub answer_days: u8,
}

/// Which calendar of holidays counts where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calendars {
    /// Where nothing else is said.
    pub default: String,
    /// By ISO 3166-1 alpha-2.
    #[serde(default)]
    pub by_country: BTreeMap<String, String>,
    /// By portfolio; before the country's.
    #[serde(default)]
    pub by_portfolio: BTreeMap<String, String>,
}

impl Rules {
    /// Reads the rules from TOML.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the entry and the field.
    pub fn read(text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(Error::invalid("text", "at most 256 KiB"));
        }
        let rules: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            Error::invalid("text", format!("line {line}: {}", error.message()))
        })?;
        rules.check()?;
        Ok(rules)
    }

    /// The department of a code.
    #[must_use]
    pub fn department(&self, code: &str) -> Option<&Department> {
        self.departments.iter().find(|department| department.code == code)
    }

    /// The reason of a code.
    #[must_use]
    pub fn dispute_reason(&self, code: &str) -> Option<&DisputeReason> {
        self.dispute_reasons.iter().find(|reason| reason.code == code)
    }

    /// The holidays that count for an account.
    #[must_use]
    pub fn business_days(&self, book: &Book, portfolio: &str, country: Option<&str>) -> BusinessDays {
        BusinessDays::keeping(book.calendar(self.calendar_of(portfolio, country)).cloned())
    }

    fn calendar_of(&self, portfolio: &str, country: Option<&str>) -> &str {
        let by_country = || self.calendar.by_country.get(country.unwrap_or_default());
        self.calendar.by_portfolio.get(portfolio).or_else(by_country).unwrap_or(&self.calendar.default)
    }

    /// As [`Rules::business_days`], of an account that was read.
    #[must_use]
    pub fn business_days_of(&self, book: &Book, account: &Account) -> BusinessDays {
        self.business_days(book, &account.portfolio, account.country.as_deref())
    }

    /// Those of the house itself.
    #[must_use]
    pub fn business_days_here(&self, book: &Book) -> BusinessDays {
        BusinessDays::keeping(book.calendar(&self.calendar.default).cloned())
    }

    fn check(&self) -> Result<()> {
        let mut codes = HashSet::new();
        for department in &self.departments {
            department.check()?;
            if !codes.insert(department.code.as_str()) {
                return Err(Error::invalid(format!("department.{}", department.code), "stands twice"));
            }
        }
        for code in [COLLECTIONS, SUPERVISION] {
            if !codes.contains(code) {
                return Err(Error::invalid(format!("department.{code}"), "has to be there"));
            }
        }
        self.departments.iter().try_for_each(|department| self.check_ladder(department))?;
        self.check_reasons()?;
        self.escalation.check(|code| self.department(code).is_some())?;
        if self.plan.remind_days > 10 {
            return Err(Error::invalid("plan.remind_days", "0 to 10 business days"));
        }
        self.authority.check()
    }

    fn check_reasons(&self) -> Result<()> {
        let mut codes = HashSet::new();
        for reason in &self.dispute_reasons {
            let wrong =
                |field: &str, detail| Err(Error::invalid(format!("dispute_reason.{}.{field}", reason.code), detail));
            if !is_code(&reason.code) || !codes.insert(reason.code.as_str()) {
                return wrong("code", "1 to 32 of a-z, 0-9 and _, each once");
            }
            if !(1..=80).contains(&reason.name.trim().chars().count()) {
                return wrong("name", "1 to 80 characters");
            }
            if !(1..=60).contains(&reason.answer_days) {
                return wrong("answer_days", "1 to 60 business days");
            }
            if self.department(&reason.department).is_none() {
                return wrong("department", "is no department");
            }
        }
        Ok(())
    }

    /// What moves up ends somewhere.
    fn check_ladder(&self, from: &Department) -> Result<()> {
        let wrong = |detail: &str| Err(Error::invalid(format!("department.{}.moves_up_to", from.code), detail));
        let mut here = from;
        for _ in &self.departments {
            let Some(next) = here.moves_up_to.as_deref() else { return Ok(()) };
            match self.department(next) {
                Some(next) => here = next,
                None => return wrong("is no department"),
            }
        }
        wrong("leads round in a circle")
    }

    /// Every calendar is one of the book's.
    fn check_calendars(&self, book: &Book) -> Result<()> {
        let Calendars { default, by_country, by_portfolio } = &self.calendar;
        let named = std::iter::once(("default", default))
            .chain(by_country.iter().map(|(country, name)| (country.as_str(), name)))
            .chain(by_portfolio.iter().map(|(portfolio, name)| (portfolio.as_str(), name)));
        for (key, name) in named {
            if book.calendar(name).is_none() {
                return Err(Error::invalid(format!("calendar.{key}"), format!("there is no calendar {name}")));
            }
        }
        Ok(())
    }
}

impl Department {
    fn check(&self) -> Result<()> {
        let wrong = |field: &str, detail| Err(Error::invalid(format!("department.{}.{field}", self.code), detail));
        if !is_code(&self.code) {
            return wrong("code", "1 to 32 of a-z, 0-9 and _");
        }
        if !(1..=80).contains(&self.name.trim().chars().count()) {
            return wrong("name", "1 to 80 characters");
        }
        if !(1..=60).contains(&self.answer_days) {
            return wrong("answer_days", "1 to 60 business days");
        }
        if self.staffed_by == Some(Role::Department) {
            return wrong("staffed_by", "agent, supervisor or admin");
        }
        Ok(())
    }
}

fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(plain)
}

/// Puts other rules in force.
///
/// # Errors
/// [`Error::Forbidden`] but for administrators; [`Error::Invalid`] naming the entry and the field, also if a department
/// is gone that has log-ins or open tasks.
pub async fn save(app: &App, by: &Principal, text: &str) -> Result<()> {
    by.must_be(Role::Admin)?;
    let rules = Rules::read(text)?;
    rules.check_calendars(&app.policies.book)?;
    let mut tx = app.db.begin().await?;
    for code in store::departments_in_use(&mut tx).await? {
        if rules.department(&code).is_none() {
            return Err(Error::invalid(format!("department.{code}"), "has log-ins or open tasks"));
        }
    }
    store::save(&mut tx, text, by.user, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Puts another escalation ladder in force and leaves what people wrote besides as it is. By administrators.
///
/// # Errors
/// Those of [`save`]; [`Error::Conflict`] if the text is written so that only a person can change it.
pub async fn save_ladder(app: &App, by: &Principal, ladder: Ladder) -> Result<()> {
    by.must_be(Role::Admin)?;
    let before = store::text(&app.db).await?;
    let section = BTreeMap::from([("escalation", &ladder)]);
    let section = toml::to_string(&section).map_err(Error::internal("writing the escalation ladder"))?;
    let text = section::replace(&before, "escalation", &section);
    let wanted = Rules { escalation: ladder, ..Rules::read(&before)? };
    wanted.check()?;
    if Rules::read(&text)? != wanted {
        return Err(Error::Conflict(
            "the rules are written so that only a person can change them: edit the text".to_owned(),
        ));
    }
    save(app, by, &text).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut Rules)) -> String {
        let mut rules = Rules::read(STANDARD).unwrap();
        change(&mut rules);
        match rules.check() {
            Err(Error::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_standard_rules_are_valid() {
        let rules = Rules::read(STANDARD).unwrap();
        rules.check_calendars(&Book::shipped().unwrap()).unwrap();
    }

    #[test]
    fn a_wrong_entry_is_named() {
        assert_eq!(wrong(|rules| rules.departments[0].code = "Sales!".to_owned()), "department.Sales!.code");
        assert_eq!(wrong(|rules| rules.departments[0].answer_days = 0), "department.collections.answer_days");
        assert_eq!(wrong(|rules| rules.departments[1].code = "collections".to_owned()), "department.collections");
        assert_eq!(wrong(|rules| drop(rules.departments.remove(1))), "department.supervision");
        assert_eq!(
            wrong(|rules| rules.departments[3].moves_up_to = Some("collections".to_owned())),
            "department.collections.moves_up_to",
            "a circle"
        );
        assert_eq!(
            wrong(|rules| rules.dispute_reasons[0].department = "x".to_owned()),
            "dispute_reason.price.department"
        );
        let Err(Error::Invalid { detail, .. }) = Rules::read("\n\nx = 1") else { panic!("it is wrong") };
        assert!(detail.starts_with("line 3: "), "{detail}");
    }

    #[test]
    fn the_portfolios_calendar_comes_before_the_countrys() {
        let (mut rules, book) = (Rules::read(STANDARD).unwrap(), Book::shipped().unwrap());
        let day = |text: &str| text.parse().unwrap();
        let good_friday = day("2026-04-03");
        assert!(rules.business_days(&book, "retail", Some("US")).contains(good_friday));
        assert!(!rules.business_days(&book, "retail", Some("GB")).contains(good_friday));
        rules.calendar.by_portfolio.insert("retail".to_owned(), "england_and_wales".to_owned());
        assert!(!rules.business_days(&book, "retail", Some("US")).contains(good_friday));
        assert!(!rules.business_days(&book, "other", None).contains(day("2026-11-26")), "Thanksgiving by default");
    }
}
