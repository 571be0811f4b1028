//! The view's two threads: one reads keys, one draws. The run hands over what it has and never waits: what finds no room is
//! left out, and the next second has all that is needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, KeyEvent};
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use tokio::sync::watch;

use crate::course::Status;
use crate::ui::changes::Turn;
use crate::ui::draw::Look;
use crate::ui::frame::{Frame, Window};
use crate::ui::keys::{Act, Wish, act};
use crate::ui::model::{About, Model};
use crate::ui::screen::{Screen, give_back};

/// Events that may wait for the terminal.
const EVENTS_WAITING_MAX: usize = 64;
/// How long the thread that reads keys may go on after the view is over.
const KEY_WAIT: Duration = Duration::from_millis(100);
/// How long the run waits for a terminal that takes nothing, once, at the end.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// Does what is wished, or says why not.
pub(crate) type Grant = Box<dyn FnMut(Wish) -> Result<(), String> + Send>;

/// What the drawing thread is told.
enum Event {
    Frame(Box<Frame>),
    Said(Turn, String),
    Key(KeyEvent),
    Resized,
    /// Give the terminal back, and say when it is.
    Suspend(SyncSender<()>),
    Resume,
    /// The same for good; what is to be kept comes back.
    Leave(SyncSender<Vec<String>>),
}

/// A view that stands. Cloning shares it.
#[derive(Clone)]
pub(super) struct View {
    events: SyncSender<Event>,
    /// The window that is looked at, by [`Window::index`].
    window: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl View {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(super) fn open(
        about: About,
        look: Look,
        mut status: watch::Receiver<Status>,
        grant: Grant,
    ) -> io::Result<View> {
        let screen = Screen::take()?;
        let (events, waiting) = sync_channel(EVENTS_WAITING_MAX);
        let view = View { events, window: Arc::default(), is_over: Arc::default() };
        let now = status.borrow_and_update().clone();
        let drawing = Drawing {
            screen,
            model: Model::new(about, now),
            look,
            status,
            grant,
            window: Arc::clone(&view.window),
            is_over: Arc::clone(&view.is_over),
        };
        let keys = view.clone();
        let started = thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || drawing.run(&waiting))
            .and_then(|_| thread::Builder::new().name("keys".to_owned()).spawn(move || keys.read()));
        started.inspect_err(|_| give_back())?;
        view.tell(Event::Resized);
        Ok(view)
    }

    /// Which window the next frame should have.
    pub(super) fn window(&self) -> Window {
        let at = self.window.load(Ordering::Relaxed);
        Window::ALL.into_iter().find(|window| window.index() == at).unwrap_or_default()
    }

