//! Start and stop: the private stores, and the processes of the service.

mod own_harness;
mod processes;
mod shutdown;
mod stores;

use std::path::{Path, PathBuf};

/// An empty data directory that is removed at the end.
struct DataDir(PathBuf);

impl DataDir {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frame").join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory for the test");
        Self(path.canonicalize().expect("it exists"))
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Ids of the processes whose command line names `directory`.
fn processes_on(directory: &Path) -> Vec<u32> {
    let name = directory.to_string_lossy();
    std::fs::read_dir("/proc")
        .expect("this system has /proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command_line).contains(&*name)
        })
        .collect()
}
