//! Lists and patterns by themselves.

use super::*;

#[test]
fn a_list_finds_values_of_several_words() {
    let mut lists = Lists::default();
    lists.add("Straße-des 17. Juni", 7);
    let mut out = Vec::new();
    lists.detect("in der STRASSE, straße des 17 juni!", "", &mut out);
    assert_eq!(out.iter().map(|f| (f.start, f.end, f.kind)).collect::<Vec<_>>(), [(16, 35, 7)]);
}
