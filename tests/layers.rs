//! The house is built downwards: a layer may use what is below it, never what is above or beside it.
#![expect(clippy::expect_used, reason = "a check that cannot read the sources has failed")]

use std::{fs, path::Path};

/// Each layer and the layers that it may name.
const LAYERS: [(&str, &[&str]); 5] = [
    ("engine", &[]),
    ("protocol", &["engine"]),
    ("storage", &["engine"]),
    ("server", &["protocol", "storage", "engine"]),
    ("node", &["server", "protocol", "storage", "engine"]),
];

/// What only some layers may touch: below them no clock, file, thread or JS.
const WORLD: [(&str, &[&str]); 6] = [
    ("napi", &["node"]),
    ("std::fs", &["storage"]),
    ("std::thread", &["storage", "server"]),
    ("std::time", &["storage", "server"]),
    ("getrandom", &["server"]),
    ("unsafe", &["node"]),
];

#[test]
fn layers_name_only_what_is_below_them() {
    for (layer, below) in LAYERS {
        for (file, code) in sources(layer) {
            for (other, _) in LAYERS {
                let named = code.contains(&format!("crate::{other}"))
                    || code.contains(&format!("heddle::{other}"))
                    || (code.contains("crate::{")
                        && grouped_imports(&code).any(|name| name == other));
                assert!(!named || other == layer || below.contains(&other), "{file} names {other}");
            }
        }
    }
}

#[test]
fn only_the_layers_meant_for_it_touch_the_world() {
    for (layer, _) in LAYERS {
        for (file, code) in sources(layer) {
            for (what, allowed) in WORLD {
                let touches = code.lines().any(|line| {
                    !line.trim_start().starts_with("//")
                        && !line.contains("unsafe_code")
                        && has_word(line, what)
                });
                assert!(!touches || allowed.contains(&layer), "{file} uses {what}");
            }
        }
    }
}

#[test]
fn every_layer_but_node_forbids_unsafe_code() {
    for (layer, _) in LAYERS.iter().filter(|(layer, _)| *layer != "node") {
        let door =
            fs::read_to_string(format!("src/{layer}/mod.rs")).expect("every layer has a door");
        assert!(door.contains("#![forbid(unsafe_code)]"), "{layer}");
    }
}

#[test]
fn every_folder_of_the_crate_is_a_layer() {
    let mut folders: Vec<String> = fs::read_dir("src")
        .expect("the crate has sources")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();

    assert_eq!(folders, ["engine", "node", "protocol", "server", "storage"]);
}

/// The layers in `use crate::{a::…, b::…}`.
fn grouped_imports(code: &str) -> impl Iterator<Item = &str> {
    let groups = code.split("crate::{").skip(1).filter_map(|rest| rest.split_once("};"));
    groups.flat_map(|(group, _)| group.split(|c: char| !c.is_alphanumeric() && c != '_'))
}

fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// The files of a layer: path and text.
fn sources(layer: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(Path::new("src").join(layer).as_path(), &mut found);
    assert!(!found.is_empty(), "{layer} has sources");
    found
}

fn collect(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = fs::read_to_string(&path).expect("a source file can be read");
            found.push((path.to_string_lossy().into_owned(), code));
        }
    }
}
