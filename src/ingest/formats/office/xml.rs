//! The elements of a part, without namespaces: programs differ in their prefixes.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use crate::ingest::markup::decode_entities;

/// A piece of a part. An empty element starts and ends.
pub(super) enum Token<'a> {
    /// The local name of an element, with its attributes.
    Start(&'a str, Attributes<'a>),
    Text(&'a str),
    End(&'a str),
}

/// The attributes of an element.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    /// The value of the attribute with this local name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let found = attributes.flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
        Some(decode_entities(&found.value))
    }
}

/// Gives the pieces of `xml` to `read`, up to a syntax error.
///
/// # Errors
/// The message of a syntax error.
pub(super) fn for_each_token(xml: &str, read: &mut dyn FnMut(Token)) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    reader.config_mut().expand_empty_elements = true;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => read(Token::Start(start.local_name().as_ref(), Attributes(&start))),
            Ok(Event::End(end)) => read(Token::End(end.local_name().as_ref())),
            Ok(Event::Text(text)) => read(Token::Text(&text)),
            Ok(Event::CData(text)) => read(Token::Text(&text)),
            Ok(Event::GeneralRef(name)) => read(Token::Text(&decode_entities(&format!("&{};", &*name)))),
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// The texts of the elements with these local names, each the first that is not empty.
///
/// # Errors
/// The message of a syntax error.
pub(super) fn texts<const N: usize>(xml: &str, names: [&str; N]) -> Result<[Option<String>; N], String> {
    let mut found = [const { None }; N];
    let mut text = String::new();
    for_each_token(xml, &mut |token| match token {
        Token::Start(..) => text.clear(),
        Token::Text(part) => text.push_str(part),
        Token::End(name) => {
            let place = names.iter().position(|n| *n == name);
            if let Some(slot) = place.map(|place| &mut found[place]).filter(|slot| slot.is_none()) {
                *slot = Some(text.trim().to_string()).filter(|text| !text.is_empty());
            }
            text.clear();
        }
    })?;
    Ok(found)
}
