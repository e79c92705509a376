use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use data_encoding::HEXLOWER;
use tempfile::TempDir;

use super::*;
use crate::entropy::SeededEntropy;

const PIN: KeyPurpose = KeyPurpose::Mac(MacPurpose::PinVerifier);

fn entropy(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(SeededEntropy::new(seed))
}

fn given(byte: u8) -> MasterKey {
    MasterKey::Given(Zeroizing::new([byte; 32]))
}

/// A folder with a key file in it.
fn made(master: MasterKey) -> (TempDir, PathBuf, FileKeyStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let (store, note) = FileKeyStore::open_or_create(&path, master, entropy(1)).unwrap();
    assert!(note.is_some());
    (folder, path, store)
}

fn pin_mac(store: &FileKeyStore, version: u32) -> Result<[u8; 32], KeyError> {
    store.mac(MacPurpose::PinVerifier, version, &[b"card", b"1234"])
}

/// Opens the file after its text was changed.
fn open_edited(path: &Path, edit: impl FnOnce(&str) -> String) -> KeyFileError {
    let text = fs::read_to_string(path).unwrap();
    let edited = edit(&text);
    assert_ne!(text, edited, "the edit changes something");
    fs::write(path, edited).unwrap();
    FileKeyStore::open(path, MasterKey::InFile, entropy(2)).unwrap_err()
}

#[test]
fn a_first_start_makes_a_private_file_and_says_so_once() {
    let (folder, path, store) = made(MasterKey::InFile);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");

    let (again, note) = FileKeyStore::open_or_create(&path, MasterKey::InFile, entropy(2)).unwrap();
    assert_eq!(note, None);
    assert_eq!(pin_mac(&store, 1), pin_mac(&again, 1));
}

#[test]
fn the_note_of_a_first_start_says_what_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    for (name, master, expected) in [
        ("a", MasterKey::InFile, "lies in the file itself"),
        ("b", given(1), "opens only with the CASHPOINT_MASTER_KEY of now"),
    ] {
        let path = folder.path().join(name);
        let (_, note) = FileKeyStore::open_or_create(&path, master, entropy(1)).unwrap();
        let note = note.unwrap().to_string();
        assert!(note.contains(expected) && note.contains(path.to_str().unwrap()), "{note}");
    }
}

