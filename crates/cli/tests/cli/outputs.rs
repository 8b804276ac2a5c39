//! Where reports go: links stay links, and a pipe or a device is written to, never replaced.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::Path,
    process::Command,
    thread,
};

const STORY: &str = r#"{"id":"a","text":"The dam at Ostrel will be raised by four metres next spring, the water board said."}"#;

fn write_groups(folder: &Path, out: &Path) {
    let input = folder.join("in.jsonl");
    fs::write(&input, STORY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_samestory"));
    command.args(["dedup", "--quiet", "--format", "groups", "--out"]).arg(out).arg(&input);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn writes_through_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    write_groups(folder.path(), &link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&file).unwrap().contains("alone-0"));
}

#[test]
fn writes_to_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    write_groups(folder.path(), &pipe);
    assert!(read.join().unwrap().contains("alone-0"));
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    fs::write(&out, "old").unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o600)).unwrap();
    write_groups(folder.path(), &out);
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn keeps_a_dangling_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    symlink("file", &link).unwrap();
    write_groups(folder.path(), &link);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && file.is_file());
}
