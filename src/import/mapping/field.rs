//! Where a value comes from: a column, a column by way of a table, or the mapping itself.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Where a value comes from. In TOML the name of a column, or a table with `column` or `value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    source: Source,
    prefix: String,
    map: BTreeMap<String, String>,
    default: Option<String>,
    /// The file need not have the column: without it every cell is empty.
    optional: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Column { name: String, index: usize },
    Value(String),
}

/// A field with a label of its own: `"Phone"` or `{ column = "Mobile", label = "mobile" }`.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Where the value comes from.
    pub field: Field,
    /// `work` where the mapping gives none.
    pub label: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    column: Option<String>,
    value: Option<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    map: BTreeMap<String, String>,
    default: Option<String>,
    #[serde(default)]
    optional: bool,
    label: Option<String>,
}

impl Field {
    /// Name of the column, or empty for a value of the mapping.
    #[must_use]
    pub fn column(&self) -> &str {
        match &self.source {
            Source::Column { name, .. } => name,
            Source::Value(_) => "",
        }
    }

    /// Whether it can have a value in the file it was bound to: an optional column that is not there cannot.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !matches!(self.source, Source::Column { index: usize::MAX, .. })
    }

    /// Finds the column in the file's header.
    pub(super) fn bind(&mut self, header: &[String]) -> Result<(), String> {
        let Source::Column { name, index } = &mut self.source else { return Ok(()) };
        let mut found = (0..header.len()).filter(|index| header[*index].trim() == name);
        match (found.next(), found.next()) {
            (Some(only), None) => *index = only,
            (None, _) if self.optional => {}
            (None, _) => return Err(format!("the file has no column {name:?}; it has {}", header.join(", "))),
            (Some(_), Some(_)) => return Err(format!("the file has two columns {name:?}")),
        }
        Ok(())
    }

    /// The value in a row; `None` where the cell is empty and there is no default. A text that `map` does not list is an
    /// error, unless there is a default.
    ///
    /// # Errors
    /// What is wrong, for the rejects file.
    pub fn read(&self, cells: &[String]) -> Result<Option<String>, String> {
        let text = match &self.source {
            Source::Value(value) => return Ok(Some(value.clone())),
            Source::Column { index, .. } => cells.get(*index).map_or("", |cell| cell.trim()),
        };
        if text.is_empty() {
            return Ok(self.default.clone());
        }
        if self.map.is_empty() {
            return Ok(Some(format!("{}{text}", self.prefix)));
        }
        match (self.map.get(text), &self.default) {
            (Some(mapped), _) => Ok(Some(mapped.clone())),
            (None, Some(default)) => Ok(Some(default.clone())),
            (None, None) => Err(format!("{text:?} is not in the mapping's table for this column")),
        }
    }
}

impl Table {
    fn field(self) -> Result<Field, &'static str> {
        let source = match (self.column, self.value) {
            (Some(name), None) => Source::Column { name, index: usize::MAX },
            (None, Some(value)) => Source::Value(value),
            _ => return Err("give either column or value"),
        };
        Ok(Field { source, prefix: self.prefix, map: self.map, default: self.default, optional: self.optional })
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Table;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or a table with `column` or `value`")
    }

    fn visit_str<E: de::Error>(self, column: &str) -> Result<Table, E> {
        Ok(Table { column: Some(column.to_owned()), ..Table::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = deserializer.deserialize_any(TableVisitor)?;
        if table.label.is_some() {
            return Err(de::Error::custom("only a phone has a label"));
        }
        table.field().map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Labelled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = deserializer.deserialize_any(TableVisitor)?;
        let label = table.label.take().unwrap_or_else(|| "work".to_owned());
        Ok(Self { field: table.field().map_err(de::Error::custom)?, label })
    }
}
