//! Which bytes of a terminal's output belong to escape sequences.

use std::collections::VecDeque;

/// Longer ones are taken for text: a program that begins a title and never ends it must not hide what follows.
const LONGEST_STRING: usize = 4096;
const LONGEST_CONTROL: usize = 256;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;

/// Takes output in byte by byte, and says what each is part of.
#[derive(Clone, Copy, Default)]
pub(super) struct Escapes {
    state: State,
    /// Where the sequence began.
    start: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC, and what may stand between it and the last byte.
    Escape,
    /// After `ESC [`.
    Control,
    /// In a title, a link, a picture: after `ESC ]` and the like.
    String,
    /// In such, after ESC.
    StringEscape,
}

/// Whether output without it has neither sequences nor letters that are taken back.
pub(super) fn is_special(byte: u8) -> bool {
    byte == ESC || byte == 0x08
}

impl Escapes {
    /// Where the sequence began that isn't over yet.
    pub(super) fn open(&self) -> Option<usize> {
        (self.state != State::Text).then_some(self.start)
    }

    /// Takes a byte in that stands there, and says whether it's text. Sequences that are over by then are added to
    /// `ended`, from where to where.
    pub(super) fn take(&mut self, byte: u8, at: usize, ended: &mut VecDeque<(usize, usize)>) -> bool {
        // What isn't the end of a title begins a sequence that ends it.
        if self.state == State::StringEscape && byte != b'\\' {
            ended.push_back((self.start, at - 1));
            (self.state, self.start) = (State::Escape, at - 1);
        }
        let len = at - self.start;
        let state = match (self.state, byte) {
            (State::Text, ESC) => State::Escape,
            (State::Text, _) => return true,
            (State::String, ESC) => State::StringEscape,
            (State::String, BEL) | (State::StringEscape, _) | (_, CANCEL | SUBSTITUTE) => State::Text,
            (State::Escape | State::Control, ESC) => {
                ended.push_back((self.start, at));
                (self.state, self.start) = (State::Escape, at);
                return false;
            }
            (State::String, _) if len < LONGEST_STRING => State::String,
            (State::Escape, b'[') if len == 1 => State::Control,
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') if len == 1 => State::String,
            (State::Escape, 0x20..=0x2f) if len < LONGEST_CONTROL => State::Escape,
            (State::Escape, 0x30..=0x7e) | (State::Control, 0x40..=0x7e) => State::Text,
            (State::Control, 0x20..=0x3f) if len < LONGEST_CONTROL => State::Control,
            // Terminals act on these in the middle of a sequence, and go on with it.
            (state @ (State::Escape | State::Control), 0..0x20) if len < LONGEST_CONTROL => state,
            // It broke off before this byte.
            (State::Escape | State::Control | State::String, _) => {
                ended.push_back((self.start, at));
                self.state = State::Text;
                return true;
            }
        };
        if self.state == State::Text {
            self.start = at;
        } else if state == State::Text {
            ended.push_back((self.start, at + 1));
        }
        self.state = state;
        false
    }
}
