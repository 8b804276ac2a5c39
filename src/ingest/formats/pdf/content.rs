//! The content of pages: which text is shown where (ISO 32000-1, 9.4).

use std::{collections::HashMap, rc::Rc};

use lopdf::{Dictionary, Document, Object, ObjectId, content::Content};

use super::{
    MAX_PAGE,
    font::{Font, resolve},
};

/// How deep forms may lie in one another.
const MAX_FORMS: u32 = 8;

/// How many states may be saved at once.
const MAX_STATES: usize = 64;

/// The most operations of a file that are carried out: forms can be made to multiply.
const MAX_OPERATIONS: u64 = 20_000_000;

/// A piece of text in a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// Its begin and end along the line, its distance across lines, and the direction of the line in degrees.
    pub begin: f32,
    pub end: f32,
    pub across: f32,
    pub angle: i32,
    /// The size of the font on the page.
    pub size: f32,
    pub text: String,
}

/// A transformation `[a b c d e f]` as PDF writes it.
type Matrix = [f32; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

fn multiply(m: Matrix, n: Matrix) -> Matrix {
    [
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    ]
}

/// The part of the graphics state that text depends on.
#[derive(Clone)]
struct State {
    page: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    character_spacing: f32,
    word_spacing: f32,
    scale: f32,
    rise: f32,
}

/// Carries out the operations of pages.
pub(super) struct Interpreter<'a> {
    pdf: &'a Document,
    /// Fonts that were read, by their object.
    fonts: HashMap<ObjectId, Rc<Font>>,
    operations: u64,
    named: u64,
    unnamed: u64,
    runs: Vec<Run>,
    state: State,
    text: Matrix,
    line: Matrix,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(pdf: &'a Document) -> Self {
        let state = State {
            page: IDENTITY,
            font: None,
            size: 0.0,
            leading: 0.0,
            character_spacing: 0.0,
            word_spacing: 0.0,
            scale: 1.0,
            rise: 0.0,
        };
        Interpreter {
            pdf,
            fonts: HashMap::new(),
            operations: 0,
            named: 0,
            unnamed: 0,
            runs: Vec::new(),
            state,
            text: IDENTITY,
            line: IDENTITY,
        }
    }

    /// The characters so far whose text is known, and those whose text is not.
    pub(super) fn characters(&self) -> (u64, u64) {
        (self.named, self.unnamed)
    }

    /// The text of a page, in the order of its content.
    pub(super) fn page(&mut self, page: ObjectId, content: &[u8]) -> Vec<Run> {
        let initial = self.state.clone();
        let resources = self.resources(page);
        self.run(content, &resources, 0);
        self.state = initial;
        std::mem::take(&mut self.runs)
    }

    /// The resources of a page, which may be those of the nodes above it.
    fn resources(&self, page: ObjectId) -> Vec<&'a Dictionary> {
        let Ok((own, inherited)) = self.pdf.get_page_resources(page) else { return Vec::new() };
        own.into_iter().chain(inherited.iter().filter_map(|id| self.pdf.get_dictionary(*id).ok())).collect()
    }

    fn run(&mut self, content: &[u8], resources: &[&'a Dictionary], depth: u32) {
        let Ok(content) = Content::decode(content) else { return };
        let mut saved: Vec<State> = Vec::new();
        for operation in &content.operations {
            self.operations += 1;
            if self.operations > MAX_OPERATIONS {
                return;
            }
            let operands = &operation.operands;
            match operation.operator.as_str() {
                "q" if saved.len() < MAX_STATES => saved.push(self.state.clone()),
                "Q" => self.state = saved.pop().unwrap_or_else(|| self.state.clone()),
                "cm" => {
                    if let Some(matrix) = matrix(operands) {
                        self.state.page = multiply(matrix, self.state.page);
                    }
                }
                "Do" if depth < MAX_FORMS => {
                    if let Some(Object::Name(name)) = operands.first() {
                        self.form(name, resources, depth);
                    }
                }
                "Tf" => {
                    if let [Object::Name(name), size] = &operands[..] {
                        self.state.font = self.font(name, resources);
                        self.state.size = size.as_float().unwrap_or(0.0);
                    }
                }
                operator => self.text_operation(operator, operands),
            }
        }
    }

    fn text_operation(&mut self, operator: &str, operands: &[Object]) {
        let number = |at: usize| operands.get(at).and_then(|n| n.as_float().ok()).unwrap_or(0.0);
        match operator {
            "BT" => (self.text, self.line) = (IDENTITY, IDENTITY),
            "Tc" => self.state.character_spacing = number(0),
            "Tw" => self.state.word_spacing = number(0),
            "Tz" => self.state.scale = number(0) / 100.0,
            "TL" => self.state.leading = number(0),
            "Ts" => self.state.rise = number(0),
            "Td" => self.move_line(number(0), number(1)),
            "TD" => {
                self.state.leading = -number(1);
                self.move_line(number(0), number(1));
            }
            "Tm" => {
                if let Some(matrix) = matrix(operands) {
                    (self.text, self.line) = (matrix, matrix);
                }
            }
            "T*" => self.move_line(0.0, -self.state.leading),
            "Tj" => self.show_string(operands.first()),
            "'" => {
                self.move_line(0.0, -self.state.leading);
                self.show_string(operands.first());
            }
            "\"" => {
                (self.state.word_spacing, self.state.character_spacing) = (number(0), number(1));
                self.move_line(0.0, -self.state.leading);
                self.show_string(operands.get(2));
            }
            "TJ" => {
                for part in operands.first().and_then(|list| list.as_array().ok()).into_iter().flatten() {
                    match part.as_float() {
                        Ok(shift) => self.advance(-shift / 1000.0 * self.state.size * self.state.scale),
                        Err(_) => self.show_string(Some(part)),
                    }
                }
            }
            _ => {}
        }
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.line = multiply([1.0, 0.0, 0.0, 1.0, x, y], self.line);
        self.text = self.line;
    }

    fn advance(&mut self, x: f32) {
        self.text = multiply([1.0, 0.0, 0.0, 1.0, x, 0.0], self.text);
    }

    fn show_string(&mut self, string: Option<&Object>) {
        let (Some(Object::String(bytes, _)), Some(font)) = (string, self.state.font.clone()) else { return };
        let (mut text, mut width) = (String::new(), 0.0);
        let state = &self.state;
        let (mut named, mut unnamed) = (0, 0);
        font.glyphs(bytes, &mut |glyph| {
            match glyph.text {
                Some(shown) => {
                    text.push_str(shown);
                    named += 1;
                }
                None => {
                    text.push('\u{fffd}');
                    unnamed += 1;
                }
            }
            let spacing = state.character_spacing + if glyph.is_space { state.word_spacing } else { 0.0 };
            width += (glyph.width * state.size + spacing) * state.scale;
        });
        (self.named, self.unnamed) = (self.named + named, self.unnamed + unnamed);
        let begin =
            multiply([1.0, 0.0, 0.0, 1.0, 0.0, self.state.rise], multiply(self.text, self.state.page));
        self.advance(width);
        let end = multiply(self.text, self.state.page);
        let along = begin[0].hypot(begin[1]);
        let run = place(begin, end, self.state.size.abs() * along.max(begin[2].hypot(begin[3])), text);
        self.runs.extend(run);
    }

    /// The font of this name in the resources.
    fn font(&mut self, name: &[u8], resources: &[&'a Dictionary]) -> Option<Rc<Font>> {
        let pdf = self.pdf;
        let entry = find(b"Font", name, resources, pdf)?;
        let dictionary = resolve(entry, pdf).as_dict().ok()?;
        let Ok(id) = entry.as_reference() else { return Some(Rc::new(Font::read(dictionary, pdf))) };
        Some(Rc::clone(self.fonts.entry(id).or_insert_with(|| Rc::new(Font::read(dictionary, pdf)))))
    }

    /// Carries out the operations of a form.
    fn form(&mut self, name: &[u8], resources: &[&'a Dictionary], depth: u32) {
        let pdf = self.pdf;
        let Some(entry) = find(b"XObject", name, resources, pdf) else { return };
        let Ok(stream) = resolve(entry, pdf).as_stream() else { return };
        if stream.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            return;
        }
        // A stream without filters is its content.
        let Ok(content) = stream.get_plain_content_with_limit(MAX_PAGE) else { return };
        let own = stream.dict.get_deref(b"Resources", pdf).and_then(Object::as_dict).ok();
        let own: Vec<&Dictionary> =
            own.into_iter().chain(resources.iter().copied()).take(MAX_FORMS as usize).collect();
        let (state, text, line) = (self.state.clone(), self.text, self.line);
        let values = stream.dict.get_deref(b"Matrix", pdf).and_then(Object::as_array).ok();
        if let Some(matrix) = values.and_then(|values| matrix(values)) {
            self.state.page = multiply(matrix, self.state.page);
        }
        self.run(&content, &own, depth + 1);
        (self.state, self.text, self.line) = (state, text, line);
    }
}

/// The entry of a kind of resources with this name.
fn find<'a>(kind: &[u8], name: &[u8], resources: &[&'a Dictionary], pdf: &'a Document) -> Option<&'a Object> {
    resources.iter().find_map(|resources| {
        let entries = resources.get_deref(kind, pdf).and_then(Object::as_dict).ok()?;
        entries.get(name).ok()
    })
}

fn matrix(operands: &[Object]) -> Option<Matrix> {
    let numbers: Vec<f32> = operands.iter().filter_map(|n| n.as_float().ok()).collect();
    numbers.try_into().ok()
}

/// Text between two places, in the coordinates of its line; `None` where the numbers overflow.
fn place(begin: Matrix, end: Matrix, size: f32, text: String) -> Option<Run> {
    let (sine, cosine) = (begin[1], begin[0]);
    let length = sine.hypot(cosine);
    let (sine, cosine) = if length > 0.0 { (sine / length, cosine / length) } else { (0.0, 1.0) };
    let along = |m: Matrix| m[4] * cosine + m[5] * sine;
    let run = Run {
        begin: along(begin),
        end: along(end),
        across: begin[5] * cosine - begin[4] * sine,
        angle: sine.atan2(cosine).to_degrees().round() as i32,
        size,
        text,
    };
    [run.begin, run.end, run.across, run.size].iter().all(|n| n.is_finite()).then_some(run)
}
