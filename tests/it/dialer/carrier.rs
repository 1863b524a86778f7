//! A carrier that only takes requests to dial, and answers as the test wants.

use std::sync::{Arc, Mutex};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use tokio::task::JoinHandle;

/// How requests to dial are answered.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// Taken.
    Taken,
    /// Refused with this error code.
    Refused(u32),
    /// Taken, and then the connection breaks before the answer: nobody knows.
    Lost,
}

pub struct Carrier {
    pub url: String,
    placed: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

type Shared = (Answer, Arc<Mutex<Vec<String>>>);

impl Carrier {
    pub async fn start(answer: Answer) -> Self {
        let placed = Arc::<Mutex<Vec<String>>>::default();
        let router = Router::new()
            .route("/2010-04-01/Accounts/{account}/Calls.json", post(create))
            .with_state((answer, Arc::clone(&placed)));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, placed, task }
    }

    /// Bodies of the requests to dial, in the order in which they came.
    pub fn placed(&self) -> Vec<String> {
        self.placed.lock().expect("no panic before").clone()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn create(State((answer, placed)): State<Shared>, body: String) -> axum::response::Response {
    let number = {
        let mut placed = placed.lock().expect("no panic before");
        placed.push(body);
        placed.len()
    };
    match answer {
        Answer::Taken => {
            let body = format!(r#"{{"sid":"CA{number:032x}","status":"queued"}}"#);
            (StatusCode::CREATED, [("content-type", "application/json")], body).into_response()
        }
        Answer::Refused(code) => {
            let body = format!(r#"{{"code":{code},"message":"refused","status":400}}"#);
            (StatusCode::BAD_REQUEST, [("content-type", "application/json")], body).into_response()
        }
        Answer::Lost => (StatusCode::INTERNAL_SERVER_ERROR, "").into_response(),
    }
}
