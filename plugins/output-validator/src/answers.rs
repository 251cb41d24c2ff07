//! The texts of an answer, put together by choice.
//!
//! Invariants: a choice that calls tools or refuses is left alone; a replacement covers every part of its
//! choice, so that nothing of the former text remains.

use lockgate_sdk::prelude::{TextAt, TextPart};

/// The content of one choice.
#[derive(Debug)]
pub struct Choice {
    /// All its content, joined.
    pub text: String,
    parts: Vec<(TextAt, String)>,
}

/// The choices whose content must be JSON. An answer without any text counts as one empty choice, unless it
/// ended for a reason (`finish`) that explains it.
pub fn choices(answer: &[TextPart], finish: &str) -> Vec<Choice> {
    if answer.is_empty() && !matches!(finish, "tool_calls" | "content_filter") {
        return vec![Choice { text: String::new(), parts: Vec::new() }];
    }
    let mut items: Vec<u32> = answer.iter().map(|part| part.at.item).collect();
    items.sort_unstable();
    items.dedup();
    items.into_iter().filter_map(|item| choice(answer, item)).collect()
}

fn choice(answer: &[TextPart], item: u32) -> Option<Choice> {
    let parts = || answer.iter().filter(move |part| part.at.item == item);
    let excused = |part: &TextPart| matches!(part.at.channel.as_str(), "tool-args" | "refusal");
    if parts().any(excused) {
        return None;
    }
    let content: Vec<_> = parts().filter(|part| part.at.channel == "content").collect();
    let text = content.iter().map(|part| part.text.as_str()).collect();
    let parts = content.into_iter().map(|part| (part.at.clone(), part.role.clone())).collect();
    Some(Choice { text, parts })
}

/// The parts that put these texts in place of their choices' content.
pub fn replaced(choices: &[Choice], texts: Vec<(usize, String)>) -> Vec<TextPart> {
    let mut out = Vec::new();
    for (index, text) in texts {
        let mut text = Some(text);
        for (at, role) in choices.get(index).into_iter().flat_map(|choice| &choice.parts) {
            let text = text.take().unwrap_or_default();
            out.push(TextPart { at: at.clone(), role: role.clone(), text });
        }
    }
    out
}

/// The parts that put one text in place of every choice's content; `None` where a choice has no place for it.
pub fn instead(choices: &[Choice], text: &str) -> Option<Vec<TextPart>> {
    let all = choices.iter().all(|choice| !choice.parts.is_empty());
    all.then(|| replaced(choices, (0..choices.len()).map(|choice| (choice, text.to_owned())).collect()))
}

#[cfg(test)]
mod tests {
    use super::{choices, instead, replaced};
    use lockgate_sdk::prelude::{TextAt, TextPart};

    fn part(item: u32, part: u32, channel: &str, text: &str) -> TextPart {
        let at = TextAt { item, part, channel: channel.to_owned() };
        TextPart { at, role: "assistant".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn content_is_joined_by_choice_and_replaced_whole() {
        let answer = [
            part(0, 0, "reasoning", "hm"),
            part(0, 0, "content", "{a"),
            part(0, 1, "content", ": 1}"),
            part(1, 0, "content", "[]"),
        ];
        let all = choices(&answer, "stop");
        assert_eq!(all.iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), ["{a: 1}", "[]"]);
        let new = replaced(&all, vec![(0, "{\"a\":1}".to_owned())]);
        let texts: Vec<_> = new.iter().map(|p| (p.at.part, p.text.as_str())).collect();
        assert_eq!(texts, [(0, "{\"a\":1}"), (1, "")]);
        assert_eq!(instead(&all, "{}").map(|parts| parts.len()), Some(3));
        assert!(instead(&choices(&[], "stop"), "{}").is_none());
    }

    #[test]
    fn tool_calls_and_refusals_are_left_alone() {
        assert!(
            choices(&[part(0, 0, "content", "ok"), part(0, 0, "tool-args", "{}")], "tool_calls").is_empty()
        );
        assert!(choices(&[part(0, 0, "refusal", "no")], "stop").is_empty());
        assert!(choices(&[], "tool_calls").is_empty());
    }

    #[test]
    fn no_answer_at_all_is_an_empty_one() {
        assert_eq!(choices(&[], "stop").iter().map(|c| c.text.as_str()).collect::<Vec<_>>(), [""]);
    }
}
