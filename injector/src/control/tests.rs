//! Changes reach all workers at one instant, or nobody.

use std::time::Duration;

use tokio::time::{Instant, advance};

use super::Control;
use crate::course::Course;
use crate::fixture::plan;
use crate::turns::{Mailbox, NotPosted, Rota, post};

fn control(is_paused: bool) -> Control {
    let plan = plan("target: 127.0.0.1:9\nrate: 10/s\nmix: [{ name: a, weight: 1, http: {} }]");
    Control::new(Course::new(&plan, Some(Duration::from_secs(60)), is_paused), 2)
}

/// The instants of the steps that a box has.
fn read(mailbox: &Mailbox) -> Option<Vec<Duration>> {
    mailbox.look().1.map(|rota| rota.steps.iter().map(|step| step.at).chain(rota.end).collect())
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_every_box_and_ahead_of_every_clock() {
    let control = control(false);
    let t0 = Instant::now();
    control.begin(t0).unwrap();
    let boxes = control.mailboxes();
    for mailbox in boxes.iter() {
        assert_eq!(read(mailbox), Some(vec![Duration::ZERO, Duration::from_secs(60)]));
        assert_eq!(read(mailbox), None);
    }
    advance(Duration::from_secs(5)).await;
    control.pause().unwrap();
    advance(Duration::from_secs(5)).await;
    control.resume().unwrap();
    // Unread turns add up, each from its instant on.
    let ms = Duration::from_millis;
    for mailbox in boxes.iter() {
        assert_eq!(read(mailbox), Some(vec![ms(5_010), ms(10_010), ms(65_000)]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_beginning_holds_from_the_beginning() {
    let control = control(true);
    let t0 = Instant::now() + Duration::from_secs(1);
    control.start_at(Instant::now() + Duration::from_secs(4)).unwrap();
    control.scale("50%".parse().unwrap()).unwrap();
    control.begin(t0).unwrap();
    assert_eq!(
        read(&control.mailboxes()[0]),
        Some(vec![Duration::ZERO, Duration::from_secs(3), Duration::from_secs(63)])
    );
    assert!(control.start_at(Instant::now() - Duration::from_millis(1)).unwrap_err().contains("past"));
}

#[tokio::test(start_paused = true)]
async fn whoever_follows_sees_every_change_and_the_end() {
    let control = control(false);
    let mut status = control.status();
    let t0 = Instant::now();
    control.begin(t0).unwrap();
    status.borrow_and_update();
    control.pause().unwrap();
    assert!(status.has_changed().unwrap() && status.borrow_and_update().is_paused());
    assert!(control.pause().is_err() && !status.has_changed().unwrap());
    control.resume().unwrap();
    advance(Duration::from_secs(61)).await;
    assert_eq!(control.refresh(Instant::now()), None);
    assert_eq!(control.active(), Duration::from_secs(60));
    for refused in [control.pause(), control.stop(), control.scale("1%".parse().unwrap())] {
        assert_eq!(refused.unwrap_err(), "the run is over");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rota_that_comes_too_late_is_posted_nowhere() {
    let boxes = [Mailbox::default(), Mailbox::default()];
    assert_eq!(post(&boxes, &Rota::default(), Instant::now()), Err(NotPosted::Late));
    assert!(boxes.iter().all(|mailbox| mailbox.look().1.is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_asked_for_can_be_taken_back_before_the_beginning() {
    let later = || Instant::now() + Duration::from_secs(4);
    // It goes on at once, and the instant means nothing any more.
    let control = control(true);
    control.start_at(later()).unwrap();
    control.resume().unwrap();
    control.begin(Instant::now() + Duration::from_secs(1)).unwrap();
    assert_eq!(read(&control.mailboxes()[0]), Some(vec![Duration::ZERO, Duration::from_secs(60)]));
    // It waits until somebody says more.
    let control = self::control(true);
    control.start_at(later()).unwrap();
    control.pause().unwrap();
    control.begin(Instant::now() + Duration::from_secs(1)).unwrap();
    assert_eq!(read(&control.mailboxes()[0]), Some(vec![Duration::ZERO]));
}
