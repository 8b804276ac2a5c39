//! The language of a text.
//!
//! By its script and the trigrams of its letters (Cavnar and Trenkle, "N-gram-based text categorization", 1994).

use std::fmt;

use whatlang::{Info, Lang, Script};

/// Letters of a text that are looked at: more tell no more.
const LOOKED_AT: usize = 400;

/// Letters from which a text whose language is in doubt is in none that is known.
const LONG: usize = 200;

/// The share of words with digits from which a text is a table or telegram, whose letters tell little.
const MAX_NUMBERS: f32 = 0.12;

/// A language, by its code in ISO 639: of two letters where there is one, else of three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(&'static str);

/// Codes of three letters in ISO 639-3 that have one of two letters in ISO 639-1.
const SHORT_CODES: &str = "
    afr=af aka=ak amh=am ara=ar aze=az bel=be ben=bn bul=bg cat=ca ces=cs cmn=zh cym=cy dan=da deu=de
    ell=el eng=en epo=eo est=et fin=fi fra=fr guj=gu heb=he hin=hi hrv=hr hun=hu hye=hy ind=id ita=it
    jav=jv jpn=ja kan=kn kat=ka khm=km kor=ko lat=la lav=lv lit=lt mal=ml mar=mr mkd=mk mya=my nep=ne
    nld=nl nob=nb ori=or pan=pa pes=fa pol=pl por=pt ron=ro rus=ru sin=si slk=sk slv=sl sna=sn spa=es
    srp=sr swe=sv tam=ta tel=te tgl=tl tha=th tuk=tk tur=tr ukr=uk urd=ur uzb=uz vie=vi yid=yi zul=zu";

impl Language {
    /// English.
    pub const ENGLISH: Language = Language("en");

    /// A language that is not known here.
    pub const UNDETERMINED: Language = Language("und");

    /// The language of `text`; `None` if the text is too short to tell, or a table of numbers.
    ///
    /// [`Language::UNDETERMINED`] if a text that is long enough is in none of the some 70 languages that are known.
    pub fn detect(text: &str) -> Option<Language> {
        let end = text.char_indices().nth(LOOKED_AT).map_or(text.len(), |(at, _)| at);
        let text = &text[..end];
        let info = whatlang::detect(text)?;
        if info.script() == Script::Latin && share_of_numbers(text) >= MAX_NUMBERS {
            return None;
        }
        // No other language has both letters.
        if text.contains('ð') && text.contains('þ') {
            return Some(Language("is"));
        }
        // Bulgarian has neither letter.
        if info.lang() == Lang::Bul && text.contains(['ы', 'э']) {
            return Some(Language("ru"));
        }
        if is_certain(&info) {
            return Some(Language(short_code(info.lang())));
        }
        let is_long = text.chars().filter(|c| c.is_alphabetic()).count() >= LONG;
        is_long.then_some(Language::UNDETERMINED)
    }

    /// Its code, in lower case.
    pub fn code(self) -> &'static str {
        self.0
    }
}

/// English is certain if nothing else is likelier: telegrams, lists of names and headlines are in doubt often. Of other
/// scripts the likeliest language is near enough.
fn is_certain(info: &Info) -> bool {
    info.is_reliable() || info.lang() == Lang::Eng || info.script() != Script::Latin
}

fn short_code(language: Lang) -> &'static str {
    let code = language.code();
    SHORT_CODES.split_whitespace().find_map(|pair| pair.strip_prefix(code)?.strip_prefix('=')).unwrap_or(code)
}

fn share_of_numbers(text: &str) -> f32 {
    let words = text.split_whitespace();
    let numbers = words.clone().filter(|word| word.contains(|c: char| c.is_ascii_digit())).count();
    numbers as f32 / words.count().max(1) as f32
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_detected() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(Language::detect(text).map(Language::code), expect, "{text}");
        };
        check(
            "The harbour of Norrin will be closed for three days while the breakwater is repaired.",
            Some("en"),
        );
        check(
            "Der Hafen von Norrin wird drei Tage lang gesperrt, weil die Mole ausgebessert wird.",
            Some("de"),
        );
        check("Le port de Norrin sera fermé pendant trois jours, le temps de réparer la digue.", Some("fr"));
        check(
            "El puerto de Norrin estará cerrado durante tres días mientras se repara el rompeolas, según anunció ayer la \
             alcaldesa de la ciudad, que pidió paciencia a los pescadores y a los dueños de los barcos que esperan en la bahía.",
            Some("es"),
        );
        check(
            "Порт Норрина закроют на три дня, пока рабочие будут чинить волнорез, сообщила вчера мэр города. Рыбаки, которые \
             ждут в бухте, просят разрешить им разгружать суда ночью, но решения ещё нет.",
            Some("ru"),
        );
        check(
            "Порт Норріна закриють на три дні, поки ремонтують хвилеріз, повідомив міський голова.",
            Some("uk"),
        );
        check("防波堤の修理のため、ノリンの港は三日間閉鎖されると市長が発表した。", Some("ja"));
        check("市长宣布，由于修理防波堤，诺林港将关闭三天。", Some("zh"));
        check(
            "سيغلق ميناء نورين لمدة ثلاثة أيام أثناء إصلاح حاجز الأمواج، حسبما أعلن رئيس البلدية.",
            Some("ar"),
        );
        check("नॉरिन का बंदरगाह तीन दिन के लिए बंद रहेगा, महापौर ने बताया।", Some("hi"));
        check(
            "Τo λιμάνι του Νόρριν θα κλείσει για τρεις ημέρες όσο επισκευάζεται ο κυματοθραύστης.",
            Some("el"),
        );
        check("นายกเทศมนตรีประกาศว่าท่าเรือจะปิดเป็นเวลาสามวันระหว่างการซ่อมแซม", Some("th"));
        check(
            "Höfnin í Norrin verður lokuð í þrjá daga á meðan gert er við varnargarðinn, að sögn bæjarstjórans.",
            Some("is"),
        );
        // Nothing to tell by.
        check("", None);
        check("12 345 678", None);
        check(
            "OSTREL MILLS 4TH QTR NET Shr loss 20 cts vs profit 15 cts Net loss 120,000 vs profit 90,000 Revs 2.1 mln vs 1.9 mln",
            None,
        );
    }

    #[test]
    fn codes_are_of_two_letters_where_there_are() {
        for language in Lang::all() {
            assert_eq!(short_code(*language).len(), 2, "{language:?}");
        }
    }
}
