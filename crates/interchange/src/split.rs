//! Cuts a file into the bytes of its records, without holding more than one of them.

use std::io::{self, BufRead};

/// The bytes of one record and where they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// The line that it begins on, counted from 1.
    pub line: u64,
    /// Its first byte, counted from 0.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The largest invoice that the API lets anybody make is a tenth of it. Longer ones are not read, so that a file that is
/// one endless line costs no more memory than another.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One per line.
    Lines,
    /// One per line, but line breaks in double quotes are part of it.
    Rows,
    /// JSON objects: in one array, or one after the other.
    Objects,
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A record.
    Chunk(Chunk),
    /// A record of this line that is too long, and was skipped as far as it could be told where it ends.
    TooLong(u64),
    /// From this line on it cannot be told what is a record. Nothing comes after it.
    Lost(u64, &'static str),
    /// Nothing more.
    End,
}

/// A file, cut.
#[derive(Debug)]
pub(crate) struct Splitter<R> {
    input: R,
    layout: Layout,
    limit: usize,
    line: u64,
    offset: u64,
    array: Array,
    ended: bool,
}

/// Where a file of objects is in its array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Array {
    /// Nothing was read yet.
    Unknown,
    /// There is none: objects follow each other.
    None,
    /// Opened, or after a comma: an object comes next.
    Expecting,
    /// After an object: a comma or the end comes next.
    After,
    /// Closed.
    Closed,
}

