//! Guests as the agent sees them: what is refused, who is answered when, and what goes with what.

use super::*;
use crate::{
    engine::agent::{AgentConfig, Input, account::Account},
    mesos::{
        time::Time,
        v1::{
            AgentInfo, CommandInfo, ContainerInfo, Environment, RLimitInfo, Secret, TtyInfo, Volume,
            command_info,
            environment::{Variable, variable},
            r_limit_info::{RLimit, r_limit::Type},
            secret,
            tty_info::WindowSize,
            volume::{
                Source,
                source::{self, SandboxPath, sandbox_path},
            },
        },
    },
};

fn agent() -> Agent {
    let mut agent = Agent::new(AgentConfig::new(AgentInfo::default(), "/w"), Time::default(), 1);
    agent.info.id = Some("S1".into());
    agent
}

fn id(names: &str) -> ContainerId {
    names
        .split('.')
        .fold(None, |parent: Option<ContainerId>, name| {
            Some(ContainerId { value: name.to_owned(), parent: parent.map(Box::new) })
        })
        .unwrap_or_default()
}

fn info(names: &str) -> GuestInfo {
    let command = CommandInfo { value: Some("sleep 1000".to_owned()), ..CommandInfo::default() };
    GuestInfo { container_id: id(names), command, ..GuestInfo::default() }
}

impl Agent {
    fn asked(&mut self, request: u64, order: Order) -> Vec<Effect> {
        self.handle(Time::default(), Input::Order { request, order })
    }

    fn launch_as(&mut self, names: &str) -> Vec<Effect> {
        let effects = self.asked(1, Order::Launch(Box::new(info(names))));
        assert!(matches!(effects.as_slice(), [Effect::Attend(_)]), "{effects:?}");
        self.handle(Time::default(), Input::Launched { container_id: id(names), pid: 7 })
    }

    fn exit(&mut self, names: &str, exit: Exit) -> Vec<Effect> {
        self.handle(Time::default(), Input::Exited { container_id: id(names), exit })
    }
}

fn answered(request: u64, answer: Answer) -> Effect {
    Effect::Answer { request, answer }
}

fn killed(names: &str) -> Effect {
    Effect::Signal { container_id: id(names), signal: Signal::Kill }
}

