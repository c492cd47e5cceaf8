//! The images of a lab: built from nothing and not again, listed, pulled and pushed with new tries and with credentials.

use std::{fs, time::Duration};

use bytes::Bytes;
use mesoslab::client::docker::{EngineError, Order};

use super::{
    engine::{Answer, Fake, with_engine},
    private::PrivateEngine,
};
use crate::support::{Lab, Ran};

const LITE: &str = "[lab]\nflavor = \"lite\"\n";

/// A lab whose own images are those of one test.
fn run(lab: &Lab, prefix: &str, args: &[&str]) -> Ran {
    Ran::of(lab.command(args).env("MESOSLAB_IMAGE_PREFIX", prefix))
}

#[test]
fn images_are_built_from_nothing_and_not_again() {
    with_engine("built", async |engine, prefix| {
        let lab = Lab::with_file(LITE);
        let first = run(&lab, prefix, &["build", "registry", "task", "-o", "json"]);
        assert_eq!(first.code(), 0, "{}", first.stderr());
        let built: serde_json::Value = serde_json::from_str(&first.stdout()).expect("JSON");
        assert_eq!(built["registry"]["outcome"], "built");
        let again = run(&lab, prefix, &["build", "registry", "task"]);
        assert_eq!(again.stderr(), "  2 images, none has changed\n");
        let listed = run(&lab, prefix, &["images", "-o", "json"]);
        let images: serde_json::Value = serde_json::from_str(&listed.stdout()).expect("JSON");
        let of = |name: &str| {
            let images = images.as_array().expect("a list");
            images.iter().find(|image| image["component"] == name).expect("listed").clone()
        };
        assert_eq!((&of("registry")["present"], &of("master")["present"]), (&true.into(), &false.into()));
        assert_eq!(of("registry")["id"], built["registry"]["id"]);
        let reference = of("registry")["reference"].as_str().expect("a reference").to_owned();
        let image = engine.image(&reference).await.expect("an answer").expect("there");
        assert_eq!(image.labels["mesoslab.image"], "registry");
    });
}

#[test]
fn a_build_gives_the_name_to_what_it_has_built() {
    with_engine("changed", async |engine, prefix| {
        let build = async |text: &'static str| {
            let reference = format!("{prefix}/any:1");
            let order = Order { reference: reference.clone(), ..Order::default() };
            engine.build(&order, context(text), &|_| {}).await.expect("built");
            engine.image(&reference).await.expect("an answer").expect("there").id
        };
        let one = build("FROM scratch\nLABEL at=1\n").await;
        assert_ne!(one, build("FROM scratch\nLABEL at=2\n").await);
        engine.remove_image(&one).await.expect("removed");
    });
}

/// On an engine of its own: another test's images of the same content are one with these.
#[test]
fn an_image_that_is_built_again_takes_the_place_of_the_old_one() {
    let Some(engine) = PrivateEngine::start(&[]) else { return };
    let build = |args: &[&str]| {
        let built = engine.json(&[&["build", "registry", "--flavor", "lite"], args].concat());
        built["registry"]["id"].as_str().expect("an id").to_owned()
    };
    let (first, again) = (build(&[]), build(&["--no-cache"]));
    let there = engine.docker(&["images", "-aq", "--no-trunc"]);
    assert_ne!(first, again);
    assert!(there.contains(&again) && !there.contains(&first), "the old one is gone: {there}");
}

/// A tar with this Dockerfile.
fn context(dockerfile: &'static str) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes()).expect("a tar");
    futures_util::stream::iter([Ok(tar.into_inner().expect("a tar").into())])
}

