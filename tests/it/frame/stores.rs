//! The private Postgres and Redis.

use std::time::Duration;

use ledgerline::{config::Stores, db, services, tempo};

use super::{DataDir, processes_on};

fn private(directory: &DataDir) -> Stores {
    Stores { database_url: None, redis_url: None, data_dir: directory.0.clone(), db_connections: 2 }
}

#[tokio::test]
async fn a_second_start_finds_its_data_and_a_stop_leaves_no_process() {
    let directory = DataDir::new("second");
    let stores = private(&directory);
    for start in 1_i64..=2 {
        let running = services::start(&stores).await.expect("the stores start");
        let pool = db::connect(&running.database_url, 1).await.expect("Postgres answers");
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS kept (start bigint); INSERT INTO kept SELECT count(*) + 1 FROM kept")
            .execute(&pool)
            .await
            .expect("a row");
        let starts: i64 = sqlx::query_scalar("SELECT max(start) FROM kept").fetch_one(&pool).await.expect("the rows");
        assert_eq!(starts, start);
        let mut redis = tempo::connect(&running.redis_url).await.expect("Redis answers");
        let pong: String = redis::cmd("PING").query_async(&mut redis).await.expect("an answer");
        assert_eq!(pong, "PONG");
        pool.close().await;
        running.stop().await;
        assert_eq!(processes_on(&directory.0), Vec::<u32>::new());
    }
}

#[tokio::test]
async fn a_data_directory_has_one_service_and_commands_use_its_stores() {
    let directory = DataDir::new("lock");
    let stores = private(&directory);
    let service = services::start(&stores).await.expect("the stores start");

    let refusal = services::start(&stores).await.expect_err("it is in use").to_string();
    assert!(refusal.contains(&format!("in use by process {}", std::process::id())), "{refusal}");

    let command = services::reach(&stores).await.expect("a command gets through");
    db::connect(&command.database_url, 1).await.expect("Postgres answers").close().await;
    command.stop().await;
    db::connect(&service.database_url, 1).await.expect("the command has not stopped it").close().await;

    service.stop().await;
    let next = services::start(&stores).await.expect("it is free again");
    drop(next);
    assert_eq!(processes_on(&directory.0), Vec::<u32>::new(), "dropping stops the stores, too");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let parent = DataDir::new("long");
    let directory = DataDir(parent.0.join("a".repeat(120)));
    let running = services::start(&private(&directory)).await.expect("the stores start");
    db::connect(&running.database_url, 1).await.expect("Postgres answers").close().await;
    tempo::connect(&running.redis_url).await.expect("Redis answers");
    running.stop().await;
}

#[tokio::test]
async fn a_store_that_ends_by_itself_is_noticed() {
    let directory = DataDir::new("died");
    let running = services::start(&private(&directory)).await.expect("the stores start");
    let mut redis = tempo::connect(&running.redis_url).await.expect("Redis answers");
    let _: redis::RedisResult<()> = redis::cmd("SHUTDOWN").arg("NOSAVE").query_async(&mut redis).await;
    let which = tokio::time::timeout(Duration::from_secs(10), running.died()).await.expect("it is noticed");
    assert!(which.contains("redis"), "{which}");
    running.stop().await;
    assert_eq!(processes_on(&directory.0), Vec::<u32>::new());
}
