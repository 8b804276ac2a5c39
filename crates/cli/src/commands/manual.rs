//! Shell completions and manual pages, made from the definitions of the commands themselves.

use std::{fs, path::Path};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Outcome};
use crate::{
    error::{CliError, Result},
    output,
};

/// Writes the completions of `shell` to standard output.
pub fn completions(shell: Shell) -> Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "samestory", &mut text);
    output::write_to(None, |out| out.write_all(&text))?;
    Ok(Outcome::Done)
}

/// Writes a page a command into `folder`: `samestory.1`, `samestory-dedup.1`, ….
pub fn man(folder: &Path) -> Result<Outcome> {
    fs::create_dir_all(folder).map_err(CliError::io("write", folder))?;
    let mut command = Cli::command();
    // Names the commands below as their pages are named: samestory-dedup.
    command.build();
    pages(&command, folder)?;
    Ok(Outcome::Done)
}

fn pages(command: &clap::Command, folder: &Path) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    output::write_to(Some(&path), |out| clap_mangen::Man::new(command.clone()).render(out))?;
    let mut shown = command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help");
    shown.try_for_each(|c| pages(c, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_page_its_options() {
        let folder = tempfile::tempdir().unwrap();
        assert!(man(folder.path()).is_ok());
        let page = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page("samestory.1").contains("Finds the same story told twice"));
        assert!(page("samestory-dedup.1").contains(r"\-\-decisions"));
        assert!(page("samestory-index-add.1").contains("Add stories"));
        let commands = Cli::command().get_subcommands().filter(|c| !c.is_hide_set()).count();
        let pages = fs::read_dir(folder.path()).unwrap().count();
        assert!(pages > commands, "{pages} pages for {commands} commands");
    }

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }
}
