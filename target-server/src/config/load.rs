//! One configuration out of the command line, the environment and a file.
//!
//! Invariants:
//! - Per flag one source is heard, the strongest that names it: flag, `CLOAD_*`, `PODINFO_*`, file, default.
//! - Weaker values become arguments in front of the real ones, so that the command line's parser is the only one.
//! - An empty variable says nothing, and neither does a variable that Kubernetes made for a Service.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use shared::manual::Manual;

use super::podinfo::Secret;
use super::{Config, file};

/// A configuration, and what is worth a line in the log that it decides the form of.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Settled and checked.
    pub config: Config,
    /// Values that were passed over, and why.
    pub warnings: Vec<String>,
}

/// Who named a value, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    #[default]
    Default,
    File,
    Podinfo,
    Cload,
    Flag,
}

/// Who named each flag, by its long name.
#[derive(Debug, Default)]
pub(super) struct Given(HashMap<String, Rank>);

impl Given {
    pub(super) fn rank(&self, flag: &str) -> Rank {
        self.0.get(flag).copied().unwrap_or_default()
    }
}

/// The prefix of podinfo's variables.
const PODINFO: &str = "PODINFO_";
/// A flag that is ours and podinfo's, and has therefore a variable of each.
const OF_BOTH: (&str, &str) = ("port", "PODINFO_PORT");
/// podinfo reads this one without having a flag for it.
const JWT_SECRET: &str = "PODINFO_JWT_SECRET";

impl Config {
    /// The command line's, the environment's and the file's. Help and the version are printed and end the process with 0,
    /// a mistake with 2.
    pub fn load() -> Loaded {
        let variable = |name: &str| std::env::var_os(name);
        let loaded = Config::read(std::env::args_os().collect(), &variable);
        let mut loaded = loaded.unwrap_or_else(|error| error.exit());
        if loaded.config.podinfo.allow_env {
            let all = std::env::vars_os();
            let text = |(name, value): (OsString, OsString)| format!("{}={}", name.display(), value.display());
            loaded.config.podinfo.environment = Some(all.map(text).collect());
        }
        loaded
    }

    /// What is asked for instead of a target; nothing if it is to serve. A mistake in that ends the process with 2.
    pub fn manual() -> Option<Manual> {
        let bare = command().mut_args(|arg| arg.env(Resettable::Reset));
        let asked = bare.clone().ignore_errors(true).try_get_matches().ok()?;
        asked.subcommand_name()?;
        Some(Manual::from_arg_matches(&bare.get_matches()).unwrap_or_else(|error| error.exit()))
    }

    pub(super) fn read(
        arguments: Vec<OsString>,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Loaded, clap::Error> {
        let described = command();
        let flags: Vec<&Arg> = described.get_arguments().filter(|arg| arg.get_env().is_some()).collect();
        // The values of variables are arguments by then: what clap would read itself is none of them.
        let bare = described.clone().mut_args(|arg| arg.env(Resettable::Reset));
        let asked = match bare.clone().ignore_errors(true).try_get_matches_from(&arguments) {
            Ok(matches) => matches,
            // Help: with the variables in it.
            Err(_) => described.clone().try_get_matches_from(&arguments)?,
        };

        let mut sources = Sources { variable, warnings: Vec::new() };
        let mut found: Vec<Found> = flags.iter().filter_map(|arg| sources.find(arg, &asked)).collect();
        let mut jwt_secret = sources.value(JWT_SECRET);
        let at = |flag: &str, default: &str| path_of(flag, default, &asked, &found);
        let (folder, name) = (at("config-path", ""), at("config", "config.yaml"));
        if !folder.as_os_str().is_empty() {
            let file = file::read(&folder.join(name), &mut sources.warnings);
            for (key, value) in file {
                if key == "jwt-secret" {
                    // A key of nothing would be one that everybody knows: like an empty variable it says nothing.
                    if !value.trim().is_empty() {
                        jwt_secret.get_or_insert(value.into());
                    }
                } else if !flags.iter().any(|arg| arg.get_long() == Some(&*key)) {
                    sources.warnings.push(format!("{key} in the file of --config: there is no such flag"));
                } else if !found.iter().any(|found| found.flag == key) {
                    found.push(Found {
                        flag: key,
                        from: "the file of --config".into(),
                        rank: Rank::File,
                        value: Some(value.into()),
                    });
                }
            }
        }

        let mut line: Vec<OsString> = arguments.iter().take(1).cloned().collect();
        line.extend(found.iter().filter_map(Found::argument));
        line.extend(arguments.into_iter().skip(1));
        let parsed = bare.clone().try_get_matches_from(line).and_then(|matches| Config::from_arg_matches(&matches));
        let mut config = parsed.map_err(|error| traced(error, &found).with_cmd(&described))?;
        config.podinfo.jwt_secret = jwt_secret.map(|text| Secret(text.to_string_lossy().into_owned()));
        let given = Given(found.into_iter().map(|found| (found.flag, found.rank)).collect());
        config.settle(&given).map_err(|error| described.clone().error(ErrorKind::ValueValidation, error))?;
        let mut warnings = sources.warnings;
        if !config.podinfo.otel_service_name.is_empty() {
            warnings.push("--otel-service-name: traces are not exported".to_owned());
        }
        Ok(Loaded { config, warnings })
    }
}

/// The flags, with podinfo's short one for the version beside clap's, and the commands for packagers.
pub fn command() -> Command {
    let version = Arg::new("version").long("version").short('v').short_alias('V').action(ArgAction::Version);
    let flags = Config::command().disable_version_flag(true).arg(version.help("Print the version"));
    Manual::beside(flags)
}

/// A flag that somebody named.
struct Found {
    flag: String,
    /// In words.
    from: String,
    rank: Rank,
    /// Nothing if it stands on the command line.
    value: Option<OsString>,
}

impl Found {
    fn argument(&self) -> Option<OsString> {
        let value = self.value.as_ref()?;
        let mut argument = OsString::from(format!("--{}=", self.flag));
        argument.push(value);
        Some(argument)
    }
}

/// The environment.
struct Sources<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    warnings: Vec<String>,
}

