//! A server on the loopback that gives one scripted answer per connection.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What was asked, and where the server listens.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers every connection with these bytes; with none it says nothing and keeps the connection.
    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::answering_each([answer.into()]).await
    }

    /// Answers one connection after the other with these, and all further ones with the last.
    pub(crate) async fn answering_each(answers: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut answers: Vec<Vec<u8>> = answers.into_iter().collect();
        answers.reverse();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
        };
        let asked = server.asked.clone();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = vec![0_u8; 8 * 1024];
                let read = stream.read(&mut buffer).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                asked.lock().unwrap().push(text);
                let answer = match answers.len() {
                    0 | 1 => answers.first().cloned().unwrap_or_default(),
                    _ => answers.pop().unwrap_or_default(),
                };
                if answer.is_empty() {
                    silent.push(stream);
                } else {
                    let _gone = stream.write_all(&answer).await;
                    let _gone = stream.shutdown().await;
                }
            }
        });
        server
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}
