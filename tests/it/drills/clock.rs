//! The calendar's clock jumps while both programs run: nothing that they decide goes by it.
//!
//! `faketime` puts itself between the programs and the C library's clocks, which ours use; with `DONT_FAKE_MONOTONIC` it
//! leaves the clock that nobody sets alone, as a real jump does. Its time is read anew at each call from a file, so that
//! one jump reaches all programs at once.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::pair::{Injector, RATE, Target, own_address, until};
use crate::rules::admin::Admin;

/// The time that the programs are told.
struct Calendar {
    folder: TempDir,
    library: PathBuf,
}

impl Calendar {
    /// The true time, or `None` after saying that the test is skipped.
    fn start() -> Option<Calendar> {
        crate::tools::require("faketime")?;
        let library = "faketime/libfaketimeMT.so.1";
        let folders = ["/usr/lib", "/usr/lib64"].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
        let inside = folders.flatten().flatten().map(|entry| entry.path().join(library));
        let library = inside.chain([PathBuf::from("/usr/lib").join(library)]).find(|path| path.is_file());
        let calendar =
            Calendar { folder: tempfile::tempdir().unwrap(), library: library.expect("it comes with faketime") };
        calendar.jump("+0");
        Some(calendar)
    }

    /// By so much from the true time, from now on.
    fn jump(&self, by: &str) {
        // Renamed into place: a program must not read half of it.
        let fresh = self.folder.path().join("fresh");
        std::fs::write(&fresh, format!("{by}\n")).unwrap();
        std::fs::rename(fresh, self.folder.path().join("time")).unwrap();
    }

    /// What tells a program of it.
    fn variables(&self) -> Vec<(String, String)> {
        let file = self.folder.path().join("time");
        [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }
}

/// What the target's calendar says, to the hour.
fn hour(admin: Admin) -> String {
    let now = admin.call("GET", "/faults", None).json()["now"].as_str().unwrap().to_owned();
    now[.."2000-01-01T00".len()].to_owned()
}

#[test]
fn a_jump_of_the_calendar_moves_nothing() {
    let Some(calendar) = Calendar::start() else { return };
    let variables = calendar.variables();
    let target = Target::with(own_address(), None, &[], &variables);
    let (scenario, at) = (target.mix(None), target.at.admin.to_string());
    let injector = Injector::with(&scenario, &at, &["--for", "6s"], &variables);
    let admin = Admin(target.at.admin);
    let rule = |ttl: &str| json!({ "ttl": ttl, "match": { "protocol": "http", "path": "/nobody/asks" }, "fault": "status=503" });
    admin.install("long", &rule("30m"));
    injector.until_more("success", RATE);

    let before = hour(admin);
    calendar.jump("+5h");
    assert_ne!(hour(admin), before, "the target is told another time");
    assert_eq!(admin.rule("long")["state"], "active", "its half hour is not over");
    injector.until_more("success", RATE);

    admin.install("short", &rule("1s"));
    calendar.jump("-40d");
    assert!(hour(admin) < before, "the target is told another time");
    until("a second is over, by whatever calendar", || match &admin.rule("short")["state"] {
        state if state == "expired" => Ok(()),
        state => Err(state.clone()),
    });
    assert_eq!(admin.rule("long")["state"], "active");
    injector.until_more("success", RATE);

    let ended = injector.ended();
    ended.is_sound();
    ended.planned_all(6);
    // What a busy machine makes late has nothing to do with the calendar, and is told apart by its fate.
    assert_eq!((ended.fate("request_lost"), ended.fate("unknown")), (0, 0), "{}", ended.text);
    assert!(ended.json["took_s"].as_f64().unwrap() < 60.0, "hours did not go by: {}", ended.text);
}
