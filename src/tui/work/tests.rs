//! The worker against a scheduler and an agent that say what a test has written down.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    client::{
        agent_files::sandbox,
        tests::server::{Dead, Received, Reply, Server},
    },
    cluster::watch::{Addresses, Locate},
    mesos::{
        time::Time,
        v1::{
            ExecutorId, FrameworkId,
            agent::{Call, Response, response},
        },
    },
    runtime::Tasks,
    scheduler::{
        api::{ConfigView, Explain},
        config::SchedulerConfig,
        forecast::Question,
    },
    tui::{
        message::{Answer, Effect, LogFile, LogNews, PIECE},
        work::Worker,
    },
};

/// A worker, and what it answers.
struct Bench {
    worker: Worker,
    answers: mpsc::UnboundedReceiver<Answer>,
    tasks: Tasks,
}

impl Bench {
    fn new(locate: Locate) -> Self {
        let (tasks, (answers_in, answers)) = (Tasks::new(), mpsc::unbounded_channel());
        Self { worker: Worker::new(tasks.clone(), locate, answers_in), answers, tasks }
    }

    fn at(scheduler: &str) -> Self {
        let addresses = Addresses { scheduler: Some(scheduler.to_owned()), ..Addresses::default() };
        Self::new(Arc::new(move || Ok(addresses.clone())))
    }

    async fn answer(&mut self) -> Answer {
        tokio::time::timeout(Duration::from_secs(20), self.answers.recv()).await.unwrap().unwrap()
    }

    async fn ask(&mut self, effect: Effect) -> Answer {
        self.worker.run(effect);
        self.answer().await
    }

    async fn news(&mut self) -> (u64, LogNews) {
        match self.answer().await {
            Answer::Log { number, news } => (number, news),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.tasks.cancel();
    }
}

fn reply(body: &impl serde::Serialize) -> Reply {
    Reply::full("200 OK", "", &serde_json::to_vec(body).unwrap())
}

#[tokio::test]
async fn asks_the_scheduler_where_it_is_by_now() {
    let server = Server::start(|request: &Received| match request.target().as_str() {
        "PATCH /v1/config" => reply(&ConfigView { version: 2, config: SchedulerConfig::default() }),
        "POST /v1/tasks/web.0%2F1/kill" => Reply::full("202 Accepted", "", b""),
        "GET /v1/explain" => {
            reply(&Explain { summary: "5/5 tasks running".to_owned(), ..Explain::default() })
        }
        other => panic!("{other}"),
    })
    .await;
    let moved = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&moved);
    let mut bench = Bench::new(Arc::new(move || {
        let scheduler = Some(known.lock().unwrap().clone()).filter(|url| !url.is_empty());
        Ok(Addresses {
            scheduler,
            no_scheduler: "the scheduler is stopped".to_owned(),
            ..Addresses::default()
        })
    }));
    let stopped = bench.ask(Effect::Scale(7)).await;
    assert!(
        matches!(&stopped, Answer::Scaled { wanted: 7, result: Err(why) } if why == "the scheduler is stopped"),
        "{stopped:?}"
    );
    moved.lock().unwrap().clone_from(&server.url);
    let scaled = bench.ask(Effect::Scale(7)).await;
    assert!(
        matches!(&scaled, Answer::Scaled { wanted: 7, result: Ok(view) } if view.version == 2),
        "{scaled:?}"
    );
    let killed = bench.ask(Effect::Kill("web.0/1".to_owned())).await;
    assert!(matches!(&killed, Answer::Killed { task, result: Ok(()) } if task == "web.0/1"), "{killed:?}");
    let explained = bench.ask(Effect::Explain).await;
    assert!(
        matches!(&explained, Answer::Explain(Ok(explain)) if explain.summary == "5/5 tasks running"),
        "{explained:?}"
    );
    let sent: serde_json::Value = serde_json::from_slice(&server.received()[0].body).unwrap();
    assert_eq!(sent, json!({ "num_of_node": 7 }));
}

#[tokio::test]
async fn says_what_is_wrong() {
    let dead = Dead::new();
    let mut bench = Bench::at(&dead.url);
    let Answer::Killed { result: Err(why), .. } = bench.ask(Effect::Kill("web.0".to_owned())).await else {
        panic!()
    };
    assert!(why.starts_with(&format!("nothing answers at {}", dead.url)), "{why}");
    let body = br#"{"message": "there is no task `web.0`"}"#;
    let server = Server::start(|_| Reply::full("404 Not Found", "", body)).await;
    let mut bench = Bench::at(&server.url);
    let Answer::Killed { result: Err(why), .. } = bench.ask(Effect::Kill("web.0".to_owned())).await else {
        panic!()
    };
    assert_eq!(why, "there is no task `web.0`");
    let mut bench = Bench::new(Arc::new(|| Err("the lab is gone".to_owned())));
    let Answer::Explain(Err(why)) = bench.ask(Effect::Explain).await else { panic!() };
    assert_eq!(why, "the lab is gone");
}

#[tokio::test]
async fn of_many_questions_the_newest_is_answered_last() {
    let mut bench = Bench::new(Arc::new(|| Err(String::new())));
    for number in 1..=50 {
        let question = Question {
            config: SchedulerConfig::default(),
            tasks: Vec::new(),
            agents: Vec::new(),
            wanted: number,
            now: Time::default(),
        };
        bench.worker.run(Effect::Forecast { number, question: Box::new(question) });
    }
    let mut numbers = Vec::new();
    while numbers.last() != Some(&50) {
        let Answer::Forecast { number, forecast } = bench.answer().await else { panic!() };
        assert_eq!((forecast.wanted, forecast.unplaced), (number, number));
        numbers.push(number);
    }
    assert!(numbers.len() < 50 && numbers.is_sorted(), "those that were overtaken are left out: {numbers:?}");
}

