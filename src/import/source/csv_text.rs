//! Delimited text in any encoding.

use std::{
    fs::File,
    io::{self, Read},
};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};

use super::RawRow;
use crate::import::mapping::FileShape;

/// The rows of a delimited file.
pub struct Rows {
    reader: csv::Reader<Utf8<File>>,
    record: csv::StringRecord,
    bytes: u64,
}

impl Rows {
    /// Rows of `file`, decoded from the encoding that a byte-order mark or else the mapping names.
    pub fn new(file: File, shape: &FileShape) -> Self {
        let bytes = file.metadata().map_or(0, |file| file.len());
        let encoding = Encoding::for_label(shape.encoding.as_bytes()).unwrap_or(UTF_8);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // At CR LF the reader would count a line only with the next row: it looks for LF, and the CR is taken off below.
            .terminator(csv::Terminator::Any(b'\n'))
            .delimiter(u8::try_from(shape.delimiter).unwrap_or(b','))
            // Lists with pipes know no quotes: one in a text is a quote.
            .quoting(shape.delimiter != '|')
            .from_reader(Utf8::new(file, encoding));
        Self { reader, record: csv::StringRecord::new(), bytes }
    }

    /// Bytes read and to read; a rough figure where the file is not UTF-8.
    pub fn done(&self) -> (u64, u64) {
        (self.reader.position().byte(), self.bytes)
    }

    /// The next row.
    pub fn next(&mut self) -> Result<Option<RawRow>, String> {
        if !self.reader.read_record(&mut self.record).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        let mut cells: Vec<String> = self.record.iter().map(str::to_owned).collect();
        if let Some(last) = cells.last_mut().filter(|last| last.ends_with('\r')) {
            last.pop();
        }
        Ok(Some(RawRow { line, cells, fault: None }))
    }
}

/// Decodes what it reads to UTF-8. Bytes that mean nothing in the encoding become U+FFFD, so that they spoil their row
/// and not the file.
struct Utf8<R> {
    inner: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    rest: std::ops::Range<usize>,
    at_end: bool,
    done: bool,
}

impl<R: Read> Utf8<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self { inner, decoder: encoding.new_decoder(), raw: vec![0; 64 * 1024], rest: 0..0, at_end: false, done: false }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // The decoder asks for room for one character at least.
        if out.len() < 4 {
            return Ok(0);
        }
        while !self.done {
            if self.rest.is_empty() && !self.at_end {
                let read = self.inner.read(&mut self.raw)?;
                self.rest = 0..read;
                self.at_end = read == 0;
            }
            let (result, used, written, _) =
                self.decoder.decode_to_utf8(&self.raw[self.rest.clone()], out, self.at_end);
            self.rest.start += used;
            self.done = self.at_end && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
        Ok(0)
    }
}
