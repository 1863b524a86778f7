//! The letters: which glyph a character is, and how wide.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::{
    FontRef, MetadataProvider,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};

use crate::error::{Error, Result};

/// Weight of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The text.
    Regular,
    /// Names and sums.
    Bold,
}

/// Both weights of one family.
pub struct Letters {
    regular: Face,
    bold: Face,
}

struct Face {
    font: Font,
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
}

impl Letters {
    /// Reads the fonts that the binary carries: Libertinus Serif (SIL Open Font License).
    ///
    /// # Errors
    /// If one cannot be read, which is a defect.
    pub fn load() -> Result<Self> {
        let mut fonts = typst_assets::fonts();
        let (regular, bold) = (fonts.next(), fonts.next());
        Ok(Self { regular: Face::read(regular)?, bold: Face::read(bold)? })
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// The font of a weight.
    #[must_use]
    pub fn font(&self, weight: Weight) -> Font {
        self.face(weight).font.clone()
    }

    /// The glyphs of a text, each with its width in parts of the size.
    #[must_use]
    pub fn glyphs(&self, weight: Weight, text: &str) -> Vec<KrillaGlyph> {
        let face = self.face(weight);
        let glyph = |(at, letter): (usize, char)| {
            let id = face.charmap.map(letter).unwrap_or_default();
            let advance = face.metrics.advance_width(id).unwrap_or(0.5);
            KrillaGlyph::new(GlyphId::new(id.to_u32()), advance, 0.0, 0.0, 0.0, at..at + letter.len_utf8(), None)
        };
        text.char_indices().map(glyph).collect()
    }

    /// How wide a text is, in points.
    #[must_use]
    pub fn width(&self, weight: Weight, size: f32, text: &str) -> f32 {
        self.glyphs(weight, text).iter().map(|glyph| glyph.x_advance * size).sum()
    }

    /// Whether there is a glyph for every letter of the text.
    #[cfg(test)]
    pub fn know(&self, text: &str) -> bool {
        text.chars().all(|letter| self.regular.charmap.map(letter).is_some())
    }
}

impl Face {
    fn read(data: Option<&'static [u8]>) -> Result<Self> {
        let wrong = || Error::internal("reading a font")("the binary carries no such font");
        let data = data.ok_or_else(wrong)?;
        let font = Font::new(data.to_vec().into(), 0).ok_or_else(wrong)?;
        let face = FontRef::new(data).map_err(Error::internal("reading a font"))?;
        // At size 1 a width is its share of the size.
        let metrics = face.glyph_metrics(Size::new(1.0), LocationRef::default());
        Ok(Self { font, charmap: face.charmap(), metrics })
    }
}
