use std::io::Write;

use super::*;

fn rows(name: &str, bytes: &[u8], shape: &FileShape) -> Result<(Vec<String>, Vec<RawRow>)> {
    let folder = std::env::temp_dir().join(format!("ledgerline-source-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("in.csv");
    File::create(&path).unwrap().write_all(bytes).unwrap();
    let outcome = read(&path, shape);
    std::fs::remove_dir_all(&folder).unwrap();
    outcome
}

fn read(path: &Path, shape: &FileShape) -> Result<(Vec<String>, Vec<RawRow>)> {
    let mut source = Source::open(path, shape)?;
    let mut rows = Vec::new();
    while let Some(row) = source.next()? {
        rows.push(row);
    }
    Ok((source.header().to_vec(), rows))
}

fn shape(encoding: &str, delimiter: char) -> FileShape {
    FileShape { encoding: encoding.to_owned(), delimiter, ..FileShape::default() }
}

fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn encodings_and_byte_order_marks_are_read() {
    let text = "No;Name\r\n1;Müller – Söhne\r\n";
    let expected = vec![RawRow { line: 2, cells: vec!["1".to_owned(), "Müller – Söhne".to_owned()], fault: None }];
    let cases: [(&str, &str, Vec<u8>); 4] = [
        ("plain", "utf-8", text.as_bytes().to_vec()),
        ("bom", "utf-8", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
        ("western", "windows-1252", encoding_rs::WINDOWS_1252.encode(text).0.into_owned()),
        ("utf16", "windows-1252", utf16(text)),
    ];
    for (name, encoding, bytes) in cases {
        let (header, rows) = rows(name, &bytes, &shape(encoding, ';')).unwrap();
        assert_eq!(header, ["No", "Name"], "{name}");
        assert_eq!(rows, expected, "{name}");
    }
}

#[test]
fn a_character_across_the_end_of_the_buffer_is_whole() {
    let long: String = "aé".repeat(40_000);
    let (_, rows) = rows("long", format!("No,Name\n1,{long}\n").as_bytes(), &shape("utf-8", ',')).unwrap();
    assert_eq!(rows[0].cells[1], long);
}

#[test]
fn lines_are_counted_as_an_editor_shows_them() {
    let text = "No,Name\n1,\"two\nlines\"\n\n,,\n2,b\n";
    let (_, rows) = rows("lines", text.as_bytes(), &shape("utf-8", ',')).unwrap();
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 6]);
    assert_eq!(rows[0].cells[1], "two\nlines");
}

#[test]
fn bytes_of_another_encoding_spoil_only_their_row() {
    let (_, rows) = rows("mixed", b"No,Name\n1,M\xFCller\n2,b\n", &shape("utf-8", ',')).unwrap();
    assert_eq!(rows[0].cells[1], "M\u{FFFD}ller");
    assert_eq!(rows[1].cells[1], "b");
}

#[test]
fn an_empty_file_is_an_error() {
    assert!(rows("empty", b"", &shape("utf-8", ',')).is_err());
}
