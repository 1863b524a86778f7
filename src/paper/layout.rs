//! Where everything stands. Points, from the top left corner of a sheet of A4.

use super::{
    Content,
    letters::{Letters, Weight},
};

/// Width of the sheet.
pub(super) const WIDTH: f32 = 595.0;
/// Height of the sheet.
pub(super) const HEIGHT: f32 = 842.0;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - 56.0;
const TOP: f32 = 64.0;
/// Below it there is only the number of the page.
const BOTTOM: f32 = HEIGHT - 72.0;
const SIZE: f32 = 9.5;
const LINE: f32 = 13.0;
/// Between two columns.
const GAP: f32 = 8.0;

/// A sheet.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) marks: Vec<Mark>,
}

/// Something on it.
#[derive(Debug)]
pub(super) enum Mark {
    /// Text, from its left end on its base line.
    Text { x: f32, y: f32, size: f32, weight: Weight, text: String },
    /// A line from left to right.
    Rule { x: f32, y: f32, length: f32, width: f32 },
}

/// Lays the content out on as many pages as it needs.
pub(super) fn pages(content: &Content, letters: &Letters) -> Vec<Page> {
    let mut pen = Pen { letters, pages: vec![Page::default()], y: TOP };
    head(&mut pen, content);
    table(&mut pen, content);
    sums(&mut pen, content);
    notes(&mut pen, content);
    let mut pages = pen.pages;
    let count = pages.len();
    for (index, page) in pages.iter_mut().enumerate() {
        let text = format!("Page {} of {count}", index + 1);
        let x = RIGHT - letters.width(Weight::Regular, 8.0, &text);
        let title = content.title.clone();
        page.marks.push(Mark::Text { x: LEFT, y: HEIGHT - 40.0, size: 8.0, weight: Weight::Regular, text: title });
        page.marks.push(Mark::Text { x, y: HEIGHT - 40.0, size: 8.0, weight: Weight::Regular, text });
    }
    pages
}

struct Pen<'a> {
    letters: &'a Letters,
    pages: Vec<Page>,
    y: f32,
}

impl Pen<'_> {
    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push(mark);
        }
    }

    fn text(&mut self, x: f32, size: f32, weight: Weight, text: &str) {
        let y = self.y;
        self.mark(Mark::Text { x, y, size, weight, text: text.to_owned() });
    }

    fn right(&mut self, right: f32, size: f32, weight: Weight, text: &str) {
        let x = right - self.letters.width(weight, size, text);
        self.text(x, size, weight, text);
    }

    fn rule(&mut self, y: f32, width: f32) {
        self.mark(Mark::Rule { x: LEFT, y, length: RIGHT - LEFT, width });
    }

    fn turn(&mut self) {
        self.pages.push(Page::default());
        self.y = TOP;
    }

    /// A new page, unless so much has room on this one.
    fn make_room(&mut self, height: f32) -> bool {
        let full = self.y + height > BOTTOM;
        if full {
            self.turn();
        }
        full
    }
}

fn head(pen: &mut Pen<'_>, content: &Content) {
    for (index, line) in content.from.iter().enumerate() {
        let weight = if index == 0 { Weight::Bold } else { Weight::Regular };
        pen.text(LEFT, if index == 0 { 12.0 } else { SIZE }, weight, line);
        pen.y += LINE;
    }
    pen.y += 2.0 * LINE;
    for line in &content.to {
        pen.text(LEFT, SIZE, Weight::Regular, line);
        pen.y += LINE;
    }
    pen.y += 2.0 * LINE;
    pen.text(LEFT, 15.0, Weight::Bold, &content.title);
    pen.y += 1.5 * LINE;
    for (name, value) in &content.facts {
        pen.text(LEFT, SIZE, Weight::Regular, name);
        pen.text(LEFT + 130.0, SIZE, Weight::Regular, value);
        pen.y += LINE;
    }
    pen.y += LINE;
}

