//! The query of a request, and what a message that comes after it is to it.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use shared::carrier::dns::{fault_name, ok_name};
use shared::carrier::{EDNS_OPTION, compose_line};
use shared::draw::Draw;
use shared::fault::Separator;
use shared::identity::{Identity, RequestId};

use super::Prepared;
use crate::plan::Carrier;

/// The bit that says "answer", in the third byte.
const QR: u8 = 0x80;

/// One query.
pub(super) struct Query {
    question: Question,
    is_mixed: bool,
    pub(super) bytes: Vec<u8>,
    /// Of the question alone.
    pub(super) question_bytes: usize,
}

/// What a message is to a query.
pub(super) enum Read {
    /// Its answer.
    Answer(Box<Message>),
    /// Not its answer.
    Stray(Stray),
    /// Its answer by id, and no message.
    Malformed,
}

/// Why a message is not the answer to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stray {
    /// Too short for an id.
    Short,
    /// Another id: of an earlier query, or guessed.
    OtherId,
    /// It says that it is a query.
    IsQuery,
    /// Another question.
    OtherQuestion,
    /// Another case of the question's letters.
    OtherCase,
}

impl Stray {
    pub(super) const ALL: [Stray; 5] =
        [Stray::Short, Stray::OtherId, Stray::IsQuery, Stray::OtherQuestion, Stray::OtherCase];

    /// For reports: `2 <words>`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Stray::Short => "too short for an id",
            Stray::OtherId => "with another id",
            Stray::IsQuery => "that claimed to be a query",
            Stray::OtherQuestion => "with another question",
            Stray::OtherCase => "with the question's letters in another case",
        }
    }
}

impl Query {
    /// The query of the request with this id; nothing if it cannot be said, which is the plan's mistake.
    pub(super) fn new(prepared: &Prepared, id: RequestId) -> Option<Query> {
        let call = &*prepared.call;
        let identity = Identity { source: prepared.identity.source, operation: prepared.operation, id };
        let name = match &call.name {
            Some(name) => name.clone(),
            None if call.asked.is_empty() => ok_name(identity, &call.zone).ok()?,
            None => fault_name(identity, &call.asked, &call.zone).ok()?,
        };
        let draw = Draw::new(prepared.seed, &id.to_string());
        let name = if call.is_mixed { mixed(&name, draw) } else { name };
        let question = Question::query(Name::from_ascii(name).ok()?, RecordType::from(call.kind));
        let mut query = Message::new((draw.bits("dns-id") >> 48) as u16, MessageType::Query, OpCode::Query);
        // A resolver looks further only if it is told to; an authoritative server does not mind.
        query.metadata.recursion_desired = true;
        query.queries.push(question.clone());
        // Its name is the first of the message, and so whole; type and class take two bytes each.
        let question_bytes = question.name.to_bytes().ok()?.len() + 4;
        if let Some(size) = call.edns_size {
            let mut edns = Edns::new();
            edns.set_max_payload(size);
            if call.carrier == Carrier::Option {
                let text = compose_line(Some(identity), &call.asked, Separator::Semicolon).ok()?;
                edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, text.into_bytes()));
            }
            query.edns = Some(edns);
        }
        let bytes = query.to_bytes().ok()?;
        Some(Query { question, is_mixed: call.is_mixed, bytes, question_bytes })
    }

    /// Reads a message that came after it.
    pub(super) fn read(&self, bytes: &[u8]) -> Read {
        match bytes.get(..2) {
            None => return Read::Stray(Stray::Short),
            Some(id) if *id != self.bytes[..2] => return Read::Stray(Stray::OtherId),
            Some(_) => {}
        }
        if bytes.get(2).is_some_and(|flags| flags & QR == 0) {
            return Read::Stray(Stray::IsQuery);
        }
        let Ok(message) = Message::from_bytes(bytes) else { return Read::Malformed };
        let repeated = match message.queries.as_slice() {
            [repeated] => repeated,
            // A server that cannot read a question has none to repeat.
            [] if message.answers.is_empty() && u16::from(message.metadata.response_code) != 0 => {
                return Read::Answer(Box::new(message));
            }
            _ => return Read::Stray(Stray::OtherQuestion),
        };
        let asked = &self.question;
        if (&asked.name, asked.query_type, asked.query_class)
            != (&repeated.name, repeated.query_type, repeated.query_class)
        {
            return Read::Stray(Stray::OtherQuestion);
        }
        if self.is_mixed && !asked.name.eq_case(&repeated.name) {
            return Read::Stray(Stray::OtherCase);
        }
        Read::Answer(Box::new(message))
    }
}

/// Letters in random case, the first one a capital, so that the case always says something.
fn mixed(name: &str, draw: Draw) -> String {
    let mut is_first = true;
    let letters = name.chars().enumerate().map(|(i, letter)| {
        if !letter.is_ascii_alphabetic() {
            return letter;
        }
        let is_capital = std::mem::take(&mut is_first) || draw.u("dns-case", i as u64) < 0.5;
        if is_capital { letter.to_ascii_uppercase() } else { letter }
    });
    letters.collect()
}
