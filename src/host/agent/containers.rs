//! The calls of the agent API that are about containers: launch, wait, kill, remove, and attaching to their streams.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder as _;

use super::{
    AgentHandle,
    http::{self, Forms},
    switchboard::{Input, Switchboard},
};
use crate::{
    engine::{
        agent::nested::{Answer, Order, cells, full_name},
        executor::exit::Exit,
        master::validation::agent_call,
    },
    host::{
        api,
        http::{Request, RequestBody, Response, Sink, StatusCode, channel},
    },
    mesos::{
        media::MediaType,
        recordio::{Decoder, RecordError},
        v1::{
            ContainerId,
            agent::{
                Call, ProcessIo, Response as CallResponse,
                call::{AttachContainerInput, Type, attach_container_input},
                process_io::{self, control, data},
                response::{self, WaitContainer, WaitNestedContainer},
            },
        },
    },
};

/// How much may wait for a client that is attached to an output, in bytes.
const WAITING: usize = 256 * 1024;

/// The longest record of an input.
const LONGEST: usize = 16 << 20;

/// From the end of a container to the answer to whoever is still sending to it.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(1);

/// Answers a call about a container; None for one about something else.
#[expect(deprecated, reason = "WAIT_NESTED_CONTAINER is older than WAIT_CONTAINER")]
pub(super) async fn answer(
    agent: &AgentHandle,
    request: &Request,
    call: &Call,
    forms: Forms,
) -> Option<Response> {
    match call.r#type() {
        Type::LaunchNestedContainerSession => return Some(session(agent, request, call, forms).await),
        Type::AttachContainerOutput => return Some(output(agent, request, call, forms)),
        _ => {}
    }
    let answer = agent.order(Order::of(call)?).await;
    Some(match answer {
        Answer::Ended(exit) if call.r#type() == Type::WaitNestedContainer => {
            waited_nested(exit, forms.accept)
        }
        other => respond(other, forms.accept),
    })
}

fn respond(answer: Answer, media: MediaType) -> Response {
    match answer {
        Answer::Done => Response::ok(),
        Answer::AlreadyThere => Response::accepted(),
        Answer::Refused(text) => Response::bad_request(text),
        Answer::NotFound(text) => Response::text(StatusCode::NOT_FOUND, text),
        Answer::Failed(text) => Response::internal_error(text),
        Answer::Ended(exit) => waited(exit, media),
    }
}

fn waited(exit: Option<Exit>, media: MediaType) -> Response {
    let wait = WaitContainer { exit_status: exit.map(Exit::wait_status), ..WaitContainer::default() };
    let response = CallResponse {
        r#type: Some(response::Type::WaitContainer.into()),
        wait_container: Some(wait),
        ..CallResponse::default()
    };
    http::encode(&response, media)
}

#[expect(deprecated, reason = "WAIT_NESTED_CONTAINER is older than WAIT_CONTAINER")]
fn waited_nested(exit: Option<Exit>, media: MediaType) -> Response {
    let wait =
        WaitNestedContainer { exit_status: exit.map(Exit::wait_status), ..WaitNestedContainer::default() };
    let response = CallResponse {
        r#type: Some(response::Type::WaitNestedContainer.into()),
        wait_nested_container: Some(wait),
        ..CallResponse::default()
    };
    http::encode(&response, media)
}

/// Launches a session, and answers with what comes out of it. It ends with the connection.
async fn session(agent: &AgentHandle, request: &Request, call: &Call, forms: Forms) -> Response {
    let Some(Order::Launch(info)) = Order::of(call) else { return Response::not_implemented() };
    let container_id = info.container_id.clone();
    let launched = agent.order(Order::Launch(info)).await;
    if launched != Answer::Done {
        return respond(launched, forms.accept);
    }
    match agent.switchboard(&container_id) {
        Some(switchboard) => attach(agent, request, &switchboard, forms, Some(container_id)),
        None => respond(agent.with(|agent| agent.no_streams(&container_id)), forms.accept),
    }
}

fn output(agent: &AgentHandle, request: &Request, call: &Call, forms: Forms) -> Response {
    let container_id = call.attach_container_output.as_ref().map(|attach| attach.container_id.clone());
    let container_id = container_id.unwrap_or_default();
    match attachable(agent, &container_id) {
        Ok(switchboard) => attach(agent, request, &switchboard, forms, None),
        Err(refusal) => respond(refusal, forms.accept),
    }
}