/// Left and right end of each column.
fn ends(content: &Content) -> Vec<(f32, f32)> {
    let whole: f32 = content.columns.iter().map(|column| f32::from(column.share)).sum::<f32>().max(1.0);
    let mut x = LEFT;
    let mut ends = Vec::new();
    for column in &content.columns {
        let width = f32::from(column.share) / whole * (RIGHT - LEFT);
        ends.push((x, x + width - GAP));
        x += width;
    }
    if let Some(last) = ends.last_mut() {
        last.1 = RIGHT;
    }
    ends
}

fn table(pen: &mut Pen<'_>, content: &Content) {
    if content.columns.is_empty() {
        return;
    }
    let ends = ends(content);
    pen.make_room(4.0 * LINE);
    heads(pen, content, &ends);
    for row in &content.rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .zip(&ends)
            .map(|(cell, (left, right))| wrap(pen.letters, Weight::Regular, cell, right - left))
            .collect();
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1);
        let height = LINE * f32::from(u16::try_from(lines).unwrap_or(1));
        if pen.make_room(height) {
            heads(pen, content, &ends);
        }
        let top = pen.y;
        for ((cell, column), (left, right)) in cells.iter().zip(&content.columns).zip(&ends) {
            pen.y = top;
            for line in cell {
                if column.figures {
                    pen.right(*right, SIZE, Weight::Regular, line);
                } else {
                    pen.text(*left, SIZE, Weight::Regular, line);
                }
                pen.y += LINE;
            }
        }
        pen.y = top + height;
    }
    let y = pen.y - LINE + 4.0;
    pen.rule(y, 0.7);
    pen.y += 6.0;
}

fn heads(pen: &mut Pen<'_>, content: &Content, ends: &[(f32, f32)]) {
    for (column, (left, right)) in content.columns.iter().zip(ends) {
        if column.figures {
            pen.right(*right, SIZE, Weight::Bold, &column.head);
        } else {
            pen.text(*left, SIZE, Weight::Bold, &column.head);
        }
    }
    let y = pen.y + 4.0;
    pen.rule(y, 0.7);
    pen.y += LINE + 4.0;
}

fn sums(pen: &mut Pen<'_>, content: &Content) {
    let count = u16::try_from(content.sums.len()).unwrap_or(u16::MAX);
    pen.make_room(LINE * f32::from(count.min(40)));
    for (index, (name, value)) in content.sums.iter().enumerate() {
        let weight = if index + 1 == content.sums.len() { Weight::Bold } else { Weight::Regular };
        pen.make_room(LINE);
        pen.right(RIGHT - 110.0, SIZE, weight, name);
        pen.right(RIGHT, SIZE, weight, value);
        pen.y += LINE;
    }
    pen.y += LINE;
}

fn notes(pen: &mut Pen<'_>, content: &Content) {
    for paragraph in &content.notes {
        for line in paragraph.lines().flat_map(|line| wrap(pen.letters, Weight::Regular, line, RIGHT - LEFT)) {
            pen.make_room(LINE);
            pen.text(LEFT, SIZE, Weight::Regular, &line);
            pen.y += LINE;
        }
        pen.y += LINE / 2.0;
    }
}

/// Lines that are no wider than `width`: broken between words, a word that is too wide within itself.
fn wrap(letters: &Letters, weight: Weight, text: &str, width: f32) -> Vec<String> {
    let fits = |line: &str| letters.width(weight, SIZE, line) <= width;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let current = lines.last().cloned().unwrap_or_default();
        let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
        if fits(&longer) {
            lines.pop();
            lines.push(longer);
            continue;
        }
        if !current.is_empty() {
            lines.push(String::new());
        }
        for letter in word.chars() {
            let current = lines.last().cloned().unwrap_or_default();
            let longer = format!("{current}{letter}");
            if current.is_empty() || fits(&longer) {
                lines.pop();
                lines.push(longer);
            } else {
                lines.push(letter.to_string());
            }
        }
    }
    lines
}
