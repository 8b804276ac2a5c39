//! A folder with a store of its own, and the tool at work in it.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The root of the repository, where the test data are.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The file that holds everything.
pub const DATABASE: &str = "archive.sqlite";

/// A folder of a test, with the tool run in it.
pub struct Archive {
    pub folder: tempfile::TempDir,
}

impl Archive {
    pub fn new() -> Self {
        Archive { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_samestory").as_ref(), args)
    }

    /// As [`Archive::command`], with another copy of the program.
    pub fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.folder.path()).env_remove("SAMESTORY_STORE");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output of a command that must do.
    pub fn text(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command that must fail says.
    pub fn error(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.contains("hint:") && !text.contains("panicked"), "{text}");
        text
    }

    /// Starts a command whose input and outputs are pipes.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command with `input` on its standard input.
    pub fn feed(&self, args: &[&str], input: &str) -> Output {
        let mut child = self.spawn(args);
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    pub fn info(&self) -> serde_json::Value {
        serde_json::from_str(&self.text(&["index", "info", "--json"])).unwrap()
    }
}

/// JSON lines of `n` stories, each with words of its own.
pub fn stories(from: usize, n: usize) -> String {
    let mut text = String::new();
    for i in from..from + n {
        let body =
            format!("The ferry number {i} left the harbour of Ostrel with {} passengers aboard.", i * 7);
        writeln!(text, r#"{{"id":"s{i}","title":"Ferry {i} leaves","text":"{body}"}}"#).unwrap();
    }
    text
}
