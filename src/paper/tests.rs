use super::{letters::Weight, *};

fn content(rows: usize) -> Content {
    let column = |head: &str, share, figures| Column { head: head.to_owned(), share, figures };
    Content {
        title: "Statement of account 7".to_owned(),
        from: vec!["Example Receivables".to_owned(), "1 High Street".to_owned()],
        to: vec!["Ελληνικά Προϊόντα".to_owned(), "Товары и услуги".to_owned(), "Žluťoučký kůň, Łódź".to_owned()],
        facts: vec![("Date".to_owned(), "31 March 2026".to_owned())],
        columns: vec![column("Invoice", 3, false), column("Due", 2, false), column("Open", 2, true)],
        rows: (0..rows)
            .map(|row| vec![format!("R-{row:04}"), "1 March 2026".to_owned(), format!("{row}.00 USD")])
            .collect(),
        sums: vec![("Open".to_owned(), "12.00 USD".to_owned())],
        notes: vec!["Please tell us if anything in this does not agree with your books.".to_owned()],
        on: "2026-03-31".parse().expect("a day"),
        language: "en".to_owned(),
    }
}

#[test]
fn the_letters_of_europe_are_there() {
    let letters = Letters::load().expect("the fonts");
    for text in ["Straße façade señor", "Ελληνικά Προϊόντα", "Товары и услуги", "Žluťoučký kůň, Łódź ğışĞİŞ őű €"]
    {
        assert!(letters.know(text), "{text}");
    }
    assert!(letters.width(Weight::Bold, 10.0, "mmm") > letters.width(Weight::Regular, 10.0, "iii"));
}

#[test]
fn every_page_has_the_heads_and_its_number_and_nothing_is_off_the_sheet() {
    let letters = Letters::load().expect("the fonts");
    let pages = layout::pages(&content(200), &letters);
    assert!(pages.len() > 3);
    for (index, page) in pages.iter().enumerate() {
        let texts: Vec<&str> = page
            .marks
            .iter()
            .filter_map(|mark| if let Mark::Text { text, .. } = mark { Some(text.as_str()) } else { None })
            .collect();
        let number = format!("Page {} of {}", index + 1, pages.len());
        assert!(texts.contains(&number.as_str()), "{number}");
        let rows = texts.iter().filter(|text| text.starts_with("R-")).count();
        assert_eq!(rows > 0, texts.contains(&"Invoice"), "heads where there are rows");
        for mark in &page.marks {
            if let Mark::Text { x, y, size, weight, text } = mark {
                let right = x + letters.width(*weight, *size, text);
                assert!(*x >= 0.0 && right <= WIDTH && *y > 0.0 && *y < HEIGHT, "{text} at {x}, {y}");
            }
        }
    }
    let rows: usize = pages
        .iter()
        .flat_map(|page| &page.marks)
        .filter(|mark| matches!(mark, Mark::Text { text, .. } if text.starts_with("R-")))
        .count();
    assert_eq!(rows, 200, "each row once");
}

#[test]
fn a_long_word_is_broken_and_the_file_is_a_pdf() {
    let mut long = content(1);
    long.rows[0][0] = "W".repeat(400);
    let file = pdf(&long).expect("a file");
    assert!(file.starts_with(b"%PDF-"));
}
