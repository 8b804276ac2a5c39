//! A default build has no network code: neither its own, nor that of a dependency.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Packages that open connections, or that only such ones need.
const NETWORK: [&str; 24] = [
    "curl",
    "hf-hub",
    "hickory-resolver",
    "http",
    "hyper",
    "isahc",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "ring",
    "rustls",
    "smol",
    "socket2",
    "surf",
    "tokio",
    "trust-dns-resolver",
    "tungstenite",
    "ureq",
    "ureq-proto",
    "webpki",
    "webpki-roots",
];

#[test]
fn no_dependency_of_the_default_build_opens_connections() {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "tree",
        "-p",
        "samestory-cli",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--locked",
        "--offline",
    ]);
    let output = command.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let packages: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains("samestory") && packages.contains("rusqlite"), "{packages:?}");
    let found: Vec<_> = NETWORK.iter().filter(|name| packages.contains(**name)).collect();
    assert!(found.is_empty(), "{found:?}");
    // What the feature that has network code brings is what is looked for here.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("hub = [\"dep:hf-hub\"]") && NETWORK.contains(&"hf-hub"));
}

#[test]
fn no_source_opens_connections() {
    let names =
        ["std::net", "TcpStream", "TcpListener", "UdpSocket", "UnixStream", "UnixListener", "ToSocketAddrs"];
    let mut folders = vec![root().join("src"), root().join("crates"), root().join("models")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                read += 1;
                let found: Vec<_> = names.iter().filter(|name| text.contains(**name)).collect();
                assert!(found.is_empty(), "{}: {found:?}", path.display());
            }
        }
    }
    assert!(read > 300, "{read} files were read");
}