/// What stands where no object may.
const STRAY: &str = "must be a JSON array of invoices, or invoices one after the other, and nothing else";
/// Three bytes that some programs put before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl<R: BufRead> Splitter<R> {
    pub(crate) fn new(input: R, layout: Layout) -> io::Result<Self> {
        let mut splitter = Self {
            input,
            layout,
            limit: MAX_RECORD_BYTES,
            line: 1,
            offset: 0,
            array: Array::Unknown,
            ended: false,
        };
        for byte in BYTE_ORDER_MARK {
            // A file that begins with part of a mark is no UTF-8, and is found to be none.
            if splitter.peek()? != Some(byte) {
                break;
            }
            splitter.skip();
        }
        Ok(splitter)
    }

    pub(crate) fn next(&mut self) -> io::Result<Piece> {
        if self.ended {
            return Ok(Piece::End);
        }
        let piece = match self.layout {
            Layout::Lines => self.row(false)?,
            Layout::Rows => self.row(true)?,
            Layout::Objects => self.object()?,
        };
        self.ended = matches!(piece, Piece::Lost(..) | Piece::End);
        Ok(piece)
    }

    /// Nothing more is read.
    pub(crate) const fn give_up(&mut self) {
        self.ended = true;
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Leaves the byte that was peeked at behind.
    fn skip(&mut self) {
        self.input.consume(1);
        self.offset += 1;
    }

    /// The next line that is not blank, its line break left out.
    fn row(&mut self, quotes: bool) -> io::Result<Piece> {
        let mut chunk = self.begin();
        let (mut too_long, mut quoted) = (false, false);
        while let Some(byte) = self.peek()? {
            self.skip();
            quoted ^= quotes && byte == b'"';
            if byte == b'\n' {
                self.line += 1;
                if !quoted {
                    if too_long {
                        break;
                    }
                    if is_blank(&chunk.bytes) {
                        chunk = self.begin();
                        continue;
                    }
                    return Ok(Piece::Chunk(chunk));
                }
            }
            if chunk.bytes.len() < self.limit {
                chunk.bytes.push(byte);
            } else {
                too_long = true;
            }
        }
        Ok(if too_long {
            Piece::TooLong(chunk.line)
        } else if is_blank(&chunk.bytes) {
            Piece::End
        } else {
            Piece::Chunk(chunk)
        })
    }

    /// The next object.
    fn object(&mut self) -> io::Result<Piece> {
        loop {
            let Some(byte) = self.peek()? else {
                let unfinished = matches!(self.array, Array::Expecting | Array::After);
                return Ok(if unfinished {
                    Piece::Lost(self.line, "must have the end of its array: the file is cut off")
                } else {
                    Piece::End
                });
            };
            self.array = match (self.array, byte) {
                (Array::Unknown | Array::None, b'{') => {
                    self.array = Array::None;
                    return self.balanced();
                }
                (Array::Expecting, b'{') => {
                    self.array = Array::After;
                    return self.balanced();
                }
                (array, b' ' | b'\t' | b'\r' | b'\n') => array,
                (Array::Unknown, b'[') | (Array::After, b',') => Array::Expecting,
                (Array::Expecting | Array::After, b']') => Array::Closed,
                (Array::Unknown | Array::None | Array::Expecting | Array::After | Array::Closed, _) => {
                    return Ok(Piece::Lost(self.line, STRAY));
                }
            };
            self.line += u64::from(byte == b'\n');
            self.skip();
        }
    }

    /// The object that begins here, to the brace that closes it.
    fn balanced(&mut self) -> io::Result<Piece> {
        let mut chunk = self.begin();
        let (mut depth, mut in_text, mut escaped) = (0_u64, false, false);
        while let Some(byte) = self.peek()? {
            self.skip();
            self.line += u64::from(byte == b'\n');
            if chunk.bytes.len() >= self.limit {
                return Ok(Piece::Lost(
                    chunk.line,
                    "must be an invoice of at most 16 MiB; what follows was not read",
                ));
            }
            chunk.bytes.push(byte);
            match byte {
                _ if std::mem::take(&mut escaped) => {}
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                b'{' | b'[' if !in_text => depth += 1,
                b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Ok(Piece::Chunk(chunk));
            }
        }
        Ok(Piece::Lost(
            chunk.line,
            "must be a whole JSON object: the file is cut off",
        ))
    }

    fn begin(&self) -> Chunk {
        Chunk {
            line: self.line,
            offset: self.offset,
            bytes: Vec::new(),
        }
    }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(layout: Layout, text: &str) -> Vec<Piece> {
        // Byte by byte: where a buffer ends must not matter.
        let input = io::BufReader::with_capacity(1, text.as_bytes());
        let mut splitter = Splitter::new(input, layout).unwrap();
        splitter.limit = 20;
        let mut pieces = Vec::new();
        loop {
            match splitter.next().unwrap() {
                Piece::End => return pieces,
                piece @ (Piece::Chunk(_) | Piece::TooLong(_) | Piece::Lost(..)) => pieces.push(piece),
            }
        }
    }

    fn chunk(line: u64, offset: u64, text: &str) -> Piece {
        Piece::Chunk(Chunk {
            line,
            offset,
            bytes: text.as_bytes().to_vec(),
        })
    }

    #[test]
    fn lines_end_at_any_line_break_and_blank_ones_are_none() {
        let expected = [chunk(1, 3, "a\r"), chunk(3, 10, "b"), chunk(4, 12, "c")];
        assert_eq!(pieces(Layout::Lines, "\u{feff}a\r\n  \r\nb\nc"), expected);
        assert_eq!(pieces(Layout::Lines, ""), []);
        assert_eq!(pieces(Layout::Lines, "\n\n \n"), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_is_read() {
        let text = format!("{}\nb\n{}", "x".repeat(21), "y".repeat(30));
        assert_eq!(
            pieces(Layout::Lines, &text),
            [Piece::TooLong(1), chunk(2, 22, "b"), Piece::TooLong(3)]
        );
    }

    #[test]
    fn a_line_break_in_quotes_is_part_of_a_row() {
        let expected = [chunk(1, 0, "a,\"b\n\"\"c\""), chunk(3, 10, "d")];
        assert_eq!(pieces(Layout::Rows, "a,\"b\n\"\"c\"\nd\n"), expected);
    }

    #[test]
    fn objects_are_found_in_an_array_and_one_after_the_other() {
        let expected = [chunk(2, 2, "{\"a\":\"}\\\"\"}"), chunk(3, 15, "{\n}")];
        assert_eq!(
            pieces(Layout::Objects, "[\n{\"a\":\"}\\\"\"},\n{\n}\n]\n"),
            expected
        );
        assert_eq!(
            pieces(Layout::Objects, "{}{}\n{}"),
            [chunk(1, 0, "{}"), chunk(1, 2, "{}"), chunk(2, 5, "{}")]
        );
        assert_eq!(pieces(Layout::Objects, "[]"), []);
    }

    #[test]
    fn a_file_of_objects_that_is_broken_off_or_holds_something_else_is_lost_from_there() {
        for (text, before, line) in [
            ("[{},\n", 1, 2),
            ("[{}", 1, 1),
            ("[{}\n{}]", 1, 2),
            ("{\"a\":", 0, 1),
            ("null", 0, 1),
            ("[1]", 0, 1),
            ("[{}]\n{}", 1, 2),
            ("{\"a\":\"0123456789012345\"}", 0, 1),
        ] {
            let pieces = pieces(Layout::Objects, text);
            assert_eq!(pieces.len(), before + 1, "{text:?}: {pieces:?}");
            let Piece::Lost(found, _) = pieces[before] else {
                panic!("{text:?}: {pieces:?}")
            };
            assert_eq!(found, line, "{text:?}");
        }
    }
}
