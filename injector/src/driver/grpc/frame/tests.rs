//! Framing: any split gives the same messages, and what is no message is refused at once.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

fn deframed(max_bytes: usize, gzip: bool, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), Unframed>) {
    let mut deframer = Deframer { gzip, ..Deframer::new(max_bytes) };
    let mut messages = Vec::new();
    let mut take = |message: Bytes| messages.push(message.to_vec());
    let pushed = pieces.iter().try_for_each(|piece| deframer.push(Bytes::copy_from_slice(piece), &mut take));
    let ended = pushed.and_then(|()| deframer.end());
    (messages, ended)
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    let packed = encoder.finish().unwrap();
    let mut bytes = vec![1];
    bytes.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    bytes.extend(packed);
    bytes
}

#[test]
fn what_is_no_message_is_refused() {
    for (bytes, max_bytes, error) in [
        (&[2, 0, 0, 0, 0][..], 10, Unframed::Flag),
        (&[0, 0, 0, 0, 11][..], 10, Unframed::TooLong),
        (&[0, 0xff, 0xff, 0xff, 0xff][..], 10, Unframed::TooLong),
        (&[0, 0, 0, 0, 2, 1][..], 10, Unframed::Cut),
        (&[0, 0, 0][..], 10, Unframed::Cut),
        (&[1, 0, 0, 0, 1, 7][..], 10, Unframed::Compression),
    ] {
        assert_eq!(deframed(max_bytes, false, &[bytes]), (vec![], Err(error)), "{bytes:?}");
    }
    assert_eq!(deframed(10, true, &[&[1, 0, 0, 0, 1, 7]]).1, Err(Unframed::Compression));
}

#[test]
fn gzip_is_read_and_its_size_bounded() {
    let bytes = gzipped(&[7; 1000]);
    assert_eq!(deframed(1000, true, &[&bytes]), (vec![vec![7; 1000]], Ok(())));
    assert_eq!(deframed(999, true, &[&bytes]).1, Err(Unframed::TooLong));
    assert_eq!(deframed(1000, false, &[&bytes]).1, Err(Unframed::Compression));
}

proptest! {
    #[test]
    fn any_split_gives_the_same_messages(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(deframed(40, false, &pieces), (messages, Ok(())));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, gzip: bool) {
        let _ = deframed(64, gzip, &[&bytes]);
    }
}
