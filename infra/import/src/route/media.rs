//! Media types: which ones a lane writes, and which of a document's several is taken.

/// How a body is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Media {
    /// `application/json`.
    Json,
    /// JSON under another name.
    OtherJson(String),
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl Media {
    /// As a line names it.
    pub fn name(&self) -> &str {
        match self {
            Self::Json => "json",
            Self::OtherJson(name) => name,
            Self::Form => "form",
        }
    }
}

/// The media type that a document or a page names; none for one that lanes do not write.
pub(crate) fn media(name: &str) -> Option<Media> {
    let name = name.split(';').next().unwrap_or_default();
    let name = name.trim().to_ascii_lowercase();
    match name.as_str() {
        "json" | "application/json" | "text/json" | "*/*" | "application/*" | "any" => {
            Some(Media::Json)
        }
        "application/*+json" => Some(Media::Json),
        "form" | "application/x-www-form-urlencoded" => Some(Media::Form),
        _ if name.ends_with("+json") => Some(Media::OtherJson(name)),
        _ => None,
    }
}

/// The best of several: what the page asks for, else plain JSON, other JSON, a form.
pub(crate) fn choose<'a, T>(
    ways: &'a [T],
    media_of: impl Fn(&T) -> &Media,
    wanted: Option<&Media>,
) -> Option<&'a T> {
    let asked = ways.iter().find(|way| Some(media_of(way)) == wanted);
    asked.or_else(|| ways.iter().min_by_key(|way| media_of(way).clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_json_forms_or_neither() {
        assert_eq!(media("application/json; charset=utf-8"), Some(Media::Json));
        assert_eq!(media("*/*"), Some(Media::Json));
        assert_eq!(
            media("application/x-www-form-urlencoded"),
            Some(Media::Form)
        );
        let vendors = Media::OtherJson("application/vnd.api+json".to_owned());
        assert_eq!(media("Application/vnd.API+json"), Some(vendors));
        for other in [
            "multipart/form-data",
            "application/xml",
            "text/plain",
            "application/x-ndjson",
        ] {
            assert_eq!(media(other), None, "{other}");
        }
    }

    #[test]
    fn of_several_the_one_asked_for_is_taken_else_json() {
        let all = [Media::Form, Media::Json];
        assert_eq!(
            choose(&all, |it| it, Some(&Media::Form)),
            Some(&Media::Form)
        );
        assert_eq!(choose(&all, |it| it, None), Some(&Media::Json));
    }
}
