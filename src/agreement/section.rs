//! One section of the rules' text put in place of another. Pure.

/// The text with the section `name` (its tables are `[name]` and `[[name.…]]`) written anew. What people wrote elsewhere stays
/// as it is, and so do comments of the section: they stand before it.
#[must_use]
pub(super) fn replace(text: &str, name: &str, section: &str) -> String {
    let (mut before, mut after, mut comments) = (String::new(), String::new(), String::new());
    // Blank lines and comments of which it is not known yet what follows.
    let mut loose: Vec<&str> = Vec::new();
    let (mut met, mut inside) = (false, false);
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            loose.push(line);
            continue;
        }
        if trimmed.starts_with('[') {
            inside = is_of(trimmed, name);
            met |= inside;
        }
        if inside {
            comments.extend(loose.drain(..).filter(|line| !line.trim().is_empty()));
        } else {
            let here = if met { &mut after } else { &mut before };
            here.extend(loose.drain(..));
            here.push_str(line);
        }
    }
    comments.extend(loose.iter().filter(|line| !line.trim().is_empty()).copied());
    let parts = [before.trim().to_owned(), comments + section.trim(), after.trim().to_owned()];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

/// Whether a line opens a table of the section.
fn is_of(line: &str, name: &str) -> bool {
    let header = line.trim_start_matches('[').trim_start();
    header.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['.', ']']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Ours\n[a]\nx = 1\n\n[b]\n# how long\ndays = 3\n\n[[b.level]]\ncode = 'l'\n\n# of the third\n[c]\ny = 2\n";

    #[test]
    fn a_section_is_replaced_and_its_comments_stand_before_it() {
        let replaced = replace(TEXT, "b", "[b]\ndays = 4\n");
        assert_eq!(replaced, "# Ours\n[a]\nx = 1\n\n# how long\n[b]\ndays = 4\n\n# of the third\n[c]\ny = 2\n");
        assert_eq!(replace(&replaced, "b", "[b]\ndays = 4\n"), replaced, "and the same again");
    }

    #[test]
    fn a_name_that_begins_alike_is_another_section() {
        assert_eq!(replace("[bb]\nx = 1\n", "b", "[b]\ny = 2"), "[bb]\nx = 1\n\n[b]\ny = 2\n");
    }
}
