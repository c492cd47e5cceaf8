//! The JSON of operator responses, where it says more than the message: the lists of GET_STATE and its parts are
//! there even when they are empty. Written as text part by part, since the state of a cluster can be large.

use prost::{Message, Name};

use crate::mesos::json::to_json_string;

/// A JSON object in the making.
#[derive(Debug)]
pub struct ObjectText(String);

impl ObjectText {
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    /// A member whose value is JSON already.
    pub fn member(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// A member that is a list of messages.
    pub fn list<M: Message + Name>(self, name: &str, messages: &[M]) -> Self {
        self.list_of(name, messages.iter().map(to_json_string))
    }

    /// A member that is a list of what is JSON already.
    pub fn list_of(mut self, name: &str, items: impl IntoIterator<Item = String>) -> Self {
        self.name(name);
        self.0.push('[');
        for (index, item) in items.into_iter().enumerate() {
            self.0.push_str(if index == 0 { "" } else { "," });
            self.0.push_str(&item);
        }
        self.0.push(']');
        self
    }

    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        let separator = if self.0.len() > 1 { "," } else { "" };
        self.0.extend([separator, "\"", name, "\":"]);
    }
}

/// `{"type":"GET_TASKS","get_tasks":...}`
pub fn typed(kind: &str, name: &str, json: &str) -> String {
    ObjectText::new().member("type", &format!("\"{kind}\"")).member(name, json).end()
}