#[test]
fn a_launch_is_answered_when_the_process_runs() {
    let mut agent = agent();
    let effects = agent.asked(5, Order::Launch(Box::new(info("a"))));
    let [Effect::Attend(attended)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(attended.launch.directory, "/w/containers/a");
    assert_eq!(attended.launch.environment["MESOS_SANDBOX"], "/w/containers/a");
    assert_eq!((attended.streams, &attended.inherits), (Streams::Files, &None));
    let again = agent.asked(6, Order::Launch(Box::new(info("a"))));
    assert_eq!(again, [answered(6, Answer::AlreadyThere)]);
    let launched = agent.handle(Time::default(), Input::Launched { container_id: id("a"), pid: 7 });
    assert_eq!(launched, [answered(5, Answer::Done)]);
}

#[test]
fn a_launch_that_fails_says_why() {
    let mut agent = agent();
    agent.asked(5, Order::Launch(Box::new(info("a"))));
    let failed = Input::LaunchFailed { container_id: id("a"), message: "no room".to_owned() };
    assert_eq!(agent.handle(Time::default(), failed), [answered(5, Answer::Refused("no room".to_owned()))]);
    assert!(!agent.has_guest(&id("a")));
}

#[test]
fn refuses_what_mesos_refuses() {
    let mut agent = agent();
    let refused = |text: &str| vec![answered(1, Answer::Refused(text.to_owned()))];
    let orphan = agent.asked(1, Order::Launch(Box::new(info("zz.a"))));
    assert_eq!(orphan, refused("Parent container zz does not exist"));
    let docker = ContainerInfo { r#type: container_info::Type::Docker.into(), ..ContainerInfo::default() };
    let docker = GuestInfo { container: Some(docker), ..info("a") };
    let docker = agent.asked(1, Order::Launch(Box::new(docker)));
    assert_eq!(docker, refused("The provided ContainerInfo is not supported"));
    let wait = agent.asked(1, Order::Wait(id("a.b")));
    assert_eq!(wait, [answered(1, Answer::NotFound("Container a.b cannot be found".to_owned()))]);
    let kill = agent.asked(1, Order::Kill { container_id: id("a.b"), signal: 9 });
    let text = "Container 'a.b' cannot be found (or is already killed)";
    assert_eq!(kill, [answered(1, Answer::NotFound(text.to_owned()))]);
    let remove = agent.asked(1, Order::Remove(id("a.b")));
    assert_eq!(remove, [answered(1, Answer::Failed("Unknown root container".to_owned()))]);
    let attach = agent.attach_refusal(&id("a.b"));
    assert_eq!(attach, Some(Answer::NotFound("Container a.b cannot be found".to_owned())));
}

#[test]
fn a_guest_runs_as_its_own_user_or_as_that_of_its_parent() {
    fn account(user: &str) -> Result<Account, String> {
        let account = Account { name: user.to_owned(), uid: 1, gid: 1, groups: vec![1] };
        if user == "eve" { Err(format!("No such user '{user}'")) } else { Ok(account) }
    }
    let mut agent = agent().with_accounts(account);
    agent.config.switch_user = true;
    let of = |names: &str, user: &str| {
        let command = CommandInfo { user: Some(user.to_owned()), ..info(names).command };
        Order::Launch(Box::new(GuestInfo { command, ..info(names) }))
    };
    let runs_as = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Attend(attended)] => attended.launch.setup.account.as_ref().map(|it| it.name.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(runs_as(agent.asked(1, of("a", "ann"))).as_deref(), Some("ann"));
    assert_eq!(runs_as(agent.asked(2, Order::Launch(Box::new(info("a.b"))))).as_deref(), Some("ann"));
    assert_eq!(runs_as(agent.asked(3, of("a.b.c", "bob"))).as_deref(), Some("bob"));
    assert_eq!(runs_as(agent.asked(4, Order::Launch(Box::new(info("z"))))), None, "nobody is named");
    let why = "Failed to chown directory to 'eve': No such user 'eve'";
    let nested = format!("Failed to create nested sandbox '/w/containers/a/containers/x': {why}");
    assert_eq!(agent.asked(5, of("a.x", "eve")), [answered(5, Answer::Refused(nested))]);
    let alone = format!("Failed to create sandbox: {why}");
    assert_eq!(agent.asked(6, of("y", "eve")), [answered(6, Answer::Failed(alone))]);
}

#[test]
fn who_waits_learns_of_the_end_and_may_ask_again_while_the_parent_lives() {
    let mut agent = agent();
    agent.launch_as("a");
    agent.launch_as("a.b");
    assert_eq!(agent.asked(2, Order::Wait(id("a.b"))), []);
    assert_eq!(agent.asked(3, Order::Wait(id("a.b"))), []);
    agent.handle(Time::default(), Input::Abandon { request: 3 });
    let remove = agent.asked(4, Order::Remove(id("a.b")));
    let text = "Nested container has not terminated yet";
    assert_eq!(remove, [answered(4, Answer::Failed(text.to_owned()))]);
    let ended = Answer::Ended(Some(Exit::Code(3)));
    assert_eq!(agent.exit("a.b", Exit::Code(3)), [answered(2, ended.clone())]);
    assert_eq!(agent.asked(5, Order::Wait(id("a.b"))), [answered(5, ended)]);
    let remove = agent.asked(6, Order::Remove(id("a.b")));
    let removed = Effect::RemoveSandbox("/w/containers/a/containers/b".to_owned());
    assert_eq!(remove, [removed, answered(6, Answer::Done)]);
    agent.exit("a", Exit::Code(0));
    assert!(matches!(
        agent.asked(7, Order::Wait(id("a.b"))).as_slice(),
        [Effect::Answer { answer: Answer::NotFound(_), .. }]
    ));
}

#[test]
fn what_is_in_a_container_goes_with_it() {
    let mut agent = agent();
    for names in ["a", "a.b", "a.b.c", "d"] {
        agent.launch_as(names);
    }
    assert_eq!(agent.exit("a", Exit::Code(0)), [killed("a.b")]);
    let refusal = agent.asked(1, Order::Launch(Box::new(info("a.b.e"))));
    let text = "Parent container a.b is in 'DESTROYING' state";
    assert_eq!(refusal, [answered(1, Answer::Refused(text.to_owned()))]);
    assert_eq!(agent.exit("a.b", Exit::signal(9)), [killed("a.b.c")]);
    let stopping = agent.handle(Time::default(), Input::Stop);
    assert!(stopping.contains(&killed("d")), "{stopping:?}");
}

#[test]
fn a_session_that_is_left_before_it_runs_is_killed_when_it_does() {
    let mut agent = agent();
    agent.launch_as("a");
    agent.asked(2, Order::Launch(Box::new(GuestInfo { session: true, ..info("a.b") })));
    assert_eq!(agent.handle(Time::default(), Input::Destroy { container_id: id("a.b") }), []);
    let launched = agent.handle(Time::default(), Input::Launched { container_id: id("a.b"), pid: 8 });
    assert_eq!(launched, [killed("a.b"), answered(2, Answer::Done)]);
}

#[test]
fn signals_go_to_the_process_by_their_number() {
    let mut agent = agent();
    agent.launch_as("a");
    let kill = |signal| Order::Kill { container_id: id("a"), signal };
    let sent = Effect::Kill { container_id: id("a"), signal: 10 };
    assert_eq!(agent.asked(2, kill(10)), [sent, answered(2, Answer::Done)]);
    let text = "Unable to send signal to container: Invalid argument";
    assert_eq!(agent.asked(3, kill(999)), [answered(3, Answer::Failed(text.to_owned()))]);
    assert_eq!(agent.asked(4, kill(-9)), [answered(4, Answer::Failed(text.to_owned()))]);
}

#[test]
fn a_terminal_has_the_size_that_is_asked_for() {
    let sized =
        |window_size| ContainerInfo { tty_info: Some(TtyInfo { window_size }), ..ContainerInfo::default() };
    let size = WindowSize { rows: 24, columns: 100_000 };
    let streams = Streams::of(Some(&sized(Some(size))), true);
    assert_eq!(streams, Streams::Terminal { rows: 24, columns: u16::MAX, waits: true });
    assert_eq!(
        Streams::of(Some(&sized(None)), false),
        Streams::Terminal { rows: 0, columns: 0, waits: false }
    );
    assert_eq!(Streams::of(None, true), Streams::Session);
}

#[test]
fn so_many_ends_are_kept() {
    let mut guests = Guests::default();
    for number in 0..MAX_ENDS + 5 {
        guests.keep_end(&id(&format!("a.{number}")), Exit::Code(0));
    }
    assert_eq!(guests.ends.len(), MAX_ENDS);
    assert!(!guests.ends.contains_key(&id("a.0")));
}

#[test]
fn a_guest_gets_what_it_names() {
    let uri = command_info::Uri { value: "/a/b".to_owned(), ..Default::default() };
    let limit = RLimit { r#type: Some(Type::RlmtNofile.into()), soft: Some(7), hard: Some(8) };
    let secret = Secret {
        r#type: Some(secret::Type::Value.into()),
        value: Some(secret::Value { data: "s3".into() }),
        ..Secret::default()
    };
    let variable = Variable {
        name: "S".to_owned(),
        r#type: Some(variable::Type::Secret.into()),
        secret: Some(secret),
        ..Variable::default()
    };
    let shared = Source {
        r#type: Some(source::Type::SandboxPath.into()),
        sandbox_path: Some(SandboxPath {
            r#type: Some(sandbox_path::Type::Parent.into()),
            path: "p".to_owned(),
        }),
        ..Source::default()
    };
    let volume = Volume { container_path: "v".to_owned(), source: Some(shared), ..Volume::default() };
    let mut agent = agent();
    agent.launch_as("a");
    let mut info = info("a.b");
    info.command.uris = vec![uri];
    info.command.environment = Some(Environment { variables: vec![variable] });
    info.container = Some(ContainerInfo {
        r#type: container_info::Type::Mesos.into(),
        rlimit_info: Some(RLimitInfo { rlimits: vec![limit] }),
        volumes: vec![volume],
        ..ContainerInfo::default()
    });
    let effects = agent.asked(2, Order::Launch(Box::new(info.clone())));
    let [Effect::Attend(attended)] = effects.as_slice() else { panic!("{effects:?}") };
    let launch = &attended.launch;
    assert_eq!(launch.environment["S"], "s3");
    assert_eq!(launch.setup.uris[0].value, "/a/b");
    assert_eq!(launch.setup.limits[0].most, Some((7, 8)));
    assert_eq!(launch.setup.links[0].source, "/w/containers/a/p");
    let session = GuestInfo { session: true, container_id: id("a.c"), ..info };
    let text = "SANDBOX_PATH volume is not supported for DEBUG containers";
    let refused = agent.asked(3, Order::Launch(Box::new(session)));
    assert_eq!(refused, [answered(3, Answer::Refused(text.to_owned()))]);
}

#[test]
fn what_is_fetched_for_a_guest_that_is_killed_is_fetched_for_nobody() {
    let mut agent = agent();
    let mut info = info("a");
    info.command.uris = vec![command_info::Uri { value: "/a/b".to_owned(), ..Default::default() }];
    agent.asked(1, Order::Launch(Box::new(info)));
    let kill = agent.asked(2, Order::Kill { container_id: id("a"), signal: 9 });
    assert_eq!(kill, [killed("a"), answered(2, Answer::Done)]);
    let failed = Input::LaunchFailed { container_id: id("a"), message: "broken off".to_owned() };
    let failed = agent.handle(Time::default(), failed);
    assert_eq!(failed, [answered(1, Answer::Refused("broken off".to_owned()))]);
}
