//! Rewrites and quotes among invented stories, with the built-in model.

use samestory::{
    DedupOutcome, Deduplicator, compare::Relation, group::RemovedRelations, model::Model, story::Story,
};

/// A report, the same account in other words, a report of the next day, and one of another event on the same pattern.
const STORIES: [(&str, i64, &str); 4] = [
    (
        "report",
        1_935_734_400_000,
        "NORRIN - A fire on the ferry Sel Queen forced 214 passengers to leave the ship off Cape Torvik early on Monday. \
         Flames broke out in the engine room at about 3 a.m., 11 miles from the port of Norrin.\n\nCaptain Ilsa Verhagen \
         ordered everybody into the boats after the pumps failed. Two fishing vessels, the Brann and the Hedda, took the \
         passengers aboard within 40 minutes. Nine people were treated for smoke, among them engineer Tomas Oakley.\n\nThe \
         Sel Queen, built in Valemont in 2009, had passed an inspection on April 12. Its owner, Ostrel Lines, said it would \
         pay for hotels and new tickets. The harbour office of Norrin has opened an inquiry that is to end by June 30.",
    ),
    (
        "retold",
        1_935_761_400_000,
        "Travellers had to abandon a burning ship in the dark yesterday. All 214 people who were on the Sel Queen escaped \
         when its machinery caught light around three in the morning near Cape Torvik, 11 miles short of Norrin.\n\nBecause \
         the extinguishing system gave out, skipper Ilsa Verhagen sent the whole complement to the lifeboats. They did not \
         wait long: in 40 minutes the crews of the Brann and the Hedda, both out for cod, had picked up every one. Nine, \
         including the engineer Tomas Oakley, needed care because of the fumes.\n\nInspectors had found nothing wrong with \
         the vessel, which left the Valemont yard in 2009, as late as April 12. Ostrel Lines, to which it belongs, promises \
         beds and fresh tickets at its own expense. Officials of the Norrin harbour are looking into the matter and want to \
         be done by June 30.",
    ),
    (
        "next-day",
        1_935_997_200_000,
        "The Sel Queen was towed into a dock at Brell on Thursday, where experts will look for the cause of a fire. Divers \
         had sealed a leak of 2 feet below the water line.\n\nThe line has leased another ship, the Marta, from Koster and \
         Sons until August. It is smaller and carries 160 people, so that some sailings at the weekend are sold out. Rail \
         operator Nordbane put on 4 more trains to Falster.\n\nIn the assembly, member Greta Lindqvist asked for a law on \
         older ships. Minister Paul Aaker said 17 vessels of that age are in service, and that each will be visited by \
         September 15.",
    ),
    (
        "template",
        1_935_741_600_000,
        "HARLOW - A blaze at the hotel Blue Anchor forced 96 guests to leave the house in the centre of Harlow late on \
         Sunday. Flames broke out in the kitchen at about 11 p.m.\n\nManager Ruben Castell ordered everybody into the street \
         after the alarm failed. Two buses of the town took the guests to a school within 25 minutes. Four people were \
         treated for smoke, among them cook Anna Fenwick.\n\nThe Blue Anchor, built in 1926, had passed an inspection on \
         March 3. Its owner, Grand Houses, said it would pay for other rooms. The fire service of Harlow has opened an \
         inquiry that is to end by July 15.",
    ),
];

fn run(removed: RemovedRelations) -> DedupOutcome {
    let stories = STORIES.map(|(id, published, text)| Story {
        id: id.into(),
        text: text.into(),
        published: Some(published),
        ..Story::default()
    });
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    let deduplicator = Deduplicator::builder().model(model).remove(removed).build().unwrap();
    deduplicator.run(stories).unwrap()
}

#[test]
fn a_rewrite_is_in_the_group_and_stays_unless_asked_to_go() {
    let outcome = run(RemovedRelations::default());
    let groups: Vec<_> = outcome.grouping().groups.clone();
    assert_eq!(groups.len(), 1, "{groups:?}");
    let [kept, other] = &groups[0].members[..] else { panic!("{groups:?}") };
    let ids = [kept.story, other.story].map(|s| outcome.corpus().stories[s.index()].id.clone());
    assert_eq!(ids, ["report", "retold"]);
    assert_eq!((other.relation, other.removed), (Relation::Rewrite, false), "{}", other.reason);
    let removing: RemovedRelations = "identical,rewrite".parse().unwrap();
    let outcome = run(removing);
    let removed: Vec<_> =
        outcome.removed().map(|m| outcome.corpus().stories[m.story.index()].id.as_str()).collect();
    assert_eq!(removed, ["retold"]);
}

#[test]
fn a_rewrite_is_explained() {
    let explanation = run(RemovedRelations::default()).explain("report", "retold").unwrap();
    assert_eq!(explanation.relation, Relation::Rewrite);
    assert!(explanation.probability > 0.5);
    for other in ["next-day", "template"] {
        let explanation = run(RemovedRelations::default()).explain("report", other).unwrap();
        assert!(!explanation.relation.is_origin(), "{other}: {:?}", explanation.features);
        assert!(explanation.probability < 0.5, "{other}: {:?}", explanation.features);
    }
}

/// A report in German, and the same account in other words: nothing that the built-in model can judge.
const GERMAN: [&str; 2] = [
    "Ein Brand auf der Fähre Sel Queen hat am frühen Montag 214 Reisende vor Kap Torvik zum Verlassen des Schiffes gezwungen. \
     Das Feuer brach gegen 3 Uhr im Maschinenraum aus, 11 Meilen vor dem Hafen von Norrin.\n\nKapitänin Ilsa Verhagen ließ \
     alle in die Boote steigen, nachdem die Pumpen ausgefallen waren. Zwei Fischkutter, die Brann und die Hedda, nahmen die \
     Reisenden binnen 40 Minuten an Bord. Neun Menschen wurden wegen des Rauchs behandelt, unter ihnen der Maschinist Tomas \
     Oakley.\n\nDie Sel Queen, 2009 in Valemont gebaut, war am 12. April geprüft worden.",
    "Im Dunkeln mussten gestern 214 Passagiere ein brennendes Schiff verlassen. Auf der Sel Queen war um drei in der Nacht \
     nahe Kap Torvik die Maschine in Flammen geraten, Norrin lag noch 11 Meilen entfernt.\n\nWeil die Löschanlage versagte, \
     schickte die Schiffsführerin Ilsa Verhagen alle in die Rettungsboote. Sie warteten nicht lange: Nach 40 Minuten hatten \
     die Besatzungen der Brann und der Hedda den letzten geborgen. Neun, darunter der Maschinist Tomas Oakley, brauchten der \
     Dämpfe wegen Hilfe.\n\nNoch am 12. April hatten Prüfer an dem 2009 in Valemont gebauten Schiff nichts auszusetzen.",
];

#[test]
fn meaning_is_no_evidence_in_a_language_that_the_model_does_not_read() {
    let stories = ["report", "retold"].into_iter().zip(GERMAN).map(|(id, text)| Story {
        id: id.into(),
        text: text.into(),
        ..Story::default()
    });
    let model = Model::from_static(&samestory_minilm::files()).unwrap();
    let outcome = Deduplicator::builder().model(model).build().unwrap().run(stories).unwrap();
    assert_eq!(outcome.manifest().compared_by_words, [("de".to_string(), 2)]);
    let explanation = outcome.explain("report", "retold").unwrap();
    assert!(!explanation.relation.is_origin(), "{:?}", explanation.features);
    assert_eq!(explanation.features.same_order, 0.0);
}
