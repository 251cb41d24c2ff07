//! What the shipped weights say of requests that no template makes.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::features::features;
use crate::model::{Model, Task};
use crate::{Config, TaskClassifier};
use lockgate_sdk::prelude::*;
use proptest::prelude::*;

#[test]
fn requests_of_every_kind_are_known() {
    let model = Model::built_in().unwrap();
    let right = |requests: &[(Task, &str)]| {
        let right = |(task, text): &&(Task, &str)| model.judge(text).is_some_and(|(said, _)| said == *task);
        requests.iter().filter(right).count()
    };
    // Exactly: other weights are to be looked at, and the README's figures with them.
    assert_eq!((right(REQUESTS), REQUESTS.len()), (51, 54));
    assert_eq!((right(BLIND), BLIND.len()), (20, 28));
}

#[test]
fn what_is_not_clear_from_the_user_is_the_system_prompts_to_say() {
    let classifier = TaskClassifier::configure(Config::default()).ok().unwrap();
    let system = "You are a professional translator. Translate everything the user writes into German.";
    let (task, _) = classifier.judge(Some("42"), Some(system)).unwrap();
    assert_eq!(task, Task::Translate);
    let (task, _) =
        classifier.judge(Some("Summarise this article in two sentences: It rained."), Some(system)).unwrap();
    assert_eq!(task, Task::Summarise);
}

#[test]
fn nothing_is_said_of_nothing_unless_it_is_asked_for() {
    let classifier = TaskClassifier::configure(Config::default()).ok().unwrap();
    assert_eq!(classifier.judge(Some("… ?!"), None), None);
    assert_eq!(classifier.judge(None, None), None);
    let config = Config { otherwise: Some(Task::Chat), ..Config::default() };
    let classifier = TaskClassifier::configure(config).ok().unwrap();
    assert_eq!(classifier.judge(None, None), Some((Task::Chat, 0.0)));
    assert!(TaskClassifier::configure(Config { threshold: 1.5, otherwise: None }).is_err());
}

#[test]
fn work_is_bounded_whatever_the_length() {
    let count = |text: &str| {
        let mut count = 0;
        features(text, |_| count += 1);
        count
    };
    let long = "word ".repeat(100_000);
    assert!(count(&long) <= 260, "{}", count(&long));
    assert_eq!(count(&long), count(&long.repeat(2)));
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "\\PC{0,300}") {
        let score = Model::built_in().unwrap().judge(&text).map(|(_, score)| score);
        prop_assert!(score.is_none_or(|score| (0.0..=1.0).contains(&score)));
    }
}

/// Written by hand, after the templates and without looking at them.
const REQUESTS: &[(Task, &str)] = &[
    (Task::Summarise, "Here's the transcript of yesterday's stand-up. What did we agree on, in three lines?"),
    (
        Task::Summarise,
        "Please distil this 40-page study into something our CEO can read in a minute: The trial enrolled 800 patients.",
    ),
    (
        Task::Summarise,
        "summary pls: The council voted 7 to 2 for the new bridge after a debate of four hours.",
    ),
    (
        Task::Summarise,
        "Could you produce meeting minutes out of these notes? Anna late. Budget approved. Next call Monday.",
    ),
    (
        Task::Summarise,
        "Worum geht es in diesem Artikel? Bitte kurz: Die Bahn baut ab Mai die Strecke nach Ulm aus.",
    ),
    (
        Task::Summarise,
        "Make this email shorter, only the main points please: Dear all, as discussed last week, we will move offices.",
    ),
    (
        Task::Classify,
        "Does this customer sound angry or satisfied? 'I have been waiting for three weeks now.'",
    ),
    (Task::Classify, "Tag the ticket with one of: hardware, software, network. My monitor flickers."),
    (Task::Classify, "Is the following e-mail phishing? Dear user, confirm your password within 24 hours."),
    (Task::Classify, "Label each review as POS or NEG.\n1. Great!\n2. Meh.\n3. Never again."),
    (Task::Classify, "What language is this text written in? 'Kde je nádraží?'"),
    (
        Task::Classify,
        "Which department should handle this request: sales, support or legal? I want to cancel my contract.",
    ),
    (Task::Classify, "Is this comment toxic? Answer yes or no. 'You are all idiots.'"),
    (
        Task::Extract,
        "Get me the sender, amount and IBAN out of this letter as JSON: Please transfer 400 EUR to DE89 3704.",
    ),
    (Task::Extract, "List every person mentioned in the article below. Angela met Emmanuel in Aachen."),
    (
        Task::Extract,
        "From the CV, return the candidate's skills, degrees and years of experience. Jane Roe, MSc, six years at Initech.",
    ),
    (Task::Extract, "Read the receipt and fill in: shop, date, total. REWE 12.03. 14:20 SUMME 23,80"),
    (Task::Extract, "Which dates and places are named in this text? They married in Oslo on 3 June 1999."),
    (
        Task::Extract,
        "Convert this paragraph into a CSV with columns product and price: Apples cost 2 euros, pears cost 3.",
    ),
    (
        Task::Extract,
        "Trouve toutes les adresses e-mail dans ce message : écrivez à jean@exemple.fr ou à info@exemple.fr.",
    ),
    (Task::Reason, "If I have 3 shirts and 4 trousers, how many different outfits can I wear?"),
    (Task::Reason, "Prove by induction that 1 + 2 + ... + n = n(n+1)/2."),
    (Task::Reason, "A shop sells pens at 3 for 2 dollars. How much do 27 pens cost?"),
    (Task::Reason, "Solve for y: 4y - 9 = 2y + 5"),
    (
        Task::Reason,
        "Alice is taller than Bob, Bob is taller than Carol. Who is the shortest? Explain your reasoning.",
    ),
    (Task::Reason, "What is the derivative of ln(x^2 + 1)?"),
    (
        Task::Reason,
        "Which gas do plants take up in photosynthesis?\nA. Oxygen\nB. Carbon dioxide\nC. Nitrogen\nD. Helium\nAnswer:",
    ),
    (Task::Reason, "Wie viele Liter passen in ein Becken von 3 m Länge, 2 m Breite und 1,5 m Tiefe?"),
    (Task::Code, "Write a Python decorator that retries a function three times with exponential backoff."),
    (Task::Code, "My React component re-renders on every keystroke, how can I prevent that?"),
    (Task::Code, "def f(x):\n  return x / 0\nwhy does this crash?"),
    (Task::Code, "Give me a SQL query for the top ten customers by revenue last month."),
    (Task::Code, "error[E0382]: use of moved value: `s`. How do I fix this in Rust?"),
    (Task::Code, "Create a Dockerfile for a Node app that listens on port 3000."),
    (Task::Code, "What's the difference between git merge and git rebase?"),
    (Task::Code, "Schreib mir eine Regex für deutsche Postleitzahlen."),
    (Task::Chat, "hey, what's your name?"),
    (Task::Chat, "I had a rough day at work and could use some cheering up."),
    (Task::Chat, "Which films by Hitchcock should I watch first?"),
    (Task::Chat, "Write a short poem about the first snow."),
    (Task::Chat, "What should I pack for a week in Iceland in October?"),
    (Task::Chat, "Who painted the Mona Lisa?"),
    (Task::Chat, "Thanks, that was really helpful!"),
    (Task::Chat, "Can you help me write a birthday message for my grandmother?"),
    (Task::Chat, "¿Qué puedo cocinar con arroz y huevos?"),
    (Task::Chat, "Was hältst du von Elektroautos?"),
    (Task::Translate, "Translate to Swedish: The meeting starts at nine."),
    (Task::Translate, "How would you say 'break a leg' in Portuguese?"),
    (Task::Translate, "Please put this paragraph into plain French: We are pleased to announce our merger."),
    (Task::Translate, "Übersetze bitte ins Polnische: Wo ist der nächste Supermarkt?"),
    (Task::Translate, "¿Puedes pasar este correo al inglés? Estimado señor, adjunto la factura."),
    (Task::Translate, "帮我把这句话翻译成德语：今天天气很好。"),
    (Task::Translate, "Traduci in tedesco: Buongiorno, vorrei prenotare una camera."),
    (Task::Translate, "What does 'ikigai' mean in English?"),
];

