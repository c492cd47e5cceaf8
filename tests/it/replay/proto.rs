//! Protobuf bodies as JSON, so that one comparison serves both.

use mesoslab::mesos::{json, v1};
use serde_json::{Value, json};

fn decoded<M: prost::Message + prost::Name + Default>(bytes: &[u8]) -> Value {
    match M::decode(bytes) {
        Ok(message) => json::to_json(&message),
        Err(e) => json!({ "not protobuf": e.to_string() }),
    }
}

pub fn scheduler_event(bytes: &[u8]) -> Value {
    decoded::<v1::scheduler::Event>(bytes)
}

pub fn master_event(bytes: &[u8]) -> Value {
    decoded::<v1::master::Event>(bytes)
}

pub fn master_response(bytes: &[u8]) -> Value {
    decoded::<v1::master::Response>(bytes)
}

pub fn agent_response(bytes: &[u8]) -> Value {
    decoded::<v1::agent::Response>(bytes)
}

pub fn scheduler_call(bytes: &[u8]) -> Value {
    decoded::<v1::scheduler::Call>(bytes)
}

pub fn encoded_scheduler_call(body: &Value) -> Vec<u8> {
    let call: v1::scheduler::Call = json::from_value(body).unwrap();
    prost::Message::encode_to_vec(&call)
}
