//! `compile`: writes the output folder, or shows what would be written. The compiling is elsewhere.

use comfy_table::{CellAlignment, Table, presets};

use super::args::{CompileArgs, Global};
use super::io::{self, IoFault};
use super::lock::{self, Keep, Remember};
use super::report::Reporter;
use super::run::{self, Done};
use super::{DIFFERS, FINE};
use crate::diag::suggest;
use crate::driver::{EnvSummary, Locked, OutFile};

/// Runs the command; the exit code.
///
/// # Errors
/// When it could not run.
pub fn run(global: &Global, args: &CompileArgs) -> Result<u8, IoFault> {
    let reporter = Reporter::new(global, args.stdout.is_some());
    let remember = Remember {
        locked: if global.locked {
            Locked::Refuse
        } else {
            Locked::Update
        },
        prune: args.prune,
        out: args.out.as_deref(),
        keep: args.stdout.is_none().then_some(Keep {
            force: args.force,
            clean: args.clean,
        }),
    };
    let ask = run::Ask {
        path: args.path.clone(),
        limits: args.limits.into(),
        emit: args.emit.iter().map(|e| (*e).into()).collect(),
        on_expired: args.expired.map(Into::into),
        no_prove: args.no_prove,
        promises_watched: false,
        no_files: false,
        asking: false,
        asked: None,
        remember,
        most_held: None,
    };
    let remember = &ask.remember;
    let done = match run::run(global, &reporter, &ask)? {
        Ok(done) => done,
        Err(code) => return Ok(code),
    };
    if let Some(name) = &args.stdout {
        let file = pick(&done.output.files, name)?;
        reporter.exact(&file.text)?;
        return Ok(FINE);
    }
    let here = io::working_directory()?;
    let folder = remember.folder(&done.found)?;
    let shown = io::relative(&here, &folder);
    let files: Vec<(String, String)> = done
        .output
        .files
        .iter()
        .map(|f| (f.path.clone(), f.text.clone()))
        .collect();
    if args.check {
        let lock = lock::differs(&done.found, &done.output.lock);
        let stale: &[String] = if args.clean { &done.output.stale } else { &[] };
        return check(&reporter, &folder, &shown, &files, stale, lock);
    }
    if io::exists(&folder) && !io::is_folder(&folder) {
        return Err(IoFault::Write {
            path: shown,
            reason: "it is not a folder".to_owned(),
        });
    }
    // On the disk under another name before the first file of the output is replaced.
    let lock = lock::stage(&done.found, &done.output.lock)?;
    let written = io::write_all(&folder, &shown, &files)?;
    if let Some((pending, name)) = lock {
        pending.put()?;
        reporter.remark(&format!("wrote: {name}"))?;
    }
    for path in &written.written {
        reporter.remark(&format!("wrote: {}", run::join(&shown, path)))?;
    }
    let mut removed = String::new();
    if args.clean && !done.output.stale.is_empty() {
        io::remove_all(&folder, &shown, &done.output.stale)?;
        for path in &done.output.stale {
            reporter.remark(&format!("removed: {}", run::join(&shown, path)))?;
        }
        removed = format!(", removed {}", count(done.output.stale.len()));
    }
    if reporter.wants_summary() {
        let mut text = tables(&done);
        text.push_str(&format!(
            "wrote {}, {} unchanged{removed} in {shown}\n",
            count(written.written.len()),
            written.unchanged
        ));
        reporter.result(&text)?;
    }
    Ok(FINE)
}

fn check(
    reporter: &Reporter,
    folder: &std::path::Path,
    shown: &str,
    files: &[(String, String)],
    stale: &[String],
    lock: Option<String>,
) -> Result<u8, IoFault> {
    let differing = io::differing(folder, files);
    if differing.is_empty() && stale.is_empty() && lock.is_none() {
        if reporter.wants_summary() {
            reporter.result(&format!("{} unchanged in {shown}\n", count(files.len())))?;
        }
        return Ok(FINE);
    }
    let mut text = String::new();
    for (path, _) in &differing {
        text.push_str(&format!("would write {}\n", run::join(shown, path)));
    }
    for path in stale {
        text.push_str(&format!("would remove {}\n", run::join(shown, path)));
    }
    if let Some(name) = lock {
        text.push_str(&format!("would write {name}\n"));
    }
    reporter.result(&text)?;
    Ok(DIFFERS)
}

