//! What the judges of a chain say of a whole answer: accepted, or asked for again with what was wrong with it.
//!
//! Invariant: what goes back to the provider is what came from it, never what a filter made of it.

use super::answer;
use super::life::Life;
use crate::chat::{Answer, channel};
use crate::error::{Error, Party};
use crate::pipeline::chain::Judgement;
use http::StatusCode;

/// Runs `post-response`: the accepted answer and whether a text of it was replaced, or none when it is to be
/// asked for again.
pub async fn judge(
    life: &mut Life,
    mut answer: Answer,
    gathered: bool,
) -> Result<Option<(Answer, bool)>, Error> {
    let route = life.route.clone();
    if !gathered {
        return Ok(Some((answer, false)));
    }
    let summary = answer::summary(life, &answer, true);
    match route.chain.judge(&life.exchange, answer.texts(), &summary, true).await? {
        Judgement::Accept(texts) => {
            let replaced = !texts.is_empty();
            for part in texts {
                answer.set_text(&part.at, part.text);
            }
            Ok(Some((answer, replaced)))
        }
        Judgement::Retry(_) if life.attempts >= route.attempts => Err(Error::new(
            Party::Plugin,
            StatusCode::BAD_GATEWAY,
            "output_invalid",
            "The model's answer was not acceptable, and no further attempt is allowed.",
        )),
        Judgement::Retry(note) => {
            // The judge saw the provider's own text, so what goes back to the provider is what came from it.
            let said = answer.choices.first().and_then(|choice| choice.channel(channel::CONTENT));
            let asked = life.exchange.change_prompt(|prompt| {
                if let Some(said) = said.filter(|said| !said.is_empty()) {
                    prompt.append("assistant", &said)?;
                }
                prompt.append("user", &note)
            });
            asked.map_err(|error| {
                Error::internal("The answer could not be asked for again.").caused_by(error)
            })?;
            Ok(None)
        }
    }
}
