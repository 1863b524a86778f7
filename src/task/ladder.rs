//! Where an overdue task goes, and who may do what with a task. Pure.

use chrono::NaiveDate;

use super::{Priority, Task};
use crate::{
    agent::{Principal, Role},
    agreement::{Department, Rules},
    business_day::BusinessDays,
};

/// A step up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Up {
    pub(super) department: String,
    pub(super) due_on: NaiveDate,
    pub(super) priority: Priority,
}

/// Where a task goes that the department has not done in time; `None`: it is at the top, and stays in sight there.
pub(super) fn up(
    rules: &Rules,
    department: &str,
    priority: Priority,
    today: NaiveDate,
    days: &BusinessDays,
) -> Option<Up> {
    let next = rules.department(department)?.moves_up_to.as_deref()?;
    let next = rules.department(next)?;
    let due_on = days.after(today, next.answer_days);
    Some(Up { department: next.code.clone(), due_on, priority: priority.raised() })
}

/// Who asks, and the department it was put into.
#[derive(Clone, Debug)]
pub(super) struct Asking<'a> {
    pub(super) by: &'a Principal,
    pub(super) department: Option<String>,
}

impl Asking<'_> {
    /// Callers and supervisors see every task, a department those that it has or has had.
    pub(super) fn may_see(&self, task: &Task) -> bool {
        match (&self.department, self.by.role) {
            (Some(own), Role::Department) => task.seen_by.contains(own) || task.user == Some(self.by.user),
            (None, Role::Department) => false,
            _ => true,
        }
    }

    /// Those who belong to the department, whoever has taken it, and supervisors.
    pub(super) fn may_work(&self, task: &Task, rules: &Rules) -> bool {
        task.user == Some(self.by.user)
            || self.by.role >= Role::Supervisor
            || rules.department(&task.department).is_some_and(|department| self.belongs_to(department))
    }

    /// Whether its tasks are this person's to do.
    pub(super) fn belongs_to(&self, department: &Department) -> bool {
        match department.staffed_by {
            Some(role) => self.by.role >= role,
            None => self.department.as_deref() == Some(department.code.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::{
        agreement::STANDARD,
        ids::{TaskId, UserId},
        task::{Kind, State},
    };

    fn rules() -> Rules {
        Rules::read(STANDARD).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn principal(role: Role) -> Principal {
        Principal { user: UserId::generate(), role, name: String::new(), login: String::new() }
    }

    fn task(department: &str, seen_by: &[&str]) -> Task {
        Task {
            id: TaskId::generate(),
            account: None,
            kind: Kind::Other,
            subject: "x".to_owned(),
            department: department.to_owned(),
            user: None,
            user_name: None,
            due_on: day("2026-03-09"),
            overdue: false,
            priority: Priority::Normal,
            source: None,
            state: State::Open,
            moved_up: 0,
            opened_at: "2026-03-09T09:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap(),
            opened_by: None,
            closed_at: None,
            closed_by: None,
            seen_by: seen_by.iter().map(|code| (*code).to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_overdue_goes_up_with_new_time_until_the_top() {
        let (rules, days) = (rules(), BusinessDays::default());
        let mut here = Up { department: "billing".to_owned(), due_on: day("2026-03-06"), priority: Priority::Normal };
        let mut way = Vec::new();
        while let Some(next) = up(&rules, &here.department, here.priority, day("2026-03-06"), &days) {
            way.push((next.department.clone(), next.due_on.to_string(), next.priority));
            here = next;
        }
        assert_eq!(
            way,
            [
                ("supervision".to_owned(), "2026-03-10".to_owned(), Priority::High),
                ("credit".to_owned(), "2026-03-11".to_owned(), Priority::Urgent),
                ("management".to_owned(), "2026-03-13".to_owned(), Priority::Urgent),
            ]
        );
    }

    #[test]
    fn a_department_sees_what_it_has_or_had_and_works_what_it_has() {
        let rules = rules();
        let billing = principal(Role::Department);
        let asking = Asking { by: &billing, department: Some("billing".to_owned()) };
        let (own, gone, other) = (
            task("billing", &["billing"]),
            task("supervision", &["billing", "supervision"]),
            task("legal", &["legal"]),
        );
        assert!(asking.may_see(&own) && asking.may_work(&own, &rules));
        assert!(asking.may_see(&gone) && !asking.may_work(&gone, &rules));
        assert!(!asking.may_see(&other) && !asking.may_work(&other, &rules));
    }

    #[test]
    fn a_caller_sees_all_and_works_what_is_for_callers() {
        let rules = rules();
        let caller = principal(Role::Agent);
        let asking = Asking { by: &caller, department: None };
        assert!(asking.may_work(&task("collections", &[]), &rules));
        let legal = task("legal", &["legal"]);
        assert!(asking.may_see(&legal) && !asking.may_work(&legal, &rules));
        assert!(asking.may_work(&Task { user: Some(caller.user), ..legal }, &rules), "given to the caller in person");
        assert!(!asking.may_work(&task("supervision", &[]), &rules));
        let boss = principal(Role::Supervisor);
        assert!(Asking { by: &boss, department: None }.may_work(&task("legal", &[]), &rules));
    }
}
