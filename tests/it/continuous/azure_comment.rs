//! The comment of the Azure pipeline: its script, taken from the file, against a server in this process
//! that answers as Azure DevOps does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::{PIPELINE, present, yaml};
use crate::cli::folder;

/// What the server was asked beside questions: method, path, body.
type Asked = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A server with these threads of the pull request; `refusal` is its answer to changes.
fn server(threads: Value, refusal: Option<u16>) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/org/", listener.local_addr().unwrap());
    let asked: Asked = Arc::default();
    let held = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &threads, refusal, &held);
        }
    });
    (address, asked)
}

fn answer(mut stream: TcpStream, threads: &Value, refusal: Option<u16>, asked: &Asked) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    let mut authorised = false;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorised = value.trim() == "Bearer secret",
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path = path
        .strip_suffix("?api-version=7.1-preview")
        .unwrap_or("no version");
    let (code, text) = match (method, path) {
        _ if !authorised => (401, Value::Null),
        ("GET", "/org/_apis/connectionData") => (200, json!({"authenticatedUser": {"id": "me"}})),
        ("GET", "/org/my%20team/_apis/git/repositories/r1/pullRequests/7/threads") => {
            (200, json!({"value": threads}))
        }
        ("POST" | "PATCH", _) => {
            let body = serde_json::from_slice(&body).unwrap();
            asked
                .lock()
                .unwrap()
                .push((method.to_owned(), path.to_owned(), body));
            (refusal.unwrap_or(200), json!({"id": 99}))
        }
        _ => (404, Value::Null),
    };
    let text = text.to_string();
    write!(
        stream,
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}

/// Runs the step's script: what it said, what was asked.
fn run(
    threads: Value,
    markdown: Option<&str>,
    refusal: Option<u16>,
) -> (String, Vec<(String, String, Value)>) {
    let steps = yaml(PIPELINE)["steps"].clone();
    let step = steps
        .as_sequence()
        .unwrap()
        .iter()
        .find(|s| s["displayName"] == "Comment")
        .unwrap();
    let script = step["bash"].as_str().unwrap();
    let dir = folder(&[]);
    if let Some(text) = markdown {
        let place = dir.path().join("portcullis");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("diff.md"), text).unwrap();
    }
    let (address, asked) = server(threads, refusal);
    let said = Command::new("bash")
        .args(["-c", script])
        .env("SYSTEM_COLLECTIONURI", &address)
        .env("SYSTEM_TEAMPROJECT", "my team")
        .env("SYSTEM_PULLREQUEST_PULLREQUESTID", "7")
        .env("SYSTEM_ACCESSTOKEN", "secret")
        .env("BUILD_REPOSITORY_ID", "r1")
        .env("BUILD_REPOSITORY_PROVIDER", "TfsGit")
        .env("BUILD_BUILDID", "11")
        .env("BUILD_ARTIFACTSTAGINGDIRECTORY", dir.path())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
    assert!(said.status.success(), "{text}");
    let asked = asked.lock().unwrap().clone();
    (text, asked)
}

fn markdown(project: &str, text: &str) -> String {
    format!("<!-- portcullis:diff v1 project={project} base=4f1c2ab head=9d07e31 -->\n## {text}\n")
}

fn by(author: &str, id: u32, content: &str) -> Value {
    json!({"id": id, "isDeleted": false, "comments": [{"id": 1, "author": {"id": author}, "content": content}]})
}

const THREADS: &str = "/org/my%20team/_apis/git/repositories/r1/pullRequests/7/threads";

#[test]
fn it_writes_one_and_edits_it() {
    if !present("node") {
        return;
    }
    // None of these is its own: of somebody else, of another project, gone, no comment at all.
    let mut gone = by("me", 4, &markdown("hub", "old"));
    gone["isDeleted"] = json!(true);
    let others = [
        by("mallory", 1, &markdown("hub", "all is well")),
        by("me", 2, &markdown("hub2", "another")),
        by("me", 3, "a remark"),
        gone,
        json!({"id": 5, "comments": []}),
    ];
    let (said, asked) = run(json!(others), Some(&markdown("hub", "new")), None);
    assert_eq!(asked.len(), 1, "{said}");
    let (method, path, body) = &asked[0];
    assert_eq!((method.as_str(), path.as_str()), ("POST", THREADS));
    let content = body["comments"][0]["content"].as_str().unwrap();
    assert!(
        content.starts_with(markdown("hub", "new").trim_end()),
        "{content}"
    );
    assert!(
        content.contains("/org/my%20team/_build/results?buildId=11"),
        "{content}"
    );

    let mut threads = others.to_vec();
    threads.push(by(
        "me",
        6,
        &markdown("hub", "old").replace("4f1c2ab", "0000000"),
    ));
    let (said, asked) = run(json!(threads), Some(&markdown("hub", "new")), None);
    assert_eq!(asked.len(), 1, "{said}");
    assert_eq!(
        (asked[0].0.as_str(), asked[0].1.clone()),
        ("PATCH", format!("{THREADS}/6/comments/1"))
    );
    assert!(asked[0].2["content"].as_str().unwrap().contains("## new"));
}

#[test]
fn it_takes_back_what_is_not_known_any_more() {
    if !present("node") {
        return;
    }
    let threads = json!([
        by("me", 6, &markdown("hub", "old")),
        by("ann", 7, &markdown("hub", "x"))
    ]);
    let (said, asked) = run(threads, None, None);
    assert_eq!(asked.len(), 1, "{said}");
    let content = asked[0].2["content"].as_str().unwrap();
    assert!(content.starts_with("<!-- portcullis:diff v1 project=hub base=4f1c2ab head=9d07e31 -->\n## Portcullis: not compared\n"), "{content}");
    let (said, asked) = run(json!([]), None, None);
    assert!(asked.is_empty(), "{said}");
}

#[test]
fn a_refusal_is_a_warning() {
    if !present("node") {
        return;
    }
    let (said, _) = run(json!([]), Some(&markdown("hub", "new")), Some(403));
    assert!(
        said.starts_with("##vso[task.logissue type=warning]no comment was written "),
        "{said}"
    );
    assert!(said.contains("answers 403"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}
