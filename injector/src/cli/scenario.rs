//! `injector check` and `injector new`, and where `run` and `check` have their scenario from.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{LoadArgs, TargetArgs, environment, plan};
use crate::compat::Tags;
use crate::k6env;
use crate::plan::{Overrides, Plan};
use crate::reload::Origin;
use crate::scenario::Scenario;
use crate::starter::Template;
use crate::verdict::Exit;

/// What messages call the scenario that is made of the environment.
const K6_ENV: &str = "the environment of k6";

/// `injector check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Say it as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `injector new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Where to write it; - for standard output.
    #[arg(default_value = "scenario.yaml")]
    pub file: PathBuf,
    /// What to start from.
    #[arg(long, value_enum, default_value_t)]
    pub template: Template,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
}

/// A scenario and what flags say over it.
#[derive(Debug, Args)]
pub(super) struct ScenarioArgs {
    /// The scenario (YAML or JSON).
    #[arg(required_unless_present = "from_k6_env", conflicts_with = "from_k6_env")]
    file: Option<PathBuf>,
    /// Make the scenario of the variables LOAD_TARGET_SERVICE, REQ_PER_SECOND, THRESHOLDS and TAGS, as the k6 job of
    /// continuous-load 1.x took them; `check` shows it.
    #[arg(long)]
    from_k6_env: bool,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    load: LoadArgs,
}

/// A scenario and what was found beside it.
pub(super) struct FoundScenario {
    pub(super) scenario: Scenario,
    /// Labels of k6's metrics, if the environment has any.
    pub(super) tags: Option<Tags>,
    /// What has no effect.
    pub(super) notes: Vec<String>,
    /// Whether somebody wrote it.
    is_made: bool,
}

impl FoundScenario {
    pub(super) fn name(&self) -> &str {
        self.scenario.sources.name()
    }
}

impl ScenarioArgs {
    pub(super) fn find(&self) -> Result<FoundScenario, (Exit, String)> {
        let wrong = |message: String| (Exit::Scenario, message);
        if let Some(file) = &self.file {
            let scenario = Scenario::read(file, &environment).map_err(|problems| wrong(problems.to_string()))?;
            return Ok(FoundScenario { scenario, tags: None, notes: Vec::new(), is_made: false });
        }
        let made = k6env::translate(&environment).map_err(wrong)?;
        let scenario = Scenario::parse(K6_ENV, &made.text).map_err(|problems| wrong(problems.to_string()))?;
        let tags = made.tags.map(|tags| tags.parse::<Tags>().map_err(|error| wrong(format!("TAGS: {error}"))));
        Ok(FoundScenario { scenario, tags: tags.transpose()?, notes: made.notes, is_made: true })
    }

    pub(super) fn plan(&self, found: &FoundScenario) -> Result<Plan, (Exit, String)> {
        plan(&found.scenario, &self.overrides())
    }

    /// Where a plan of this scenario is to be had again; nothing for what no file says.
    pub(super) fn origin(&self, found: &FoundScenario) -> Option<Origin> {
        Some(Origin::new(self.file.as_deref()?, self.overrides(), &found.scenario.files))
    }

    fn overrides(&self) -> Overrides {
        self.load.overrides(self.target.target.clone(), self.target.target_admin.clone())
    }
}

impl CheckArgs {
    /// What is said before the plan is told, and the plan; or everything that is wrong with it.
    ///
    /// # Errors
    /// The text to print and the exit code.
    pub fn plan(&self) -> Result<(String, Plan), (Exit, String)> {
        let found = self.scenario.find()?;
        let plan = self.scenario.plan(&found)?;
        let mut said = String::new();
        if found.is_made && !self.json {
            said.push_str(found.scenario.sources.text());
            said.push('\n');
            for note in &found.notes {
                said.push_str(&format!("note: {note}\n"));
            }
            said.push_str(if found.notes.is_empty() { "" } else { "\n" });
        }
        Ok((said, plan))
    }
}

impl NewArgs {
    /// Where to write; nothing for standard output.
    pub fn place(&self) -> Option<&Path> {
        (self.file != Path::new("-")).then_some(self.file.as_path())
    }
}
