//! The registrable domain of an address, which stands for its publisher.

/// Second-level names under which countries register domains: `example.co.uk`, `example.com.br`.
const SECOND_LEVEL: [&str; 22] = [
    "ac", "asn", "co", "com", "edu", "gob", "gouv", "gov", "go", "id", "in", "info", "ltd", "mil", "ne",
    "net", "nom", "or", "org", "gen", "ind", "nic",
];

/// Whether `text` is a web address.
pub(super) fn is_url(text: &str) -> bool {
    let text = text.trim();
    ["http://", "https://", "//"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    })
}

/// The registrable domain of a web address, in lower case: `https://www.news.norrin.co.uk/a` is `norrin.co.uk`. `None` if
/// `url` is not a web address with a domain name.
pub(super) fn registrable_domain(url: &str) -> Option<String> {
    if !is_url(url) {
        return None;
    }
    let host = url.trim().split_once("//")?.1.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next()?.trim_end_matches('.').to_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let is_name = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let [.., second, top] = labels[..] else { return None };
    if !labels.iter().all(is_name) || top.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let public = if top.len() == 2 && SECOND_LEVEL.contains(&second) { 2 } else { 1 };
    let start = labels.len().saturating_sub(public + 1);
    Some(labels[start..].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_registrable_domain() {
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(registrable_domain(url).as_deref(), expect, "{url}");
        };
        check("https://norrinpost.example/a", Some("norrinpost.example"));
        check("http://WWW.News.NorrinPost.example:8080/a?b#c", Some("norrinpost.example"));
        check("https://www.norrin.co.uk/", Some("norrin.co.uk"));
        check("https://user@jornal.com.br", Some("jornal.com.br"));
        check("//cdn.norrin.example/x", Some("norrin.example"));
        check("https://zeitung.münchen.example", Some("münchen.example"));
        for url in [
            "norrin.example/a",
            "https://localhost/a",
            "https://10.0.0.1/a",
            "https://",
            "ftp://a.example",
            "Norrin Post",
        ] {
            check(url, None);
        }
    }
}
