//! What outlives its agent, and what the next one learns of it.

use super::*;
use crate::engine::executor;

#[tokio::test]
async fn tasks_outlive_an_agent_that_is_killed() {
    let lab = lab();
    let mortal = Launch { survives: false, ..lab.launch("mortal", TREE) };
    let mut first = lab.start_agent(&[lab.launch("survivor", TREE), mortal]).await;
    let (survivor, keeper) = (lab.pid_in_events("survivor").unwrap(), lab.keeper());
    until(|| lab.members("survivor") == 3 && lab.members("mortal") == 3).await;
    first.kill().unwrap();
    first.wait().unwrap();
    until(|| lab.members("mortal") == 0).await;

    let mut agent = lab.attach().await;
    assert_eq!(agent.kept.len(), 1);
    assert_eq!(agent.kept[0].launch, lab.launch("survivor", TREE));
    assert_eq!((agent.kept[0].pid, agent.kept[0].exit), (Some(survivor), None));
    assert_eq!((lab.keeper(), lab.members("survivor")), (keeper, 3));
    agent.claim("survivor");
    agent.hub.signal(&id("survivor"), executor::Signal::Terminate);
    assert_eq!(agent.exit("survivor").await, Exit::signal(15));
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn ends_that_no_agent_saw_are_told_until_they_are_noted() {
    let lab = lab();
    let mut agent = lab.attach().await;
    let waits = "while ! test -e go; do sleep 0.01; done; exit 3";
    let coded = agent.launch(lab.launch("coded", waits)).await;
    let signalled = agent.launch(lab.launch("signalled", TREE)).await;
    agent.die().await;
    lab.touch("coded", "go");
    kill_process(Pid::from_raw(i32::try_from(signalled).unwrap()).unwrap(), Signal::TERM).unwrap();
    until(|| !runs(coded) && !runs(signalled)).await;

    for _ in 0..2 {
        let mut agent = lab.attach().await;
        assert_eq!(agent.names(), ["coded", "signalled"]);
        assert_eq!(agent.kept[0].pid, Some(coded));
        agent.claim("coded");
        assert_eq!(agent.exit("coded").await, Exit::Code(3));
        agent.claim("signalled");
        assert_eq!(agent.exit("signalled").await, Exit::signal(15));
        agent.die().await;
    }
    let mut agent = lab.attach().await;
    agent.hub.forget(&id("coded"));
    agent.hub.forget(&id("signalled"));
    let mortal = Launch { survives: false, ..lab.launch("mortal", TREE) };
    agent.launch(mortal).await;
    agent.die().await;
    lab.until_nothing_is_left().await;
    assert!(!lab.work_dir.join("meta/keeper.sock").exists());
}

#[tokio::test]
async fn a_launch_that_failed_is_told_too() {
    let lab = lab();
    let mut agent = lab.attach().await;
    fs::create_dir_all(lab.sandbox("c").parent().unwrap()).unwrap();
    fs::write(lab.sandbox("c"), "in the way").unwrap();
    agent.hub.launch(lab.launch("c", TREE).into(), agent.sender.clone());
    let Event::LaunchFailed { message, .. } = agent.event().await else { panic!("launched") };
    agent.die().await;
    let mut agent = lab.attach().await;
    assert_eq!(agent.kept[0].failed.as_ref(), Some(&message));
    agent.claim("c");
    assert_eq!(agent.event().await, Event::LaunchFailed { container_id: id("c"), message });
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn nobody_waits_longer_than_the_recovery_timeout() {
    let lab = lab();
    let recovery_timeout = Duration::from_millis(50);
    let mut agent = lab.attach_with(KeeperConfig { recovery_timeout, ..config(&lab.work_dir) }).await;
    agent.launch(lab.launch("c", TREE)).await;
    until(|| lab.members("c") == 3).await;
    agent.die().await;
    lab.until_nothing_is_left().await;
    let agent = lab.attach().await;
    assert!(agent.kept.is_empty());
}

#[tokio::test]
async fn what_no_agent_claims_is_killed() {
    let lab = lab();
    let mut agent = lab.attach().await;
    agent.launch(lab.launch("claimed", TREE)).await;
    agent.launch(lab.launch("foreign", TREE)).await;
    agent.die().await;
    let agent = lab.attach().await;
    assert_eq!(agent.names(), ["claimed", "foreign"]);
    agent.claim("claimed");
    agent.hub.discard_unclaimed();
    until(|| lab.members("foreign") == 0).await;
    agent.die().await;
    let agent = lab.attach().await;
    assert_eq!(agent.names(), ["claimed"]);
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn agents_of_one_process_hear_of_their_own_containers() {
    let lab = lab();
    let mut one = lab.attach().await;
    let (sender, events) = mpsc::unbounded_channel();
    let hub = one.hub.clone();
    let mut other = Agent { hub, kept: Vec::new(), tasks: one.tasks.clone(), sender, events };
    let pid = one.launch(lab.launch("one", TREE)).await;
    assert_ne!(other.launch(lab.launch("other", "exit 4")).await, pid);
    assert_eq!(other.exit("other").await, Exit::Code(4));
    one.hub.signal(&id("one"), executor::Signal::Kill);
    assert_eq!(one.exit("one").await, Exit::signal(9));
    one.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn paths_may_be_long_and_have_spaces() {
    let lab = lab_at(&format!("a work directory {}", "x".repeat(200)));
    let mut agent = lab.attach().await;
    agent.launch(lab.launch("a container", "pwd; read forever < fifo || sleep 1000")).await;
    agent.die().await;
    let mut agent = lab.attach().await;
    assert_eq!(agent.names(), ["a container"]);
    agent.claim("a container");
    agent.hub.signal(&id("a container"), executor::Signal::Kill);
    assert_eq!(agent.exit("a container").await, Exit::signal(9));
    let sandbox = lab.sandbox("a container");
    assert_eq!(fs::read_to_string(sandbox.join("stdout")).unwrap(), format!("{}\n", sandbox.display()));
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn many_are_started_and_ended() {
    let lab = lab();
    let mut agent = lab.attach().await;
    let names: Vec<String> = (0..100).map(|n| format!("c{n}")).collect();
    for name in &names {
        agent.hub.launch(lab.launch(name, "exec sleep 1000").into(), agent.sender.clone());
    }
    let mut pids = BTreeMap::new();
    for _ in &names {
        let Event::Launched { container_id, pid } = agent.event().await else { panic!("not launched") };
        pids.insert(container_id, Some(pid));
    }
    agent.die().await;
    let mut agent = lab.attach().await;
    let kept: BTreeMap<_, _> =
        agent.kept.iter().map(|kept| (kept.container_id().clone(), kept.pid)).collect();
    assert_eq!(kept, pids);
    for name in &names {
        agent.claim(name);
        agent.hub.signal(&id(name), executor::Signal::Terminate);
    }
    for _ in &names {
        let Event::Exited { container_id, exit } = agent.event().await else { panic!("no end") };
        assert_eq!(exit, Exit::signal(15));
        agent.hub.forget(&container_id);
    }
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}
