//! The frame around a v1 call, the same for schedulers and operators: POST only, a body in JSON or protobuf,
//! an answer in whichever of them `Accept` allows. The order of the checks and the texts are Mesos'.

use http::{Method, StatusCode, header};
use prost::{Message, Name};

use super::http::{Request, Response};
use crate::{
    engine::master::{Reply, view},
    mesos::{json, media::MediaType, v1},
};

/// 405 for anything but POST.
pub fn post_only(request: &Request) -> Result<(), Response> {
    if request.method == Method::POST {
        return Ok(());
    }
    Err(Response::method_not_allowed(&["POST"], &request.method))
}

/// The call in the body, in the form that `Content-Type` says.
pub fn read_call<M: Message + Name + Default>(request: &Request) -> Result<M, Response> {
    let Some(content_type) = request.header(header::CONTENT_TYPE) else {
        return Err(Response::bad_request("Expecting 'Content-Type' to be present"));
    };
    match MediaType::from_content_type(content_type) {
        Some(media @ (MediaType::Protobuf | MediaType::Json)) => {
            parse_call(media, &request.body).map_err(Response::bad_request)
        }
        _ => Err(Response::unsupported_media_type(
            "Expecting 'Content-Type' of application/json or application/x-protobuf",
        )),
    }
}

/// A call in one of its two forms; what is wrong with it otherwise.
pub fn parse_call<M: Message + Name + Default>(media: MediaType, bytes: &[u8]) -> Result<M, String> {
    match media {
        MediaType::Protobuf => {
            json::decode(bytes).map_err(|_| "Failed to parse body into Call protobuf".to_owned())
        }
        _ => json::from_json(bytes).map_err(|error| refused_json(&error)),
    }
}

fn refused_json(error: &json::JsonError) -> String {
    let step = match error {
        json::JsonError::Syntax(_) => "Failed to parse body into JSON",
        json::JsonError::Convert(_) => "Failed to convert JSON into Call protobuf",
    };
    format!("{step}: {error}")
}

/// The form of the answer: JSON where `Accept` allows it or is missing, else protobuf.
pub fn accepted(request: &Request) -> Result<MediaType, Response> {
    MediaType::negotiate(request.header(header::ACCEPT)).ok_or_else(|| {
        Response::not_acceptable("Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
    })
}

/// The engine's answer to a call on the wire.
pub fn reply(reply: Option<Reply>, media: MediaType) -> Response {
    match reply {
        Some(Reply::Accepted) => Response::accepted(),
        Some(Reply::Ok) => Response::ok(),
        Some(Reply::BadRequest(text)) => Response::bad_request(text),
        Some(Reply::Forbidden(text)) => Response::forbidden(text),
        Some(Reply::NotFound(text)) => Response::text(StatusCode::NOT_FOUND, text),
        Some(Reply::Conflict(text)) => Response::text(StatusCode::CONFLICT, text),
        Some(Reply::NotImplemented(text)) => Response::text(StatusCode::NOT_IMPLEMENTED, text),
        Some(Reply::Unavailable(text)) => Response::text(StatusCode::SERVICE_UNAVAILABLE, text),
        Some(Reply::Operator(response)) => operator_response(&response, media),
        Some(Reply::Stream(_) | Reply::Subscriber(_)) | None => {
            Response::internal_error("500 Internal Server Error.")
        }
    }
}

/// 200 with a response of the operator API.
pub fn operator_response(response: &v1::master::Response, media: MediaType) -> Response {
    match media {
        MediaType::Protobuf => Response::bytes(media.as_str(), response.encode_to_vec()),
        _ => Response::bytes(media.as_str(), view::v1::response_to_json(response)),
    }
}
