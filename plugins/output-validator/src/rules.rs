//! The operator's rules for the text of an answer: patterns, length, language, what it must and must not say.
//!
//! Invariants: patterns are linear in the text; a violation names the rule and its bound, never the text.
//! It never reads JSON but for the language of its strings (see `schema` for shapes).

use crate::language;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::Value;

/// How large a compiled pattern may be.
const PATTERN_BYTES: usize = 1 << 20;

/// What the operator writes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RulesConfig {
    min_chars: Option<usize>,
    max_chars: Option<usize>,
    min_words: Option<usize>,
    max_words: Option<usize>,
    languages: Vec<String>,
    must_contain: Vec<String>,
    must_not_contain: Vec<String>,
    must_match: Vec<String>,
    must_not_match: Vec<String>,
    ignore_case: bool,
}

/// The rules, ready for use.
#[derive(Debug)]
pub struct Rules {
    config: RulesConfig,
    must_match: Vec<Regex>,
    must_not_match: Vec<Regex>,
}

impl Rules {
    /// Compiles the rules; `None` where there are none.
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn new(mut config: RulesConfig) -> Result<Option<Self>, (String, String)> {
        if let Some(at) = config.languages.iter().position(|code| !language::is_known(code)) {
            return Err((format!("/rules/languages/{at}"), "is not a language that can be told".to_owned()));
        }
        for (name, min, max) in
            [("chars", config.min_chars, config.max_chars), ("words", config.min_words, config.max_words)]
        {
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                return Err((format!("/rules/max_{name}"), format!("must not be less than min_{name}")));
            }
        }
        let compile = |name: &str, patterns: &[String]| {
            let one = |(at, pattern): (usize, &String)| {
                let built = RegexBuilder::new(pattern)
                    .case_insensitive(config.ignore_case)
                    .size_limit(PATTERN_BYTES)
                    .build();
                built.map_err(|error| (format!("/rules/{name}/{at}"), error.to_string()))
            };
            patterns.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
        };
        let must_match = compile("must_match", &config.must_match)?;
        let must_not_match = compile("must_not_match", &config.must_not_match)?;
        if config.ignore_case {
            for words in [&mut config.must_contain, &mut config.must_not_contain] {
                words.iter_mut().for_each(|word| *word = word.to_lowercase());
            }
        }
        let rules = Self { config, must_match, must_not_match };
        Ok((!rules.is_empty()).then_some(rules))
    }

    fn is_empty(&self) -> bool {
        let c = &self.config;
        let bounds = [c.min_chars, c.max_chars, c.min_words, c.max_words];
        let lists = [&c.languages, &c.must_contain, &c.must_not_contain, &c.must_match, &c.must_not_match];
        bounds.iter().all(Option::is_none) && lists.iter().all(|list| list.is_empty())
    }

    /// What is wrong with a text; `value` is what it says, where it is JSON.
    pub fn violations(&self, text: &str, value: Option<&Value>) -> Vec<String> {
        let mut wrong = Vec::new();
        let c = &self.config;
        let mut bound = |what: &str, count: usize, min: Option<usize>, max: Option<usize>| {
            if let Some(min) = min.filter(|min| count < *min) {
                wrong.push(format!("the answer must have at least {min} {what}; it has {count}"));
            }
            if let Some(max) = max.filter(|max| count > *max) {
                wrong.push(format!("the answer must have at most {max} {what}; it has {count}"));
            }
        };
        bound("characters", text.chars().count(), c.min_chars, c.max_chars);
        bound("words", text.split_whitespace().count(), c.min_words, c.max_words);
        if !c.languages.is_empty() {
            let spoken = value.map(strings);
            let told = language::of(spoken.as_deref().unwrap_or(text));
            if told.is_some_and(|code| !c.languages.iter().any(|wanted| wanted == code)) {
                wrong.push(format!("the answer must be in this language: {}", c.languages.join(" or ")));
            }
        }
        let folded = c.ignore_case.then(|| text.to_lowercase());
        let seen = folded.as_deref().unwrap_or(text);
        for (at, _) in c.must_contain.iter().enumerate().filter(|(_, words)| !seen.contains(words.as_str())) {
            let words = c.must_contain.get(at).map(String::as_str).unwrap_or_default();
            wrong.push(format!("the answer must contain \"{}\"", crate::note::clip(words, 80)));
        }
        if c.must_not_contain.iter().any(|words| seen.contains(words.as_str())) {
            wrong.push("the answer contains words that it must not contain".to_owned());
        }
        for pattern in self.must_match.iter().filter(|pattern| !pattern.is_match(text)) {
            let pattern = crate::note::clip(pattern.as_str(), 80);
            wrong.push(format!("the answer must match the pattern {pattern}"));
        }
        for pattern in self.must_not_match.iter().filter(|pattern| pattern.is_match(text)) {
            let pattern = crate::note::clip(pattern.as_str(), 80);
            wrong.push(format!("the answer must not match the pattern {pattern}"));
        }
        wrong
    }
}

/// Every string of a value, keys left out.
fn strings(value: &Value) -> String {
    let mut out = String::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Rules;
    use serde_json::{Value, json};

    fn rules(config: Value) -> Result<Option<Rules>, (String, String)> {
        Rules::new(serde_json::from_value(config).unwrap())
    }

    #[track_caller]
    fn check(config: Value, text: &str, wrong: &str) {
        assert_eq!(rules(config).unwrap().unwrap().violations(text, None).join("\n"), wrong);
    }

    #[test]
    fn each_rule_is_told() {
        check(json!({"min_chars": 3}), "äö", "the answer must have at least 3 characters; it has 2");
        check(json!({"max_words": 2}), "one two  three", "the answer must have at most 2 words; it has 3");
        check(json!({"must_contain": ["Bern"]}), "bern", "the answer must contain \"Bern\"");
        check(json!({"must_contain": ["Bern"], "ignore_case": true}), "bern", "");
        let said = "the answer contains words that it must not contain";
        check(json!({"must_not_contain": ["as an AI"]}), "Well, as an AI I", said);
        let pattern = "the answer must match the pattern ^\\d+$";
        check(json!({"must_match": ["^\\d+$"]}), "12a", pattern);
        check(json!({"must_not_match": ["\\d"]}), "a", "");
        let german = "the answer must be in this language: de or fr";
        check(json!({"languages": ["de", "fr"]}), "This is what they would have said to you.", german);
        check(json!({"languages": ["de"]}), "Das ist der Weg, und die Sonne ist nicht da.", "");
        check(json!({"languages": ["de"]}), "42", "");
    }

    #[test]
    fn the_language_of_json_is_that_of_its_strings() {
        let rules = rules(json!({"languages": ["de"]})).unwrap().unwrap();
        let value = json!({"the": "Das ist der Weg, und die Sonne ist nicht da.", "of": [1, true]});
        assert!(rules.violations(&value.to_string(), Some(&value)).is_empty());
    }

    #[test]
    fn what_is_wrong_with_rules_is_said_where_it_is() {
        assert!(rules(json!({})).unwrap().is_none());
        let at = |config| rules(config).unwrap_err().0;
        assert_eq!(at(json!({"must_match": ["ok", "("]})), "/rules/must_match/1");
        assert_eq!(at(json!({"languages": ["xx"]})), "/rules/languages/0");
        assert_eq!(at(json!({"min_words": 3, "max_words": 1})), "/rules/max_words");
    }
}
