//! One headless Chromium with its driver; both end with the test.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use thirtyfour::{ChromiumLikeCapabilities, TypingData, prelude::*};
use tokio::process::{Child, Command};

/// How long the page may take to show something.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a driver may take to end with its browser.
const FAREWELL: Duration = Duration::from_secs(2);
/// Screenshots are taken in these sizes.
const SIZES: [(&str, u32, u32); 2] = [("wide", 1440, 900), ("phone", 390, 844)];

/// A browser that looks at one service. End it with [`Browser::stop`]; dropped, it ends as well.
pub struct Browser {
    driver: WebDriver,
    process: Child,
    profile: PathBuf,
    base: OnceLock<String>,
}

impl Browser {
    /// Starts a browser with a profile of its own. `None` where there is none; in CI that is a failure.
    pub async fn start(name: &str) -> Option<Self> {
        let Some(binary) = installed("chromedriver").and(installed("chromium")) else {
            assert!(std::env::var_os("CI").is_none(), "CI needs chromium and chromedriver");
            eprintln!(
                "skipped: chromium and chromedriver are not installed (apt-get install chromium chromium-driver)"
            );
            return None;
        };
        ledgerline::app::install_tls();
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("browser-{name}"));
        let _ = std::fs::remove_dir_all(&profile);
        std::fs::create_dir_all(&profile).expect("a directory for the profile");
        let port = free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let capabilities = capabilities(&binary, &profile).expect("capabilities");
        let address = format!("http://127.0.0.1:{port}");
        let began = Instant::now();
        let driver = loop {
            match WebDriver::new(&address, capabilities.clone()).await {
                Ok(driver) => break driver,
                Err(error) if began.elapsed() > PATIENCE => {
                    end_browsers(&profile);
                    panic!("no browser: {error}");
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        Some(Self { driver, process, profile, base: OnceLock::new() })
    }

    /// Addresses given to [`Browser::go`] are below this one.
    pub fn serve_from(&self, base: &str) {
        self.base.set(base.to_owned()).expect("one service");
    }

    pub async fn go(&self, path: &str) -> WebDriverResult<()> {
        self.driver.goto(format!("{}{path}", self.base.get().expect("a service"))).await
    }

    pub async fn reload(&self) -> WebDriverResult<()> {
        self.driver.refresh().await
    }

    pub async fn find(&self, selector: &str) -> WebDriverResult<WebElement> {
        self.driver.find(By::Css(selector)).await
    }

    /// Types into whatever has the focus.
    pub async fn keys(&self, keys: impl Into<TypingData>) -> WebDriverResult<()> {
        self.driver.active_element().await?.send_keys(keys).await
    }

    /// Waits until something is displayed.
    pub async fn see(&self, selector: &str) -> WebDriverResult<WebElement> {
        self.driver.query(By::Css(selector)).wait(PATIENCE, Duration::from_millis(50)).and_displayed().first().await
    }

    /// Waits until something shows a text.
    pub async fn see_text(&self, selector: &str, text: &str) -> WebDriverResult<()> {
        let began = Instant::now();
        loop {
            let shown = match self.find(selector).await {
                Ok(element) => element.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if shown.contains(text) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                let _ = self.shot("failed").await;
                panic!("{selector} shows {shown:?} and not {text:?}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Says yes to what the page asks.
    pub async fn accept(&self) -> WebDriverResult<()> {
        self.driver.accept_alert().await
    }

    /// Puts a text in place of what a field holds.
    pub async fn fill(&self, selector: &str, text: &str) -> WebDriverResult<()> {
        let field = self.find(selector).await?;
        field.clear().await?;
        field.send_keys(text).await
    }

    /// Takes screenshots into `target/screenshots`, at the sizes of a desk's screen and of a phone.
    pub async fn shot(&self, name: &str) -> WebDriverResult<()> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        std::fs::create_dir_all(&directory)?;
        for (size, width, height) in SIZES {
            self.driver.set_window_rect(0, 0, width, height).await?;
            self.driver.screenshot(&directory.join(format!("{name}-{size}.png"))).await?;
        }
        let (_, width, height) = SIZES[0];
        self.driver.set_window_rect(0, 0, width, height).await.map(drop)
    }

    /// Ends browser and driver.
    pub async fn stop(mut self) {
        self.driver.clone().quit().await.expect("the browser ends");
        self.process.kill().await.expect("the driver ends");
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Drop for Browser {
    /// After a failure: the driver is asked to end, and what it leaves behind of its browser is ended by its id.
    fn drop(&mut self) {
        let Some(driver) = self.process.id().and_then(|id| i32::try_from(id).ok()) else { return };
        let _ = kill(Pid::from_raw(driver), Signal::SIGTERM);
        let asked = Instant::now();
        while asked.elapsed() < FAREWELL && !matches!(self.process.try_wait(), Ok(Some(_))) {
            std::thread::sleep(Duration::from_millis(50));
        }
        end_browsers(&self.profile);
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn end_browsers(profile: &Path) {
    for browser in browsers(profile) {
        let _ = kill(browser, Signal::SIGKILL);
    }
}

/// The processes that look at a profile: the browser, which takes its helpers along.
fn browsers(profile: &Path) -> Vec<Pid> {
    let named = format!("--user-data-dir={}", profile.display());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_profile = processes.filter_map(|process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let command = std::fs::read(process.path().join("cmdline")).ok()?;
        command.split(|byte| *byte == 0).any(|part| part == named.as_bytes()).then(|| Pid::from_raw(id))
    });
    of_profile.collect()
}

#[tokio::test]
async fn a_browser_that_a_test_lets_go_of_ends() {
    let Some(browser) = Browser::start("let-go").await else { return };
    let profile = browser.profile.clone();
    assert!(!browsers(&profile).is_empty(), "it runs");
    tokio::task::spawn_blocking(move || drop(browser)).await.expect("dropped");
    let began = Instant::now();
    // What is killed is gone once whoever inherited it has taken note.
    while !browsers(&profile).is_empty() {
        assert!(began.elapsed() < PATIENCE, "the browser goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn capabilities(binary: &Path, profile: &Path) -> WebDriverResult<thirtyfour::ChromeCapabilities> {
    let mut capabilities = DesiredCapabilities::chrome();
    capabilities.set_binary(&binary.to_string_lossy())?;
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ];
    for flag in flags {
        capabilities.add_arg(flag)?;
    }
    capabilities.add_arg(&format!("--user-data-dir={}", profile.display()))?;
    Ok(capabilities)
}

/// The path of a program, if it is installed.
fn installed(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
