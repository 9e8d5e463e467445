use super::*;

fn read(input: &str) -> Result<Vec<Item>, Error> {
    let mut items = Items::new(input.as_bytes())?;
    let mut all = Vec::new();
    while let Some(item) = items.read_next()? {
        all.push(item);
    }
    Ok(all)
}

fn texts(input: &str) -> Vec<(u64, String)> {
    let all = read(input).unwrap_or_else(|error| panic!("{error}"));
    let texts = all
        .into_iter()
        .map(|item| (item.line, item.text.expect("JSON")));
    texts.collect()
}

fn owned(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    let owned = expected
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()));
    owned.collect()
}

#[test]
fn every_form_gives_the_requests_as_they_were_written_with_their_lines() {
    let lines = "\n{\"n\": 1.50}\r\n\n  {\"n\": 2}\n{\"n\":3}";
    assert_eq!(
        texts(lines),
        owned(&[(2, "{\"n\": 1.50}"), (4, "{\"n\": 2}"), (5, "{\"n\":3}")])
    );
    let pretty = "{\n  \"n\": 1.50\n}\n";
    assert_eq!(texts(pretty), owned(&[(1, "{   \"n\": 1.50 }")]));
    let array = "\n[\n{\"n\": 1},\n\n{\"n\": 2}]";
    assert_eq!(texts(array), owned(&[(3, "{\"n\": 1}"), (5, "{\"n\": 2}")]));
    let list = "{\"requests\": [{\"n\": 1}, {\"n\": 2}]}";
    assert_eq!(texts(list), owned(&[(1, "{\"n\": 1}"), (1, "{\"n\": 2}")]));
    let long_list = "{\"requests\":\n[{\"n\": 1},\n{\"n\": 2}]}";
    assert_eq!(
        texts(long_list),
        owned(&[(2, "{\"n\": 1}"), (3, "{\"n\": 2}")])
    );
}

#[test]
fn a_bad_line_is_that_line_s_own_trouble() {
    let all = read("{\"n\": 1}\n{\"n\": }\n{\"n\": 3}\n").expect("lines");
    assert!(all[0].text.is_ok() && all[2].text.is_ok());
    let broken = all[1].text.as_ref().expect_err("no JSON");
    assert_eq!((all[1].line, broken.code), (2, "malformed_json"));
    assert_eq!(broken.text.as_deref(), Some("{\"n\": }"));
}

#[test]
fn a_line_longer_than_a_request_is_refused_and_the_next_one_read() {
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(3 * MAX_REQUEST_BYTES));
    let all = read(&format!("{{\"n\": 1}}\n{long}\n{{\"n\": 3}}")).expect("lines");
    let broken = all[1].text.as_ref().expect_err("too long");
    assert_eq!(broken.code, "too_large");
    assert_eq!(all[2].text.as_deref(), Ok("{\"n\": 3}"));
    assert_eq!(all[2].line, 3);
}

#[test]
fn what_is_no_request_at_all_is_wrong_usage() {
    for (input, words) in [
        ("", "empty"),
        (" \n\n", "empty"),
        ("[]", "list is empty"),
        ("{\"requests\": []}", "list is empty"),
        ("{\n\"a\": ,\n}", "line 2, column 6"),
        ("nonsense", "line 1"),
    ] {
        let error = read(input).expect_err(input);
        assert!(
            error.is_usage() && error.to_string().contains(words),
            "{input}: {error}"
        );
    }
    let binary = Items::new(&b"[\n\xff]"[..]).err().expect("no text");
    assert!(binary.is_usage(), "{binary}");
}
