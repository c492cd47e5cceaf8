//! The death of the keeper, and its orderly end: nothing is left behind by either.

use super::*;

#[tokio::test]
async fn the_death_of_the_keeper_is_the_end_of_its_tasks() {
    let lab = lab();
    let mut agent = lab.attach().await;
    agent.launch(lab.launch("a", TREE)).await;
    agent.launch(lab.launch("b", TREE)).await;
    until(|| lab.members("a") == 3 && lab.members("b") == 3).await;
    let first = lab.keeper();
    lab.kill_keeper();
    let (one, other) = (agent.event().await, agent.event().await);
    for (name, event) in [("a", one), ("b", other)] {
        assert_eq!(event, Event::Exited { container_id: id(name), exit: Exit::signal(9) });
        assert_eq!(lab.members(name), 0, "told only when it is true");
    }
    agent.launch(lab.launch("c", TREE)).await;
    assert_ne!(lab.keeper(), first, "another takes its place");
    agent.hub.goodbye().await;
    lab.until_nothing_is_left().await;
}

#[tokio::test]
async fn nothing_survives_the_death_of_agent_and_keeper() {
    let lab = lab();
    let mut first = lab.start_agent(&[lab.launch("c", TREE)]).await;
    until(|| lab.members("c") == 3).await;
    first.kill().unwrap();
    lab.kill_keeper();
    first.wait().unwrap();
    let agent = lab.attach().await;
    assert!(agent.kept.is_empty());
    assert_eq!(lab.members("c"), 0);
}

#[tokio::test]
async fn a_goodbye_ends_all_that_is_left() {
    let lab = lab();
    let mut agent = lab.attach().await;
    let escapes =
        "setsid env -i /bin/sleep 1000 >/dev/null 2>&1 </dev/null & echo $! > pid; sleep 1000; true";
    agent.launch(lab.launch("c", escapes)).await;
    let escaped = || fs::read_to_string(lab.sandbox("c").join("pid")).ok()?.trim().parse::<u32>().ok();
    until(|| escaped().is_some_and(runs)).await;
    agent.hub.goodbye().await;
    assert_eq!(agent.exit("c").await, Exit::signal(9));
    assert!(!runs(escaped().unwrap()));
    lab.until_nothing_is_left().await;
    agent.hub.launch(lab.launch("late", TREE).into(), agent.sender.clone());
    assert!(matches!(agent.event().await, Event::LaunchFailed { .. }));
}

#[tokio::test]
async fn a_keeper_that_cannot_be_started_is_a_failed_launch() {
    let lab = lab();
    let missing = KeeperConfig { program: "/no/such/program".into(), ..config(&lab.work_dir) };
    let agent = &mut lab.attach_with(missing).await;
    agent.hub.launch(lab.launch("a", TREE).into(), agent.sender.clone());
    let Event::LaunchFailed { message, .. } = agent.event().await else { panic!("launched") };
    assert!(message.starts_with("failed to start the keeper of task processes: No such file"), "{message}");
    agent.hub.goodbye().await;
}

#[tokio::test]
async fn a_keeper_that_ends_at_once_is_a_failed_launch() {
    let lab = lab();
    let useless = KeeperConfig { program: "/bin/true".into(), ..config(&lab.work_dir) };
    let agent = &mut lab.attach_with(useless).await;
    agent.hub.launch(lab.launch("a", TREE).into(), agent.sender.clone());
    let Event::LaunchFailed { message, .. } = agent.event().await else { panic!("launched") };
    assert_eq!(message, "failed to start the keeper of task processes: it has ended at once");
    agent.hub.goodbye().await;
}