impl Sources<'_> {
    fn find(&mut self, arg: &Arg, asked: &ArgMatches) -> Option<Found> {
        let flag = arg.get_long()?.to_owned();
        if asked.value_source(arg.get_id().as_str()) == Some(clap::parser::ValueSource::CommandLine) {
            return Some(Found { flag, from: "the command line".to_owned(), rank: Rank::Flag, value: None });
        }
        let own = arg.get_env().and_then(OsStr::to_str)?.to_owned();
        let more = (flag == OF_BOTH.0).then(|| OF_BOTH.1.to_owned());
        [Some(own), more].into_iter().flatten().find_map(|name| {
            let value = Some(self.value(&name)?);
            let rank = if name.starts_with(PODINFO) { Rank::Podinfo } else { Rank::Cload };
            Some(Found { flag: flag.clone(), from: format!("the variable {name}"), rank, value })
        })
    }

    fn value(&mut self, name: &str) -> Option<OsString> {
        let value = (self.variable)(name).filter(|value| !value.is_empty())?;
        if is_service_link(name, &value) {
            let value = value.to_string_lossy();
            self.warnings.push(format!("{name}={value} is passed over: Kubernetes sets it for a Service of that name"));
            return None;
        }
        Some(value)
    }
}

/// `PODINFO_PORT=tcp://10.0.0.1:9898` is what every pod gets beside a Service named podinfo.
fn is_service_link(name: &str, value: &OsStr) -> bool {
    name.split('_').any(|word| word == "PORT")
        && value.to_str().is_some_and(|value| ["tcp://", "udp://", "sctp://"].iter().any(|s| value.starts_with(s)))
}

/// The value of a path's flag, before the file that it leads to.
fn path_of(flag: &str, default: &str, asked: &ArgMatches, found: &[Found]) -> PathBuf {
    let named = found.iter().find(|found| found.flag == flag);
    let value = named.and_then(|found| found.value.clone()).map(PathBuf::from);
    // clap's ids are the fields' names.
    let asked = || asked.try_get_one::<PathBuf>(&flag.replace('-', "_")).ok().flatten().cloned();
    value.or_else(asked).unwrap_or_else(|| PathBuf::from(default))
}

/// The error, saying where the value came from if that is not in sight.
fn traced(mut error: clap::Error, found: &[Found]) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = argument.split([' ', '=', '[']).next().unwrap_or_default().trim_start_matches("--");
    let hidden = found.iter().find(|found| found.flag == flag && found.value.is_some());
    if let Some(found) = hidden {
        let from = format!("the value is that of {}", found.from);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![from.into()]));
    }
    error
}
