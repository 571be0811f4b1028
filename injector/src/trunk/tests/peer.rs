//! A server of HTTP/2 that counts the PINGs it is sent, and says as much or as little as it is told to.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::fixture::frame;

/// From one PING of its own to the next, in silences between which it may be asked.
const CHATS_EVERY: Duration = Duration::from_millis(120);

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const ACK: u8 = 1;

/// Serves one connection; its threads end with the test's process.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    mood: Arc<Mood>,
}

#[derive(Default)]
struct Mood {
    is_chatting: AtomicBool,
    is_mute: AtomicBool,
    is_hung: AtomicBool,
    asked: AtomicU32,
    said: AtomicU32,
}

impl Peer {
    /// One that answers PINGs and requests, and says nothing else.
    pub(super) fn start() -> Peer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = Peer { address: listener.local_addr().unwrap(), mood: Arc::default() };
        let mood = Arc::clone(&peer.mood);
        thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let writer = Arc::new(Mutex::new(stream.try_clone().unwrap()));
            let (theirs, chatting) = (Arc::clone(&mood), Arc::clone(&writer));
            thread::spawn(move || chat(&theirs, &chatting));
            serve(&mood, stream, &writer);
        });
        peer
    }

    /// Whether it sends PINGs of its own.
    pub(super) fn chats(&self, does: bool) {
        self.mood.is_chatting.store(does, Ordering::SeqCst);
    }

    /// Whether it answers requests.
    pub(super) fn answers(&self, does: bool) {
        self.mood.is_mute.store(!does, Ordering::SeqCst);
    }

    /// From now on it says nothing at all.
    pub(super) fn hangs(&self) {
        self.mood.is_hung.store(true, Ordering::SeqCst);
    }

    /// PINGs that came.
    pub(super) fn asked(&self) -> u32 {
        self.mood.asked.load(Ordering::SeqCst)
    }

    /// PINGs of its own.
    pub(super) fn said(&self) -> u32 {
        self.mood.said.load(Ordering::SeqCst)
    }
}

fn chat(mood: &Mood, writer: &Mutex<TcpStream>) {
    loop {
        thread::park_timeout(CHATS_EVERY);
        if mood.is_chatting.load(Ordering::SeqCst) {
            if writer.lock().unwrap().write_all(&frame(PING, 0, 0, &[7; 8])).is_err() {
                return;
            }
            mood.said.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Ends when the other side does.
fn serve(mood: &Mood, mut stream: TcpStream, writer: &Mutex<TcpStream>) {
    let mut read = |length: usize| {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).map(|()| bytes)
    };
    let say = |bytes: &[u8]| drop(writer.lock().unwrap().write_all(bytes));
    if read(24).is_err() {
        return;
    }
    say(&frame(SETTINGS, 0, 0, &[]));
    while let Ok(head) = read(9) {
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        let Ok(payload) = read(length) else { return };
        let is_ack = head[4] & ACK != 0;
        let stream_id = u32::from_be_bytes(head[5..].try_into().unwrap());
        if head[3] == PING && !is_ack {
            mood.asked.fetch_add(1, Ordering::SeqCst);
        }
        if mood.is_hung.load(Ordering::SeqCst) {
            continue;
        }
        match head[3] {
            SETTINGS if !is_ack => say(&frame(SETTINGS, ACK, 0, &[])),
            PING if !is_ack => say(&frame(PING, ACK, 0, &payload)),
            // `:status: 200`, and the end of head and stream.
            HEADERS if !mood.is_mute.load(Ordering::SeqCst) => say(&frame(HEADERS, 5, stream_id, &[0x88])),
            _ => {}
        }
    }
}
