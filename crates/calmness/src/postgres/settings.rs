//! The server's settings: written anew at every start, outside its data, so that they are always this version's.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Durability, Error};

/// Writes the settings file. Whole or not at all: it is written aside and moved into place.
pub(super) fn write(path: &Path, port: u16, durability: Durability) -> Result<(), Error> {
    let aside = path.with_extension("conf.new");
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file("replace", &aside)(error));
        }
        _ => {}
    }
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&aside)?;
        // The account of the server reads it, whatever our umask says.
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(text(port, durability).as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    write().map_err(Error::file("write", path))
}

fn text(port: u16, durability: Durability) -> String {
    let durable = match durability {
        Durability::Full => "on",
        Durability::TestsOnly => "off",
    };
    format!(
        "# Written by calmness at every start: a change made here is lost. ALTER SYSTEM keeps its changes.

# What initdb found out about this machine, its kind of shared memory above all. What follows wins over it.
include 'data/postgresql.conf'

# Reachable from this machine alone, with the password beside this file.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
ssl = off
password_encryption = 'scram-sha-256'

max_connections = 300
shared_buffers = 256MB
# The statements are short; compiling them costs more than it saves.
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
cluster_name = 'calmness'

# Into the log go warnings and errors, never the statements, their values or the rows that they name.
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] %q%u@%d '

# What is committed survives a power cut. 'off' is for tests, whose data nobody needs.
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
"
    )
}
