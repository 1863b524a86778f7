//! Rows in Postgres' binary COPY format: for a scan of a million rows, reading values where they lie costs a fraction
//! of what decoding columns one query row at a time does. The format is documented with COPY and has not changed since
//! Postgres 7.4: a header, then for each row the number of fields and each field with its length.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Signature, flags and length of the extension (always empty).
const HEADER: usize = 19;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Days from the first of January of the year 1, which is day 1, to that of 2000, where Postgres counts from.
const DAYS_TO_2000: i32 = 730_120;
const MICROS_TO_2000: i64 = 946_684_800_000_000;

/// What was sent cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not the expected COPY data: {0}")]
pub(super) struct Malformed(&'static str);

/// The rows of `N` fields in what was received so far.
#[derive(Debug, Default)]
pub(super) struct Rows<const N: usize> {
    received: Vec<u8>,
    read: usize,
    begun: bool,
}

/// The fields of a row; `None`: null.
pub(super) type Fields<'a, const N: usize> = [Option<&'a [u8]>; N];

impl<const N: usize> Rows<N> {
    /// Takes what was received next, however it was cut.
    pub(super) fn add(&mut self, received: &[u8]) {
        self.received.drain(..self.read);
        self.read = 0;
        self.received.extend_from_slice(received);
    }

    /// The next row that has been received completely.
    pub(super) fn next(&mut self) -> Result<Option<Fields<'_, N>>, Malformed> {
        if !self.begun {
            if self.received.len() < HEADER {
                return Ok(None);
            }
            if !self.received.starts_with(SIGNATURE) {
                return Err(Malformed("signature"));
            }
            (self.begun, self.read) = (true, HEADER);
        }
        let Some((count, mut rest)) = self.received[self.read..].split_first_chunk() else { return Ok(None) };
        match i16::from_be_bytes(*count) {
            // The trailer.
            -1 => return Ok(None),
            count if usize::try_from(count) == Ok(N) => {}
            _ => return Err(Malformed("number of fields")),
        }
        let mut fields = [None; N];
        for field in &mut fields {
            let Some((length, after)) = rest.split_first_chunk() else { return Ok(None) };
            rest = after;
            // -1: null.
            if let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) {
                let Some((value, after)) = rest.split_at_checked(length) else { return Ok(None) };
                (*field, rest) = (Some(value), after);
            }
        }
        self.read = self.received.len() - rest.len();
        Ok(Some(fields))
    }
}

/// A value in the binary format of its type.
pub(super) trait Value: Sized {
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Value for i64 {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Value for i32 {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Value for f64 {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Value for bool {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first().map(|byte| *byte != 0)
    }
}

impl Value for Uuid {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Value for String {
    fn read(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

impl Value for NaiveDate {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_num_days_from_ce_opt(i32::read(bytes)?.checked_add(DAYS_TO_2000)?)
    }
}

impl Value for DateTime<Utc> {
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_timestamp_micros(i64::read(bytes)?.checked_add(MICROS_TO_2000)?)
    }
}

/// An array of one dimension: dimensions, flags, type of the elements, then for the dimension its length and first
/// index; then each element with its length.
impl<T: Value> Value for Vec<T> {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, mut rest) = bytes.split_at_checked(12)?;
        match i32::read(&head[..4])? {
            0 => return Some(Self::new()),
            1 => {}
            _ => return None,
        }
        let (dimension, elements) = rest.split_at_checked(8)?;
        rest = elements;
        let element = |_| {
            let (length, after) = rest.split_first_chunk()?;
            let (value, after) = after.split_at_checked(usize::try_from(i32::from_be_bytes(*length)).ok()?)?;
            rest = after;
            T::read(value)
        };
        (0..i32::read(&dimension[..4])?).map(element).collect()
    }
}

/// A field that may be null.
pub(super) fn optional<T: Value>(field: Option<&[u8]>) -> Result<Option<T>, Malformed> {
    field.map(|bytes| T::read(bytes).ok_or(Malformed("value"))).transpose()
}

/// A field that is never null.
pub(super) fn present<T: Value>(field: Option<&[u8]>) -> Result<T, Malformed> {
    optional(field)?.ok_or(Malformed("null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `COPY (SELECT 7::bigint, NULL::text, ARRAY['a', 'bc']) TO STDOUT (FORMAT binary)`, with a second row of nulls.
    fn sample() -> Vec<u8> {
        let mut bytes = [SIGNATURE, &[0; 8]].concat();
        bytes.extend(3_i16.to_be_bytes());
        bytes.extend([8_i32.to_be_bytes().as_slice(), &7_i64.to_be_bytes(), &(-1_i32).to_be_bytes()].concat());
        let array = [1_i32, 0, 25, 2, 1].map(i32::to_be_bytes).concat();
        let array = [&array[..], &1_i32.to_be_bytes(), b"a", &2_i32.to_be_bytes(), b"bc"].concat();
        bytes.extend(i32::try_from(array.len()).unwrap().to_be_bytes());
        bytes.extend(array);
        bytes.extend(3_i16.to_be_bytes());
        bytes.extend([(-1_i32).to_be_bytes(); 3].concat());
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    #[test]
    fn rows_come_whole_however_they_were_cut() {
        let sample = sample();
        for cut in 0..sample.len() {
            let (mut rows, mut found) = (Rows::<3>::default(), Vec::new());
            for part in [&sample[..cut], &sample[cut..]] {
                rows.add(part);
                while let Some([number, text, list]) = rows.next().unwrap() {
                    let number: Option<i64> = optional(number).unwrap();
                    found.push((number, text.is_none(), optional::<Vec<String>>(list).unwrap()));
                }
            }
            let list = Some(vec!["a".to_owned(), "bc".to_owned()]);
            assert_eq!(found, [(Some(7), true, list), (None, true, None)], "cut at {cut}");
        }
    }

    #[test]
    fn days_and_moments_are_counted_from_the_year_2000() {
        assert_eq!(NaiveDate::read(&0_i32.to_be_bytes()), NaiveDate::from_ymd_opt(2000, 1, 1));
        assert_eq!(NaiveDate::read(&(-1_i32).to_be_bytes()), NaiveDate::from_ymd_opt(1999, 12, 31));
        let moment = DateTime::<Utc>::read(&1_000_000_i64.to_be_bytes()).unwrap();
        assert_eq!(moment.to_rfc3339(), "2000-01-01T00:00:01+00:00");
        assert_eq!(NaiveDate::read(&i32::MAX.to_be_bytes()), None, "infinity is no day");
    }

    #[test]
    fn what_is_something_else_is_refused() {
        let mut rows = Rows::<3>::default();
        rows.add(b"SELECT 1, and some more text");
        assert!(rows.next().is_err());
        let mut fewer = Rows::<2>::default();
        fewer.add(&sample());
        assert!(fewer.next().is_err());
        assert!(present::<i64>(None).is_err());
        assert!(present::<i64>(Some(b"7")).is_err());
    }
}
