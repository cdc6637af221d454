//! Recorded answers of `sigs.k8s.io/yaml` 1.6.0 (`fixtures/yaml.jsonl`: manifests, broken ones, and values to print),
//! places, bounds, and that reading undoes writing.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{TEXT_BYTES_MAX, emit, parse};

#[test]
fn agrees_with_sigs_yaml() {
    let mut failures = 0;
    for line in include_str!("../../fixtures/yaml.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let (input, out, err) =
            (row["in"].as_str().unwrap(), row["out"].as_str().unwrap(), row["err"].as_str().unwrap());
        let (got, want) = if row["mode"] == "emit" {
            (emit(&serde_json::from_str(input).unwrap()), out.to_string())
        } else {
            let got = match parse(input) {
                Ok(documents) => documents.first().map_or(Value::Null, |document| document.value.clone()).to_string(),
                Err(error) => error.message.trim_start_matches("error converting YAML to JSON: ").to_string(),
            };
            let want =
                if err.is_empty() { serde_json::from_str::<Value>(out).unwrap().to_string() } else { err.to_string() };
            (got, want)
        };
        if got != want {
            failures += 1;
            eprintln!("{input:?}\n got {got:?}\nwant {want:?}\n");
        }
    }
    assert_eq!(failures, 0);
}

/// What kubectl 1.34 says after `error parsing FILE: `, and where the page points.
#[test]
fn errors_say_where() {
    for (text, message, line, column) in [
        (
            "a: 1\n---\nb:\n  - c\n d: e\n",
            "error converting YAML to JSON: yaml: line 2: did not find expected key",
            5,
            2,
        ),
        ("a: b: c\n", "error converting YAML to JSON: yaml: mapping values are not allowed in this context", 1, 5),
        (
            "x: 1\na:\n\tb: 1\n",
            "error converting YAML to JSON: yaml: line 3: found character that cannot start any token",
            3,
            1,
        ),
        ("a: *b\n", "error converting YAML to JSON: yaml: unknown anchor 'b' referenced", 1, 4),
        ("a: 1\n--- b\n", "invalid Yaml document separator: b", 2, 4),
        ("{\"a\": v1, b\": [}", "json: offset 7: invalid character 'v' looking for beginning of value", 1, 7),
        ("{\"a\": 1", "unexpected EOF", 1, 8),
        ("{\"a\": 1,\n \"b\" 2}", "json: offset 15: invalid character '2' after object key", 2, 6),
        ("{\"a\": [1, 2}", "json: offset 12: invalid character '}' after array element", 1, 12),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.message.as_str(), error.line, error.column), (message, line, column), "{text:?}");
    }
}

#[test]
fn marks_lead_back_to_the_text() {
    let text = "kind: A\n---\nkind: Pod\nspec:\n  containers:\n  - name: c\n    ports: [{hostPort: 80}]\nmetadata:\n  labels:\n    example.com/a: b\n";
    let marks = &parse(text).unwrap()[1].marks;
    for (path, key, value) in [
        ("spec.containers[0].ports[0].hostPort", Some((7, 14)), (7, 24)),
        ("spec.containers[0]", None, (6, 5)),
        ("metadata.labels[example.com/a]", Some((10, 5)), (10, 20)),
        ("metadata.labels.example.com/a", Some((10, 5)), (10, 20)),
        ("", None, (3, 1)),
    ] {
        let node = marks.of(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(node.key.map(|mark| (mark.line, mark.column)), key, "{path}");
        assert_eq!((node.value.line, node.value.column), value, "{path}");
    }
    assert!(marks.of("spec.containers[1]").is_none());
    assert_eq!(marks.nearest("spec.containers[0].image").value.line, 6);
}

#[test]
fn json_streams_and_documents_before_an_error() {
    let read = parse("{\"a\": 1}\n{\"a\": 2}").unwrap();
    assert_eq!(read.iter().map(|d| d.value["a"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(read[1].marks.of("a").unwrap().value.line, 2);
    assert_eq!(parse("a: 1\n---\nb: [\n").unwrap_err().before.len(), 1);
    assert!(parse("---\n# nothing\n---\n").unwrap().is_empty());
}

#[test]
fn bounds() {
    let deep = "[".repeat(500_000);
    assert!(parse(&deep).unwrap_err().message.contains("levels of nesting"));
    let deep: String = (0..1000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(parse(&deep).unwrap_err().message.contains("levels of nesting"));
    let mut bomb = "a0: &a0 [x]\n".to_string();
    for n in 1..30 {
        bomb += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    assert!(parse(&bomb).unwrap_err().message.ends_with("document contains excessive aliasing"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 90].join(", "));
    assert!(parse(&long).unwrap_err().message.contains("expands aliases"));
    assert!(parse(&"a".repeat(TEXT_BYTES_MAX + 1)).unwrap_err().message.contains("at most"));
    let wide: String = (0..100_000).map(|n| format!("k{n}: [1, {{a: b}}]\n")).collect();
    assert_eq!(parse(&wide).unwrap()[0].value.as_object().unwrap().len(), 100_000);
}

#[test]
fn a_tag_before_a_comma_is_refused_and_text_is_not() {
    for text in ["a: {!,", "a: [!b, c]", "x\n- [a, !, b]", "[é, !t,", "x: {[]!,", "[{}!a,", "[\"a\"!b,", "[?!a,"] {
        let error = parse(text).unwrap_err();
        assert!(error.message.contains("a tag that a comma follows"), "{text}: {}", error.message);
    }
    for text in ["a: \"say !b, c\"", "a: 'x !b, c'", "a: Hello!, you", "a: !!str b, c", "[!!str a, b]"] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

/// A key `<<` is written as it is and read as the order to merge, there as here.
fn keys() -> impl Strategy<Value = String> {
    "[ -~\n]{0,9}".prop_filter("a merge key", |key| key != "<<")
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~é\u{85}\u{2028}\n\t]{0,12}".prop_map(Value::from),
        "[a-z0-9.:+_ '\"-]{0,120}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_undoes_writing(value in values()) {
        let value = json!({ "k": value });
        let text = emit(&value);
        // The reader of kubectl ends each line with a line feed, so a text that ends with another break gets one more.
        prop_assume!(text.ends_with('\n'));
        let read = parse(&text);
        // A block of text with such a line is taken for it.
        prop_assume!(!read.as_ref().is_err_and(|error| error.message.contains("a tag that a comma follows")));
        let read = read.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&read[0].value, &value, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a\\[\\]{}:,&*!|>'\"%@` \n\t#?-]{0,40}") {
        let _ = parse(&text);
    }
}
