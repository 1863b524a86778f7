//! A real mail server as a child process: aiosmtpd, which `scripts/bootstrap test` installs.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use ledgerline::{config, ids::MessageId};

/// Runs until it is dropped.
pub struct MailServer {
    child: Child,
    port: u16,
    folder: PathBuf,
    certificate: Option<PathBuf>,
}

/// A mail as the server took it.
#[derive(Clone, Debug)]
pub struct Mail(pub String);

impl MailServer {
    /// Starts it; `None`, and a line that says so, where this machine has none.
    pub fn start() -> Option<Self> {
        Self::run(false)
    }

    /// As [`MailServer::start`], one that wants STARTTLS and a log-in.
    pub fn start_secure() -> Option<Self> {
        Self::run(true)
    }

    fn run(secure: bool) -> Option<Self> {
        let python = ["/usr/bin/python3", "python3"].into_iter().find(|python| knows_aiosmtpd(python));
        let Some(python) = python else {
            assert!(std::env::var_os("CI").is_none(), "CI needs aiosmtpd");
            eprintln!("SKIPPED: no mail server: install python3-aiosmtpd (scripts/bootstrap test does)");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("ledgerline-mail-{}", MessageId::generate()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/messages/smtp_server.py");
        let mut command = Command::new(python);
        command.arg(script).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let certificate = if secure { Some(make_certificate(&folder)?) } else { None };
        if let Some(certificate) = &certificate {
            command.arg(certificate).arg(folder.join("key.pem"));
        }
        let mut child = command.spawn().expect("python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its port");
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the mail server did not start: {line}"));
        Some(Self { child, port, folder, certificate })
    }

    /// Settings that lead to it.
    pub fn settings(&self) -> config::Mail {
        let url = match &self.certificate {
            Some(_) => format!("smtp://ledgerline:p%40ss@localhost:{}", self.port),
            None => format!("smtp://127.0.0.1:{}?tls=none", self.port),
        };
        config::Mail {
            smtp_url: Some(url.into()),
            smtp_sender: Some("Example Receivables <accounts@example.com>".to_owned()),
            smtp_reply_to: Some("desk@example.com".to_owned()),
            smtp_return_path: Some("bounces+{id}@example.com".to_owned()),
            smtp_ca_file: self.certificate.clone(),
            smtp_timeout_seconds: Some(20),
        }
    }

    /// The mails it took, in order.
    pub fn mails(&self) -> Vec<Mail> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.folder)
            .expect("the folder")
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files.iter().map(|file| Mail(std::fs::read_to_string(file).expect("a mail").replace("\r\n", "\n"))).collect()
    }

    /// A mailbox that refused takes mail from now on.
    pub fn accept(&self, mailbox: &str) {
        std::fs::write(self.folder.join(mailbox), "").expect("a file");
    }
}

impl Mail {
    /// A header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.0.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ");
        head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")).map(str::to_owned))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn knows_aiosmtpd(python: &str) -> bool {
    let asked = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// A certificate for `localhost` that signs itself.
fn make_certificate(folder: &Path) -> Option<PathBuf> {
    let certificate = folder.join("certificate.pem");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status();
    if made.is_ok_and(|status| status.success()) {
        Some(certificate)
    } else {
        eprintln!("SKIPPED: no openssl to make a certificate with");
        None
    }
}
