//! The checked queries: what `.sqlx` says about each is what the migrations make of it.

use std::{fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Column, Executor, PgConnection, SqlSafeStr, Statement};

use crate::harness::TestApp;

#[tokio::test]
async fn the_offline_data_fits_the_schema() {
    let test = TestApp::start().await;
    let mut connection = test.app.db.acquire().await.expect("a connection");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut stale = Vec::new();
    for file in fs::read_dir(folder).expect(".sqlx is committed").flatten() {
        let written = fs::read_to_string(file.path()).expect("a query's file");
        let told: Value = serde_json::from_str(&written).expect("it is JSON");
        let found = columns(&mut connection, told["query"].as_str().expect("its text")).await;
        if found.as_ref() != Ok(&columns_told(&told)) {
            stale.push(format!("{}: {found:?}", told["query"]));
        }
    }
    drop(connection);
    assert!(stale.is_empty(), "out of date, run make sqlx:\n{}", stale.join("\n"));
    test.finish().await;
}

/// Name and type of each column, as Postgres has it.
async fn columns(connection: &mut PgConnection, query: &str) -> Result<Vec<(String, Value)>, String> {
    let query = AssertSqlSafe(query.to_owned()).into_sql_str();
    let statement = connection.prepare(query).await.map_err(|error| error.to_string())?;
    let columns = statement.columns().iter();
    Ok(columns.map(|column| (column.name().to_owned(), type_of(column.type_info()))).collect())
}

/// The same, as the offline data has it.
fn columns_told(told: &Value) -> Vec<(String, Value)> {
    let columns = told["describe"]["columns"].as_array().expect("a list of columns");
    columns
        .iter()
        .map(|column| (column["name"].as_str().expect("a name").to_owned(), column["type_info"].clone()))
        .collect()
}

fn type_of(info: &sqlx::postgres::PgTypeInfo) -> Value {
    serde_json::to_value(info).expect("a type is JSON")
}
