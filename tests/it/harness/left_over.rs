//! What a service that has come to rest must not leave behind.

use ledgerline::app::App;

/// A line for each kind of work that was left undone.
pub(super) async fn of(app: &App) -> Vec<String> {
    let mut found = Vec::new();
    let effects: Vec<(String, Option<String>)> =
        sqlx::query_as("SELECT dedupe_key, last_error FROM outbox ORDER BY id")
            .fetch_all(&app.db)
            .await
            .expect("outbox");
    for (key, error) in effects {
        found.push(format!("effect {key} ({})", error.as_deref().unwrap_or("not tried")));
    }
    let reserved: Vec<String> = sqlx::query_scalar("SELECT user_id::text FROM agent WHERE state = 'reserved'")
        .fetch_all(&app.db)
        .await
        .expect("agents");
    found.extend(reserved.into_iter().map(|agent| format!("reserved agent {agent}")));
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("ll:{q:*}:*lease*").query_async(&mut app.redis.clone()).await.expect("keys");
    found.extend(keys.into_iter().map(|key| format!("leases in {key}")));
    found
}
