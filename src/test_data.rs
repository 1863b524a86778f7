//! Where test data that is not part of this repository lies.

use std::path::PathBuf;

/// The path of a file or folder of the shared test data: in `LEDGERLINE_TEST_DATA`, or in `../shared/data` beside the
/// repository. Where it is missing this says so and the test that needs it passes without having tested anything.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LEDGERLINE_TEST_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {name} in {}; name the folder in LEDGERLINE_TEST_DATA", folder.display());
    None
}
