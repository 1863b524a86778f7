//! The rows of users and of their sessions.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::User;
use crate::{
    agent::{Principal, Role, session::Kind},
    error::{Error, Result},
    ids::UserId,
};

/// A session to insert.
pub(in crate::agent) struct NewSession<'a> {
    pub hash: &'a [u8],
    pub user: UserId,
    pub kind: Kind,
    pub label: &'a str,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

/// A session that is valid.
pub(in crate::agent) struct FoundSession {
    pub principal: Principal,
    pub prolongs: bool,
    pub expires_at: DateTime<Utc>,
}

/// False: the login is taken.
pub(super) async fn insert(db: &PgPool, user: &User, password_hash: &str) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO users (id, login, name, role, password_hash, device, created_at, department, team)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (login) DO NOTHING",
        user.id.0,
        user.login,
        user.name,
        user.role.as_str(),
        password_hash,
        user.device,
        user.created_at,
        user.department,
        user.team,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct Row {
    id: UserId,
    login: String,
    name: String,
    role: String,
    device: Option<String>,
    department: Option<String>,
    team: Option<String>,
    created_at: DateTime<Utc>,
    disabled_at: Option<DateTime<Utc>>,
}

impl Row {
    fn user(self) -> Result<User> {
        Ok(User {
            id: self.id,
            login: self.login,
            name: self.name,
            role: role(&self.role)?,
            device: self.device,
            department: self.department,
            team: self.team,
            created_at: self.created_at,
            disabled_at: self.disabled_at,
        })
    }
}

pub(super) async fn all(db: &PgPool) -> Result<Vec<User>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: UserId", login, name, role, device, department, team, created_at, disabled_at
           FROM users ORDER BY login LIMIT 1000"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::user).collect()
}

/// The user as it is, locked until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, user: UserId) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: UserId", login, name, role, device, department, team, created_at, disabled_at
           FROM users WHERE id = $1 FOR UPDATE"#,
        user.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::user).transpose()
}

pub(super) async fn update(conn: &mut PgConnection, user: &User) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET name = $2, role = $3, device = $4, department = $5, team = $6 WHERE id = $1",
        user.id.0,
        user.name,
        user.role.as_str(),
        user.device,
        user.department,
        user.team
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn enable(db: &PgPool, user: UserId) -> Result<bool> {
    let done = sqlx::query!("UPDATE users SET disabled_at = NULL WHERE id = $1", user.0).execute(db).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn set_password(conn: &mut PgConnection, user: UserId, hash: &str) -> Result<bool> {
    let done = sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", user.0, hash).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn disable(conn: &mut PgConnection, user: UserId, now: DateTime<Utc>) -> Result<bool> {
    let done = sqlx::query!("UPDATE users SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1", user.0, now)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The user of a login, if it may log in, with the hash of its password.
pub(in crate::agent) async fn credentials(db: &PgPool, login: &str) -> Result<Option<(Principal, String)>> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: UserId", login, name, role, password_hash
           FROM users WHERE login = $1 AND disabled_at IS NULL"#,
        login
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let principal = Principal { user: row.id, role: role(&row.role)?, name: row.name, login: row.login };
        Ok((principal, row.password_hash))
    })
    .transpose()
}

/// The user, if it may log in.
pub(in crate::agent) async fn principal(db: impl PgExecutor<'_>, user: UserId) -> Result<Option<Principal>> {
    let row = sqlx::query!("SELECT login, name, role FROM users WHERE id = $1 AND disabled_at IS NULL", user.0)
        .fetch_optional(db)
        .await?;
    row.map(|row| Ok(Principal { user, role: role(&row.role)?, name: row.name, login: row.login })).transpose()
}

/// The department the user was put into.
pub(in crate::agent) async fn department(db: &PgPool, user: UserId) -> Result<Option<String>> {
    let found = sqlx::query_scalar!("SELECT department FROM users WHERE id = $1", user.0).fetch_optional(db).await?;
    Ok(found.flatten())
}

pub(in crate::agent) async fn insert_session(db: &PgPool, session: &NewSession<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO session (token_hash, user_id, kind, label, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        session.hash,
        session.user.0,
        session.kind.as_str(),
        session.label,
        session.created_at,
        session.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session of a token's hash that is valid at `now`.
pub(in crate::agent) async fn session(db: &PgPool, hash: &[u8], now: DateTime<Utc>) -> Result<Option<FoundSession>> {
    let row = sqlx::query!(
        r#"SELECT u.id AS "id: UserId", u.login, u.name, u.role, s.kind = 'cookie' AS "prolongs!", s.expires_at
           FROM session s JOIN users u ON u.id = s.user_id
           WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL"#,
        hash,
        now
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let principal = Principal { user: row.id, role: role(&row.role)?, name: row.name, login: row.login };
        Ok(FoundSession { principal, prolongs: row.prolongs, expires_at: row.expires_at })
    })
    .transpose()
}

pub(in crate::agent) async fn prolong(db: &PgPool, hash: &[u8], until: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE session SET expires_at = $2 WHERE token_hash = $1 AND expires_at < $2", hash, until)
        .execute(db)
        .await?;
    Ok(())
}

pub(in crate::agent) async fn end_session(db: &PgPool, hash: &[u8]) -> Result<()> {
    sqlx::query!("DELETE FROM session WHERE token_hash = $1", hash).execute(db).await?;
    Ok(())
}

pub(super) async fn end_sessions(conn: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query!("DELETE FROM session WHERE user_id = $1", user.0).execute(conn).await?;
    Ok(())
}

fn role(name: &str) -> Result<Role> {
    Role::from_name(name).ok_or_else(|| Error::internal("reading a user")(format!("unknown role {name}")))
}