fn attachable(agent: &AgentHandle, container_id: &ContainerId) -> Result<Switchboard, Answer> {
    if let Some(refusal) = agent.with(|agent| agent.attach_refusal(container_id)) {
        return Err(refusal);
    }
    let switchboard = agent.switchboard(container_id);
    switchboard.ok_or_else(|| agent.with(|agent| agent.no_streams(container_id)))
}

/// A stream of records, in the form that Mesos names them: by `Content-Type` itself where the client takes no RecordIO.
fn attach(
    agent: &AgentHandle,
    request: &Request,
    switchboard: &Switchboard,
    forms: Forms,
    session: Option<ContainerId>,
) -> Response {
    let (sink, body): (Sink, _) = channel(request, WAITING);
    let inputs = agent.0.inputs.clone();
    let is_session = session.is_some();
    let body = match session {
        Some(container_id) => body.on_gone(move || {
            let _stopped = inputs.send(crate::engine::agent::Input::Destroy { container_id });
        }),
        None => body,
    };
    switchboard.attach(sink, forms.message_accept.unwrap_or(forms.accept), is_session);
    let response = Response::stream(forms.accept.as_str(), body);
    match forms.message_accept {
        Some(media) => response.with(http::MESSAGE_CONTENT_TYPE, media.as_str()),
        None => response,
    }
}

/// ATTACH_CONTAINER_INPUT: a request that is answered when it has ended, or the container has.
pub(super) async fn streamed(agent: AgentHandle, request: Request, body: RequestBody) -> Response {
    match take_in(&agent, &request, body).await {
        Ok(()) => Response::ok(),
        Err(refusal) => refusal,
    }
}

async fn take_in(agent: &AgentHandle, request: &Request, body: RequestBody) -> Result<(), Response> {
    api::post_only(request)?;
    let media = message_content_type(request)?;
    let forms = http::accepted(request)?;
    let mut records = Records { body, decoder: Decoder::new(LONGEST), buffer: BytesMut::new(), media };
    let Some(first) = records.next().await? else {
        return Err(Response::bad_request("Received EOF while reading request body"));
    };
    let name = first.r#type().as_str_name();
    if first.r#type() != Type::AttachContainerInput {
        let text = format!("Streaming 'Content-Type' application/recordio is not supported for {name} call");
        return Err(Response::unsupported_media_type(text));
    }
    if forms.message_accept.is_some() {
        let text = format!("Streaming response is not supported for {name} call");
        return Err(Response::not_acceptable(text));
    }
    let attach = first.attach_container_input.unwrap_or_default();
    if attach.r#type() != attach_container_input::Type::ContainerId {
        return Err(Response::bad_request("Expecting 'attach_container_input.type' to be CONTAINER_ID"));
    }
    let container_id = attach.container_id.unwrap_or_default();
    let switchboard = attachable(agent, &container_id).map_err(|refusal| respond(refusal, forms.accept))?;
    let Some(input) = switchboard.take_input() else {
        let text = "Multiple input connections are not allowed";
        return Err(Response::text(StatusCode::CONFLICT, text));
    };
    tracing::debug!(container = full_name(&container_id), "attached to the input");
    let over = async {
        input.over().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        fed = feed(&mut records, &input) => fed,
        () = over => Ok(()),
    }
}

fn message_content_type(request: &Request) -> Result<MediaType, Response> {
    let Some(named) = request.header(http::MESSAGE_CONTENT_TYPE) else {
        return Err(Response::bad_request(
            "Expecting 'Message-Content-Type' to be set for streaming requests",
        ));
    };
    let media = MediaType::from_content_type(named).filter(|media| *media != MediaType::RecordIo);
    media.ok_or_else(|| {
        Response::unsupported_media_type(
            "Expecting 'Message-Content-Type' of application/json or application/x-protobuf",
        )
    })
}

