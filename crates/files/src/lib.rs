//! Files for their owner alone: keys, and what must not be half there after a loss of power.
//!
//! A file is written beside its place, synced, renamed, and its folder synced: there is the old one or the new one, whole, and
//! never one that others may read. Bank, terminal and devices keep such files; none of them may depend on another, and
//! what they share below (rules, bytes of a network) does no storage: so this stands by itself. What is in a file, and whose
//! it is, is not known here.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use zeroize::Zeroizing;

/// For the owner alone.
const OWNER_ONLY: u32 = 0o600;

/// Why a file is not read.
#[derive(Debug)]
pub enum ReadError {
    /// It cannot be read, or is not there ([`io::ErrorKind::NotFound`]).
    Io(io::Error),
    /// Others may read it.
    OpenToOthers {
        /// Its permissions.
        mode: u32,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(out),
            Self::OpenToOthers { mode } => write!(out, "it can be read by others (mode {mode:04o}): chmod 600"),
        }
    }
}

impl std::error::Error for ReadError {}

/// The text of a file that only its owner may read.
///
/// # Errors
/// [`ReadError`].
pub fn read(path: &Path) -> Result<Zeroizing<String>, ReadError> {
    let mut file = File::open(path).map_err(ReadError::Io)?;
    let metadata = file.metadata().map_err(ReadError::Io)?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ReadError::OpenToOthers { mode });
    }
    // Room for all of it at once: growing would leave pieces behind in memory.
    let length = usize::try_from(metadata.len()).unwrap_or(0);
    let mut text = Zeroizing::new(String::with_capacity(length + 1));
    file.read_to_string(&mut text).map_err(ReadError::Io)?;
    Ok(text)
}

/// Writes a file that is not there yet.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`]: it is there, and stays as it is. Or it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put_in_place(path, bytes, RenameFlags::NOREPLACE)
}

/// Writes a file in the place of the one that is there, if one is.
///
/// # Errors
/// It cannot be written; the one that is there stays as it is.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    put_in_place(path, bytes, RenameFlags::empty())
}

fn put_in_place(path: &Path, bytes: &[u8], flags: RenameFlags) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = hold(&beside)?;
    let written = file
        .set_permissions(Permissions::from_mode(OWNER_ONLY))
        .and_then(|()| file.set_len(0))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| renameat_with(CWD, &beside, CWD, path, flags).map_err(io::Error::from));
    if let Err(error) = written {
        // The file beside is of no use to anybody; that it could not be removed either is not worth a second error.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

/// The file beside, locked: whoever writes the same file waits, and what a crash left beside is written over.
fn hold(beside: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(OWNER_ONLY).open(beside)?;
        file.lock()?;
        // While this one waited, another may have put it in its place; then that name is free, or somebody else's.
        match fs::metadata(beside) {
            Ok(now) if now.ino() == file.metadata()?.ino() => return Ok(file),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_its_owners_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        assert!(matches!(read(&path), Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound));
        write_new(&path, b"first").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(write_new(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(*read(&path).unwrap(), "first");
        replace(&path, b"third").unwrap();
        assert_eq!(*read(&path).unwrap(), "third");
        assert_eq!(listed(folder.path()), ["keys.toml"]);
        assert!(write_new(&folder.path().join("nowhere/keys.toml"), b"").is_err());
    }

    #[test]
    fn what_a_crash_left_beside_is_neither_kept_nor_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("keys.toml"), folder.path().join("keys.toml.new"));
        fs::write(&beside, "much longer than what comes").unwrap();
        fs::set_permissions(&beside, Permissions::from_mode(0o644)).unwrap();
        write_new(&path, b"short").unwrap();
        assert_eq!(*read(&path).unwrap(), "short");
        assert_eq!(listed(folder.path()), ["keys.toml"]);
    }

    #[test]
    fn a_file_that_others_may_read_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        fs::write(&path, "secret").unwrap();
        for mode in [0o640, 0o604, 0o610] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = read(&path).unwrap_err();
            assert!(matches!(refused, ReadError::OpenToOthers { mode: seen } if seen == mode), "{refused}");
        }
    }

    #[test]
    fn of_many_who_write_at_once_each_writes_all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, new) = (folder.path().join("replaced"), folder.path().join("new"));
        let texts: Vec<String> = (0..8).map(|n| format!("{n}").repeat(10_000 + n)).collect();
        let made: usize = std::thread::scope(|scope| {
            let writers: Vec<_> = texts
                .iter()
                .map(|text| {
                    scope.spawn(|| {
                        for _ in 0..20 {
                            replace(&path, text.as_bytes()).unwrap();
                        }
                        usize::from(write_new(&new, text.as_bytes()).is_ok())
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).sum()
        });
        assert_eq!(made, 1, "only one can be first");
        for file in [&path, &new] {
            assert!(texts.contains(&read(file).unwrap()), "a text of two writers");
        }
        assert_eq!(listed(folder.path()).len(), 2);
    }
}