#[test]
fn a_step_that_fails_is_shown() {
    with_engine("failing", async |engine, prefix| {
        let order = Order { reference: format!("{prefix}/any:1"), ..Order::default() };
        // The steps before a failed one stay as images without a name: there are none.
        let file = "FROM scratch\nCOPY nothing /\n";
        let error = engine.build(&order, context(file), &|_| {}).await.expect_err("no such file");
        assert!(matches!(error, EngineError::Build { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("Step 2/2 : COPY nothing /") && text.contains("nothing"), "{text}");
        assert_eq!(engine.image(&order.reference).await, Ok(None));
    });
}

/// What an engine says of an image that it has.
const IMAGE: &str =
    r#"{"Id": "sha256:01", "RepoTags": ["a.example/base:1"], "Size": 5, "Config": {"Labels": null}}"#;

const NOTHING: &str = r#"{"message": "No such image: a"}"#;

/// A lab whose tasks' image begins with another one; for an engine that only says what it is told to.
fn lab_on(base: &str) -> Lab {
    Lab::with_file(&format!("[lab]\nflavor = \"lite\"\n[images]\nbase = \"{base}\"\n"))
}

const BUILT: &str =
    "{\"stream\":\"Step 1/1 : FROM scratch\\n\"}\n{\"stream\":\"Successfully built 01\\n\"}\n";

/// The first image, which others begin with.
const BASE_IS_BUILT: [Answer; 3] =
    [("mesoslab/base:", 404, NOTHING), ("POST /build", 200, BUILT), ("mesoslab/base:", 200, IMAGE)];

#[test]
fn a_pull_is_tried_again_where_the_way_failed() {
    let away = r#"{"message": "Get \"https://a.example/v2/\": dial tcp: lookup a.example on 10.0.0.1:53: no such host"}"#;
    let layers = "{\"status\":\"Pulling from base\",\"id\":\"1\"}\n\
                  {\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":2},\"id\":\"l\"}\n\
                  {\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"l\"}\n";
    let answers: [Answer; 7] = [
        ("/base:", 404, NOTHING),
        ("POST /build", 200, BUILT),
        ("/base:", 200, IMAGE),
        ("a.example/base:1/json", 404, NOTHING),
        ("/images/create", 500, away),
        ("/images/create", 200, layers),
        ("a.example/base:1/json", 200, IMAGE),
    ];
    let fake = Fake::new(&answers);
    let lab = lab_on("a.example/base:1");
    let ran = Ran::of(lab.command(&["build", "task", "-v"]).env("DOCKER_HOST", fake.host()));
    let said = ran.stderr();
    assert!(said.contains("no such host; again in 0."), "{said}");
    assert!(
        said.contains("a.example/base:1: l pull complete\n") && said.contains("a.example/base:1 pulled\n"),
        "{said}"
    );
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    let unknown =
        r#"{"message": "manifest for a.example/base:1 not found: manifest unknown: manifest unknown"}"#;
    let answers = [BASE_IS_BUILT.as_slice(), &[("/images/create", 404, unknown)]].concat();
    let fake = Fake::new(&answers);
    let ran = Ran::of(lab_on("a.example/base:1").command(&["build", "task"]).env("DOCKER_HOST", fake.host()));
    assert_eq!(ran.code(), 1);
    assert!(ran.stderr().contains("there is no image `a.example/base:1`"), "{}", ran.stderr());
    let pulls = fake.asked().iter().filter(|head| head.contains("/images/create")).count();
    assert_eq!(pulls, 1);
}

#[test]
fn a_push_has_the_credentials_of_docker() {
    let pushed = "{\"status\":\"The push refers to repository [r.example/mesoslab/task]\"}\n\
                  {\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"l\"}\n";
    let answers: [Answer; 6] = [
        ("/mesoslab/framework:", 200, IMAGE),
        ("/mesoslab/task:", 200, IMAGE),
        ("/tag?", 201, ""),
        ("/tag?", 201, ""),
        ("/push?", 200, pushed),
        ("/push?", 200, pushed),
    ];
    let fake = Fake::new(&answers);
    let lab = Lab::with_file(LITE);
    // `me` and `>>>???`, which the two alphabets of base64 write differently.
    let config = r#"{"auths": {"r.example": {"username": "me", "password": ">>>???"}}}"#;
    fs::write(lab.path().join("config.json"), config).expect("write");
    let mut command = lab.command(&["push", "--to", "http://r.example/", "-o", "json"]);
    let ran = Ran::of(command.env("DOCKER_HOST", fake.host()).env("DOCKER_CONFIG", lab.path()));
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    let there: serde_json::Value = serde_json::from_str(&ran.stdout()).expect("JSON");
    let task = there["task"].as_str().expect("a reference");
    assert!(task.starts_with("r.example/mesoslab/task:"), "{task}");
    let asked = fake.asked();
    let push = asked.iter().find(|head| head.contains("/push?")).expect("a push").to_lowercase();
    let header = push.lines().find(|line| line.starts_with("x-registry-auth: ")).expect("credentials");
    assert!(header.len() > 40 && !header.contains(['+', '/']), "{header}");
}

#[test]
fn a_push_of_what_is_not_built_says_what_to_type() {
    let fake = Fake::new(&[]);
    let lab = Lab::with_file(LITE);
    let ran = Ran::of(lab.command(&["push", "--to", "127.0.0.1:1"]).env("DOCKER_HOST", fake.host()));
    assert!(
        ran.stderr().contains("is not built yet") && ran.stderr().contains("hint: mesoslab build"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn a_build_that_fails_shows_its_step_and_its_output() {
    let failed = "{\"stream\":\"Step 1/2 : FROM scratch\\n\"}\n{\"stream\":\"Step 2/2 : COPY root/ /\\n\"}\n\
                  {\"stream\":\"what it wrote\\n\"}\n{\"errorDetail\":{\"message\":\"it broke\"},\"error\":\"it broke\"}\n";
    let fake = Fake::new(&[("POST /build", 200, failed)]);
    let ran = Ran::of(Lab::with_file(LITE).command(&["build"]).env("DOCKER_HOST", fake.host()));
    assert_eq!(ran.code(), 1);
    let said = ran.stderr();
    assert!(
        said.contains("Step 2/2 : COPY root/ /: it broke") && said.contains("  | what it wrote"),
        "{said}"
    );
}

#[test]
fn an_engine_that_cannot_be_used_says_why() {
    let lab = Lab::with_file(LITE);
    let old = Fake::new(&[("/version", 200, r#"{"ApiVersion": "1.40"}"#)]);
    let said = |host: &str| Ran::of(lab.command(&["images"]).env("DOCKER_HOST", host)).stderr();
    assert!(
        said(&old.host()).contains("speaks API 1.40 at most, and 1.41 is needed"),
        "{}",
        said(&old.host())
    );
    assert!(said("unix:///no/such.sock").contains("there is no such socket"));
    assert!(said("tcp://127.0.0.1:2376").contains("wants TLS"));
    assert!(said("tcp://127.0.0.1:1").contains("nobody listens"), "{}", said("tcp://127.0.0.1:1"));
}

#[test]
fn contexts_can_be_built_without_us() {
    let lab = Lab::with_file(LITE);
    lab.ok(&["build", "--contexts", "contexts"]);
    let base = fs::metadata(lab.path().join("contexts/base/root/mesoslab")).expect("the binary");
    assert!(base.len() > 1_000_000);
    for name in
        ["shell", "zookeeper", "exhibitor", "master", "agent", "marathon", "registry", "framework", "task"]
    {
        assert!(lab.path().join("contexts").join(name).join("Dockerfile").exists(), "{name}");
    }
}

/// As long as a retry waits, and no longer.
#[test]
fn a_registry_that_stays_away_is_given_up() {
    let away =
        r#"{"message": "Get \"https://a.example/v2/\": dial tcp 10.0.0.9:443: connect: connection refused"}"#;
    let create: Answer = ("/images/create", 500, away);
    let answers = [BASE_IS_BUILT.as_slice(), &[create; 5]].concat();
    let fake = Fake::new(&answers);
    let clock = mesoslab::runtime::Clock::start();
    let began = clock.now();
    let ran = Ran::of(lab_on("a.example/base:1").command(&["build", "task"]).env("DOCKER_HOST", fake.host()));
    assert!(
        ran.stderr().contains("a registry cannot be reached: pull `a.example/base:1`"),
        "{}",
        ran.stderr()
    );
    assert_eq!(fake.asked().iter().filter(|head| head.contains("/images/create")).count(), 5);
    assert!(clock.now().since(began) < Duration::from_secs(30));
}
