//! Following a file in a sandbox: its end first, then what is written, and earlier pieces when they are asked for.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    client::{ClientError, Http, agent_files::AgentFiles},
    tui::{
        message::{Answer, LogFile, LogNews, PIECE},
        work::words,
    },
};

/// How often a file is looked at.
const POLL: Duration = Duration::from_millis(200);
/// How soon it is tried again when it could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Goes on until nobody listens, or its task is cancelled. `asked` are offsets before which more is wanted.
pub(super) async fn follow(
    http: Http,
    file: LogFile,
    mut asked: mpsc::UnboundedReceiver<u64>,
    answers: mpsc::UnboundedSender<Answer>,
) {
    let number = file.number;
    let tell = |news| drop(answers.send(Answer::Log { number, news }));
    let files = match AgentFiles::new(http, &file.agent) {
        Ok(files) => files,
        Err(error) => return tell(LogNews::Failed(words(&error))),
    };
    let mut reader = Reader { files, path: file.path, offset: None, trouble: None };
    loop {
        let (news, pause) = reader.look().await;
        news.into_iter().for_each(tell);
        tokio::select! {
            Some(offset) = asked.recv() => tell(reader.before(offset).await),
            () = tokio::time::sleep(pause) => {}
        }
        if answers.is_closed() {
            return;
        }
    }
}

struct Reader {
    files: AgentFiles,
    path: String,
    /// Where the next piece begins; none until the file was found.
    offset: Option<u64>,
    /// What was told last of a file that cannot be read.
    trouble: Option<String>,
}

impl Reader {
    /// What there is to tell now, and how long to wait before it is looked at again.
    async fn look(&mut self) -> (Option<LogNews>, Duration) {
        let news = match self.offset {
            None => self.tail().await.map(Some),
            Some(offset) => self.more(offset).await,
        };
        match news {
            Ok(news) => {
                let recovered = self.trouble.take().map(|_| LogNews::More(Bytes::new()));
                let more = matches!(&news, Some(LogNews::More(data)) if data.len() as u64 == PIECE);
                let again = more || matches!(&news, Some(LogNews::Truncated));
                (news.or(recovered), if again { Duration::ZERO } else { POLL })
            }
            Err(error) => (self.trouble(&error), RETRY),
        }
    }

    async fn tail(&mut self) -> Result<LogNews, ClientError> {
        let size = self.files.read(&self.path, 0, 0).await?.size;
        let offset = size.saturating_sub(PIECE);
        let data = self.files.read(&self.path, offset, PIECE).await?.data;
        self.offset = Some(offset + data.len() as u64);
        Ok(LogNews::Tail { offset, data })
    }

    async fn more(&mut self, offset: u64) -> Result<Option<LogNews>, ClientError> {
        let piece = self.files.read(&self.path, offset, PIECE).await?;
        if piece.size < offset {
            self.offset = Some(0);
            return Ok(Some(LogNews::Truncated));
        }
        self.offset = Some(offset + piece.data.len() as u64);
        Ok((!piece.data.is_empty()).then_some(LogNews::More(piece.data)))
    }

    async fn before(&mut self, offset: u64) -> LogNews {
        let from = offset.saturating_sub(PIECE);
        match self.files.read(&self.path, from, offset - from).await {
            Ok(piece) => LogNews::Before { offset: from, data: piece.data },
            Err(error) => {
                self.trouble = Some(error.to_string());
                LogNews::Failed(words(&error))
            }
        }
    }

    /// What is told of an error; nothing when it was told already.
    fn trouble(&mut self, error: &ClientError) -> Option<LogNews> {
        let told = self.trouble.replace(error.to_string());
        if error.status() == Some(404) {
            self.offset = None;
        }
        if told == self.trouble {
            return None;
        }
        Some(match error.status() {
            Some(404) => LogNews::Missing,
            _ => LogNews::Failed(words(error)),
        })
    }
}