/// The files of an agent by path.
type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// An agent that reads `files` as Mesos does.
async fn agent(files: Files) -> Server {
    Server::start(move |request: &Received| {
        let read = Call::decode(request.body.as_slice()).unwrap().read_file.unwrap();
        let files = files.lock().unwrap();
        let Some(file) = files.get(&read.path) else { return Reply::full("404 Not Found", "", b"") };
        let size = file.len() as u64;
        let begin = read.offset.min(size);
        let end = (begin + read.length.unwrap_or(u64::MAX).min(PIECE)).min(size);
        let data = Bytes::copy_from_slice(&file[begin as usize..end as usize]);
        Reply::message(&Response {
            read_file: Some(response::ReadFile { size, data }),
            ..Response::default()
        })
    })
    .await
}

fn stdout() -> String {
    format!("{}/stdout", sandbox(&FrameworkId::new("f"), &ExecutorId::new("e")))
}

fn write(files: &Files, text: impl AsRef<[u8]>) {
    files.lock().unwrap().entry(stdout()).or_default().extend_from_slice(text.as_ref());
}

fn open(server: &Server, number: u64) -> Effect {
    Effect::OpenLog(LogFile { agent: server.url.clone(), path: stdout(), number })
}

#[tokio::test]
async fn a_log_is_followed_from_its_end_and_backwards() {
    let files = Files::default();
    write(&files, vec![b'a'; 100]);
    write(&files, vec![b'b'; PIECE as usize]);
    let server = agent(Arc::clone(&files)).await;
    let mut bench = Bench::new(Arc::new(|| Err(String::new())));
    bench.worker.run(open(&server, 1));
    let (1, LogNews::Tail { offset: 100, data }) = bench.news().await else { panic!() };
    assert!(data.len() as u64 == PIECE && data.iter().all(|byte| *byte == b'b'));
    write(&files, "new");
    let (1, LogNews::More(data)) = bench.news().await else { panic!() };
    assert_eq!(data, "new");
    bench.worker.run(Effect::LogBefore { offset: 100 });
    let (1, LogNews::Before { offset: 0, data }) = bench.news().await else { panic!() };
    assert_eq!(data, vec![b'a'; 100]);
    files.lock().unwrap().insert(stdout(), b"again".to_vec());
    assert!(matches!(bench.news().await, (1, LogNews::Truncated)));
    let (1, LogNews::More(data)) = bench.news().await else { panic!() };
    assert_eq!(data, "again");
}

#[tokio::test]
async fn a_log_that_is_not_there_yet_is_waited_for() {
    let files = Files::default();
    let server = agent(Arc::clone(&files)).await;
    let mut bench = Bench::new(Arc::new(|| Err(String::new())));
    bench.worker.run(open(&server, 1));
    assert!(matches!(bench.news().await, (1, LogNews::Missing)));
    write(&files, "here");
    let (1, LogNews::Tail { offset: 0, data }) = bench.news().await else { panic!() };
    assert_eq!(data, "here");
    files.lock().unwrap().clear();
    assert!(matches!(bench.news().await, (1, LogNews::Missing)));
}

#[tokio::test]
async fn an_agent_that_does_not_answer_is_tried_again_and_said_once() {
    let files = Files::default();
    write(&files, "here");
    let dead = Dead::new();
    let address = dead.url.trim_start_matches("http://").to_owned();
    let mut bench = Bench::new(Arc::new(|| Err(String::new())));
    bench.worker.run(Effect::OpenLog(LogFile { agent: dead.url.clone(), path: stdout(), number: 1 }));
    let (1, LogNews::Failed(why)) = bench.news().await else { panic!() };
    assert!(why.starts_with("nothing answers at "), "{why}");
    drop(dead);
    let proxy = tokio::net::TcpListener::bind(address).await.unwrap();
    let server = agent(Arc::clone(&files)).await;
    let target = server.url.trim_start_matches("http://").to_owned();
    bench.tasks.spawn(async move {
        loop {
            let (mut socket, _) = proxy.accept().await.unwrap();
            let mut agent = tokio::net::TcpStream::connect(&target).await.unwrap();
            drop(tokio::io::copy_bidirectional(&mut socket, &mut agent).await);
        }
    });
    let (1, LogNews::Tail { data, .. }) = bench.news().await else { panic!("it is said once") };
    assert_eq!(data, "here");
}

#[tokio::test]
async fn a_log_ends_when_it_is_closed_or_another_is_opened() {
    let files = Files::default();
    write(&files, "one");
    let (first, second) = (agent(Arc::clone(&files)).await, agent(Arc::clone(&files)).await);
    let mut bench = Bench::new(Arc::new(|| Err(String::new())));
    let followed = |bench: &Bench| bench.worker.log.as_ref().unwrap().tasks.clone();
    bench.worker.run(open(&first, 1));
    bench.news().await;
    let before = followed(&bench);
    bench.worker.run(open(&second, 2));
    assert!(before.token().is_cancelled());
    before.stop().await;
    assert!(matches!(bench.news().await, (2, LogNews::Tail { .. })));
    let last = followed(&bench);
    bench.worker.run(Effect::CloseLog);
    assert!(last.token().is_cancelled() && bench.worker.log.is_none());
    last.stop().await;
    write(&files, "two");
    assert!(bench.answers.try_recv().is_err());
}