    /// Whether the terminal was lost, or given back after a panic.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    pub(super) fn frame(&self, frame: Frame) {
        self.tell(Event::Frame(Box::new(frame)));
    }

    pub(super) fn say(&self, turn: Turn, text: String) {
        self.tell(Event::Said(turn, text));
    }

    /// Gives the terminal back; what happened, in lines.
    pub(super) fn leave(&self) -> Vec<String> {
        let (done, left) = sync_channel(1);
        self.tell(Event::Leave(done));
        let lines = left.recv_timeout(LEAVE_MAX).unwrap_or_default();
        self.is_over.store(true, Ordering::Relaxed);
        // If the thread had no time for it.
        give_back();
        lines
    }

    /// Stops the process as the terminal's own key would, with the terminal as it was; comes back when it is continued.
    pub(super) fn suspend(&self) {
        let (done, suspended) = sync_channel(1);
        self.tell(Event::Suspend(done));
        let _ = suspended.recv_timeout(LEAVE_MAX);
        give_back();
        // To this thread and not to the process: then it is this one that does not go on before it is continued.
        let _ = raise(Signal::SIGSTOP);
        if super::is_in_foreground() {
            self.tell(Event::Resume);
        } else {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    fn tell(&self, event: Event) {
        let _ = self.events.try_send(event);
    }

    /// Reads keys until the view is over.
    fn read(self) {
        while !self.is_over() {
            let read = match event::poll(KEY_WAIT) {
                Ok(true) => event::read(),
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            match read {
                Ok(event::Event::Key(key)) => match act(key) {
                    // Not by way of the drawing thread, which a terminal may hold up.
                    Some(Act::Interrupt) => drop(kill(Pid::this(), Signal::SIGINT)),
                    Some(Act::Suspend) => drop(kill(Pid::this(), Signal::SIGTSTP)),
                    Some(_) => self.tell(Event::Key(key)),
                    None => {}
                },
                Ok(event::Event::Resize(..)) => self.tell(Event::Resized),
                Ok(_) => {}
                // The terminal is gone. The run is not.
                Err(_) => return self.is_over.store(true, Ordering::Relaxed),
            }
        }
    }
}

/// The drawing thread.
struct Drawing {
    screen: Screen,
    model: Model,
    look: Look,
    status: watch::Receiver<Status>,
    grant: Grant,
    window: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
}

impl Drawing {
    fn run(mut self, waiting: &Receiver<Event>) {
        while let Ok(first) = waiting.recv() {
            let mut is_suspended = false;
            // Whatever has come meanwhile is drawn at once.
            for event in std::iter::once(first).chain(waiting.try_iter().take(EVENTS_WAITING_MAX)) {
                match event {
                    Event::Frame(frame) => self.model.frame(*frame),
                    Event::Said(turn, text) => self.model.say(turn, &text),
                    Event::Key(key) => self.press(key),
                    Event::Resized => {}
                    Event::Suspend(done) => {
                        give_back();
                        is_suspended = true;
                        let _ = done.send(());
                    }
                    Event::Resume => {
                        if self.screen.retake().is_err() {
                            return self.end();
                        }
                    }
                    Event::Leave(done) => {
                        self.end();
                        let _ = done.send(self.model.farewell());
                        return;
                    }
                }
            }
            catch_up(&mut self.model, &mut self.status);
            match self.screen.draw(&self.model, self.look) {
                Ok(true) => {}
                // It is stopped between the two; a panic has given it back for good.
                Ok(false) if is_suspended => {}
                Ok(false) if self.is_over.load(Ordering::Relaxed) => {}
                Ok(false) | Err(_) => self.end(),
            }
        }
    }

    fn press(&mut self, key: KeyEvent) {
        let Some(act) = act(key) else { return };
        if act == Act::Redraw {
            let _ = self.screen.clear();
        }
        obey(act, &mut self.model, &mut self.grant, &mut self.status);
        self.window.store(self.model.window.index(), Ordering::Relaxed);
    }

    fn end(&self) {
        give_back();
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Does what a key asks for. The next key is held against what this one has done, also if both were pressed at once: whoever
/// grants a wish has changed the status by then.
fn obey(act: Act, model: &mut Model, grant: &mut Grant, status: &mut watch::Receiver<Status>) {
    let Some(wish) = model.press(act) else { return };
    match grant(wish) {
        Ok(()) => catch_up(model, status),
        Err(why) => model.refused = Some(why),
    }
}

/// The model learns what the run does by now.
fn catch_up(model: &mut Model, status: &mut watch::Receiver<Status>) {
    if status.has_changed().unwrap_or(false) {
        let status = status.borrow_and_update().clone();
        model.status(status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Control;
    use crate::course::{Course, Motion};
    use crate::fixture::plan;
    use crate::ui::fixture::model;

    #[test]
    fn keys_that_arrive_together_are_all_counted() {
        use Act::{AsPlanned, Faster, PauseOrResume, Slower};
        let cases: [(&[Act], &str, Motion); 5] = [
            (&[Faster; 10], "200%", Motion::Runs),
            (&[Slower; 3], "70%", Motion::Runs),
            (&[Slower; 12], "0%", Motion::Runs),
            (&[Faster, Faster, AsPlanned, Slower], "90%", Motion::Runs),
            (&[PauseOrResume, PauseOrResume, PauseOrResume], "100%", Motion::Paused),
        ];
        for (keys, scale, motion) in cases {
            let plan = plan("target: 127.0.0.1:9\nrate: 10/s\nmix: [{ name: a, weight: 1, http: {} }]");
            let control = Control::new(Course::new(&plan, None, false), 1);
            let mut status = control.status();
            let mut grant: Grant = {
                let control = control.clone();
                Box::new(move |wish| super::super::grant(&control, wish))
            };
            let mut held = model(1, 1);
            keys.iter().for_each(|key| obey(*key, &mut held, &mut grant, &mut status));
            let now = control.status().borrow().clone();
            assert_eq!((now.scale.to_string(), now.motion), (scale.to_owned(), motion), "{keys:?}");
            assert_eq!(held.status, now, "{keys:?}");
        }
    }
}
