//! The terminal of a run, in a real one: tmux, with a shell that has to be usable afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::fixture::{eventually, program, run};
use crate::process::output;
use crate::tools;

/// A terminal with a shell in it. Its server is its own, and ends with the test.
struct Tmux {
    tmux: PathBuf,
    folder: tempfile::TempDir,
}

impl Tmux {
    /// Of so many columns and rows; nothing if there is no tmux here.
    fn start(width: u16, height: u16) -> Option<Tmux> {
        let terminal = Tmux { tmux: tools::require("tmux")?, folder: tempfile::tempdir().unwrap() };
        std::fs::write(terminal.folder.path().join("tmux.conf"), "set -g status off\n").unwrap();
        let (width, height) = (width.to_string(), height.to_string());
        // The shell of a user: a plain one, whose prompt shows that it waits.
        let shell = "env -u CI -u NO_COLOR LC_ALL=C.UTF-8 'PS1=ready> ' sh";
        terminal.ok(&["new-session", "-d", "-x", &width, "-y", &height, shell]);
        terminal.shows(&["ready>"]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new(&self.tmux);
        command.arg("-u").arg("-S").arg(path("socket")).arg("-f").arg(path("tmux.conf")).args(arguments);
        command.output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.tmux(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a user sees.
    fn screen(&self) -> String {
        self.ok(&["capture-pane", "-p"])
    }

    /// What a user sees who scrolls back.
    fn everything(&self) -> String {
        self.ok(&["capture-pane", "-p", "-S", "-"])
    }

    /// Keys by tmux's names.
    fn press(&self, keys: &[&str]) {
        self.ok(&[&["send-keys"], keys].concat());
    }

    /// Types a line.
    fn line(&self, text: &str) {
        self.ok(&["send-keys", "-l", text]);
        self.press(&["Enter"]);
    }

    /// Waits until all of these words are on the screen, which then is said.
    fn shows(&self, words: &[&str]) -> String {
        self.until(&format!("{words:?} on the screen"), |screen| words.iter().all(|word| screen.contains(word)))
    }

    fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let mut seen = String::new();
        run(eventually(what, async || {
            seen = self.screen();
            if is_there(&seen) { Ok(()) } else { Err(seen.clone()) }
        }));
        seen
    }

    /// Starts the pair; the line that starts it is off the screen when the view is on it.
    fn pair(&self, flags: &str) {
        let (program, file) = (program("continuous-load"), self.pid_file());
        let script = format!("echo $$ > {}; exec {} {flags}", file.display(), program.display());
        self.line(&format!("clear; sh -c '{script}'; echo ended with $?"));
    }

    /// Has the number of the process that [`Tmux::pair`] started last.
    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("pid")
    }

    /// The run is over, and the shell works as before: it shows what is typed, and the cursor is at its prompt.
    fn is_a_shell_again(&self, exit: u8) -> String {
        self.shows(&[&format!("ended with {exit}\n"), "ready>"]);
        let everything = self.everything();
        self.line("clear; echo again $((40 + 2))");
        self.shows(&["again 42"]);
        assert_eq!(self.ok(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim(), "0 1");
        everything
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// The number that stands in a row of an operation behind its name, by its place.
fn figure(screen: &str, operation: &str, place: usize) -> Option<f64> {
    let row = screen.lines().find(|line| line.trim_start_matches(['>', '!', ' ', '-']).starts_with(operation))?;
    row.split_whitespace().skip_while(|word| !word.ends_with(operation)).nth(place)?.parse().ok()
}

#[test]
fn a_view_is_looked_at_steered_resized_and_quit() {
    let Some(terminal) = Tmux::start(80, 24) else { return };
    terminal.pair("--forever --rate 100/s");
    let screen = terminal.shows(&["scenarios/demo.yaml", "running for", "web-failing", "total", "100%", "q quit"]);
    assert_eq!(screen.lines().count(), 24, "{screen}");
    // 30 of 100 parts.
    assert_eq!(figure(&screen, "web ", 1).or(figure(&screen, "web", 1)), Some(30.0), "{screen}");

    terminal.press(&["p"]);
    terminal.shows(&["PAUSED", "* ", "paused", "p go on"]);
    terminal.press(&["p"]);
    terminal.shows(&["running for", "resumed"]);
    terminal.press(&["+"]);
    terminal.until("more of web", |screen| figure(screen, "web", 1) == Some(33.0) && screen.contains("rate 110%"));
    terminal.press(&["0"]);
    terminal.shows(&["rate 100%", "scale 100% instead of 110%"]);
    terminal.press(&["w"]);
    terminal.shows(&["window 1m"]);

    terminal.press(&["Down"]);
    terminal.until("the second selected", |screen| screen.lines().any(|line| line.starts_with("> web-fresh")));
    terminal.press(&["Enter"]);
    terminal.shows(&["web-fresh (http), 2 of", "response", "since the start:"]);
    terminal.press(&["?"]);
    terminal.shows(&["pause, or go on", "Ctrl-C"]);
    terminal.press(&["?"]);

    terminal.ok(&["resize-window", "-x", "200", "-y", "50"]);
    let screen = terminal.shows(&["p99, last minute", "errors", "total"]);
    assert_eq!(screen.lines().count(), 50, "{screen}");
    terminal.ok(&["resize-window", "-x", "50", "-y", "12"]);
    terminal.shows(&["too small"]);
    terminal.ok(&["resize-window", "-x", "80", "-y", "24"]);
    terminal.shows(&["running for", "q quit"]);

    terminal.press(&["q"]);
    terminal.shows(&["End the run and report?"]);
    terminal.press(&["x"]);
    terminal.shows(&["q quit"]);
    terminal.press(&["q", "q"]);
    let everything = terminal.is_a_shell_again(0);
    for words in ["listening protocol=admin", "changes:", "paused", "requests of", "verdict: passed (exit code 0"] {
        assert!(everything.contains(words), "no {words:?} in {everything}");
    }
}

#[test]
fn the_terminal_is_given_back_on_every_way_out() {
    let Some(terminal) = Tmux::start(100, 30) else { return };
    // Ends by itself.
    terminal.pair("--for 2s --rate 50/s");
    terminal.shows(&["running", "left"]);
    terminal.is_a_shell_again(0);
    // By the terminal's key, in the middle of a run that has an end.
    terminal.pair("--for 10m --rate 50/s");
    terminal.shows(&["of 10m00s", "total"]);
    terminal.press(&["C-c"]);
    assert!(terminal.is_a_shell_again(105).contains("verdict: interrupted"));
    // By a signal.
    terminal.pair("--forever --rate 50/s");
    terminal.shows(&["until told to stop", "total"]);
    let process = std::fs::read_to_string(terminal.pid_file()).unwrap();
    assert!(Command::new("kill").args(["-TERM", process.trim()]).status().unwrap().success());
    terminal.is_a_shell_again(0);
    // Stopped by the terminal's key, and continued.
    terminal.pair("--forever --rate 50/s");
    terminal.shows(&["until told to stop", "total"]);
    terminal.press(&["C-z"]);
    terminal.shows(&["Stopped", "ready>"]);
    terminal.line("fg");
    terminal.shows(&["until told to stop", "total"]);
    terminal.press(&["C-c"]);
    // The rest of the line that was stopped is not run.
    terminal.shows(&["verdict: passed", "ready>"]);
}

#[test]
fn lines_are_for_logs_json_for_programs_and_none_is_the_report() {
    let text = |flags: &[&str]| {
        let ended = output("continuous-load", &[&["--for", "2s", "--rate", "100/s"], flags].concat());
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap())
    };
    let (lines, _) = text(&[]);
    let web: Vec<&str> = lines.lines().filter(|line| line.contains(" op=web ")).collect();
    assert!((1..=3).contains(&web.len()) && web[0].contains(" planned=") && web[0].contains(" ok=100.00%"), "{lines}");
    assert!(!lines.contains('\x1b') && lines.contains(" op=total "), "{lines}");

    let (json, report) = text(&["--ui", "json"]);
    let objects: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).expect("nothing but JSON")).collect();
    let of_web = objects.iter().filter(|object| object["kind"] == "interval" && object["operation"] == "web");
    let planned: u64 = of_web.map(|object| object["planned"].as_u64().unwrap()).sum();
    assert_eq!(planned, 60, "every second of two is told: {json}");
    assert!(report.contains("verdict: passed") && report.contains("listening protocol=admin"), "{report}");

    let (report, _) = text(&["--ui", "none"]);
    assert!(report.starts_with("\nrequests of"), "{report}");
    let refused = output("continuous-load", &["--ui", "tui", "--for", "1s"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--ui line works anywhere"), "{refused:?}");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/terminal.md").is_file(), "the help names it");
}