#[test]
fn open_alone_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let error = FileKeyStore::open(&path, MasterKey::InFile, entropy(1)).unwrap_err();
    assert!(matches!(error, KeyFileError::Missing { .. }), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_file_open_to_others_is_refused_with_the_cure() {
    let (_folder, path, _) = made(MasterKey::InFile);
    for mode in [0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = FileKeyStore::open(&path, MasterKey::InFile, entropy(2)).unwrap_err();
        assert!(matches!(error, KeyFileError::OpenToOthers { .. }), "{mode:o}: {error}");
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(FileKeyStore::open(&path, MasterKey::InFile, entropy(2)).is_ok());
}

#[test]
fn a_given_master_key_is_not_in_the_file_and_is_needed_to_open_it() {
    let (_folder, path, store) = made(given(0xab));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("master =") && !text.contains("abababab"), "{text}");

    let open = |master| FileKeyStore::open(&path, master, entropy(2));
    assert_eq!(pin_mac(&open(given(0xab)).unwrap(), 1), pin_mac(&store, 1));
    assert!(matches!(open(given(0xac)), Err(KeyFileError::WrongMasterKey { .. })));
    assert!(matches!(open(MasterKey::InFile), Err(KeyFileError::MasterKeyMissing { .. })));
}

#[test]
fn two_master_keys_are_refused() {
    let (_folder, path, _) = made(MasterKey::InFile);
    let error = FileKeyStore::open(&path, given(1), entropy(2)).unwrap_err();
    assert!(matches!(error, KeyFileError::TwoMasterKeys { .. }), "{error}");
}

#[test]
fn reads_master_keys_of_64_hexadecimal_digits() {
    let hex = "00112233445566778899aAbBcCdDeEfF".repeat(2);
    assert!(matches!(MasterKey::from_hex(&hex), Ok(MasterKey::Given(key)) if key[1] == 0x11));
    for bad in ["", "00", &hex[1..], &format!("{hex}00"), &hex.replace('0', "g")] {
        let read = MasterKey::from_hex(bad);
        assert!(matches!(read, Err(KeyFileError::MasterKeyMalformed)), "{bad}");
    }
}

#[test]
fn names_what_it_does_not_understand() {
    type Edit = fn(&str) -> String;
    let edits: [(&str, Edit); 10] = [
        ("unknown field `colour`", |t| t.replace("format = 1", "format = 1\ncolour = 1")),
        ("unknown field `until`", |t| t.replace("version = 1", "version = 1\nuntil = 1")),
        ("unknown purpose `pin-verifiers`", |t| t.replace("pin-verifier", "pin-verifiers")),
        ("`format` must be 1", |t| t.replace("format = 1", "format = 2")),
        ("line 3 is not TOML", |t| t.replace("format = 1", "format 1")),
        ("`master` must be 64", |t| t.replace("master = \"", "master = \"0")),
        ("`version` of a `card-index`", |t| t.replace("\"card-index\"\nversion = 1", "\"card-index\"\nversion = 0")),
        ("`sealed` of a", |t| t.replace("sealed = \"", "sealed = \"x")),
        ("there is no `personal-data-wrap` key", |t| {
            let last = t.rfind("[[key]]").unwrap();
            t[..last].to_owned()
        }),
        ("version 1 is there twice", |t| {
            let last = t.rfind("[[key]]").unwrap();
            format!("{t}{}", &t[last..])
        }),
    ];
    for (expected, edit) in edits {
        let (_folder, path, _) = made(MasterKey::InFile);
        let error = open_edited(&path, edit).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn complaints_do_not_repeat_the_master_key() {
    let (_folder, path, _) = made(MasterKey::InFile);
    let text = fs::read_to_string(&path).unwrap();
    let master = text.split("master = \"").nth(1).unwrap()[..60].to_owned();
    // Without its quote the line is no TOML, and TOML's own message would show it.
    let error = open_edited(&path, |t| t.replace("master = \"", "master = "));
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains(&master[..8]), "{shown}");
    }
}

#[test]
fn a_key_moved_to_another_purpose_does_not_open() {
    let (_folder, path, _) = made(MasterKey::InFile);
    let error = open_edited(&path, |text| {
        let swapped = text.replace("card-index", "?").replace("email-index", "card-index");
        swapped.replace('?', "email-index")
    });
    assert!(matches!(error, KeyFileError::WrongMasterKey { .. }), "{error}");
}

#[test]
fn rotation_adds_a_version_and_keeps_the_old_one_across_a_restart() {
    for master in [MasterKey::InFile, given(5)] {
        let (_folder, path, store) = made(master.clone());
        let old = pin_mac(&store, 1).unwrap();
        assert_eq!(store.rotate(PIN).unwrap(), 2);
        let reopened = FileKeyStore::open(&path, master, entropy(3)).unwrap();
        for store in [&store, &reopened] {
            assert_eq!(store.current_version(PIN), Ok(2));
            assert_eq!(store.live_versions(PIN), Ok(vec![1, 2]));
            assert_eq!(store.live_versions(KeyPurpose::Wrap), Ok(vec![1]));
            assert_eq!(pin_mac(store, 1), Ok(old));
            assert_ne!(pin_mac(store, 2), Ok(old));
        }
        assert_eq!(pin_mac(&store, 2), pin_mac(&reopened, 2));
    }
}

#[test]
fn two_stores_on_one_file_lose_no_rotation() {
    let (_folder, path, store) = made(MasterKey::InFile);
    let other = FileKeyStore::open(&path, MasterKey::InFile, entropy(9)).unwrap();
    assert_eq!(other.rotate(PIN).unwrap(), 2);
    assert_eq!(store.rotate(PIN).unwrap(), 3);
    assert_eq!(pin_mac(&store, 2), pin_mac(&other, 2));
}

#[test]
fn retires_old_versions_and_never_the_current_one() {
    let (_folder, _path, store) = made(MasterKey::InFile);
    assert!(matches!(store.retire(PIN, 1), Err(KeyFileError::Current { version: 1, .. })));
    store.rotate(PIN).unwrap();
    store.retire(PIN, 1).unwrap();
    let gone = KeyError::UnknownVersion { purpose: PIN, version: 1 };
    assert_eq!(pin_mac(&store, 1), Err(gone.clone()));
    assert!(matches!(store.retire(PIN, 1), Err(KeyFileError::Unknown(error)) if error == gone));
    assert_eq!(store.live_versions(PIN), Ok(vec![2]));
}

#[test]
fn a_rotation_that_cannot_be_written_changes_nothing() {
    let (folder, path, store) = made(MasterKey::InFile);
    fs::remove_file(&path).unwrap();
    assert!(matches!(store.rotate(PIN), Err(KeyFileError::Missing { .. })));
    drop(folder);
    assert_eq!(store.current_version(PIN), Ok(1));
}

#[test]
fn of_two_first_starts_at_once_one_makes_the_keys_and_both_use_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let macs: Vec<_> = std::thread::scope(|scope| {
        let start = |seed| {
            let path = &path;
            scope.spawn(move || {
                let opened = FileKeyStore::open_or_create(path, MasterKey::InFile, entropy(seed));
                let (store, note) = opened.unwrap();
                (pin_mac(&store, 1).unwrap(), note.is_some())
            })
        };
        let threads: Vec<_> = (0..8).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(macs.iter().all(|(mac, _)| *mac == macs[0].0));
    assert_eq!(macs.iter().filter(|(_, made)| *made).count(), 1);
}

#[test]
fn wrapped_keys_open_for_their_owner_alone_also_after_a_rotation() {
    let store = FileKeyStore::in_memory(entropy(1));
    let wrapped = store.wrap(b"customer 1", &[9; 32]).unwrap();
    store.rotate(KeyPurpose::Wrap).unwrap();
    assert_eq!(store.unwrap(b"customer 1", &wrapped).map(|key| *key), Ok([9; 32]));
    assert_eq!(store.unwrap(b"customer 2", &wrapped), Err(KeyError::NotAuthentic));
    assert_eq!(store.wrap(b"customer 1", &[9; 32]).unwrap().version, 2);
    let elsewhere = WrappedKey { version: 2, ..wrapped };
    assert_eq!(store.unwrap(b"customer 1", &elsewhere), Err(KeyError::NotAuthentic));
}

#[test]
fn every_purpose_has_a_key_of_its_own() {
    let store = FileKeyStore::in_memory(entropy(1));
    let purposes = [MacPurpose::PinVerifier, MacPurpose::CardIndex, MacPurpose::EmailIndex];
    let mut macs = purposes.map(|purpose| store.mac(purpose, 1, &[b"x"]).unwrap());
    macs.sort_unstable();
    assert!(macs.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn keys_are_not_shown() {
    let (_folder, path, store) = made(given(0xcd));
    let key = store.ring().key(PIN, 1).unwrap().to_vec();
    for shown in [format!("{store:?}"), format!("{:?}", given(0xcd))] {
        assert!(!shown.contains(&format!("{key:?}")) && !shown.contains("205"), "{shown}");
    }
    let raw = fs::read(&path).unwrap();
    let hex = HEXLOWER.encode(&key);
    assert!(!String::from_utf8(raw).unwrap().contains(&hex));
}
