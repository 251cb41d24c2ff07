//! No file tells where it was written: paths of one machine help nobody on another.

/// Folders that only a machine of someone's own has.
const PRIVATE: [&str; 3] = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
/// The shortest path of the repository that is looked for: shorter ones mean something elsewhere.
const TELLING: usize = 5;

/// Lines that name a path of a machine. `repository` is where this checkout is.
pub(super) fn check(text: &str, repository: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let private = PRIVATE.iter().find(|private| begins_a_path(line, private)).copied();
        let here = (repository.len() >= TELLING && begins_a_path(line, repository)).then_some(repository);
        if let Some(found) = private.or(here) {
            faults.push(format!("{}: `{found}` is a path of one machine", number + 1));
        }
    }
    faults
}

/// Whether a path starts with this: what stands before it is no part of a longer path or of an address.
fn begins_a_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before
            .is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '.' | '-' | '_' | '}' | '/'))
    })
}

#[cfg(test)]
mod tests {
    use super::{PRIVATE, check};

    #[test]
    fn paths_of_a_machine_are_found_and_addresses_are_not() {
        for private in PRIVATE {
            assert_eq!(check(&format!("a line\nlet x = \"{private}ada/x\";"), "").len(), 1);
            assert_eq!(check(&format!("https://example.org{private}page"), "").len(), 0);
        }
        assert_eq!(check("see /srv/checkout/host", "/srv/checkout").len(), 1);
        assert_eq!(check("see /tmp", "/").len(), 0);
    }
}
