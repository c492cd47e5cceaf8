//! The shape of every message of `proto/`, in the order in which its fields are declared: read once from the compiled
//! descriptors, and all that the JSON form and the check of required fields go by.

use std::{collections::HashMap, sync::OnceLock};

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};

static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// All shapes; messages and enums refer to each other by their place in it.
#[derive(Debug, Default)]
pub struct Schema {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    by_name: HashMap<String, usize>,
}

#[derive(Debug, Default)]
pub struct Message {
    /// In the order of declaration, the order of the JSON form.
    pub fields: Vec<Field>,
    by_name: HashMap<String, usize>,
    /// Field numbers in order, each with its place.
    by_number: Vec<(u32, usize)>,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub number: u32,
    pub kind: Kind,
    pub shape: Shape,
    /// The text of the declared default that the JSON form shows where the field is not set.
    pub default: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Optional,
    Required,
    Repeated,
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    /// Its place in the schema.
    Message(usize),
    /// Its place in the schema.
    Enum(usize),
}

#[derive(Debug, Default)]
pub struct Enum {
    names: HashMap<i32, String>,
    numbers: HashMap<String, i32>,
}

/// The shapes of all messages of `proto/`.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        FileDescriptorSet::decode(DESCRIPTORS).map(|files| Schema::new(&files)).unwrap_or_default()
    })
}

/// The message without fields: the shape of what is not of `proto/`.
fn nothing() -> &'static Message {
    static NOTHING: OnceLock<Message> = OnceLock::new();
    NOTHING.get_or_init(Message::default)
}

/// The descriptors of a set of files with their full names, nested ones after those they are in.
#[derive(Default)]
struct Descriptors<'a> {
    messages: Vec<(String, &'a DescriptorProto)>,
    enums: Vec<(String, &'a EnumDescriptorProto)>,
}

impl<'a> Descriptors<'a> {
    fn of(files: &'a FileDescriptorSet) -> Self {
        let mut all = Self::default();
        for file in &files.file {
            all.add(file.package(), &file.message_type, &file.enum_type);
        }
        all
    }

    fn add(&mut self, scope: &str, messages: &'a [DescriptorProto], enums: &'a [EnumDescriptorProto]) {
        self.enums.extend(enums.iter().map(|r#enum| (format!("{scope}.{}", r#enum.name()), r#enum)));
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.messages.push((name.clone(), message));
            self.add(&name, &message.nested_type, &message.enum_type);
        }
    }
}

/// Where the messages and enums of a full name stand in the schema.
struct Places<'a> {
    messages: HashMap<&'a str, (usize, &'a DescriptorProto)>,
    enums: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    fn of(all: &'a Descriptors<'a>) -> Self {
        let messages = all.messages.iter().enumerate();
        let enums = all.enums.iter().enumerate();
        Self {
            messages: messages.map(|(place, (name, message))| (name.as_str(), (place, *message))).collect(),
            enums: enums.map(|(place, (name, _))| (name.as_str(), place)).collect(),
        }
    }

    fn message(&self, field: &FieldDescriptorProto) -> Option<(usize, &'a DescriptorProto)> {
        self.messages.get(field.type_name().trim_start_matches('.')).copied()
    }

    fn r#enum(&self, field: &FieldDescriptorProto) -> Option<usize> {
        self.enums.get(field.type_name().trim_start_matches('.')).copied()
    }
}

