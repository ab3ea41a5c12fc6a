//! SPEC.md and the tests name the same rules: a rule that nothing shows is no rule yet.
#![expect(clippy::expect_used, reason = "a check that cannot read the sources has failed")]

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_rule_is_shown_by_a_test() {
    let shown = rules_in_tests();
    let missing: Vec<_> =
        rules_in_spec().into_iter().filter(|rule| !shown.contains(rule)).collect();

    assert!(missing.is_empty(), "no test cites {missing:?}");
}

#[test]
fn tests_cite_only_rules_that_exist() {
    let rules = rules_in_spec();
    let unknown: Vec<_> =
        rules_in_tests().into_iter().filter(|rule| !rules.contains(rule)).collect();

    assert!(unknown.is_empty(), "SPEC.md has no {unknown:?}");
}

#[test]
fn every_rule_has_a_number_of_its_own() {
    let spec = fs::read_to_string("SPEC.md").expect("SPEC.md is there");
    let listed: Vec<_> = defined(&spec).collect();

    assert!(listed.len() > 90, "SPEC.md lists its rules");
    assert_eq!(listed.len(), rules_in_spec().len());
}

/// Rules are list items, `- **PA1** …`, deviations rows of a table, `| D1 | …`.
fn defined(spec: &str) -> impl Iterator<Item = String> {
    spec.lines().filter_map(|line| {
        let item = line.strip_prefix("- **").and_then(|rest| rest.split_once("**"));
        let row = line.strip_prefix("| ").and_then(|rest| rest.split_once(" |"));
        item.or(row).map(|(rule, _)| rule).filter(|rule| is_rule(rule)).map(String::from)
    })
}

fn rules_in_spec() -> BTreeSet<String> {
    defined(&fs::read_to_string("SPEC.md").expect("SPEC.md is there")).collect()
}

/// The rules that test titles cite: `fn pa3_…` after `#[test]` in Rust, `'[PA3] …'` or `"[PA3, PA4] …"` in TypeScript.
fn rules_in_tests() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for folder in ["src", "tests", "__test__"] {
        visit(
            Path::new(folder),
            &mut |path, code| match path.extension().and_then(|e| e.to_str()) {
                Some("rs") => {
                    rust_titles(code).for_each(|title| rules.extend(cited_in_rust(&title)));
                }
                Some("ts") => rules.extend(cited_in_typescript(code)),
                _ => {}
            },
        );
    }
    rules
}

/// The names of functions under `#[test]`, in `proptest!` too.
fn rust_titles(code: &str) -> impl Iterator<Item = String> {
    let mut is_test = false;
    code.lines().filter_map(move |line| {
        let line = line.trim_start();
        if line == "#[test]" {
            is_test = true;
            return None;
        }
        let name = line.strip_prefix("fn ").filter(|_| std::mem::take(&mut is_test))?;
        Some(name.split('(').next().unwrap_or(name).to_owned())
    })
}

fn cited_in_rust(title: &str) -> Vec<String> {
    title.split('_').map(str::to_uppercase).take_while(|word| is_rule(word)).collect()
}

fn cited_in_typescript(code: &str) -> Vec<String> {
    let titles = ["'[", "\"[", "`["].into_iter().flat_map(|open| code.split(open).skip(1));
    titles
        .filter_map(|rest| rest.split_once(']'))
        .flat_map(|(cited, _)| cited.split([',', ' ']))
        .filter(|word| is_rule(word))
        .map(String::from)
        .collect()
}

/// Letters, then digits: `PA3`, `D12`.
fn is_rule(word: &str) -> bool {
    let letters = word.chars().take_while(char::is_ascii_uppercase).count();
    let digits = word.get(letters..).unwrap_or_default();
    (1..=2).contains(&letters)
        && !digits.is_empty()
        && digits.len() <= 2
        && digits.chars().all(|c| c.is_ascii_digit())
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, look);
        } else if let Ok(code) = fs::read_to_string(&path) {
            look(&path, &code);
        }
    }
}