async fn feed(records: &mut Records, input: &Input) -> Result<(), Response> {
    while let Some(call) = records.next().await? {
        let attach = call.attach_container_input.unwrap_or_default();
        let message = process_io(attach).map_err(Response::bad_request)?;
        let written = match (message.control, message.data) {
            (Some(control), None) => match control.tty_info.and_then(|tty| tty.window_size) {
                Some(size) => input.resize(cells(&size)).map_err(|error| {
                    Response::bad_request(format!("Unable to set the window size: {}", reason(&error)))
                }),
                None => Ok(()),
            },
            (_, Some(data)) => input.write(data.data.as_deref().unwrap_or_default()).await.map_err(|error| {
                Response::internal_error(format!("Failed writing to stdin: {}", reason(&error)))
            }),
            (None, None) => Ok(()),
        };
        written?;
    }
    Ok(())
}

/// The words of `strerror(3)`, without Rust's number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}

/// What a record after the first holds: of control and data only the one that its type names.
fn process_io(attach: AttachContainerInput) -> Result<ProcessIo, String> {
    let missing = |field: &str| format!("Expecting '{field}' to be present");
    if attach.r#type() != attach_container_input::Type::ProcessIo {
        let name = attach.r#type().as_str_name();
        return Err(format!(
            "Expecting 'attach_container_input.type' to be 'PROCESS_IO' instead of: '{name}'"
        ));
    }
    let message = attach.process_io.ok_or_else(|| missing("attach_container_input.process_io"))?;
    if message.r#type.is_none() {
        return Err(missing("process_io.type"));
    }
    match message.r#type() {
        process_io::Type::Unknown => Err("'process_io.type' is unknown".to_owned()),
        process_io::Type::Control => {
            let control = message.control.ok_or_else(|| missing("process_io.control"))?;
            if control.r#type.is_none() {
                return Err(missing("process_io.control.type"));
            }
            match control.r#type() {
                control::Type::Unknown => return Err("'process_io.control.type' is unknown".to_owned()),
                control::Type::TtyInfo => {
                    let tty =
                        control.tty_info.as_ref().ok_or_else(|| missing("process_io.control.tty_info"))?;
                    tty.window_size.as_ref().ok_or_else(|| missing("tty_info.window_size"))?;
                }
                control::Type::Heartbeat if control.heartbeat.is_none() => {
                    return Err(missing("process_io.control.heartbeat"));
                }
                control::Type::Heartbeat => {}
            }
            let tty_info = control.tty_info.filter(|_| control.r#type == Some(control::Type::TtyInfo.into()));
            let control = process_io::Control { tty_info, ..control };
            Ok(ProcessIo { control: Some(control), data: None, ..message })
        }
        process_io::Type::Data => {
            let data = message.data.ok_or_else(|| missing("process_io.data"))?;
            if data.r#type.is_none() {
                return Err(missing("process_io.data.type"));
            }
            if data.r#type() != data::Type::Stdin {
                return Err("Expecting 'process_io.data.type' to be 'STDIN'".to_owned());
            }
            if data.data.is_none() {
                return Err(missing("process_io.data.data"));
            }
            Ok(ProcessIo { control: None, data: Some(data), ..message })
        }
    }
}

/// Calls, one a record.
struct Records {
    body: RequestBody,
    decoder: Decoder,
    buffer: BytesMut,
    media: MediaType,
}

impl Records {
    async fn next(&mut self) -> Result<Option<Call>, Response> {
        let Some(record) = self.record().await? else { return Ok(None) };
        let call: Call = api::parse_call(self.media, &record).map_err(Response::bad_request)?;
        agent_call::validate(&call)
            .map_err(|error| Response::bad_request(format!("Failed to validate agent::Call: {error}")))?;
        Ok(Some(call))
    }

    /// What is cut off at the end is not looked at.
    async fn record(&mut self) -> Result<Option<Bytes>, Response> {
        loop {
            if let Some(record) =
                self.decoder.decode(&mut self.buffer).map_err(|error| undecodable(&error))?
            {
                return Ok(Some(record));
            }
            let piece = self.body.next_of_patient().await;
            let piece =
                piece.map_err(|error| Response::internal_error(format!("Pipe::Reader failure: {error}")))?;
            match piece {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}

fn undecodable(error: &RecordError) -> Response {
    Response::internal_error(match error {
        RecordError::Length(text) => {
            format!("Decoder failure: Failed to decode length '{text}': Failed to convert '{text}' to number")
        }
        other => format!("Decoder failure: {other}"),
    })
}