impl Schema {
    fn new(files: &FileDescriptorSet) -> Self {
        let all = Descriptors::of(files);
        let places = Places::of(&all);
        Self {
            messages: all.messages.iter().map(|(_, message)| Message::new(message, &places)).collect(),
            enums: all.enums.iter().map(|(_, r#enum)| Enum::new(r#enum)).collect(),
            by_name: all
                .messages
                .iter()
                .enumerate()
                .map(|(place, (name, _))| (name.clone(), place))
                .collect(),
        }
    }

    /// The message of a full name such as `mesos.v1.scheduler.Call`.
    pub fn message(&self, full_name: &str) -> &Message {
        self.by_name.get(full_name).map_or_else(|| nothing(), |place| self.message_at(*place))
    }

    pub fn message_at(&self, place: usize) -> &Message {
        self.messages.get(place).unwrap_or_else(|| nothing())
    }

    /// The name of a number; `None` when the enum has no such number, which proto2 treats as not set.
    pub fn enum_name(&self, place: usize, number: i32) -> Option<&str> {
        self.enums.get(place)?.names.get(&number).map(String::as_str)
    }

    #[cfg(test)]
    pub fn enum_names(&self, place: usize) -> Vec<&str> {
        let mut names: Vec<_> = self.enums[place].numbers.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    pub fn enum_number(&self, place: usize, name: &str) -> Option<i32> {
        self.enums.get(place)?.numbers.get(name).copied()
    }
}

impl Message {
    fn new(message: &DescriptorProto, places: &Places<'_>) -> Self {
        let shown = message.field.iter().filter(|field| field.json_name.as_deref() != Some(""));
        let fields: Vec<_> = shown.map(|field| Field::new(field, places)).collect();
        let by_name = fields.iter().enumerate().map(|(place, field)| (field.name.clone(), place)).collect();
        let mut by_number: Vec<_> =
            fields.iter().enumerate().map(|(place, field)| (field.number, place)).collect();
        by_number.sort_unstable();
        Self { fields, by_name, by_number }
    }

    pub fn named(&self, name: &str) -> Option<&Field> {
        self.fields.get(*self.by_name.get(name)?)
    }

    /// The place of a field number in `fields`.
    pub fn place(&self, number: u32) -> Option<usize> {
        let index = self.by_number.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.by_number[index].1)
    }
}

impl Field {
    fn new(field: &FieldDescriptorProto, places: &Places<'_>) -> Self {
        let is_map =
            |message: &DescriptorProto| message.options.as_ref().is_some_and(|options| options.map_entry());
        let shape = match field.label() {
            Label::Repeated if places.message(field).is_some_and(|(_, message)| is_map(message)) => {
                Shape::Map
            }
            Label::Repeated => Shape::Repeated,
            Label::Required => Shape::Required,
            Label::Optional => Shape::Optional,
        };
        let deprecated = field.options.as_ref().is_some_and(|options| options.deprecated());
        Self {
            name: field.name().to_owned(),
            number: u32::try_from(field.number()).unwrap_or_default(),
            kind: Kind::of(field, places),
            shape,
            default: field.default_value.clone().filter(|_| !deprecated),
        }
    }

    pub fn is_repeated(&self) -> bool {
        matches!(self.shape, Shape::Repeated | Shape::Map)
    }
}

impl Kind {
    fn of(field: &FieldDescriptorProto, places: &Places<'_>) -> Self {
        match field.r#type() {
            Type::Double => Self::Double,
            Type::Float => Self::Float,
            Type::Int32 => Self::Int32,
            Type::Int64 => Self::Int64,
            Type::Uint32 => Self::Uint32,
            Type::Uint64 => Self::Uint64,
            Type::Sint32 => Self::Sint32,
            Type::Sint64 => Self::Sint64,
            Type::Fixed32 => Self::Fixed32,
            Type::Fixed64 => Self::Fixed64,
            Type::Sfixed32 => Self::Sfixed32,
            Type::Sfixed64 => Self::Sfixed64,
            Type::Bool => Self::Bool,
            Type::String => Self::String,
            Type::Bytes => Self::Bytes,
            Type::Message | Type::Group => {
                Self::Message(places.message(field).map_or(usize::MAX, |(place, _)| place))
            }
            Type::Enum => Self::Enum(places.r#enum(field).unwrap_or(usize::MAX)),
        }
    }
}

impl Enum {
    fn new(r#enum: &EnumDescriptorProto) -> Self {
        Self {
            names: r#enum.value.iter().map(|value| (value.number(), value.name().to_owned())).collect(),
            numbers: r#enum.value.iter().map(|value| (value.name().to_owned(), value.number())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_messages_in_declared_order() {
        let info = schema().message("mesos.v1.FrameworkInfo");
        let names: Vec<_> = info.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names[..4], ["user", "name", "id", "failover_timeout"]);
        assert_eq!(info.named("failover_timeout").unwrap().default.as_deref(), Some("0"));
        assert_eq!(info.named("role").unwrap().default, None, "deprecated");
        assert_eq!(info.named("offer_filters").unwrap().shape, Shape::Map);
        let offer = schema().message("mesos.v1.Offer");
        let numbers: Vec<_> = offer.fields.iter().map(|field| field.number).collect();
        assert_eq!(numbers[..6], [1, 2, 3, 4, 8, 11]);
        assert!(schema().message("mesos.v1.Nonsense").fields.is_empty());
        assert!(schema().message("mesos.v1.AgentInfo").named("checkpoint").is_none(), "no JSON name");
    }

    #[test]
    fn refers_to_messages_and_enums() {
        let call = schema().message("mesos.v1.scheduler.Call");
        let Kind::Message(place) = call.named("subscribe").unwrap().kind else { panic!("a message") };
        assert_eq!(schema().message_at(place).fields[0].name, "framework_info");
        let Kind::Enum(place) = call.named("type").unwrap().kind else { panic!("an enum") };
        assert_eq!(schema().enum_name(place, 1), Some("SUBSCRIBE"));
        assert_eq!(schema().enum_number(place, "NONSENSE"), None);
    }
}