/// Written later, when templates and settings were as they are, and looked at once.
const BLIND: &[(Task, &str)] = &[
    (
        Task::Summarise,
        "Can I get the cliff notes for this chapter? Pip meets the convict on the marsh and steals a file.",
    ),
    (
        Task::Summarise,
        "Our legal team wrote 12 pages. Reduce it to a paragraph a manager understands: The parties agree that.",
    ),
    (
        Task::Summarise,
        "Recap this Slack thread for someone who was on holiday. Ben: deploy failed. Ida: rolled back.",
    ),
    (
        Task::Summarise,
        "Fais-moi une synthèse de ce rapport : les ventes ont progressé de 3 % au premier trimestre.",
    ),
    (Task::Classify, "Positive, negative or mixed? The food was good but we waited an hour."),
    (
        Task::Classify,
        "Given the list [sports, finance, weather], choose the topic of: Rain is expected in the north.",
    ),
    (Task::Classify, "Decide if the following statement is a fact or an opinion: Cats are better than dogs."),
    (Task::Classify, "Handelt es sich bei dieser E-Mail um Werbung? Jetzt 50 % Rabatt sichern!"),
    (Task::Extract, "Return all URLs contained in the text. See https://a.example and https://b.example/x."),
    (Task::Extract, "What's the order number in this message? Hi, my parcel 4711-22 has not arrived."),
    (
        Task::Extract,
        "Parse this address into street, postcode, city and country: Rue de la Loi 16, 1000 Brussels, Belgium",
    ),
    (
        Task::Extract,
        "Estrai i nomi delle aziende da questo articolo: Fiat e Ferrari hanno firmato un accordo.",
    ),
    (
        Task::Reason,
        "A rope of 24 metres is cut into two pieces, one three times as long as the other. How long is each?",
    ),
    (
        Task::Reason,
        "Is it possible to tile a chessboard without two opposite corners with dominoes? Justify your answer.",
    ),
    (Task::Reason, "If all roses are flowers and some flowers fade quickly, do some roses fade quickly?"),
    (Task::Reason, "Calcule la probabilité d'obtenir deux fois pile en trois lancers."),
    (Task::Code, "Rewrite this loop with iterators: for i in 0..v.len() { sum += v[i]; }"),
    (Task::Code, "Why is my Postgres index not used for a LIKE query?"),
    (Task::Code, "Build me a small Flask app with a login page."),
    (Task::Code, "¿Cómo elimino los duplicados de un array en JavaScript?"),
    (Task::Chat, "Good night, talk to you tomorrow!"),
    (Task::Chat, "I'm moving to Lisbon next month, any tips for finding friends there?"),
    (Task::Chat, "Tell me a bedtime story about a brave little snail."),
    (Task::Chat, "Warum schnurren Katzen eigentlich?"),
    (Task::Translate, "Put the following in Italian: Please keep off the grass."),
    (Task::Translate, "Give me the Turkish version of this sentence: The shop is closed on Sundays."),
    (Task::Translate, "Je voudrais la traduction allemande de : le train est en retard."),
    (Task::Translate, "Translate each line from Danish to English:\n1. Tak\n2. Farvel"),
];