/// The file that a name means: its path, or the end of its path with or without what follows the
/// last dot.
fn pick<'a>(files: &'a [OutFile], name: &str) -> Result<&'a OutFile, IoFault> {
    if let Some(file) = files.iter().find(|f| f.path == name) {
        return Ok(file);
    }
    let ends = |path: &str| {
        path.strip_suffix(name)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let stem = |path: &'a str| {
        path.rsplit_once('.')
            .filter(|(_, ending)| !ending.contains('/'))
            .map_or(path, |(before, _)| before)
    };
    let hits: Vec<&OutFile> = files
        .iter()
        .filter(|f| ends(&f.path) || ends(stem(&f.path)))
        .collect();
    match hits.as_slice() {
        [one] => Ok(one),
        [] => {
            let stems = files.iter().map(|f| {
                let stem = stem(&f.path);
                stem.rsplit('/').next().unwrap_or(stem)
            });
            let hint = suggest::closest(name, stems)
                .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            Err(IoFault::Other(format!(
                "no output file is called `{name}`{hint}\n{}",
                list(files.iter())
            )))
        }
        many => Err(IoFault::Other(format!(
            "`{name}` means several output files; name one of them, or an environment with -e\n{}",
            list(many.iter().copied())
        ))),
    }
}

fn list<'a>(files: impl Iterator<Item = &'a OutFile>) -> String {
    files
        .map(|f| format!("  {}", f.path))
        .collect::<Vec<_>>()
        .join("\n")
}

fn count(files: usize) -> String {
    if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    }
}

fn tables(done: &Done) -> String {
    let mut text = String::new();
    for summary in &done.output.summaries {
        text.push_str(&table(summary));
        text.push('\n');
    }
    text
}

fn table(summary: &EnvSummary) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["resource", "name", "rules", "envelopes"]);
    for row in &summary.rows {
        table.add_row([
            row.kind.to_owned(),
            row.name.clone(),
            row.rules.to_string(),
            row.envelopes.to_string(),
        ]);
    }
    for column in [2, 3] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = format!("{}\n", summary.environment);
    for line in table.lines() {
        text.push_str(&format!(" {}\n", line.trim_end()));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::driver::SummaryRow;

    fn files(paths: &[&str]) -> Vec<OutFile> {
        paths
            .iter()
            .map(|path| OutFile {
                path: (*path).to_owned(),
                text: String::new(),
            })
            .collect()
    }

    #[test]
    fn a_file_is_picked_by_the_end_of_its_path() {
        let files = files(&[
            "dev/nsg/nsg-apim.json",
            "prod/nsg/nsg-apim.json",
            "prod/nsg/nsg-a.b.json",
            "prod/manifest.json",
        ]);
        let path = |name: &str| pick(&files, name).map(|f| f.path.clone());
        assert_eq!(
            path("prod/nsg/nsg-apim.json").unwrap(),
            "prod/nsg/nsg-apim.json"
        );
        assert_eq!(path("prod/nsg/nsg-apim").unwrap(), "prod/nsg/nsg-apim.json");
        assert_eq!(path("nsg-a.b").unwrap(), "prod/nsg/nsg-a.b.json");
        assert_eq!(path("manifest.json").unwrap(), "prod/manifest.json");
        let several = path("nsg-apim").unwrap_err().to_string();
        assert!(several.contains("  dev/nsg/nsg-apim.json\n  prod/nsg/nsg-apim.json"));
        let none = path("nsg-apin").unwrap_err().to_string();
        assert!(none.contains("did you mean `nsg-apim`?"), "{none}");
        assert!(path("apim").is_err());
    }

    #[test]
    fn the_table_is_plain() {
        let row = |kind, name: &str, rules, envelopes| SummaryRow {
            kind,
            name: name.to_owned(),
            rules,
            envelopes,
        };
        let text = table(&EnvSummary {
            environment: "prod".to_owned(),
            rows: vec![
                row("nsg", "nsg-apim", 12, 2),
                row("route table", "rt", 3, 0),
            ],
        });
        assert_eq!(
            text,
            "\
prod
  resource     name      rules  envelopes
  nsg          nsg-apim     12          2
  route table  rt            3          0
",
            "{text}"
        );
    }
}
