//! Password hashes: argon2id, computed off the async threads.
