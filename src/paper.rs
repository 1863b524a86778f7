//! Pages of paper: a letterhead, a table that may go on over many pages, sums, notes; as PDF.
//!
//! Sober on purpose: black on white, one family of letters (Latin, Greek and Cyrillic), figures aligned to the right, the
//! heads of the table on every page, and "Page x of y". Pure: the same content gives the same pages.

mod layout;
mod letters;

use chrono::{Datelike, NaiveDate};
use krilla::{
    Document,
    geom::{PathBuilder, Point},
    metadata::{DateTime, Metadata},
    page::PageSettings,
    paint::Stroke,
};

use self::{
    layout::{HEIGHT, Mark, Page, WIDTH},
    letters::Letters,
};
use crate::error::{Error, Result};

/// What is to be put on paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it is: `Invoice 2026-0001`.
    pub title: String,
    /// Who writes, line by line; the first is the name.
    pub from: Vec<String>,
    /// Who is written to, line by line.
    pub to: Vec<String>,
    /// What has to be known at a glance, name and value.
    pub facts: Vec<(String, String)>,
    /// The columns of the table.
    pub columns: Vec<Column>,
    /// Its rows: as many texts as there are columns.
    pub rows: Vec<Vec<String>>,
    /// Below the table, name and value; the last is the one that counts.
    pub sums: Vec<(String, String)>,
    /// What is said below, paragraph by paragraph.
    pub notes: Vec<String>,
    /// The day it carries.
    pub on: NaiveDate,
    /// BCP 47.
    pub language: String,
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub head: String,
    /// Its share of the width; the shares of all columns make up the whole.
    pub share: u16,
    /// Figures: aligned to the right.
    pub figures: bool,
}

/// The pages as a PDF file.
///
/// # Errors
/// [`Error::Internal`] if a font cannot be read, which is a defect.
pub fn pdf(content: &Content) -> Result<Vec<u8>> {
    let letters = Letters::load()?;
    let pages = layout::pages(content, &letters);
    let mut document = Document::new();
    let date = DateTime::new(u16::try_from(content.on.year()).unwrap_or(0))
        .month(u8::try_from(content.on.month()).unwrap_or(1))
        .day(u8::try_from(content.on.day()).unwrap_or(1));
    document.set_metadata(
        Metadata::new().title(content.title.clone()).language(content.language.clone()).creation_date(date),
    );
    for page in &pages {
        draw(&mut document, page, &letters)?;
    }
    document.finish().map_err(|error| Error::internal("writing a PDF file")(format!("{error:?}")))
}

fn draw(document: &mut Document, page: &Page, letters: &Letters) -> Result<()> {
    let settings =
        PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Error::internal("laying out a page")("no size"))?;
    let mut sheet = document.start_page_with(settings);
    let mut surface = sheet.surface();
    for mark in &page.marks {
        match mark {
            Mark::Text { x, y, size, weight, text } => {
                let glyphs = letters.glyphs(*weight, text);
                let font = letters.font(*weight);
                surface.draw_glyphs(Point::from_xy(*x, *y), &glyphs, font, text, *size, false);
            }
            Mark::Rule { x, y, length, width } => {
                let mut path = PathBuilder::new();
                path.move_to(*x, *y);
                path.line_to(x + length, *y);
                if let Some(path) = path.finish() {
                    surface.set_fill(None);
                    surface.set_stroke(Some(Stroke { width: *width, ..Stroke::default() }));
                    surface.draw_path(&path);
                    surface.set_stroke(None);
                }
            }
        }
    }
    surface.finish();
    sheet.finish();
    Ok(())
}

#[cfg(test)]
mod tests;
