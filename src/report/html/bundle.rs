//! The page's script: its ES modules, bundled into one.
//!
//! A module's imports come before it; `import` statements are dropped, `export` keywords too, and everything is put into
//! one function. So the modules share one scope: names at the top level must differ between modules. Only named imports
//! of other modules are known: `import { a, b } from './c.mjs';`.

use std::{collections::BTreeMap, sync::LazyLock};

macro_rules! modules {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("js/", $name)))),*]
    };
}

/// Every module with its source.
const MODULES: [(&str, &str); 27] = modules![
    "actions.mjs",
    "all-decisions.mjs",
    "charts.mjs",
    "constraints.mjs",
    "data.mjs",
    "decision-lines.mjs",
    "decisions.mjs",
    "diff-view.mjs",
    "diff.mjs",
    "dom.mjs",
    "export.mjs",
    "format.mjs",
    "import.mjs",
    "item-view.mjs",
    "lanes.mjs",
    "list.mjs",
    "main.mjs",
    "members.mjs",
    "moved-text.mjs",
    "overview.mjs",
    "prior-decisions.mjs",
    "progress.mjs",
    "references.mjs",
    "storage.mjs",
    "story-facts.mjs",
    "union-find.mjs",
    "words.mjs",
];

/// The module that starts the page.
const MAIN: &str = "main.mjs";

/// The script.
///
/// # Errors
/// A message, if a module imports what is not there or is part of an import cycle.
pub(super) fn script() -> Result<&'static str, &'static str> {
    static SCRIPT: LazyLock<Result<String, String>> = LazyLock::new(|| bundle(&MODULES, MAIN));
    SCRIPT.as_deref().map_err(String::as_str)
}

fn bundle(modules: &[(&str, &str)], main: &str) -> Result<String, String> {
    let modules: BTreeMap<&str, Module> = modules
        .iter()
        .map(|(name, source)| Ok((*name, Module::parse(name, source)?)))
        .collect::<Result<_, String>>()?;
    let mut order = Vec::new();
    visit(main, &modules, &mut Vec::new(), &mut order)?;
    let bodies: Vec<&str> = order.iter().map(|name| modules[name].body.as_str()).collect();
    Ok(format!("(() => {{\n'use strict';\n{}}})();\n", bodies.concat()))
}

/// Puts `name` into `order`, after what it imports.
fn visit<'a>(
    name: &'a str,
    modules: &'a BTreeMap<&str, Module<'a>>,
    path: &mut Vec<&'a str>,
    order: &mut Vec<&'a str>,
) -> Result<(), String> {
    if order.contains(&name) {
        return Ok(());
    }
    if path.contains(&name) {
        return Err(format!("import cycle: {} → {name}", path.join(" → ")));
    }
    let module = modules.get(name).ok_or_else(|| format!("there is no module {name}"))?;
    path.push(name);
    for import in &module.imports {
        visit(import.from, modules, path, order)?;
        let exports = &modules[import.from].exports;
        if let Some(missing) = import.names.iter().find(|name| !exports.contains(name)) {
            return Err(format!("{name} imports {missing}, which {} does not export", import.from));
        }
    }
    path.pop();
    order.push(name);
    Ok(())
}

struct Import<'a> {
    names: Vec<&'a str>,
    from: &'a str,
}

struct Module<'a> {
    imports: Vec<Import<'a>>,
    exports: Vec<&'a str>,
    /// The source without imports and `export`.
    body: String,
}

impl<'a> Module<'a> {
    fn parse(name: &str, source: &'a str) -> Result<Self, String> {
        let mut module = Module { imports: Vec::new(), exports: Vec::new(), body: String::new() };
        for line in source.lines() {
            if line.starts_with("import ") {
                let import =
                    parse_import(line).ok_or_else(|| format!("{name}: unsupported import: {line}"))?;
                module.imports.push(import);
            } else if let Some(declaration) = line.strip_prefix("export ") {
                let declared = declared_name(declaration)
                    .ok_or_else(|| format!("{name}: unsupported export: {line}"))?;
                module.exports.push(declared);
                module.body.extend([declaration, "\n"]);
            } else {
                module.body.extend([line, "\n"]);
            }
        }
        Ok(module)
    }
}

/// Reads `import { a, b } from './c.mjs';`.
fn parse_import(line: &str) -> Option<Import<'_>> {
    let (names, from) = line.strip_prefix("import { ")?.split_once(" } from './")?;
    let names: Vec<&str> = names.split(", ").collect();
    names.iter().all(|name| !name.contains(' ')).then_some(Import { names, from: from.strip_suffix("';")? })
}

/// The name that a declaration at the top level declares; none if it is no single declaration.
fn declared_name(line: &str) -> Option<&str> {
    let kinds = ["const ", "let ", "async function ", "function ", "class "];
    let rest = kinds.iter().find_map(|kind| line.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn bundles_modules_in_the_order_of_their_imports() {
        let modules = [
            ("a.mjs", "// A.\nimport { b } from './b.mjs';\n\nexport const a = () => b();\n"),
            ("b.mjs", "export function b() {\n  return 1;\n}\n"),
        ];
        let expect =
            "(() => {\n'use strict';\nfunction b() {\n  return 1;\n}\n// A.\n\nconst a = () => b();\n})();\n";
        assert_eq!(bundle(&modules, "a.mjs").as_deref(), Ok(expect));
    }

    #[test]
    fn refuses_imports_that_cannot_be_resolved() {
        let check = |modules: &[(&str, &str)], expect: &str| {
            let error = bundle(modules, modules[0].0).expect_err(expect);
            assert!(error.contains(expect), "{error}");
        };
        check(&[("a.mjs", "import { b } from './b.mjs';")], "there is no module b.mjs");
        check(&[("a.mjs", "import { b } from './b.mjs';"), ("b.mjs", "")], "a.mjs imports b");
        check(
            &[("a.mjs", "import { b as c } from './b.mjs';"), ("b.mjs", "export const b = 1;")],
            "unsupported import",
        );
        check(&[("a.mjs", "import b from './b.mjs';")], "unsupported import");
        check(&[("a.mjs", "export { b };")], "unsupported export");
        let cycle = [("a.mjs", "import { b } from './b.mjs';"), ("b.mjs", "import { a } from './a.mjs';")];
        check(&cycle, "import cycle: a.mjs → b.mjs → a.mjs");
    }

    #[test]
    fn top_level_names_differ_between_modules() {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (module, source) in MODULES {
            for line in source.lines() {
                let Some(name) = declared_name(line.strip_prefix("export ").unwrap_or(line)) else {
                    continue;
                };
                if let Some(other) = seen.insert(name, module) {
                    panic!("{name} is declared in {other} and in {module}");
                }
            }
        }
    }

    #[test]
    fn every_module_file_is_bundled() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/html/js");
        let mut files: Vec<String> =
            fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, MODULES.map(|(name, _)| name));
        let script = script().unwrap();
        for (name, source) in MODULES {
            assert!(script.contains(source.lines().next().unwrap()), "nothing imports {name}");
        }
        // Inside a script element these would end it, or change how it is read.
        assert!(!script.contains("</") && !script.contains("<!--"));
    }
}
