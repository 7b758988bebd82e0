use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep, timeout};

use crate::transport::http::TimedOut;
use crate::transport::http::listener::tests::{Identity, LARGE, Wired, bare, slowly, wired};

fn seconds(started: Instant) -> u64 {
    started.elapsed().as_secs()
}

impl Wired {
    /// What the connection was closed for.
    fn blamed(&self) -> Vec<TimedOut> {
        TimedOut::ALL.into_iter().filter(|at| self.figures.timed_out(*at) > 0).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_left_after_five_seconds() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        let started = Instant::now();
        wired.client.closed().await;
        assert_eq!((seconds(started), wired.blamed()), (5, vec![TimedOut::FirstByte]), "{secure}");
        wired.served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_ten_seconds_however_it_is_dragged_out() {
    for drip in [false, true] {
        let (wired, mut pipe) = bare(Some(Identity::new().tls()));
        let started = Instant::now();
        let served = tokio::spawn(async move {
            wired.served.await.unwrap();
            seconds(started)
        });
        if drip {
            // The beginning of a long handshake message.
            for byte in b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03\x00\x00\x00\x00" {
                let _closed = pipe.write_all(&[*byte]).await;
                sleep(Duration::from_millis(900)).await;
            }
        }
        assert_eq!(served.await.unwrap(), 10, "{drip}");
        assert_eq!(wired.figures.timed_out(TimedOut::Handshake), 1, "{drip}");
        assert_eq!(wired.figures.tls_failed(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_has_ten_seconds_from_its_first_byte() {
    for secure in [false, true] {
        for drips in [0, 30] {
            let mut wired = wired(secure).await;
            sleep(Duration::from_secs(4)).await;
            let started = Instant::now();
            wired.client.say("G").await;
            let (mut reading, mut writing) = tokio::io::split(wired.client.0);
            let dripping = tokio::spawn(async move {
                for _ in 0..drips {
                    sleep(Duration::from_secs(1)).await;
                    let _closed = writing.write_all(b"E").await;
                    let _closed = writing.flush().await;
                }
            });
            // The client may learn of it by an error.
            let _ = reading.read_to_end(&mut Vec::new()).await;
            assert_eq!(seconds(started), 10, "{secure} {drips}");
            assert_eq!(wired.figures.timed_out(TimedOut::Head), 1, "{secure} {drips}");
            dripping.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn empty_lines_before_a_request_are_a_part_of_its_head() {
    let mut wired = wired(false).await;
    let started = Instant::now();
    for _ in 0..9 {
        wired.client.say("\r\n").await;
        sleep(Duration::from_secs(1)).await;
    }
    wired.client.closed().await;
    assert_eq!((seconds(started), wired.blamed()), (10, vec![TimedOut::Head]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_a_minute_after_each_answer() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        for _ in 0..3 {
            wired.client.get("/hello").await;
            assert!(wired.client.answer().await.ends_with("GET /hello"));
            sleep(Duration::from_secs(59)).await;
        }
        wired.client.get("/hello").await;
        wired.client.answer().await;
        let started = Instant::now();
        wired.client.closed().await;
        assert_eq!((seconds(started), wired.blamed()), (60, vec![TimedOut::Idle]), "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_after_a_pause_has_its_own_ten_seconds() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        wired.client.get("/hello").await;
        wired.client.answer().await;
        sleep(Duration::from_secs(55)).await;
        let started = Instant::now();
        wired.client.say("GET /hello").await;
        sleep(Duration::from_secs(9)).await;
        wired.client.say(" HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(wired.client.answer().await.ends_with("GET /hello"), "{secure}");
        wired.client.say("GET /hello").await;
        wired.client.closed().await;
        assert_eq!((seconds(started), wired.blamed()), (19, vec![TimedOut::Head]), "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_behind_a_request_does_not_wait_for_ever() {
    let mut wired = wired(false).await;
    wired.client.say("GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hel").await;
    wired.client.answer().await;
    let started = Instant::now();
    wired.client.closed().await;
    assert!(seconds(started) <= 70, "{}", seconds(started));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_takes_nothing_for_half_a_minute_is_left() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        wired.client.get("/large").await;
        wired.client.head().await;
        let started = Instant::now();
        (&mut wired.served).await.unwrap();
        assert_eq!((seconds(started), wired.blamed()), (30, vec![TimedOut::Write]), "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_gets_all_of_its_answer() {
    for secure in [false, true] {
        let mut wired = slowly(secure).await;
        wired.client.get("/large").await;
        wired.client.head().await;
        let started = Instant::now();
        let mut rest = vec![0; LARGE];
        wired.client.0.read_exact(&mut rest).await.unwrap();
        // Longer than a kept connection's pause.
        assert!(seconds(started) > 600, "{secure}: {}", seconds(started));
        assert_eq!(wired.figures.timed_out(TimedOut::Write), 0, "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_events_stays_open_while_it_is_read() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        wired.client.get("/stream").await;
        wired.client.head().await;
        let started = Instant::now();
        // Chunks of three bytes: `3`, `:`, and the ends of lines.
        let mut beat = [0; 8];
        for _ in 0..240 {
            wired.client.0.read_exact(&mut beat).await.unwrap();
            assert_eq!(&beat, b"3\r\n:\n\n\r\n");
        }
        assert_eq!((seconds(started), wired.blamed()), (3600, vec![]), "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_nobody_reads_is_closed() {
    let mut wired = wired(false).await;
    wired.client.get("/stream").await;
    let ended = timeout(Duration::from_hours(3), &mut wired.served).await;
    ended.unwrap().unwrap();
    assert_eq!(wired.blamed(), [TimedOut::Write]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_long_to_answer_is_not_the_listeners_business() {
    let mut wired = wired(false).await;
    wired.client.get("/wait").await;
    sleep(Duration::from_mins(10)).await;
    wired.gate.add_permits(1);
    assert!(wired.client.answer().await.ends_with("waited"));
}

#[tokio::test]
async fn a_client_that_leaves_is_not_worked_for() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        wired.client.get("/wait").await;
        drop(wired.client);
        wired.served.await.unwrap();
        assert_eq!(wired.gate.available_permits(), 0);
    }
}

#[tokio::test]
async fn a_service_learns_the_peers_address() {
    let mut wired = wired(true).await;
    wired.client.get("/peer").await;
    assert!(wired.client.answer().await.ends_with("203.0.113.9:4711"));
}

#[tokio::test(start_paused = true)]
async fn a_refused_body_can_be_sent_to_its_end_and_its_answer_read() {
    for secure in [false, true] {
        let mut wired = wired(secure).await;
        // More than the pipe holds: the client is still writing when it's answered.
        let length = 100_000;
        wired.client.say(format!("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
        wired.client.say("x".repeat(length)).await;
        assert!(wired.client.head().await.starts_with("HTTP/1.1 413 "), "{secure}");
        let started = Instant::now();
        wired.client.closed().await;
        // One that neither sends nor closes is waited for only so long.
        wired.served.await.unwrap();
        assert_eq!(seconds(started), 1, "{secure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_answered_and_the_connection_closed() {
    let mut wired = wired(false).await;
    wired.client.say("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n").await;
    let started = Instant::now();
    let (mut reading, mut writing) = tokio::io::split(wired.client.0);
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(2)).await;
        }
    });
    let mut answer = String::new();
    let _ = reading.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(seconds(started), 30);
    dripping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_an_idle_connection_ends_at_once_and_a_busy_one_with_its_answer() {
    for secure in [false, true] {
        let mut idle = wired(secure).await;
        idle.client.get("/hello").await;
        idle.client.answer().await;
        let mut busy = wired(secure).await;
        busy.client.get("/wait").await;
        sleep(Duration::from_millis(1)).await;
        let started = Instant::now();
        idle.stop.cancel();
        busy.stop.cancel();
        idle.client.closed().await;
        idle.served.await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO, "{secure}");
        sleep(Duration::from_secs(3)).await;
        busy.gate.add_permits(1);
        let answer = busy.client.answer().await;
        assert!(answer.contains("connection: close\r\n") && answer.ends_with("waited"), "{answer}");
        busy.client.closed().await;
        drop(busy.client);
        busy.served.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_is_counted_whether_the_client_closes_or_not() {
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(40_000));
    for bad in ["hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &long] {
        for stays in [false, true] {
            let mut wired = wired(false).await;
            wired.client.say(bad).await;
            // Told that it's over, a client closes too, or doesn't.
            wired.client.rest().await;
            let client = stays.then_some(wired.client);
            wired.served.await.unwrap();
            assert_eq!(wired.figures.malformed(), 1, "{bad:.20} {stays}");
            drop(client);
        }
    }
    let mut wired = wired(false).await;
    wired.client.get("/hello").await;
    wired.client.answer().await;
    wired.client.say("GET /hel").await;
    drop(wired.client);
    wired.served.await.unwrap();
    assert_eq!(wired.figures.malformed(), 0, "a client may leave at any time");
}
